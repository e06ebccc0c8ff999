//! Why a job did not see everything, in words.

use std::fmt::Write as _;

use crate::model::coverage::{Coverage, Gap, SkipReason};
use crate::model::state::JobState;
use crate::model::view::JobView;

/// Says what is missing from a job's results; `None` when it saw all it should.
pub fn shortfall(job: &JobView) -> Option<String> {
    match job.state {
        JobState::Failed | JobState::Quarantined => Some(failure(job)),
        JobState::Cancelled => Some("cancelled before it was done".to_owned()),
        JobState::Skipped => skipped(job),
        JobState::Succeeded => gaps(job),
        JobState::Running => Some(running(job)),
        JobState::Pending | JobState::Ready | JobState::Backoff => Some("not run yet".to_owned()),
    }
}

fn running(job: &JobView) -> String {
    job.wait.as_ref().map_or_else(|| "still running".to_owned(), |wait| format!("waits: {wait}"))
}

fn failure(job: &JobView) -> String {
    let mut words = match &job.failure {
        Some(failure) if failure.message.is_empty() => failure.reason.to_string(),
        Some(failure) => failure.to_string(),
        None => "failed".to_owned(),
    };
    if job.attempts > 1 {
        let _ = write!(words, " (after {} attempts)", job.attempts);
    }
    words
}

fn skipped(job: &JobView) -> Option<String> {
    let why = match job.skip {
        Some(SkipReason::NeedFailed) => "skipped: a job that it needs did not succeed",
        Some(SkipReason::NoAssets) => "skipped: the jobs before it found nothing, and did not see everything",
        _ => "skipped",
    };
    job.coverage.as_ref().is_some_and(|coverage| !coverage.is_full()).then(|| why.to_owned())
}

fn gaps(job: &JobView) -> Option<String> {
    match job.coverage.as_ref()? {
        Coverage::Full => None,
        Coverage::None => Some("it saw nothing".to_owned()),
        Coverage::Partial(gaps) => Some(gaps.iter().map(|gap| gap_in_words(*gap)).collect::<Vec<_>>().join("; ")),
    }
}

/// Returns what a gap means.
pub const fn gap_in_words(gap: Gap) -> &'static str {
    match gap {
        Gap::OutputCap => "its output was cut at the limit",
        Gap::ResultCap => "not all of its results were stored (max_results)",
        Gap::AssetCap => "not all assets were followed (max_assets, depth)",
        Gap::TimeCap => "it was stopped at its time limit",
        Gap::Stopped => "it was stopped before its end",
        Gap::DegradedExit => "its exit code says that it saw only a part",
        Gap::ToolError => "its report tells of errors",
        Gap::OutOfMemory => "one of its processes ran out of memory",
        Gap::StaleData => "its database is older than allowed",
        Gap::UpstreamPartial => "a job before it did not see everything",
        Gap::Unreadable => "some of the target could not be read",
        Gap::JobsMissing => "some jobs did not succeed",
    }
}
