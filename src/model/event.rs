//! The vocabulary of the event log: what `watch`, audit, notifier and API read. Never replayed to rebuild state.

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::coverage::{Coverage, SkipReason};
use super::finding::SeverityCounts;
use super::id::{ScanKey, StepId};
use super::outcome::Failure;
use super::state::{AttemptState, JobState, ScanState};
use super::wait::Wait;

/// One row of the event log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Global number; grows, with holes.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Which scan.
    pub scan: ScanKey,
    /// Who caused it: a user's name, `driver`, `sweeper`.
    pub actor: String,
    /// What happened.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventBody {
    /// The scan's rows were made.
    ScanCreated {
        /// Its target.
        target: String,
        /// Jobs known at the start.
        jobs: u64,
    },
    /// The scan moved.
    ScanState {
        /// From.
        from: ScanState,
        /// To.
        to: ScanState,
        /// Why, when it is not plain.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What it saw, at its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coverage: Option<Coverage>,
    },
    /// Jobs were made from assets.
    JobsAdded {
        /// Of which step.
        step: StepId,
        /// Number of the first new chunk.
        first: u32,
        /// How many.
        count: u32,
    },
    /// A job moved.
    JobState {
        /// The job's name.
        job: String,
        /// From.
        from: JobState,
        /// To.
        to: JobState,
        /// The attempt that it is about, from 1; 0 when none was made.
        attempt: u32,
        /// What it saw, at its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        coverage: Option<Coverage>,
        /// Records stored, at its end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        records: Option<SeverityCounts>,
        /// Why it failed, or waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
        /// Why it was skipped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        skip: Option<SkipReason>,
        /// When it will be tried again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Timestamp>,
    },
    /// An attempt moved.
    AttemptState {
        /// The job's name.
        job: String,
        /// The attempt, from 1.
        attempt: u32,
        /// From.
        from: AttemptState,
        /// To.
        to: AttemptState,
        /// Why, when it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// An attempt that the engine has taken does not begin; told once for each reason.
    AttemptWaits {
        /// The job's name.
        job: String,
        /// The attempt, from 1.
        attempt: u32,
        /// Why.
        wait: Wait,
    },
    /// An attempt that was said to wait has begun.
    AttemptBegins {
        /// The job's name.
        job: String,
        /// The attempt, from 1.
        attempt: u32,
    },
    /// Another process took the scan over.
    OwnerChanged {
        /// Who drives now.
        owner: String,
        /// The new fence.
        fence: u64,
    },
    /// Somebody asked for something.
    IntentRecorded {
        /// `cancel`, `pause`, `resume`.
        verb: String,
    },
    /// Something that a reader should know and that is no change of state.
    Note {
        /// The job, when it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        job: Option<String>,
        /// `info`, `warning` or `error`.
        level: NoteLevel,
        /// In words.
        message: String,
    },
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteLevel {
    /// Good to know.
    Info,
    /// Look at it.
    Warning,
    /// It bears on the result.
    Error,
}

impl EventBody {
    /// Returns the kind's name, as it is stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ScanCreated { .. } => "scan_created",
            Self::ScanState { .. } => "scan_state",
            Self::JobsAdded { .. } => "jobs_added",
            Self::JobState { .. } => "job_state",
            Self::AttemptState { .. } => "attempt_state",
            Self::AttemptWaits { .. } => "attempt_waits",
            Self::AttemptBegins { .. } => "attempt_begins",
            Self::OwnerChanged { .. } => "owner_changed",
            Self::IntentRecorded { .. } => "intent_recorded",
            Self::Note { .. } => "note",
        }
    }
}
