//! Which paths of a source are left out: by `source.exclude`, and by `.gitignore` files where that is asked for.

use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{self, Mode, OFlags};

use super::error::SourceError;

/// Longest `.gitignore` that is honoured, in bytes.
const MAX_IGNORE_FILE: u64 = 1 << 20;

/// The rules that hold in one directory and below.
#[derive(Debug)]
pub(super) struct Rules {
    exclude: Gitignore,
    /// One for each `.gitignore` between the root and here; none when they do not count.
    gitignores: Option<Vec<Gitignore>>,
}

impl Rules {
    pub(super) fn new(exclude: &[String], gitignore: bool) -> Result<Self, SourceError> {
        let mut builder = GitignoreBuilder::new("");
        let refused = |glob: &str, error: ignore::Error| SourceError::Exclude {
            glob: glob.to_owned(),
            message: error.to_string(),
        };
        for glob in exclude {
            builder.add_line(None, glob).map_err(|error| refused(glob, error))?;
        }
        let exclude = builder.build().map_err(|error| refused(&exclude.join(" "), error))?;
        Ok(Self { exclude, gitignores: gitignore.then(Vec::new) })
    }

    /// Enters a directory; must be paired with [`Rules::leave`].
    pub(super) fn enter(&mut self, directory: BorrowedFd<'_>, path: &Path) {
        if let Some(stack) = &mut self.gitignores {
            stack.push(read(directory, path));
        }
    }

    pub(super) fn leave(&mut self) {
        if let Some(stack) = &mut self.gitignores {
            drop(stack.pop());
        }
    }

    /// Whether a path is left out. What is below an excluded directory is never asked for.
    pub(super) fn exclude(&self, path: &Path, is_dir: bool) -> bool {
        if self.exclude.matched(path, is_dir).is_ignore() {
            return true;
        }
        let innermost_first = self.gitignores.iter().flatten().rev();
        let mut verdicts = innermost_first.map(|rules| rules.matched(path, is_dir));
        verdicts.find(|verdict| !verdict.is_none()).is_some_and(|verdict| verdict.is_ignore())
    }
}

/// Reads the `.gitignore` of a directory. One that cannot be read, or a line that is no glob, leaves nothing out.
fn read(directory: BorrowedFd<'_>, path: &Path) -> Gitignore {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut builder = GitignoreBuilder::new(path);
    if let Ok(file) = fs::openat(directory, c".gitignore", flags, Mode::empty()) {
        let mut text = Vec::new();
        let read = std::fs::File::from(file).take(MAX_IGNORE_FILE).read_to_end(&mut text);
        if read.is_ok() {
            for line in String::from_utf8_lossy(&text).lines() {
                // A bad line leaves nothing out, as in git.
                drop(builder.add_line(None, line));
            }
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
