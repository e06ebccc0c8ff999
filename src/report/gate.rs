//! The gate, explained line by line.

use super::words::counts;
use crate::model::finding::SeverityCounts;
use crate::model::severity::Severity;
use crate::model::view::{ScanView, Verdict};

/// Whether a scan passes its gate, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Severity at which the gate fails; none when there is no gate.
    pub threshold: Option<Severity>,
    /// What the scan means.
    pub verdict: Verdict,
    /// Records that reach the threshold.
    pub reaching: SeverityCounts,
    /// Records that do not.
    pub below: SeverityCounts,
}

impl Gate {
    /// Applies a threshold to a scan.
    pub fn of(scan: &ScanView, threshold: Option<Severity>) -> Self {
        let (mut reaching, mut below) = (SeverityCounts::default(), SeverityCounts::default());
        for severity in Severity::ALL {
            let reached = threshold.is_some_and(|threshold| severity.reaches(threshold));
            let side = if reached { &mut reaching } else { &mut below };
            side.0[usize::from(severity.rank())] = scan.records.of(severity);
        }
        Self { threshold, verdict: scan.verdict(threshold), reaching, below }
    }

    /// Whether findings alone make the gate fail, whatever else the scan is.
    pub fn is_failed(&self) -> bool {
        self.reaching.total() > 0
    }

    /// Explains the gate; the first line is the outcome.
    pub fn lines(&self) -> Vec<String> {
        let Some(threshold) = self.threshold else {
            return vec!["no gate: give --fail-on SEVERITY to set one".to_owned()];
        };
        let complete = matches!(self.verdict, Verdict::Clean | Verdict::GateFailed);
        let outcome = match (self.is_failed(), complete) {
            (true, _) => "FAILED",
            (false, true) => "passed",
            (false, false) => "not decided: nothing found so far reaches it, and the scan is not complete",
        };
        let mut lines = vec![format!("fail on {threshold} or worse: {outcome}")];
        if self.is_failed() {
            lines.push(format!("{} reach it", counts(&self.reaching, ", ")));
        }
        if self.reaching.of(Severity::Unknown) > 0 {
            lines.push("unknown counts as high".to_owned());
        }
        if self.below.total() > 0 {
            lines.push(format!("{} do not", counts(&self.below, ", ")));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finished, unfinished};
    use super::*;

    #[test]
    fn the_gate_says_what_reached_it() {
        let mut scan = finished();
        scan.records = SeverityCounts([1, 0, 2, 0, 0, 3]);
        let gate = Gate::of(&scan, Some(Severity::High));
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
    fn an_incomplete_scan_never_passes() {
        let mut scan = unfinished();
        scan.records = SeverityCounts::default();
        let gate = Gate::of(&scan, Some(Severity::Low));
        assert_eq!(gate.verdict, Verdict::Incomplete);
        assert!(gate.lines()[0].contains("not decided"));
    }
}
