//! Files below a directory that others can write to: no symbolic link is followed, nothing but a regular file is opened.
//!
//! A scanner shares its directory with the shim inside the container and with us outside of it. Whatever it leaves there
//! is hostile: a link to a file of the host, a pipe that would block its reader.
//!
//! Paths are relative, with `/`; they need not be text.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, fsync, linkat, mkdirat, open, openat, renameat, symlinkat, unlinkat};

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::RDONLY);

/// Opens a directory that is trusted, by its path.
pub fn root(path: &Path) -> io::Result<OwnedFd> {
    Ok(open(path, DIRECTORY, Mode::empty())?)
}

/// Opens the directory `relative` below `root`; the empty path is `root` itself.
pub fn directory(root: &OwnedFd, relative: &(impl AsRef<[u8]> + ?Sized)) -> io::Result<OwnedFd> {
    let mut current = root.try_clone()?;
    for part in relative.as_ref().split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
        if matches!(part, b".." | b".") {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path leaves its directory"));
        }
        current = openat(&current, part, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(current)
}

/// Lists the names in a directory that are text; there is no order.
pub fn names(directory: &OwnedFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        names.extend(entry.file_name().to_str().ok().filter(|name| !matches!(*name, "." | "..")).map(str::to_owned));
    }
    Ok(names)
}

/// Opens the regular file `relative` below `root` for reading.
pub fn file(root: &OwnedFd, relative: &(impl AsRef<[u8]> + ?Sized)) -> io::Result<File> {
    let (parent, name) = split(root, relative)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(&parent, name, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a regular file"));
    }
    Ok(file)
}

/// Reads a regular file of at most `limit` bytes.
pub fn read(root: &OwnedFd, relative: &(impl AsRef<[u8]> + ?Sized), limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file(root, relative)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is larger than it can be"));
    }
    Ok(bytes)
}

/// Creates a file for writing that does not exist yet.
pub fn create(root: &OwnedFd, relative: &(impl AsRef<[u8]> + ?Sized), mode: u32) -> io::Result<File> {
    let (parent, name) = split(root, relative)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(&parent, name, flags, Mode::from_raw_mode(mode))?.into())
}

/// Puts a file in place as a whole and durably: whoever sees the name sees all of it, also after a power cut.
pub fn replace(root: &OwnedFd, relative: &(impl AsRef<[u8]> + ?Sized), bytes: &[u8], mode: u32) -> io::Result<()> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let (parent, name) = split(root, relative)?;
    // Others may write the same file at the same time.
    let mark = format!(".{}-{}.tmp", std::process::id(), WRITES.fetch_add(1, Ordering::Relaxed));
    let temporary = [name, mark.as_bytes()].concat();
    ignore_missing(unlinkat(&parent, temporary.as_slice(), AtFlags::empty()).map_err(Into::into))?;
    let mut file = create(&parent, &temporary, mode)?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    renameat(&parent, temporary.as_slice(), &parent, name)?;
    Ok(fsync(&parent)?)
}

/// Makes a directory with exactly this mode; one that exists is kept.
pub fn make_directory(root: &OwnedFd, relative: &(impl AsRef<[u8]> + ?Sized), mode: u32) -> io::Result<OwnedFd> {
    let (parent, name) = split(root, relative)?;
    match mkdirat(&parent, name, Mode::from_raw_mode(mode)) {
        Err(error) if error != rustix::io::Errno::EXIST => return Err(error.into()),
        _ => {}
    }
    let made = openat(&parent, name, DIRECTORY | OFlags::NOFOLLOW, Mode::empty())?;
    rustix::fs::fchmod(&made, Mode::from_raw_mode(mode))?;
    Ok(made)
}

/// Makes a symbolic link that does not exist yet. Nothing here ever follows it.
pub fn link(root: &OwnedFd, relative: &(impl AsRef<[u8]> + ?Sized), target: &[u8]) -> io::Result<()> {
    let (parent, name) = split(root, relative)?;
    Ok(symlinkat(target, &parent, name)?)
}

/// Gives a finished file of `root` itself its name, unless something has that name: whoever comes first is kept.
pub fn publish(root: &OwnedFd, temporary: &str, name: &str) -> io::Result<()> {
    match linkat(root, temporary, root, name, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => remove(root, temporary),
        Err(error) => Err(error.into()),
    }
}

/// Removes a file of `root` itself; one that is gone is no error.
pub fn remove(root: &OwnedFd, name: &(impl AsRef<[u8]> + ?Sized)) -> io::Result<()> {
    ignore_missing(unlinkat(root, name.as_ref(), AtFlags::empty()).map_err(Into::into))
}

fn split<'a>(root: &OwnedFd, relative: &'a (impl AsRef<[u8]> + ?Sized)) -> io::Result<(OwnedFd, &'a [u8])> {
    let relative = relative.as_ref();
    let (parent, name) = match relative.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&relative[..slash], &relative[slash + 1..]),
        None => (&relative[..0], relative),
    };
    if matches!(name, b"" | b"." | b"..") {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
    }
    Ok((directory(root, parent)?, name))
}

/// What was to be removed, and was not there, is gone.
pub fn ignore_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_pipes_and_ways_out_are_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path();
        std::fs::create_dir(path.join("real")).unwrap();
        std::fs::write(path.join("real/file"), "x").unwrap();
        symlink("real", path.join("linked")).unwrap();
        symlink("file", path.join("real/link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            path.join("real/pipe"),
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let root = root(path).unwrap();
        assert_eq!(read(&root, "real/file", 10).unwrap(), b"x");
        for bad in ["linked/file", "real/link", "real/pipe", "real/../real/file", "real", "real/..", ""] {
            assert!(read(&root, bad, 10).is_err(), "{bad}");
        }
        assert_eq!(read(&root, "real/file", 0).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn a_replaced_file_is_whole_and_never_written_through_a_link() {
        let temporary = tempfile::tempdir().unwrap();
        let root = root(temporary.path()).unwrap();
        std::fs::write(temporary.path().join("victim"), "untouched").unwrap();
        symlink("victim", temporary.path().join("state")).unwrap();
        replace(&root, "state", b"new", 0o666).unwrap();
        assert_eq!(read(&root, "state", 10).unwrap(), b"new");
        assert_eq!(read(&root, "victim", 10).unwrap(), b"untouched");
    }
}
