//! How the store can fail.

use std::path::PathBuf;

/// What went wrong between us and the state directory.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or a file in it cannot be made or opened.
    #[error("the state directory {path} cannot be used: {message}")]
    Unusable {
        /// The path.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// A newer dragnet wrote it.
    #[error("the database {path} has schema version {found}, this dragnet knows up to {known}")]
    Newer {
        /// The path.
        path: PathBuf,
        /// Version found.
        found: u32,
        /// Greatest version known.
        known: u32,
    },
    /// It is an SQLite database of somebody else, or none at all.
    #[error("{path} is not a dragnet database: {message}")]
    Foreign {
        /// The path.
        path: PathBuf,
        /// What was found.
        message: String,
    },
    /// The SQLite library is one that can damage databases shared by processes.
    #[error("SQLite {0} can damage a database that several processes use; 3.51.3 or newer is needed")]
    OldSqlite(&'static str),
    /// The disk is full.
    #[error("the disk of the state directory is full")]
    Full,
    /// Another process has been writing for too long: it is stopped, or its disk is.
    #[error("the state has been held by {} for {seconds} s", .holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}")))]
    Held {
        /// How long it was waited for.
        seconds: u64,
        /// The process, if it is one that we can see.
        holder: Option<u32>,
    },
    /// Somebody else drives the scan now; nothing was written.
    #[error("another process has taken over the scan")]
    FenceLost,
    /// There is no such row.
    #[error("there is no {0}")]
    NotFound(String),
    /// A scan with this request key exists already.
    #[error("request key `{key}` was used by scan {scan}")]
    RequestKeyUsed {
        /// The key.
        key: String,
        /// The scan's id.
        scan: String,
    },
    /// A target of this name is registered in the project already.
    #[error("the target `{name}` is registered already, in project {project}")]
    TargetExists {
        /// The name.
        name: String,
        /// The project.
        project: String,
    },
    /// The scan is under way, or the engine may still hold something of it: it cannot be deleted.
    #[error("scan with row {0} cannot be deleted: it is not over")]
    NotOver(crate::model::id::ScanId),
    /// A row holds what it cannot hold.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// SQLite's own words.
    #[error("database: {0}")]
    Sqlite(rusqlite::Error),
    /// The writing thread has ended.
    #[error("the store is closed")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<crate::model::id::InvalidId> for StoreError {
    fn from(error: crate::model::id::InvalidId) -> Self {
        Self::Damaged(error.to_string())
    }
}
