//! What goes wrong with files.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::id::Sha256;

/// Why a source could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The target is no source tree.
    #[error("the target `{0}` has no source to take")]
    NoSource(&'static str),
    /// An archive did not arrive.
    #[error("cannot fetch {address}: {message}")]
    Fetch {
        /// Its address, without what may be a key.
        address: String,
        /// What happened.
        message: String,
    },
    /// An archive is damaged, hostile, or none.
    #[error("cannot unpack {0}")]
    Archive(String),
    /// An exclude is no glob.
    #[error("`source.exclude` has `{glob}`, which is no glob: {message}")]
    Exclude {
        /// What was given.
        glob: String,
        /// What is wrong.
        message: String,
    },
    /// The target itself cannot be read, or the copy not written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried: "cannot open".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The source holds nothing that a scanner could look at.
    #[error("{} holds no file that can be read", .0.display())]
    Empty(PathBuf),
    /// The address of a repository cannot be used.
    #[error("`{0}` is not the address of a repository")]
    Address(String),
    /// Git failed.
    #[error("git {command}: {message}")]
    Git {
        /// What was tried: `clone`.
        command: &'static str,
        /// Its last words.
        message: String,
    },
    /// Git is needed and absent.
    #[error("git is needed to clone a repository and cannot be run: {0}")]
    NoGit(io::Error),
}

impl SourceError {
    /// Makes the error of an operation on a path.
    pub(super) fn io(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { action, path: path.to_owned(), source: source.into() }
    }

    /// Makes the error of a place that cannot be written to.
    pub fn local(path: &Path, source: io::Error) -> Self {
        Self::io("cannot write", path, source)
    }
}

/// Why a stored file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refuses.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// There is no such file.
    #[error("no file with sha-256 {0} is stored")]
    NotFound(Sha256),
}
