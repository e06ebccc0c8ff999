//! The gate in front of the writer: a kernel file lock that queues processes fairly.
//!
//! SQLite's busy handler sleeps and tries again; with eight writing processes some wait for seconds. Blocking on `flock` wakes
//! waiters as soon as the holder leaves, and the kernel frees it when the holder dies.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::error::StoreError;

/// A file whose lock lets one process write at a time.
#[derive(Debug)]
pub(super) struct Gate(File);

/// The open gate; closes when dropped, which must be after the commit.
#[derive(Debug)]
pub(super) struct Open<'a>(&'a File);

impl Gate {
    pub(super) fn at(path: &Path) -> Result<Self, StoreError> {
        let file = File::options().create(true).truncate(false).write(true).open(path);
        file.map(Self).map_err(|error| StoreError::Unusable { path: path.to_owned(), message: error.to_string() })
    }

    /// Blocks until no other process writes.
    pub(super) fn enter(&self) -> Result<Open<'_>, StoreError> {
        loop {
            match flock(&self.0, FlockOperation::LockExclusive) {
                Ok(()) => return Ok(Open(&self.0)),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    let message = format!("its write lock fails: {error}");
                    return Err(StoreError::Unusable { path: "locks/write".into(), message });
                }
            }
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        // Unlocking a lock that is held cannot fail in a way that anything could be done about.
        let _unlocked = flock(self.0, FlockOperation::Unlock);
    }
}
