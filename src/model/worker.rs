//! The daemon and its workers, as others see them.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

/// How a worker's last activation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerOutcome {
    /// It did what there was to do.
    Ok,
    /// It could not do all of it; the next activation looks anew.
    Failed,
}

impl WorkerOutcome {
    /// Returns the outcome's name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        }
    }
}

/// A worker's last activation, and the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerView {
    /// The worker: `sweeper`, `drivers` …
    pub name: String,
    /// Activations since the daemon began.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// When the last one began.
    pub started_at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// How it ended.
    pub outcome: WorkerOutcome,
    /// What it did or why it failed, in words.
    pub message: String,
    /// When the next one is due, unless something wakes the worker before.
    pub next_at: Timestamp,
}

/// Where a daemon stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DaemonState {
    /// It works.
    Running,
    /// It was asked to end, begins nothing, and hands over what it drives.
    Draining,
    /// It has ended by itself.
    Stopped,
    /// Its process has died, and nobody has taken its place.
    Dead,
}

impl DaemonState {
    /// Returns the state's name, as it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Stopped => "stopped",
            Self::Dead => "dead",
        }
    }
}

/// The daemon of a state: the one that lives, or the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonView {
    /// Host and process, `HOST:PID`.
    pub owner: String,
    /// Where it stands.
    pub state: DaemonState,
    /// Its version of dragnet.
    pub version: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended by itself.
    pub stopped_at: Option<Timestamp>,
    /// When it last read its configuration and could use it.
    pub configured_at: Timestamp,
    /// Why it could not use what is in its configuration files now; it works with what it read before.
    pub config_error: Option<String>,
    /// Where it answers, or did, over HTTP, `ADDRESS:PORT`; none unless the configuration says so.
    pub address: Option<String>,
    /// Its workers, by name.
    pub workers: Vec<WorkerView>,
}
