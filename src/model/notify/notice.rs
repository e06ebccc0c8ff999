//! What a notification says: the document `dragnet.notification/v1`. Its texts are cleaned and bounded before they are put in; what a
//! receiver takes for markup is for the receiver to escape.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::finding::SeverityCounts;
use super::super::severity::Severity;
use super::super::view::{EndReason, Verdict};

/// The name of the document and its version.
pub const SCHEMA: &str = "dragnet.notification/v1";

/// Findings by severity; severities of which there are none are left out.
pub type Counts = BTreeMap<Severity, u64>;

/// What is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NoticeEvent {
    /// A scan saw all of its target.
    #[serde(rename = "scan.completed")]
    ScanCompleted,
    /// A scan ended, and did not see all of its target.
    #[serde(rename = "scan.incomplete")]
    ScanIncomplete,
    /// A scan saw nothing of its target, or was ended by a step that failed or by its time limit.
    #[serde(rename = "scan.failed")]
    ScanFailed,
    /// Somebody cancelled a scan.
    #[serde(rename = "scan.cancelled")]
    ScanCancelled,
    /// A scan saw everything, and its gate failed or could not be decided.
    #[serde(rename = "gate.failed")]
    GateFailed,
    /// A scan brought findings that were not there before.
    #[serde(rename = "finding.new")]
    FindingNew,
    /// A scan was due and was not begun.
    #[serde(rename = "schedule.skipped")]
    ScheduleSkipped,
    /// A scan was due and could not be begun.
    #[serde(rename = "schedule.failed")]
    ScheduleFailed,
    /// Somebody tries a route.
    #[serde(rename = "test")]
    Test,
}

impl NoticeEvent {
    /// Everything that routes can ask for.
    pub const ALL: [Self; 8] = [
        Self::ScanCompleted,
        Self::ScanIncomplete,
        Self::ScanFailed,
        Self::ScanCancelled,
        Self::GateFailed,
        Self::FindingNew,
        Self::ScheduleSkipped,
        Self::ScheduleFailed,
    ];

    /// Returns the event's name, as it is configured, stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScanCompleted => "scan.completed",
            Self::ScanIncomplete => "scan.incomplete",
            Self::ScanFailed => "scan.failed",
            Self::ScanCancelled => "scan.cancelled",
            Self::GateFailed => "gate.failed",
            Self::FindingNew => "finding.new",
            Self::ScheduleSkipped => "schedule.skipped",
            Self::ScheduleFailed => "schedule.failed",
            Self::Test => "test",
        }
    }

    /// Whether it is the end of a scan, which each scan has exactly once.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::ScanCompleted | Self::ScanIncomplete | Self::ScanFailed | Self::ScanCancelled)
    }
}

impl fmt::Display for NoticeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// [`SCHEMA`].
    pub schema: String,
    /// Its id: the same in every delivery.
    pub id: String,
    /// What it tells of.
    pub event: NoticeEvent,
    /// When that happened; RFC 3339, in UTC.
    pub at: String,
    /// The project.
    pub project: String,
    /// All of it in one line.
    pub title: String,
    /// More lines, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// The scan that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<NoticeScan>,
    /// The findings that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<NewFindings>,
    /// The schedule that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<NoticeSchedule>,
}

/// An ended scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeScan {
    /// Its id.
    pub id: String,
    /// What was scanned.
    pub target: String,
    /// The target's identity over time.
    pub target_key: String,
    /// The branch or tag.
    pub line: Option<String>,
    /// The template, when one was named.
    pub template: Option<String>,
    /// Where it stands: `completed`, `failed` or `cancelled`.
    pub state: String,
    /// What it means.
    pub verdict: Verdict,
    /// Why it ended, when it did not complete.
    pub end: Option<EndReason>,
    /// What it saw: `full`, `partial (…)` or `none`.
    pub coverage: String,
    /// The commit that was scanned.
    pub commit: Option<String>,
    /// Whether the tree differed from that commit.
    pub dirty: bool,
    /// When it began; RFC 3339, in UTC.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Findings that count, by severity.
    pub findings: Counts,
    /// Those of them that are new or back.
    pub new: Counts,
    /// Findings that are gone since the scan before.
    pub fixed: u64,
    /// Findings that do not count, for somebody said so.
    pub muted: u64,
}

/// New findings of one scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewFindings {
    /// How many there are, by severity.
    pub counts: Counts,
    /// Whether there was no scan of this target to compare with: then everything is new.
    pub first: bool,
    /// The worst of them, 20 at most.
    pub worst: Vec<NewFinding>,
    /// How many more there are.
    pub more: u64,
}

/// A new finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewFinding {
    /// Its name over time.
    pub fingerprint: String,
    /// How bad it is.
    pub severity: Severity,
    /// Who reports it.
    pub scanner: String,
    /// The scanner's rule.
    pub rule: String,
    /// What it is, in short.
    pub title: String,
    /// Where it is.
    pub location: String,
}

/// A schedule that something became of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeSchedule {
    /// Its name.
    pub name: String,
    /// When the scan was due; RFC 3339, in UTC.
    pub due_at: String,
    /// Why it was not begun.
    pub reason: String,
}

impl NewFindings {
    /// Returns those of this severity or worse; unknown counts as in gates. None when there are none.
    #[must_use]
    pub fn at_least(&self, severity: Severity) -> Option<Self> {
        let counts: Counts =
            self.counts.iter().filter(|(one, _)| one.reaches(severity)).map(|(one, n)| (*one, *n)).collect();
        let worst: Vec<NewFinding> = self.worst.iter().filter(|one| one.severity.reaches(severity)).cloned().collect();
        let total: u64 = counts.values().sum();
        let more = total.saturating_sub(worst.len() as u64);
        (total > 0).then_some(Self { counts, first: self.first, worst, more })
    }

    /// Says how many there are: `2 new findings: 1 high, 1 low`.
    pub fn in_words(&self) -> String {
        let total: u64 = self.counts.values().sum();
        let noun = if total == 1 { "new finding" } else { "new findings" };
        format!("{total} {noun}: {}", counts_in_words(&self.counts))
    }
}

impl NoticeScan {
    /// Says what was found: `1 high, 1 low`, or that there are no findings that count.
    pub fn found(&self) -> String {
        if self.findings.is_empty() {
            return "no findings that count".to_owned();
        }
        counts_in_words(&self.findings)
    }
}

fn counts_in_words(counts: &Counts) -> String {
    let parts: Vec<String> = counts.iter().map(|(severity, number)| format!("{number} {severity}")).collect();
    parts.join(", ")
}

impl From<SeverityCounts> for Counts {
    fn from(counts: SeverityCounts) -> Self {
        Severity::ALL.into_iter().map(|one| (one, counts.of(one))).filter(|(_, number)| *number > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity) -> NewFinding {
        NewFinding {
            fingerprint: "v1:00".to_owned(),
            severity,
            scanner: "s".to_owned(),
            rule: "r".to_owned(),
            title: "t".to_owned(),
            location: "l".to_owned(),
        }
    }

    #[test]
    fn a_route_hears_of_what_is_bad_enough_and_the_rest_is_not_counted() {
        let all = NewFindings {
            counts: Counts::from([(Severity::High, 30), (Severity::Low, 7), (Severity::Unknown, 2)]),
            first: false,
            worst: vec![finding(Severity::High), finding(Severity::Low)],
            more: 37,
        };
        let high = all.at_least(Severity::High).unwrap();
        assert_eq!(high.counts, Counts::from([(Severity::High, 30), (Severity::Unknown, 2)]));
        assert_eq!((high.worst.len(), high.more), (1, 31));
        assert_eq!(high.in_words(), "32 new findings: 30 high, 2 unknown");
        let low = NewFindings { counts: Counts::from([(Severity::Low, 1)]), ..all };
        assert_eq!(low.at_least(Severity::High), None);
    }

    #[test]
    fn events_are_written_as_they_are_called() {
        for event in NoticeEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
    }
}
