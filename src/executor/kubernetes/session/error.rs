//! How a session can fail.

use std::io;
use std::time::Duration;

use crate::executor::ExecutorError;

/// Why a session is of no more use.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// The other side was silent for too long.
    #[error("nothing was heard from the pod for {0:?}")]
    Stalled(Duration),
    /// The stream ended or failed.
    #[error("the connection to the pod was cut: {0}")]
    Cut(String),
    /// What came is not the protocol.
    #[error("the pod does not speak as expected: {0}")]
    Broken(String),
    /// There is no version that both sides speak.
    #[error("the shim in the pod speaks versions {oldest} to {newest} of the protocol, and this program does not")]
    Version {
        /// The newest that the shim speaks.
        newest: u32,
        /// The oldest.
        oldest: u32,
    },
    /// The shim answered that it cannot be done.
    #[error("the shim in the pod refused: {0}")]
    Refused(String),
    /// A file of ours could not be read or written.
    #[error("{action}: {message}")]
    Local {
        /// What was tried.
        action: String,
        /// The system's words.
        message: String,
        /// Whether the disk is full.
        full: bool,
    },
}

impl SessionError {
    /// Makes the error of a local file operation.
    pub(super) fn local(action: impl Into<String>, error: &io::Error) -> Self {
        match ExecutorError::local(action, error) {
            ExecutorError::Local { action, message, full } => Self::Local { action, message, full },
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<SessionError> for ExecutorError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Stalled(_) | SessionError::Cut(_) | SessionError::Broken(_) => {
                Self::Unreachable(error.to_string())
            }
            SessionError::Version { .. } | SessionError::Refused(_) => Self::Refused(error.to_string()),
            SessionError::Local { action, message, full } => Self::Local { action, message, full },
        }
    }
}
