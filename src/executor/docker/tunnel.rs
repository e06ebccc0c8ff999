//! An engine behind `ssh`: a socket of ours, and for each connection to it an `ssh` that runs `docker system dial-stdio` on the other
//! side, as the `docker` program does it. The user's own `ssh` program decides about keys, ports, jumps and known hosts.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::AsyncReadExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::executor::ExecutorError;

/// Most bytes that are kept of what `ssh` says.
const WORDS: u64 = 4096;

/// A socket that leads to an engine, for as long as it is held.
#[derive(Debug)]
pub(super) struct Tunnel {
    dir: tempfile::TempDir,
    accepting: JoinHandle<()>,
    said: Said,
}

/// What the last `ssh` said on standard error.
type Said = Arc<Mutex<String>>;

/// Where `ssh` leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Destination {
    /// `user@host`, or the host alone.
    host: String,
    port: Option<u16>,
    /// The engine's socket there; what is usual there if absent.
    socket: Option<String>,
}

impl Destination {
    /// Reads `ssh://[user@]host[:port][/socket]`; brackets around IPv6 addresses.
    fn parse(url: &str) -> Result<Self, ExecutorError> {
        let refused = |why: &str| ExecutorError::Refused(format!("{url}: {why}"));
        let rest = url.strip_prefix("ssh://").ok_or_else(|| refused("it is no ssh address"))?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse().map_err(|_| refused("its port is no number from 0 to 65535"))?;
                (host, Some(port))
            }
            _ => (authority, None),
        };
        let host = host.replace(['[', ']'], "");
        // What begins with a dash would be an option of `ssh`.
        if host.is_empty() || host.starts_with('-') || host.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(refused("it names no host"));
        }
        let socket = (path.len() > 1).then(|| path.to_owned());
        // The path is read by a shell on the other side.
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@".contains(c);
        if socket.as_ref().is_some_and(|socket| !socket.chars().all(plain)) {
            return Err(refused("its path has characters that a shell would read"));
        }
        Ok(Self { host, port, socket })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("ssh");
        // Nobody is there to be asked for a password.
        command.args(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=30"]);
        if let Some(port) = self.port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", &self.host, "docker"]);
        if let Some(socket) = &self.socket {
            command.args(["--host", &format!("unix://{socket}")]);
        }
        command.args(["system", "dial-stdio"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

impl Tunnel {
    /// Listens; nothing is connected before the first connection.
    pub(super) fn open(url: &str) -> Result<Self, ExecutorError> {
        let destination = Destination::parse(url)?;
        let local = |error| ExecutorError::local("make a socket for ssh", &error);
        let dir = tempfile::Builder::new().prefix("dragnet-ssh-").tempdir().map_err(local)?;
        let listener = UnixListener::bind(dir.path().join(SOCKET)).map_err(local)?;
        let said = Said::default();
        let accepting = tokio::spawn(accept(listener, destination, Arc::clone(&said)));
        Ok(Self { dir, accepting, said })
    }

    /// Returns the socket.
    pub(super) fn socket(&self) -> PathBuf {
        self.dir.path().join(SOCKET)
    }

    /// Returns what the last `ssh` said, for people.
    pub(super) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).trim().to_owned()
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The socket's name in its directory.
const SOCKET: &str = "engine";

async fn accept(listener: UnixListener, destination: Destination, said: Said) {
    while let Ok((connection, _)) = listener.accept().await {
        let (command, said) = (destination.command(), Arc::clone(&said));
        tokio::spawn(async move {
            if let Err(error) = carry(connection, command, &said).await {
                say(&said, &format!("ssh: {error}"));
            }
        });
    }
}

/// Carries one connection until the other side ends it; what `ssh` says is kept before the connection closes.
async fn carry(connection: UnixStream, mut command: Command, said: &Said) -> std::io::Result<()> {
    let mut child = command.spawn()?;
    let (Some(mut stdin), Some(mut stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Ok(());
    };
    let (mut from_client, mut to_client) = connection.into_split();
    let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut stdin).await });
    let (mut words, mut stderr) = (String::new(), stderr.take(WORDS));
    let (copied, _) = tokio::join!(tokio::io::copy(&mut stdout, &mut to_client), stderr.read_to_string(&mut words));
    up.abort();
    if copied? == 0 {
        say(said, &words);
    }
    Ok(())
}

fn say(said: &Said, words: &str) {
    words.clone_into(&mut said.lock().unwrap_or_else(PoisonError::into_inner));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Option<(String, Option<u16>, Option<String>)> {
        let Destination { host, port, socket } = Destination::parse(url).ok()?;
        Some((host, port, socket))
    }

    #[test]
    fn addresses_are_read_as_the_docker_program_reads_them() {
        let some = |host: &str, port, socket: Option<&str>| Some((host.to_owned(), port, socket.map(str::to_owned)));
        assert_eq!(parse("ssh://lab"), some("lab", None, None));
        assert_eq!(parse("ssh://me@lab:2222/"), some("me@lab", Some(2222), None));
        assert_eq!(parse("ssh://[::1]:22"), some("::1", Some(22), None));
        assert_eq!(parse("ssh://me@[::1]"), some("me@::1", None, None));
        assert_eq!(parse("ssh://lab/run/user/1000/docker.sock"), some("lab", None, Some("/run/user/1000/docker.sock")));
        for bad in ["tcp://lab", "ssh://", "ssh://-oProxyCommand=x", "ssh://lab:99999", "ssh://a b", "ssh://lab/$(x)"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
