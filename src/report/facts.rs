//! What every report for people says of a scan and its jobs, whatever it looks like.

use super::shortfall::shortfall;
use super::text::clean;
use super::words::{count, counts, size, took};
use crate::model::coverage::Coverage;
use crate::model::plan::SourceFacts;
use crate::model::state::{JobState, ScanState};
use crate::model::view::{EndReason, JobView, ScanView};

/// Says what a scan has not done; nothing of one that saw all of its target.
pub(super) fn unfinished(scan: &ScanView) -> Option<&'static str> {
    Some(match (scan.state, scan.end) {
        (_, Some(EndReason::MaxDuration)) => "the scan reached its max_duration before it was done",
        (ScanState::Cancelled, _) => "the scan was cancelled before it was done",
        _ if scan.is_complete() => return None,
        (state, _) if !state.is_terminal() => "the scan has not ended",
        _ => "the scan did not see all of its target",
    })
}

/// `1,204 files, 8.2 MiB · commit 1a2b3c4, with changes · sha256 41cf6794`.
pub(super) fn source_in_words(source: &SourceFacts) -> String {
    let commit = source.commit.as_deref().map(|commit| {
        let short: String = clean(commit).chars().take(7).collect();
        format!(" · commit {short}{}", if source.dirty { ", with changes" } else { "" })
    });
    let (files, bytes) = (count(source.files, "file", "files"), size(source.bytes));
    format!("{files}, {bytes}{} · sha256 {:.8}", commit.unwrap_or_default(), source.sha256.to_string())
}

/// `2026-11-21 03:55:46 UTC, took 1m 12s`.
pub(super) fn time(scan: &ScanView) -> String {
    let Some(started) = scan.started_at else {
        return format!("made {}, not started", seconds(scan.created_at.to_string()));
    };
    let when = seconds(started.to_string());
    match scan.finished_at {
        Some(end) => format!("{when}, took {}", took(Some(started), Some(end))),
        None => format!("{when}, not ended"),
    }
}

/// Cuts the milliseconds and says the zone in words.
pub(super) fn seconds(timestamp: String) -> String {
    match timestamp.split_once('.') {
        Some((whole, _)) => format!("{} UTC", whole.replace('T', " ")),
        None => timestamp,
    }
}

/// The first `most` jobs; of more, those that did not see everything come first.
pub(super) fn listed(jobs: &[JobView], most: usize) -> Vec<&JobView> {
    let mut listed: Vec<&JobView> = jobs.iter().collect();
    if listed.len() > most {
        listed.sort_by_key(|job| shortfall(job).is_none());
        listed.truncate(most);
    }
    listed
}

/// `✓` saw everything, `!` saw a part, `✗` saw nothing, `·` has not ended or had nothing to see.
pub(super) fn mark(job: &JobView) -> &'static str {
    match (job.state, &job.coverage) {
        (JobState::Failed | JobState::Cancelled | JobState::Quarantined, _)
        | (JobState::Succeeded, Some(Coverage::None)) => "✗",
        (JobState::Succeeded, _) if shortfall(job).is_none() => "✓",
        (JobState::Succeeded, _) => "!",
        (JobState::Skipped, _) if shortfall(job).is_some() => "✗",
        _ => "·",
    }
}

/// Says how much a job saw.
pub(super) fn saw(job: &JobView) -> &'static str {
    match &job.coverage {
        _ if job.state == JobState::Skipped && shortfall(job).is_none() => "not needed",
        Some(Coverage::Full) => "all",
        Some(Coverage::Partial(_)) => "a part",
        Some(Coverage::None) => "nothing",
        None => "-",
    }
}

/// Says what a job brought.
pub(super) fn found(job: &JobView) -> String {
    match (job.records.total(), job.assets) {
        (0, 0) => "-".to_owned(),
        (_, 0) => counts(&job.records, ", "),
        (0, assets) => count(assets, "asset", "assets"),
        (_, assets) => {
            format!("{}, {}", counts(&job.records, ", "), count(assets, "asset", "assets"))
        }
    }
}
