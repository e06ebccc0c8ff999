//! Schedules and their ticks as they are stored and shown.

use serde::Serialize;

use super::super::clock::Timestamp;
use super::super::id::{ScanId, ScanKey};
use super::definition::{Schedule, ScheduleName};
use super::due::{Passed, Stretch};
use super::rules::SkipReason;

/// The row of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ScheduleId(pub i64);

/// How far a schedule has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Its row.
    pub id: ScheduleId,
    /// The schedule as it was last configured.
    pub schedule: Schedule,
    /// Whether it is in the configuration and switched on.
    pub enabled: bool,
    /// What `every` is counted from.
    pub anchor: Timestamp,
    /// The last tick that was decided, or a later moment.
    pub cursor: Timestamp,
    /// When the next tick starts.
    pub next_due: Option<Timestamp>,
    /// Who has paused it, and when.
    pub paused: Option<(String, Timestamp)>,
}

impl Standing {
    /// Returns the ticks that are to be decided now.
    pub fn passed(&self, now: Timestamp) -> Passed {
        self.schedule.passed(self.anchor, self.cursor, now)
    }

    /// Returns the ticks after the cursor that are due by `until`, their jitter left aside.
    pub fn left_out(&self, until: Timestamp) -> Option<Stretch> {
        let plain = Schedule { jitter: super::super::unit::Span(std::time::Duration::ZERO), ..self.schedule.clone() };
        plain.passed(self.anchor, self.cursor, until).all()
    }

    /// Returns when the next tick starts, if it ever does.
    pub fn next_start(&self) -> Option<Timestamp> {
        let runs = self.enabled && self.paused.is_none();
        runs.then(|| self.schedule.next(self.anchor, self.cursor).map(|next| next.at)).flatten()
    }
}

/// What has become of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TickState {
    /// It starts when what is before it has ended.
    Waiting,
    /// It starts now.
    Pending,
    /// Its scan could not be started; that will be tried again.
    Failed,
    /// It has started a scan.
    Started,
    /// It started none, and never will.
    Skipped,
}

impl TickState {
    /// Its name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Started => "started",
            Self::Skipped => "skipped",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Pending, Self::Failed, Self::Started, Self::Skipped]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// What has become of a tick and one of its targets, or of several ticks that were skipped together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// Its row; greater ones were decided later.
    pub id: i64,
    /// The schedule.
    pub schedule: ScheduleName,
    /// The schedule's row.
    #[serde(skip)]
    pub schedule_id: ScheduleId,
    /// When it was due.
    pub due: Timestamp,
    /// When the last of those was due that the row is about.
    pub through: Timestamp,
    /// How many those are; none when they are too many to be counted.
    pub ticks: Option<u64>,
    /// What was to be scanned; empty for all targets of the schedule.
    pub target: String,
    /// Whether somebody asked for it outside the cadence.
    pub manual: bool,
    /// What has become of it.
    pub state: TickState,
    /// Why it started nothing.
    pub reason: Option<SkipReason>,
    /// More about that, or about the last try.
    pub message: Option<String>,
    /// The key of the submission.
    #[serde(skip)]
    pub request_key: String,
    /// The scan's row, unless it was deleted.
    #[serde(skip)]
    pub scan_id: Option<ScanId>,
    /// The scan that it has started.
    pub scan: Option<ScanKey>,
    /// How often its scan could not be started.
    pub attempts: u32,
    /// When it will be tried next.
    pub retry_at: Option<Timestamp>,
    /// Who decided.
    pub actor: String,
    /// When.
    pub decided_at: Timestamp,
}
