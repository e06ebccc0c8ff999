//! Walking the scanner's results: no link is followed, depth and number are bounded.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, chmodat, fchmod, openat, statat};

/// Deepest directory.
const MAX_DEPTH: usize = 64;
/// Most entries that are looked at.
const MAX_ENTRIES: usize = 200_000;

/// Something in the scanner's directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Path from the root of the walk, with the prefix that it was started with.
    pub path: String,
    /// Length in bytes.
    pub len: u64,
    /// Why it cannot be sealed, when it cannot.
    pub refused: Option<&'static str>,
}

/// Lists everything below `dir` but the directories, in no order. `open_up` lets everybody read and remove what is there.
pub(super) fn list(dir: &OwnedFd, prefix: &str, open_up: bool) -> io::Result<Vec<Found>> {
    let mut walk = Walk { found: Vec::new(), entries: 0, open_up };
    walk.directory(dir, prefix, 0)?;
    Ok(walk.found)
}

struct Walk {
    found: Vec<Found>,
    entries: usize,
    open_up: bool,
}

impl Walk {
    fn directory(&mut self, dir: &OwnedFd, prefix: &str, depth: usize) -> io::Result<()> {
        if self.open_up {
            // The topmost may belong to the host's user, who can do without.
            fchmod(dir, Mode::from_raw_mode(0o777)).ok();
        }
        for entry in Dir::read_from(dir)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            self.entries += 1;
            let path = format!("{prefix}/{}", name.to_string_lossy());
            if self.entries > MAX_ENTRIES {
                self.refuse(&path, 0, "too many files");
                return Ok(());
            }
            let Ok(stat) = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let len = u64::try_from(stat.st_size).unwrap_or(0);
            let text = name.to_str().is_ok_and(|name| !name.chars().any(char::is_control));
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory if depth == MAX_DEPTH => self.refuse(&path, 0, "nested too deep"),
                FileType::Directory if !text => self.refuse(&path, 0, "name is not text"),
                FileType::Directory => self.enter(dir, name, &path, depth)?,
                FileType::RegularFile if !text => self.refuse(&path, len, "name is not text"),
                FileType::RegularFile => {
                    self.open_up(dir, name, 0o666);
                    self.found.push(Found { path, len, refused: None });
                }
                _ => self.refuse(&path, 0, "not a regular file"),
            }
        }
        Ok(())
    }

    fn enter(&mut self, dir: &OwnedFd, name: &std::ffi::CStr, path: &str, depth: usize) -> io::Result<()> {
        self.open_up(dir, name, 0o777);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if let Ok(inner) = openat(dir, name, flags, Mode::empty()) {
            return self.directory(&inner, path, depth + 1);
        }
        self.refuse(path, 0, "directory cannot be read");
        Ok(())
    }

    /// Changes the mode of what was just seen to be no link; by the time this is called nobody else is left to exchange it.
    fn open_up(&self, dir: &OwnedFd, name: &std::ffi::CStr, mode: u32) {
        if self.open_up {
            // One that stays closed is refused when it is read.
            chmodat(dir, name, Mode::from_raw_mode(mode), AtFlags::empty()).ok();
        }
    }

    fn refuse(&mut self, path: &str, len: u64, why: &'static str) {
        let path = path.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        self.found.push(Found { path, len, refused: Some(why) });
    }
}

/// Returns how many bytes the regular files below `path` have together; 0 for what cannot be read.
pub(super) fn total(root: &OwnedFd, path: &str) -> u64 {
    let Ok(dir) = crate::beneath::directory(root, path) else { return 0 };
    let Ok(found) = list(&dir, "", false) else { return 0 };
    found.iter().map(|file| file.len).fold(0, u64::saturating_add)
}
