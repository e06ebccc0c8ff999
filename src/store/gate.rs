//! The gate in front of the writer: a kernel file lock that queues processes fairly.
//!
//! SQLite's busy handler sleeps and tries again; with eight writing processes some wait for seconds. Blocking on `flock` wakes
//! waiters as soon as the holder leaves, and the kernel frees it when the holder dies. A holder that is stopped (SIGSTOP, a
//! debugger) does neither: after a while the waiter gives up and names it.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock, major, minor};
use rustix::io::Errno;

use super::error::StoreError;

/// How long others are waited for: thirty times the longest wait that was seen with 32 processes writing.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file whose lock lets one process write at a time.
#[derive(Debug)]
pub(super) struct Gate(PathBuf);

/// The open gate: holds the lock until it is dropped, which must be after the commit.
#[derive(Debug)]
pub(super) struct Open(#[expect(dead_code, reason = "held for its lock alone")] File);

impl Gate {
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let gate = Self(path.to_owned());
        gate.open()?;
        Ok(gate)
    }

    /// Blocks until no other process writes. Fails with [`StoreError::Held`] when that takes too long.
    pub(super) fn enter(&self) -> Result<Open, StoreError> {
        let file = self.open()?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Open(file)),
            Err(Errno::WOULDBLOCK) => {}
            Err(error) => return Err(self.unusable(format!("it cannot be locked: {error}"))),
        }
        // The kernel's queue knows no time limit, so another thread stands in it; a lock that comes too late goes with its file.
        let (sender, receiver) = sync_channel(0);
        std::thread::spawn(move || sender.send(wait(&file).map(|()| file)));
        match receiver.recv_timeout(PATIENCE) {
            Ok(Ok(file)) => Ok(Open(file)),
            Ok(Err(error)) => Err(self.unusable(format!("it cannot be locked: {error}"))),
            Err(_) => Err(StoreError::Held { seconds: PATIENCE.as_secs(), holder: self.holder() }),
        }
    }

    fn open(&self) -> Result<File, StoreError> {
        let file = File::options().create(true).truncate(false).write(true).open(&self.0);
        file.map_err(|error| self.unusable(error.to_string()))
    }

    fn unusable(&self, message: String) -> StoreError {
        StoreError::Unusable { path: self.0.clone(), message }
    }

    /// Returns the process that holds the lock, if it is one that we can see.
    fn holder(&self) -> Option<u32> {
        let file = self.0.metadata().ok()?;
        let name = format!("{:02x}:{:02x}:{}", major(file.dev()), minor(file.dev()), file.ino());
        holder(&std::fs::read_to_string("/proc/locks").ok()?, &name)
    }
}

fn wait(file: &File) -> rustix::io::Result<()> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            done => return done,
        }
    }
}

/// Finds who holds the lock of `file` (`major:minor:inode`) in the words of `/proc/locks` (`proc_locks(5)`). Who only waits has an
/// arrow before the kind; who lives in another PID namespace is 0.
fn holder(locks: &str, file: &str) -> Option<u32> {
    locks.lines().find_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
        [_, "FLOCK", _, "WRITE", pid, name, ..] if name == file => pid.parse().ok().filter(|&pid| pid > 0),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_found_among_those_who_wait() {
        let locks = "1: POSIX  ADVISORY  WRITE 7 fe:00:12 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 8 fe:00:12 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 9 fe:00:12 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 0 fe:00:13 0 EOF\n";
        assert_eq!(holder(locks, "fe:00:12"), Some(9));
        assert_eq!(holder(locks, "fe:00:13"), None);
        assert_eq!(holder(locks, "fe:00:14"), None);
    }

    #[test]
    fn we_are_found_where_we_hold_it() {
        let dir = tempfile::tempdir().unwrap();
        let gate = Gate::at(&dir.path().join("write")).unwrap();
        assert_eq!(gate.holder(), None);
        let open = gate.enter().unwrap();
        assert_eq!(gate.holder(), Some(std::process::id()));
        drop(open);
        assert_eq!(gate.holder(), None);
    }
}
