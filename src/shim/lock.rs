//! Kernel locks between the processes of a pod: the kernel frees what a killed process held.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;

use crate::model::spec::files;

/// Locks an attempt's directory for as long as `root` is open; returns whether nobody else has. The directory itself is locked
/// because a scanner, which may remove every file in it, cannot put another in its place.
pub(super) fn hold(root: &OwnedFd) -> io::Result<bool> {
    acquire(root, FlockOperation::NonBlockingLockExclusive)
}

/// Takes the lock of an attempt that was claimed, if the process that ran it is gone; dropping it frees it.
pub(super) fn take(root: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    // A lock belongs to one opening of the directory, not to the directory.
    let own = openat(root, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    Ok(hold(&own)?.then_some(own))
}

/// Says, until it is dropped, that a session with the attempt is under way.
pub(super) fn join_sessions(root: &OwnedFd) -> io::Result<File> {
    let file = open_sessions(root)?;
    acquire(&file, FlockOperation::LockShared)?;
    Ok(file)
}

/// Returns whether no session is under way.
pub(super) fn sessions_ended(root: &OwnedFd) -> io::Result<bool> {
    acquire(&open_sessions(root)?, FlockOperation::NonBlockingLockExclusive)
}

fn open_sessions(root: &OwnedFd) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(openat(root, files::SESSIONS, flags, Mode::from_raw_mode(0o666))?.into())
}

fn acquire(fd: impl AsFd, operation: FlockOperation) -> io::Result<bool> {
    loop {
        match flock(&fd, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
