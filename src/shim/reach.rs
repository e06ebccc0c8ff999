//! Showing what a network lets through: one process listens, another tries again and again to reach it.

use std::io::{self, Read as _, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::error::{During as _, ShimError};
use super::patience::Stop;
use crate::model::pod::reach::{GREETING, MISSED, PATIENCE, PAUSE, PORT, REACHED};

/// Greets everybody who connects to [`PORT`], until the time has passed or an order to end has come.
pub(super) fn listen(span: Duration) -> Result<(), ShimError> {
    let stop = Stop::listen().during("listen to signals")?;
    // A kernel without the one family has the other.
    let everywhere = [SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)), SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT))];
    let listener = TcpListener::bind(&everywhere[..]).during("listen")?;
    greet(&listener, &stop, Instant::now().checked_add(span))
}

fn greet(listener: &TcpListener, stop: &Stop, deadline: Option<Instant>) -> Result<(), ShimError> {
    listener.set_nonblocking(true).during("listen")?;
    let connected = || match listener.accept() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        accepted => Some(accepted),
    };
    while let Some(accepted) = stop.wait(deadline, connected) {
        // One that was broken off is no concern of the next.
        accepted.and_then(|(mut stream, _)| stream.write_all(GREETING)).ok();
    }
    Ok(())
}

/// Tries to get the greeting, until the time has passed or nobody reads `out` any more; each try is a byte there, [`REACHED`] or [`MISSED`].
pub(super) fn reach(to: SocketAddr, span: Duration, out: &mut dyn Write) -> Result<(), ShimError> {
    let begin = Instant::now();
    while begin.elapsed() < span {
        let mark = if get(to).is_ok() { REACHED } else { MISSED };
        out.write_all(&[mark]).and_then(|()| out.flush()).during("say how it went")?;
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn get(to: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&to, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut said = vec![0; GREETING.len()];
    stream.read_exact(&mut said)?;
    if said == GREETING { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many marks, then is closed.
    struct Room(Vec<u8>, usize);

    impl Write for Room {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() == self.1 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns how three tries go.
    fn tries(to: SocketAddr) -> Vec<u8> {
        let mut room = Room(Vec::new(), 3);
        assert!(reach(to, Duration::from_mins(1), &mut room).is_err(), "it ends when nobody reads");
        room.0
    }

    #[test]
    fn who_greets_is_reached_and_who_only_takes_connections_is_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        let greeter = std::thread::spawn(move || {
            greet(&listener, &Stop::default(), Instant::now().checked_add(Duration::from_secs(3))).unwrap();
        });
        assert_eq!(tries(to), [REACHED; 3]);
        greeter.join().unwrap();
        assert_eq!(tries(to), [MISSED; 3], "nobody listens any more");
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut room = Room(Vec::new(), 1);
        reach(silent.local_addr().unwrap(), Duration::from_mins(1), &mut room).unwrap_err();
        assert_eq!(room.0, [MISSED], "the kernel's word is not the greeting");
    }

    #[test]
    fn tries_end_with_their_time() {
        reach(SocketAddr::from(([127, 0, 0, 1], 1)), Duration::ZERO, &mut Room(Vec::new(), 0)).unwrap();
    }
}
