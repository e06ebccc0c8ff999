//! What is wrong with configuration.

use std::io;
use std::path::PathBuf;

use crate::model::nearest::Hint;

/// What is wrong with configuration, and where.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file is not TOML.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A key that does not exist.
    #[error("{}:{line}: there is no key `{key}`{hint}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key with the tables it is in.
        key: String,
        /// The nearest that exists.
        hint: Hint,
    },
    /// A value that cannot be.
    #[error("{}:{line}: `{key}`: {message}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key with the tables it is in.
        key: String,
        /// What is wrong.
        message: String,
        /// The value, with a mark below what is meant; lines to be shown as they are.
        excerpt: Vec<String>,
    },
    /// A project's file has schedules.
    #[error("{}:{line}: `schedules` cannot be in a project's file, trusted or not", path.display())]
    Schedules {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The project's file sets what only a trusted one may.
    #[error(
        "{}:{line}: `{key}` is for trusted files only: read the file, then run `dragnet config trust {}`",
        path.display(), path.display()
    )]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key with the tables it is in.
        key: String,
    },
    /// A variable's value cannot be.
    #[error("{name}: {message}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A flag's value cannot be.
    #[error("the flags: {0}")]
    Flags(String),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}
