//! Which paths of a source are left out: by `source.exclude`, and by `.gitignore` files where that is asked for.

use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::{self, Mode, OFlags};
use sha2::Digest as _;

use super::error::SourceError;
use crate::model::id::Sha256;

/// Longest `.gitignore` that is honoured, in bytes.
const MAX_IGNORE_FILE: u64 = 1 << 20;

/// The rules that hold in one directory and below.
#[derive(Debug)]
pub(super) struct Rules {
    exclude: Gitignore,
    /// One for each `.gitignore` between the root and here; none when they do not count.
    gitignores: Option<Vec<Gitignore>>,
    /// All rules that were read, in the order of the walk.
    read: sha2::Sha256,
    any: bool,
}

impl Rules {
    pub(super) fn new(globs: &[String], gitignore: bool) -> Result<Self, SourceError> {
        let mut builder = GitignoreBuilder::new("");
        let refused = |glob: &str, error: ignore::Error| SourceError::Exclude {
            glob: glob.to_owned(),
            message: error.to_string(),
        };
        for glob in globs {
            builder.add_line(None, glob).map_err(|error| refused(glob, error))?;
        }
        let exclude = builder.build().map_err(|error| refused(&globs.join(" "), error))?;
        let mut rules = Self { exclude, gitignores: gitignore.then(Vec::new), read: sha2::Sha256::new(), any: false };
        for glob in globs {
            rules.note(Path::new(""), glob);
        }
        Ok(rules)
    }

    /// Enters a directory; must be paired with [`Rules::leave`].
    pub(super) fn enter(&mut self, directory: BorrowedFd<'_>, path: &Path) {
        if let Some(mut stack) = self.gitignores.take() {
            let text = read(directory);
            if !text.is_empty() {
                self.note(path, &text);
            }
            stack.push(rules(path, &text));
            self.gitignores = Some(stack);
        }
    }

    fn note(&mut self, path: &Path, rules: &str) {
        self.any = true;
        for field in [path.as_os_str().as_encoded_bytes(), rules.as_bytes()] {
            self.read.update((field.len() as u64).to_le_bytes());
            self.read.update(field);
        }
    }

    /// Returns the hash of all rules that were read; none if there were none.
    pub(super) fn hash(&self) -> Option<Sha256> {
        self.any.then(|| Sha256(self.read.clone().finalize().into()))
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

/// Reads the `.gitignore` of a directory; empty where there is none that can be read.
fn read(directory: BorrowedFd<'_>) -> String {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut text = Vec::new();
    if let Ok(file) = fs::openat(directory, c".gitignore", flags, Mode::empty())
        && std::fs::File::from(file).take(MAX_IGNORE_FILE).read_to_end(&mut text).is_err()
    {
        text.clear();
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The rules of a `.gitignore`. A line that is no glob leaves nothing out, as in git.
fn rules(path: &Path, text: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new(path);
    for line in text.lines() {
        drop(builder.add_line(None, line));
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
