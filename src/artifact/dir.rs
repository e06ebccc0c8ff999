//! Directories of somebody else's, by descriptor.

use std::ffi::{CStr, CString};
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{self, Mode, OFlags};

/// Deepest directory that is followed; each level holds two descriptors.
pub(super) const MAX_DEPTH: usize = 200;

/// Lists a directory in byte order.
pub(super) fn names(directory: BorrowedFd<'_>) -> Result<Vec<CString>, std::io::Error> {
    let mut names = Vec::new();
    for entry in fs::Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            names.push(entry.file_name().to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Makes a directory of mode 0755, whatever the process's umask, and opens it.
pub(super) fn make_dir(at: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, std::io::Error> {
    fs::mkdirat(at, name, Mode::from_raw_mode(0o700))?;
    let directory = open_dir(at, name)?;
    fs::fchmod(&directory, Mode::from_raw_mode(0o755))?;
    Ok(directory)
}

/// Opens a directory below another without following links.
pub(super) fn open_dir(at: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(at, name, flags, Mode::empty())
}
