//! What keeps a shim from its work.

use std::io;

/// Why an attempt was not run, or not sealed.
#[derive(Debug, thiserror::Error)]
pub enum ShimError {
    /// Another shim claimed the attempt, now or in an earlier life of the container.
    #[error("the attempt is claimed already")]
    AlreadyClaimed,
    /// Nobody ever ran it, so there is nothing to seal.
    #[error("the attempt was never claimed")]
    NeverClaimed,
    /// Nobody brought what the attempt needs.
    #[error("what the attempt needs was not delivered in time")]
    NotDelivered,
    /// A session's client has left.
    #[error("the client has left")]
    ClientLeft,
    /// A session's client speaks no version that this program speaks.
    #[error("the client speaks no version of the protocol that this program speaks")]
    NoCommonVersion,
    /// A session's client speaks something else.
    #[error("the client does not speak as expected: {0}")]
    Garbled(String),
    /// A session's client asks for what cannot be.
    #[error("{0}")]
    Refused(String),
    /// The job speaks another version.
    #[error("the job has protocol version {0}, this program speaks {1}")]
    Version(u32, u32),
    /// A file does not read as what it should be.
    #[error("{path} does not read: {error}")]
    Invalid {
        /// The file.
        path: &'static str,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// A file operation failed.
    #[error("{action}: {error}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The system's words.
        error: io::Error,
    },
}

/// Names what was tried when a file operation failed.
pub(super) trait During<T> {
    /// Adds the action.
    fn during(self, action: &'static str) -> Result<T, ShimError>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, action: &'static str) -> Result<T, ShimError> {
        self.map_err(|error| ShimError::Io { action, error: error.into() })
    }
}
