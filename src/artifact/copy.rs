//! Copies one file that somebody may be editing, and hashes what was copied.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::fs::{self, FileType, Mode, OFlags, Stat};
use sha2::Digest as _;

use crate::model::id::Sha256;

/// How often a file that changes is read anew.
const TRIES: u32 = 3;

/// A copied file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) sha256: Sha256,
    pub(super) len: u64,
    pub(super) executable: bool,
    /// Whether it changed each time it was read, so that the copy may be of no single moment.
    pub(super) torn: bool,
}

/// Copies files between two trees; remembers whether the file system can share their blocks.
#[derive(Debug)]
pub(super) struct Copier {
    can_clone: bool,
    buffer: Vec<u8>,
}

impl Copier {
    pub(super) fn new() -> Self {
        Self { can_clone: true, buffer: vec![0; 128 * 1024] }
    }

    /// Copies `name`, a regular file in `from`, to the same name in `to`, where there is none.
    pub(super) fn copy(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &std::ffi::CStr,
    ) -> io::Result<Copied> {
        self.copy_with(from, to, name, &mut |_| {})
    }

    /// As [`Copier::copy`]; calls `between` when a try has been read, before it is judged.
    fn copy_with(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &std::ffi::CStr,
        between: &mut dyn FnMut(u32),
    ) -> io::Result<Copied> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let mut source = File::from(fs::openat(from, name, flags, Mode::empty())?);
        let mut before = regular(&source)?;
        let executable = before.st_mode & 0o111 != 0;
        let mode = Mode::from_raw_mode(if executable { 0o755 } else { 0o644 });
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut copy = File::from(fs::openat(to, name, flags, mode)?);
        // The process's umask must not show in the snapshot.
        fs::fchmod(&copy, mode)?;
        for attempt in 1.. {
            let (sha256, len) = self.transfer(&mut source, &mut copy)?;
            between(attempt);
            let after = fs::fstat(&source)?;
            let torn = len != after.st_size.cast_unsigned() || stamp(&before) != stamp(&after);
            if !torn || attempt == TRIES {
                return Ok(Copied { sha256, len, executable, torn });
            }
            before = after;
            source.rewind()?;
            copy.rewind()?;
            copy.set_len(0)?;
        }
        Err(io::ErrorKind::Other.into())
    }

    /// Copies everything once. Where blocks can be shared, the copy is of one moment and is hashed afterwards.
    fn transfer(&mut self, source: &mut File, copy: &mut File) -> io::Result<(Sha256, u64)> {
        if self.can_clone {
            match fs::ioctl_ficlone(copy.as_fd(), source.as_fd()) {
                Ok(()) => return self.pump(copy, None),
                Err(_) => self.can_clone = false,
            }
        }
        self.pump(source, Some(copy))
    }

    /// Reads to the end, hashes, and writes to `copy` if there is one.
    fn pump(&mut self, source: &mut File, mut copy: Option<&mut File>) -> io::Result<(Sha256, u64)> {
        let (mut hasher, mut len) = (sha2::Sha256::new(), 0);
        loop {
            let read = match source.read(&mut self.buffer) {
                Ok(0) => return Ok((Sha256(hasher.finalize().into()), len)),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            hasher.update(&self.buffer[..read]);
            if let Some(copy) = copy.as_mut() {
                copy.write_all(&self.buffer[..read])?;
            }
            len += read as u64;
        }
    }
}

/// Between the look at its kind and its opening, a file may have become something else.
fn regular(file: &File) -> io::Result<Stat> {
    let stat = fs::fstat(file)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        return Ok(stat);
    }
    Err(io::Error::other("it is no regular file any more"))
}

/// What changes whenever a file is written.
fn stamp(stat: &Stat) -> impl PartialEq + use<> {
    (stat.st_size, stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Copies a file of `text` while `edit` is called with its path after each try; returns outcome and copied bytes.
    fn copy_while(text: &str, edit: impl Fn(u32, &std::path::Path)) -> (Copied, Vec<u8>) {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = from.path().join("f");
        std::fs::write(&path, text).unwrap();
        let (a, b) = (File::open(from.path()).unwrap(), File::open(to.path()).unwrap());
        let copied = Copier::new().copy_with(a.as_fd(), b.as_fd(), c"f", &mut |n| edit(n, &path)).unwrap();
        (copied, std::fs::read(to.path().join("f")).unwrap())
    }

    fn append(path: &std::path::Path) {
        File::options().append(true).open(path).unwrap().write_all(b"+").unwrap();
    }

    #[test]
    fn a_file_edited_while_it_is_copied_is_read_again() {
        let (copied, bytes) = copy_while("text", |attempt, path| {
            if attempt == 1 {
                append(path);
            }
        });
        assert_eq!((bytes.as_slice(), copied.torn, copied.len), (b"text+".as_slice(), false, 5));
        assert_eq!(copied.sha256, Sha256::of(b"text+"));
    }

    #[test]
    fn a_file_that_never_rests_is_marked() {
        let (copied, bytes) = copy_while("text", |_, path| append(path));
        assert!(copied.torn);
        assert_eq!(copied.sha256, Sha256::of(&bytes));
    }
}
