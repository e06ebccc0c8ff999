//! Events in words.

use crate::cli::words::{count, took};
use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, SkipReason};
use crate::model::event::EventBody;
use crate::model::finding::SeverityCounts;
use crate::model::outcome::FailureReason;
use crate::model::severity::Severity;
use crate::model::state::JobState;
use crate::report::text::clean;

/// Returns what there is to say of an event beyond who and what state.
pub(super) fn detail(body: &EventBody) -> Option<String> {
    match body {
        EventBody::ScanCreated { target, jobs } => Some(format!("{} · {}", clean(target), count(*jobs, "job"))),
        EventBody::ScanState { reason, coverage, .. } => {
            let coverage = coverage.as_ref().filter(|coverage| !coverage.is_full()).map(saw);
            join([reason.as_deref().map(|reason| clean(reason).into_owned()), coverage])
        }
        EventBody::JobsAdded { count: added, .. } => Some(format!("by {}", count(u64::from(*added), "job"))),
        EventBody::JobState { to, attempt, coverage, records, failure, skip, retry_at, .. } => {
            let again = (*to == JobState::Running && *attempt > 1).then(|| format!("attempt {attempt}"));
            let found = records.as_ref().map(found);
            let gaps = coverage.as_ref().filter(|coverage| !coverage.is_full()).map(saw);
            // What was stopped by a pause waits for the scan to go on.
            let retry_at =
                retry_at.filter(|_| failure.as_ref().is_none_or(|one| one.reason != FailureReason::Cancelled));
            let failure = failure.as_ref().map(|failure| clean(&failure.to_string()).into_owned());
            let skip = skip.map(|skip| skipped(skip).to_owned());
            let retry = retry_at.map(|at| format!("again at {}", super::time_of_day(at)));
            join([again, found, gaps, failure, skip, retry])
        }
        EventBody::AttemptState { failure, .. } => {
            failure.as_ref().map(|failure| clean(&failure.to_string()).into_owned())
        }
        EventBody::AttemptWaits { wait, .. } => Some(clean(&wait.to_string()).into_owned()),
        EventBody::AttemptBegins { .. } => None,
        EventBody::OwnerChanged { owner, .. } => Some(format!("by {}", clean(owner))),
        EventBody::IntentRecorded { verb } => Some(format!("to {}", clean(verb))),
        EventBody::Note { message, .. } => Some(clean(message).into_owned()),
    }
}

fn join<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn saw(coverage: &Coverage) -> String {
    match coverage {
        Coverage::None => "saw nothing".to_owned(),
        other => other.to_string(),
    }
}

const fn skipped(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::WhenFalse => "its condition does not hold",
        SkipReason::NotApplicable => "there is nothing for it to look at",
        SkipReason::NoAssets => "nothing was found for it",
        SkipReason::NeedFailed => "a job that it needs did not succeed",
    }
}

/// `3 findings (1 high, 2 low)`.
pub(in crate::cli) fn found(records: &SeverityCounts) -> String {
    let total = records.total();
    if total == 0 {
        return "no findings".to_owned();
    }
    let named = Severity::ALL.into_iter().filter(|severity| records.of(*severity) > 0);
    let parts: Vec<String> = named.map(|severity| format!("{} {severity}", records.of(severity))).collect();
    format!("{} ({})", count(total, "finding"), parts.join(", "))
}

/// The time from one moment to another.
pub(super) fn elapsed(from: Timestamp, to: Timestamp) -> String {
    took(Some(from), Some(to))
}
