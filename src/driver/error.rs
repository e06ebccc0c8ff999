//! Why a driver cannot go on. The scan stays as it is and can be taken up again.

use std::io;
use std::path::Path;

use crate::model::state::IllegalTransition;
use crate::store::StoreError;

/// What stopped a driver.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The store failed, or another process has taken the scan.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of ours could not be read or written.
    #[error("failed to {action}: {message}")]
    Local {
        /// What was tried, with the path.
        action: String,
        /// The system's words.
        message: String,
        /// Whether the disk is full.
        full: bool,
    },
    /// The artifact store failed.
    #[error("failed to keep a result: {0}")]
    Artifact(String),
    /// A bug: a decision that the state machines refuse.
    #[error("bug in dragnet: {0}")]
    Illegal(#[from] IllegalTransition),
    /// A bug: a worker thread panicked.
    #[error("bug in dragnet: {0}")]
    Panicked(String),
}

impl DriverError {
    /// Makes the error of a local file operation.
    pub(super) fn local(action: &str, path: &Path, error: &io::Error) -> Self {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        Self::Local { action: format!("{action} {}", path.display()), message: error.to_string(), full }
    }
}
