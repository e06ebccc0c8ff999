//! A quick look at a source tree: how many files match which globs.

use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use rustix::fs::{self, AtFlags, FileType};

use super::dir::{MAX_DEPTH, names, open_dir};
use super::error::SourceError;
use super::ignored::Rules;
use crate::model::facts::Facts;

/// Most files that are looked at.
const MAX_FILES: u64 = 1_000_000;

/// Counts the files below `root` for each glob, written as in `.gitignore`; what `.gitignore` files name does not count, nor does
/// `.git`.
pub fn gather_facts(root: &Path, globs: &[&str]) -> Result<Facts, SourceError> {
    gather_at_most(root, globs, MAX_FILES)
}

fn gather_at_most(root: &Path, globs: &[&str], most: u64) -> Result<Facts, SourceError> {
    let failed = |error: std::io::Error| SourceError::io("cannot read", root, error);
    let mut count = Count {
        globs: compile(globs)?,
        counts: vec![0; globs.len()],
        rules: Rules::new(&[], true)?,
        facts: Facts::default(),
        most,
    };
    if root.is_dir() {
        let directory = std::fs::File::open(root).map_err(failed)?;
        count.directory(directory.as_fd(), Path::new(""), 0).map_err(failed)?;
    } else {
        root.metadata().map_err(failed)?;
        count.file(root.file_name().map_or(root, Path::new));
    }
    let found = globs.iter().zip(count.counts).filter(|(_, count)| *count > 0);
    count.facts.matches = found.map(|(glob, count)| ((*glob).to_owned(), count)).collect();
    Ok(count.facts)
}

/// The state of one walk.
struct Count {
    globs: GlobSet,
    counts: Vec<u64>,
    rules: Rules,
    facts: Facts,
    most: u64,
}

impl Count {
    fn directory(&mut self, directory: BorrowedFd<'_>, path: &Path, depth: usize) -> std::io::Result<()> {
        let names = names(directory)?;
        self.rules.enter(directory, path);
        for name in names.iter().filter(|name| name.to_bytes() != b".git") {
            if self.facts.truncated {
                break;
            }
            self.entry(directory, name, &path.join(OsStr::from_bytes(name.to_bytes())), depth);
        }
        self.rules.leave();
        Ok(())
    }

    /// What cannot be read counts nothing here; the snapshot reports it.
    fn entry(&mut self, directory: BorrowedFd<'_>, name: &CStr, path: &Path, depth: usize) {
        let Ok(stat) = fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) else { return };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if self.rules.exclude(path, kind == FileType::Directory) {
            return;
        }
        match kind {
            FileType::RegularFile => self.file(path),
            FileType::Directory if depth < MAX_DEPTH => {
                let inner = open_dir(directory, name).map_err(std::io::Error::from);
                inner.and_then(|inner| self.directory(inner.as_fd(), path, depth + 1)).unwrap_or_default();
            }
            _ => {}
        }
    }

    fn file(&mut self, path: &Path) {
        if self.facts.files == self.most {
            self.facts.truncated = true;
            return;
        }
        self.facts.files += 1;
        for glob in self.globs.matches(path) {
            self.counts[glob] += 1;
        }
    }
}

/// A glob with a slash before its end is tied to the root; any other matches names in every directory.
fn compile(globs: &[&str]) -> Result<GlobSet, SourceError> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let refused =
            |error: globset::Error| SourceError::Exclude { glob: (*glob).to_owned(), message: error.to_string() };
        let rooted = if glob.contains('/') { glob.trim_start_matches('/').to_owned() } else { format!("**/{glob}") };
        set.add(GlobBuilder::new(&rooted).literal_separator(true).build().map_err(refused)?);
    }
    set.build().map_err(|error| SourceError::Exclude { glob: globs.join(" "), message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn files_are_counted_per_glob_as_gitignore_writes_them() {
        let root = tree(&[
            ("a.py", ""),
            ("src/deep/b.py", ""),
            ("Cargo.lock", ""),
            ("vendor/x/Cargo.lock", ""),
            (".github/workflows/ci.yml", ""),
            ("build/c.py", ""),
            (".git/d.py", ""),
            (".gitignore", "build/\n"),
        ]);
        let globs = ["*.py", "/Cargo.lock", "Cargo.lock", ".github/workflows/*.yml", "*.go"];
        let facts = gather_facts(root.path(), &globs).unwrap();
        assert_eq!(globs.map(|glob| facts.count(glob)), [2, 1, 2, 1, 0]);
        assert_eq!((facts.files, facts.truncated), (6, false));
    }

    #[test]
    fn a_walk_that_ends_early_says_so() {
        let root = tree(&[("a", ""), ("b", ""), ("c", "")]);
        assert!(!gather_at_most(root.path(), &[], 3).unwrap().truncated);
        let facts = gather_at_most(root.path(), &[], 2).unwrap();
        assert_eq!((facts.files, facts.truncated), (2, true));
    }

    #[test]
    fn pipes_do_not_stop_the_walk() {
        let root = tree(&[("a.py", "")]);
        let pipe = root.path().join(".gitignore");
        fs::mknodat(fs::CWD, &pipe, FileType::Fifo, fs::Mode::from_raw_mode(0o600), 0).unwrap();
        assert_eq!(gather_facts(root.path(), &["*.py"]).unwrap().files, 1);
    }

    #[test]
    fn a_single_file_is_a_tree_too() {
        let root = tree(&[("a.py", "")]);
        assert_eq!(gather_facts(&root.path().join("a.py"), &["*.py"]).unwrap().count("*.py"), 1);
    }
}
