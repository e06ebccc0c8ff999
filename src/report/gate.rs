//! The gate, explained line by line.

use std::collections::BTreeMap;

use super::words::{count, counts, grouped};
use crate::model::finding::SeverityCounts;
use crate::model::gate::FailOn;
use crate::model::severity::Severity;
use crate::model::triage::Origin;
use crate::model::view::{ScanView, Verdict};

/// Whether a scan passes its gate, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// At what the gate fails; none when there is no gate.
    pub fail_on: Option<FailOn>,
    /// What the scan means.
    pub verdict: Verdict,
    /// Records that reach it.
    pub reaching: SeverityCounts,
    /// Records that do not.
    pub below: SeverityCounts,
    /// Records that do not count, for they were there before.
    pub before: u64,
    /// Records that do not count, for somebody said so, by who did.
    pub muted: BTreeMap<Origin, u64>,
}

impl Gate {
    /// Applies a gate to a scan.
    pub fn of(scan: &ScanView, fail_on: Option<FailOn>) -> Self {
        let counted = fail_on.map_or(scan.records, |gate| scan.counted(gate));
        let (mut reaching, mut below) = (SeverityCounts::default(), SeverityCounts::default());
        for severity in Severity::ALL {
            let reached = fail_on.is_some_and(|gate| severity.reaches(gate.severity));
            let side = if reached { &mut reaching } else { &mut below };
            side.0[usize::from(severity.rank())] = counted.of(severity);
        }
        let muted = fail_on.map(|_| scan.muted.by_origin.clone()).unwrap_or_default();
        let before = match &scan.standings {
            Some(standings) if fail_on.is_some_and(|gate| gate.only_new) => standings.existing.total(),
            _ => 0,
        };
        Self { fail_on, verdict: scan.verdict(fail_on), reaching, below, before, muted }
    }

    /// Whether findings alone make the gate fail, whatever else the scan is.
    pub fn is_failed(&self) -> bool {
        self.reaching.total() > 0
    }

    /// Explains the gate; the first line is the outcome.
    pub fn lines(&self) -> Vec<String> {
        let Some(gate) = self.fail_on else {
            return vec!["no gate: give --fail-on SEVERITY to set one".to_owned()];
        };
        let complete = matches!(self.verdict, Verdict::Clean | Verdict::GateFailed);
        let outcome = match (self.is_failed(), complete) {
            (true, _) => "FAILED",
            (false, true) => "passed",
            (false, false) => "not decided: nothing found so far reaches it, and the scan is not complete",
        };
        let mut lines =
            vec![format!("fail on {}{} or worse: {outcome}", if gate.only_new { "new " } else { "" }, gate.severity)];
        if self.is_failed() {
            lines.push(format!("{} reach it", counts(&self.reaching, ", ")));
        }
        if self.reaching.of(Severity::Unknown) > 0 {
            lines.push("unknown counts as high".to_owned());
        }
        if self.below.total() > 0 {
            lines.push(format!("{} do not", counts(&self.below, ", ")));
        }
        if self.before > 0 {
            lines.push(format!("{} were there before", grouped(self.before)));
        }
        for (origin, number) in &self.muted {
            let by = origin.in_words();
            lines.push(format!("{}: {by}", count(*number, "finding does not count", "findings do not count")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finished, unfinished};
    use super::*;
    use crate::model::standing::Standings;

    #[test]
    fn the_gate_says_what_reached_it() {
        let mut scan = finished();
        scan.records = SeverityCounts([1, 0, 2, 0, 0, 3]);
        let gate = Gate::of(&scan, Some(FailOn::all(Severity::High)));
        let expected = [
            "fail on high or worse: FAILED",
            "1 critical, 3 unknown reach it",
            "unknown counts as high",
            "2 medium do not",
        ];
        assert_eq!(gate.lines(), expected);
        assert!(!Gate::of(&scan, None).is_failed());
    }

    #[test]
    fn what_was_there_before_does_not_count_where_only_the_new_does() {
        let mut scan = finished();
        scan.records = SeverityCounts([1, 3, 0, 0, 0, 0]);
        let gate = FailOn { only_new: true, severity: Severity::High };
        assert!(Gate::of(&scan, Some(gate)).is_failed(), "without a comparison everything is new");
        let mut standings = Standings { existing: SeverityCounts([1, 2, 0, 0, 0, 0]), ..Standings::default() };
        standings.reopened.add(Severity::High);
        scan.standings = Some(standings.clone());
        let expected = ["fail on new high or worse: FAILED", "1 high reach it", "3 were there before"];
        assert_eq!(Gate::of(&scan, Some(gate)).lines(), expected);
        standings.reopened = SeverityCounts::default();
        scan.standings = Some(standings);
        assert!(!Gate::of(&scan, Some(gate)).is_failed());
        assert!(Gate::of(&scan, Some(FailOn::all(Severity::High))).is_failed());
    }

    #[test]
    fn an_incomplete_scan_never_passes() {
        let mut scan = unfinished();
        scan.records = SeverityCounts::default();
        let gate = Gate::of(&scan, Some(FailOn::all(Severity::Low)));
        assert_eq!(gate.verdict, Verdict::Incomplete);
        assert!(gate.lines()[0].contains("not decided"));
    }
}
