//! What becomes of ticks: pure rules over missed ticks and over scans that have not ended.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::clock::Timestamp;
use super::definition::{Missed, Overlap, Schedule};
use super::due::{Passed, Stretch};

/// Longest wait between two tries to start a scan, in milliseconds.
pub const LONGEST_WAIT: i64 = 15 * 60 * 1000;
/// Wait after the first try that failed, in milliseconds; it doubles.
const FIRST_WAIT: i64 = 15 * 1000;

/// Why a tick started no scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// The scan of an earlier tick had not ended.
    Overlap,
    /// Another tick waited already.
    QueueFull,
    /// A later tick took its place before its scan began.
    Replaced,
    /// It passed while nobody ran schedules.
    Missed,
    /// More ticks than are ever made up for had passed.
    TooMany,
    /// The schedule was paused.
    Paused,
    /// The schedule was switched off, or was in no configuration.
    Disabled,
    /// The schedule's times were changed before it was looked at.
    Changed,
    /// Its scan could not be started until the next tick was due.
    Failed,
    /// The process that was to start its scan ended, and the next tick was due.
    Interrupted,
    /// There was nothing to scan.
    NoTargets,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::Overlap,
        Self::QueueFull,
        Self::Replaced,
        Self::Missed,
        Self::TooMany,
        Self::Paused,
        Self::Disabled,
        Self::Changed,
        Self::Failed,
        Self::Interrupted,
        Self::NoTargets,
    ];

    /// Its name, as it is stored and told to programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overlap => "overlap",
            Self::QueueFull => "queue_full",
            Self::Replaced => "replaced",
            Self::Missed => "missed",
            Self::TooMany => "too_many",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::Changed => "changed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::NoTargets => "no_targets",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }

    /// What it means, for people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Overlap => "the earlier scan has not ended",
            Self::QueueFull => "an earlier tick waits already",
            Self::Replaced => "a later tick took its place",
            Self::Missed => "it passed while nobody ran schedules",
            Self::TooMany => "too many ticks have passed to make up for all",
            Self::Paused => "the schedule was paused",
            Self::Disabled => "the schedule was switched off",
            Self::Changed => "the schedule's times were changed",
            Self::Failed => "its scan could not be started",
            Self::Interrupted => "whoever was to start it ended",
            Self::NoTargets => "there is nothing to scan",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What becomes of ticks, before it is looked at what else is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They start nothing.
    Skip(Stretch, SkipReason),
    /// It starts a scan.
    Run {
        /// When it was due.
        due: Timestamp,
        /// Whether it makes up for a time when nobody ran schedules: then it waits for those before it.
        late: bool,
    },
}

impl Schedule {
    /// Decides on ticks that have passed; every one of them is in exactly one verdict, in their order.
    pub fn decide(&self, anchor: Timestamp, passed: &Passed, now: Timestamp) -> Vec<Verdict> {
        let grace = i64::try_from(self.missed_after.0.as_millis()).unwrap_or(i64::MAX);
        let is_late = |due: Timestamp| self.start_of(anchor, due).plus_ms(grace) < now;
        let mut verdicts = Vec::new();
        if let Some(older) = passed.older {
            let missed = is_late(older.last) && self.missed != Missed::RunAll;
            let reason = if missed { SkipReason::Missed } else { SkipReason::TooMany };
            skip(&mut verdicts, older, reason);
        }
        let (late, timely) = passed.newest.split_at(passed.newest.partition_point(|due| is_late(*due)));
        for (i, due) in late.iter().copied().enumerate() {
            let newest = timely.is_empty() && i + 1 == late.len();
            match self.missed {
                Missed::RunAll => verdicts.push(Verdict::Run { due, late: true }),
                Missed::RunOnce if newest => verdicts.push(Verdict::Run { due, late: false }),
                Missed::RunOnce | Missed::Skip => skip(&mut verdicts, Stretch::one(due), SkipReason::Missed),
            }
        }
        verdicts.extend(timely.iter().map(|due| Verdict::Run { due: *due, late: false }));
        verdicts
    }
}

/// Adds to what is skipped for the same reason already.
fn skip(verdicts: &mut Vec<Verdict>, stretch: Stretch, reason: SkipReason) {
    if let Some(Verdict::Skip(before, same)) = verdicts.last_mut()
        && *same == reason
    {
        *before = before.and(stretch);
        return;
    }
    verdicts.push(Verdict::Skip(stretch, reason));
}

/// What is under way of a schedule and one of its targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Busy {
    /// A scan that has not ended, or that is about to be started.
    pub open: bool,
    /// A tick that waits for that.
    pub waiting: bool,
}

/// What becomes of a tick that is to start a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It starts now.
    Now,
    /// It starts when what is before it has ended.
    Wait,
    /// It starts now, and what is before it is cancelled.
    Replace,
    /// It starts nothing.
    Skip(SkipReason),
}

/// Decides what becomes of a tick while something is under way.
pub const fn place(overlap: Overlap, late: bool, busy: Busy) -> Place {
    match (busy, overlap) {
        (Busy { open: false, waiting: false }, _) => Place::Now,
        _ if late => Place::Wait,
        (_, Overlap::Forbid) => Place::Skip(SkipReason::Overlap),
        (Busy { waiting: true, .. }, Overlap::Queue) => Place::Skip(SkipReason::QueueFull),
        (_, Overlap::Queue) => Place::Wait,
        (_, Overlap::Replace) => Place::Replace,
    }
}

/// Returns how long to wait before a scan is tried to be started again, in milliseconds, after so many tries that failed.
pub fn backoff(tries: u32) -> i64 {
    FIRST_WAIT.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(LONGEST_WAIT)
}
