//! The kernel's locks on what one process at a time may do.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::error::StoreError;

/// A lock of the kernel's on a file; freed when dropped or when the process dies.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock on a file if nobody has it; the file is made when it does not exist.
    pub(super) fn take(path: &Path) -> Result<Option<Self>, StoreError> {
        lock(path, FlockOperation::NonBlockingLockExclusive)
    }

    /// Whether a process has the lock on a file. For the moment of looking nobody else can take it.
    pub(super) fn is_held(path: &Path) -> Result<bool, StoreError> {
        // A shared lock: those who only look do not take one another for a holder.
        Ok(path.exists() && lock(path, FlockOperation::NonBlockingLockShared)?.is_none())
    }
}

fn lock(path: &Path, how: FlockOperation) -> Result<Option<Lock>, StoreError> {
    let unusable = |message: String| StoreError::Unusable { path: path.to_owned(), message };
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(|error| unusable(error.to_string()))?;
    match flock(&file, how) {
        Ok(()) => Ok(Some(Lock(file))),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(unusable(error.to_string())),
    }
}

impl Drop for Lock {
    /// Unlocks by name: between fork and exec a child of another thread has a copy of the file, and closing ours would not
    /// free the lock until that child has closed its own.
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_given_back_is_free_although_a_child_has_a_copy_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scan-1");
        let lock = Lock::take(&path).unwrap().unwrap();
        let of_the_child = lock.0.try_clone().unwrap();
        assert!(Lock::is_held(&path).unwrap());
        drop(lock);
        assert!(!Lock::is_held(&path).unwrap());
        drop(of_the_child);
    }
}
