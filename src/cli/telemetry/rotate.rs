//! A log file that is begun anew when it is large or old. (The crates that do this bring a second library of time.)

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::beneath::ignore_missing;
use crate::model::clock::{Clock, Timestamp};

/// A file, with older ones beside it: `x.log.1` is the one before, `x.log.2` the one before that.
pub(super) struct Rotating {
    path: PathBuf,
    file: File,
    size: u64,
    since: Timestamp,
    max_size: u64,
    max_age: Duration,
    keep: u32,
}

impl Rotating {
    /// Opens the file to write behind what is in it. It is begun anew before it is larger than `max_size` bytes or older than `max_age`;
    /// `keep` older ones are kept.
    pub(super) fn open(path: &Path, max_size: u64, max_age: Duration, keep: u32) -> io::Result<Self> {
        let file = append(path)?;
        let meta = file.metadata()?;
        // Where the file system does not tell when a file was made, its age begins anew with the program.
        let since = if meta.len() == 0 { None } else { made(&meta) };
        let since = since.unwrap_or_else(|| Clock::System.now());
        Ok(Self { path: path.to_owned(), file, size: meta.len(), since, max_size, max_age, keep })
    }

    fn rotate(&mut self) -> io::Result<()> {
        let numbered = |number: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..self.keep).rev() {
            ignore_missing(fs::rename(numbered(number), numbered(number + 1)))?;
        }
        ignore_missing(if self.keep == 0 { fs::remove_file(&self.path) } else { fs::rename(&self.path, numbered(1)) })?;
        self.begin()
    }

    fn begin(&mut self) -> io::Result<()> {
        self.file = append(&self.path)?;
        (self.size, self.since) = (self.file.metadata()?.len(), Clock::System.now());
        Ok(())
    }

    /// Whether another program has taken the file away, as `logrotate` does.
    fn is_gone(&self) -> bool {
        let inode = |meta: fs::Metadata| (meta.dev(), meta.ino());
        fs::metadata(&self.path).map(inode).ok() != self.file.metadata().map(inode).ok()
    }
}

impl Rotating {
    /// Writes a line, or nothing: what a full disk has taken of one that does not fit is taken back.
    pub(super) fn line(&mut self, bytes: &[u8]) -> io::Result<()> {
        let old =
            u128::try_from(Clock::System.now().since(self.since)).is_ok_and(|age| age >= self.max_age.as_millis());
        if self.is_gone() {
            self.begin()?;
        } else if self.size > 0 && (old || self.size + bytes.len() as u64 > self.max_size) {
            self.rotate()?;
        }
        let before = self.file.metadata()?.len();
        if let Err(error) = self.file.write_all(bytes) {
            // A device has no length.
            self.file.set_len(before).ok();
            return Err(error);
        }
        self.size += bytes.len() as u64;
        Ok(())
    }
}

/// When a file was made, where the file system tells.
fn made(meta: &fs::Metadata) -> Option<Timestamp> {
    let age = meta.created().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp(i64::try_from(age.as_millis()).ok()?))
}

/// Opens a file that others may not read: a log tells what is scanned.
fn append(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn content(dir: &Path) -> Vec<(String, String)> {
        let mut all: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
            })
            .collect();
        all.sort();
        all
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec()
    }

    #[test]
    fn a_large_file_is_begun_anew_and_so_many_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Rotating::open(&dir.path().join("x"), 8, LONG, 2).unwrap();
        for line in ["one 1\n", "two 2\n", "three 3\n", "four 4\n"] {
            log.line(line.as_bytes()).unwrap();
        }
        assert_eq!(content(dir.path()), pairs([("x", "four 4\n"), ("x.1", "three 3\n"), ("x.2", "two 2\n")]));
    }

    #[test]
    fn an_old_file_is_begun_anew_and_what_is_there_is_written_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, "before\n").unwrap();
        Rotating::open(&path, 1000, LONG, 1).unwrap().line(b"more\n").unwrap();
        assert_eq!(content(dir.path()), pairs([("x", "before\nmore\n")]));
        let mut log = Rotating::open(&path, 1000, Duration::ZERO, 1).unwrap();
        log.line(b"new\n").unwrap();
        assert_eq!(content(dir.path()), pairs([("x", "new\n"), ("x.1", "before\nmore\n")]));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let full = Rotating::open(Path::new("/dev/full"), 1000, LONG, 1).unwrap().line(b"line\n").unwrap_err();
        assert_eq!(full.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_file_that_was_taken_away_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Rotating::open(&dir.path().join("x"), 1000, LONG, 1).unwrap();
        log.line(b"one\n").unwrap();
        fs::rename(dir.path().join("x"), dir.path().join("taken")).unwrap();
        log.line(b"two\n").unwrap();
        assert_eq!(content(dir.path()), pairs([("taken", "one\n"), ("x", "two\n")]));
    }
}
