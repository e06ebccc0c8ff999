//! What reports, lists and watchers see of a scan: plain values, read from the store, folded by nobody else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;
use super::coverage::{Coverage, SkipReason};
use super::exploit::Exploitation;
use super::finding::{Record, SeverityCounts};
use super::gate::Ruling;
use super::id::{ScanKey, Sha256};
use super::outcome::Failure;
use super::plan::{ScanOptions, SourceFacts};
use super::severity::Severity;
use super::standing::{Standing, Standings};
use super::state::{JobState, ScanState};
use super::target::{Target, TargetKey};
use super::triage::{Muted, Muting};
use super::wait::Wait;

/// A scan as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScanView {
    /// Its id.
    pub id: ScanKey,
    /// Its project.
    pub project: String,
    /// What is scanned.
    pub target: Target,
    /// Its identity over time.
    pub target_key: TargetKey,
    /// The template, when one was named.
    pub template: Option<String>,
    /// Hash of its plan.
    pub plan_sha256: Sha256,
    /// The executor profile, in words: `docker (unix:///var/run/docker.sock)`.
    pub executor: String,
    /// The source that was scanned.
    pub source: Option<SourceFacts>,
    /// Limits and rules.
    pub options: ScanOptions,
    /// Where it stands.
    pub state: ScanState,
    /// Why it ended, when it did not complete.
    pub end: Option<EndReason>,
    /// What it saw, after what its steps accept; `none` until something ended.
    pub coverage: Coverage,
    /// When its rows were made.
    pub created_at: Timestamp,
    /// When its first job was dispatched.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Who drives it, or drove it last: `host:pid`.
    pub owner: Option<String>,
    /// Jobs by state.
    pub jobs: BTreeMap<JobState, u64>,
    /// Records by severity.
    pub records: SeverityCounts,
    /// How its findings stand to those known before; none until it was compared with them.
    #[serde(default)]
    pub standings: Option<Standings>,
    /// What of its records does not count.
    #[serde(default)]
    pub muted: Muted,
}

/// What an ended scan came to, for a view over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastScan {
    /// Its id.
    pub id: ScanKey,
    /// The template, when one was named: scans of different ones look for different things.
    pub template: Option<String>,
    /// When its rows were made.
    pub created_at: Timestamp,
    /// Whether it saw all of its target.
    pub complete: bool,
    /// Records by severity, those included that do not count.
    pub records: SeverityCounts,
}

/// Why a scan ended without completing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Somebody cancelled it.
    Cancelled,
    /// Its `max_duration` passed.
    MaxDuration,
    /// A step with `on_failure = "stop"` failed.
    StepFailed,
    /// Some of it was not seen.
    Incomplete,
}

impl EndReason {
    /// Returns the reason's name, as it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::MaxDuration => "max_duration",
            Self::StepFailed => "step_failed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// Its name: step and chunk.
    pub name: String,
    /// Its step.
    pub step: String,
    /// The scanner's name.
    pub scanner: String,
    /// The scanner's version, if its report or the image says.
    pub scanner_version: Option<String>,
    /// The image, as written.
    pub image: String,
    /// What ran: a digest or image id.
    pub image_id: Option<String>,
    /// Versions of the databases that it read, by name.
    #[serde(default)]
    pub data: BTreeMap<String, String>,
    /// Where it stands.
    pub state: JobState,
    /// What it saw; none until it ended.
    pub coverage: Option<Coverage>,
    /// Why it was skipped.
    pub skip: Option<SkipReason>,
    /// Why its last attempt failed.
    pub failure: Option<Failure>,
    /// Why its live attempt has not begun, if its engine has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Attempts made.
    pub attempts: u32,
    /// Assets that it looked at; 0 when it looked at the target itself.
    pub inputs: u64,
    /// Records by severity.
    pub records: SeverityCounts,
    /// Assets that it handed on.
    pub assets: u64,
    /// When its first attempt was started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// One record with the finding that it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FindingView {
    /// The finding's fingerprint, `v1:` and 32 hexadecimal digits, `#n` for the n-th of equals.
    pub fingerprint: String,
    /// The scanner that reported it.
    pub scanner: String,
    /// The job that brought it.
    pub job: String,
    /// How it stands to what was known before; none until the scan was compared with that.
    pub standing: Option<Standing>,
    /// Why it does not count; none if it does.
    pub muting: Option<Muting>,
    /// What is known of the exploitation of the vulnerabilities that it names; none where no dataset was configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exploitation: Option<Exploitation>,
    /// Other reports of it, where they were merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceView>,
    /// The record.
    pub record: Record,
}

impl FindingView {
    /// The scanners that report it, its own first, in words: `trivy, grype`.
    pub fn scanners(&self) -> String {
        let mut names = vec![self.scanner.as_str()];
        for source in &self.sources {
            if !names.contains(&source.scanner.as_str()) {
                names.push(&source.scanner);
            }
        }
        names.join(", ")
    }

    /// Who else reports it, in words: `Also reported by grype.`
    pub fn also_by(&self) -> Option<String> {
        let all = self.scanners();
        let others = all.strip_prefix(&self.scanner)?.strip_prefix(", ")?;
        Some(format!("Also reported by {others}."))
    }
}

/// Another report of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceView {
    /// The scanner that made it.
    pub scanner: String,
    /// The job that brought it.
    pub job: String,
    /// Its rule.
    pub rule: String,
    /// How bad it says it is.
    pub severity: Severity,
    /// The name that it has as a finding of its own.
    pub fingerprint: String,
}

/// An asset with the job that brought it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetView {
    /// The asset.
    #[serde(flatten)]
    pub asset: super::asset::Asset,
    /// The job that brought it.
    pub job: String,
}

/// What a scan means to whoever asked for it, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was cancelled.
    Cancelled,
    /// Its `max_duration` passed.
    MaxDuration,
    /// It did not see all of its target, or has not ended.
    Incomplete,
    /// It saw everything, and the gate asks what is not known.
    GateUndecided,
    /// It saw everything, and the gate failed.
    GateFailed,
    /// It saw everything, and the gate holds.
    Clean,
}

impl ScanView {
    /// Whether every job succeeded or was skipped, with coverage full or accepted.
    pub fn is_complete(&self) -> bool {
        is_complete(self.state, &self.coverage)
    }

    /// Counts the records that a gate looks at: all, or those that are new or reopened.
    pub fn counted(&self, only_new: bool) -> SeverityCounts {
        match &self.standings {
            Some(standings) if only_new => standings.news().without(&self.muted.news),
            // Without anything to compare with, everything is new.
            _ => self.records.without(&self.muted.records),
        }
    }

    /// Judges the scan by what its gate says.
    pub fn verdict(&self, gate: Ruling) -> Verdict {
        match (self.state, self.end) {
            (_, Some(EndReason::MaxDuration)) => Verdict::MaxDuration,
            (ScanState::Cancelled, _) => Verdict::Cancelled,
            _ if !self.is_complete() => Verdict::Incomplete,
            _ => match gate {
                Ruling::Undecided => Verdict::GateUndecided,
                Ruling::Fails => Verdict::GateFailed,
                Ruling::Holds => Verdict::Clean,
            },
        }
    }
}

/// Whether a scan that stands so saw all of its target.
pub fn is_complete(state: ScanState, coverage: &Coverage) -> bool {
    state == ScanState::Completed && coverage.is_full()
}
