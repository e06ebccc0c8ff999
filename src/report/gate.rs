//! The gate, explained line by line.

use std::collections::BTreeMap;

use super::text::clean;
use super::words::{count, counts, grouped};
use crate::model::exploit::CopyView;
use crate::model::gate::{self, FailOn, Outcome, RuleOutcome, RuleResult};
use crate::model::severity::Severity;
use crate::model::triage::Origin;
use crate::model::view::{ScanView, Verdict};

/// Whether a scan passes its gate, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// What was asked.
    pub asked: gate::Gate,
    /// What the scan means.
    pub verdict: Verdict,
    /// How the gate was decided.
    pub outcome: Outcome,
    /// Records that do not count, for they were there before.
    pub before: u64,
    /// Records that do not count, for somebody said so, by who did.
    pub muted: BTreeMap<Origin, u64>,
    /// The copies of datasets that were configured, whether the gate asks them or not.
    pub copies: Vec<CopyView>,
}

impl Gate {
    /// Explains how a scan's gate was decided.
    pub fn of(scan: &ScanView, asked: gate::Gate, outcome: Outcome, copies: Vec<CopyView>) -> Self {
        let only_new = !asked.fail_on.is_empty() && asked.fail_on.0.iter().all(|one| one.only_new);
        let before = match &scan.standings {
            Some(standings) if only_new && !asked.needs_findings() => standings.existing.total(),
            _ => 0,
        };
        let muted = if asked.is_open() { BTreeMap::new() } else { scan.muted.by_origin.clone() };
        Self { verdict: scan.verdict(outcome.ruling()), asked, outcome, before, muted, copies }
    }

    /// Whether findings alone make the gate fail, whatever else the scan is.
    pub fn is_failed(&self) -> bool {
        self.outcome.is_failed()
    }

    /// Explains the gate; the first line is the outcome.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = match (self.asked.is_open(), &self.asked.fail_on.0[..], self.asked.needs_findings()) {
            (true, _, _) => vec!["no gate: give --fail-on SEVERITY to set one".to_owned()],
            (false, [threshold], false) => self.threshold(threshold),
            (false, _, _) => self.all_rules(),
        };
        for (origin, number) in &self.muted {
            let by = origin.in_words();
            lines.push(format!("{}: {by}", count(*number, "finding does not count", "findings do not count")));
        }
        lines.extend(self.copies.iter().map(copy_in_words));
        lines
    }

    /// Whether its lines have words in them that are not this program's own: those of rules, findings and copies.
    pub(super) fn has_words_from_outside(&self) -> bool {
        self.asked.needs_findings() || !self.copies.is_empty()
    }

    /// One threshold, and nothing else.
    fn threshold(&self, threshold: &FailOn) -> Vec<String> {
        let outcome = match (self.is_failed(), self.is_complete()) {
            (true, _) => "FAILED",
            (false, true) => "passed",
            (false, false) => "not decided: nothing found so far reaches it, and the scan is not complete",
        };
        let mut lines = vec![format!("{}: {outcome}", threshold.in_words())];
        if self.outcome.reaching.total() > 0 {
            lines.push(format!("{} reach it", counts(&self.outcome.reaching, ", ")));
        }
        lines.extend(self.unknown());
        if self.outcome.below.total() > 0 {
            lines.push(format!("{} do not", counts(&self.outcome.below, ", ")));
        }
        if self.before > 0 {
            lines.push(format!("{} were there before", grouped(self.before)));
        }
        lines
    }

    fn all_rules(&self) -> Vec<String> {
        let outcome = &self.outcome;
        let number = outcome.rules.iter().filter(|rule| rule.result.max().is_some()).count() as u64;
        let rules = count(number, "rule", "rules");
        let first = match (&outcome.missing[..], outcome.failed(), self.is_complete()) {
            ([], 0, true) => format!("passed: {rules}"),
            ([], 0, false) => "not decided: nothing found so far fails it, and the scan is not complete".to_owned(),
            ([], failed, _) => format!("FAILED: {failed} of {rules}"),
            (missing, _, _) => {
                let why: Vec<String> = missing.iter().map(|missing| clean(&missing.to_string()).into_owned()).collect();
                let already = if self.is_failed() { "; other rules fail already" } else { "" };
                format!("not decided: {}{already}", why.join("; "))
            }
        };
        let mut lines = vec![first];
        outcome.rules.iter().for_each(|rule| explain(rule, &mut lines));
        lines.extend(self.unknown());
        if outcome.below.total() > 0 {
            lines.push(format!("{}: in none of them", counts(&outcome.below, ", ")));
        }
        lines
    }

    fn unknown(&self) -> Option<String> {
        let there = self.outcome.reaching.of(Severity::Unknown) + self.outcome.below.of(Severity::Unknown) > 0;
        let told = self.outcome.reaching.of(Severity::Unknown) > 0 || self.asked.unknown != Severity::UNKNOWN_AS;
        (there && told).then(|| format!("unknown counts as {}", self.asked.unknown))
    }

    const fn is_complete(&self) -> bool {
        matches!(self.verdict, Verdict::Clean | Verdict::GateFailed)
    }
}

/// One rule, with the worst findings that it is about.
fn explain(rule: &RuleOutcome, lines: &mut Vec<String>) {
    let matched = counts(&rule.matched, ", ");
    let result = match rule.result {
        RuleResult::Failed { .. } => format!("FAILED: {matched}"),
        RuleResult::Passed { .. } => format!("passed: {matched}"),
        RuleResult::Undecided { .. } => "not decided".to_owned(),
        RuleResult::Ignored if rule.matched.total() == 0 => "none".to_owned(),
        RuleResult::Ignored => format!("{matched} not counted"),
    };
    lines.push(format!("{}: {result}", clean(&rule.asks)));
    for example in &rule.examples {
        let words = format!("{} {} {} {}", example.severity, example.scanner, example.rule, example.place);
        lines.push(format!("  {}", clean(&words)));
    }
    let more = rule.matched.total().saturating_sub(rule.examples.len() as u64);
    if more > 0 && !rule.examples.is_empty() {
        lines.push(format!("  … and {} more", grouped(more)));
    }
    if rule.untold > 0 {
        let findings = count(rule.untold, "finding", "findings");
        lines.push(format!("  {findings} cannot be told: without a score, or a CVE number"));
    }
}

fn copy_in_words(copy: &CopyView) -> String {
    let mut words = copy.dataset.in_words().to_owned();
    if let Some(facts) = &copy.facts {
        let age = match facts.age_days {
            0 => "of today".to_owned(),
            days => count(days, "day old", "days old"),
        };
        let entries = count(facts.entries, "CVE", "CVEs");
        words = format!("{words} of {}, {age}, version {}: {entries}", facts.date, clean(&facts.version));
    }
    match &copy.problem {
        Some(problem) => format!("{words}; the copy {} cannot be used: {}", clean(&copy.path), clean(problem)),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finding, finished, unfinished};
    use super::*;
    use crate::model::exploit::{CopyFacts, Dataset};
    use crate::model::finding::SeverityCounts;
    use crate::model::gate::{Count, Missing};
    use crate::model::standing::Standings;

    fn gate(scan: &ScanView, asked: impl Into<gate::Thresholds>) -> Gate {
        let asked = gate::Gate { fail_on: asked.into(), ..gate::Gate::default() };
        let outcome = Outcome::of_counts(&asked, scan);
        Gate::of(scan, asked, outcome, Vec::new())
    }

    #[test]
    fn the_gate_says_what_reached_it() {
        let mut scan = finished();
        scan.records = SeverityCounts([1, 0, 2, 0, 0, 3]);
        let expected = [
            "fail on high or worse: FAILED",
            "1 critical, 3 unknown reach it",
            "unknown counts as high",
            "2 medium do not",
        ];
        assert_eq!(gate(&scan, FailOn::all(Severity::High)).lines(), expected);
        let none = gate(&scan, gate::Thresholds::default());
        assert!(!none.is_failed() && none.lines() == ["no gate: give --fail-on SEVERITY to set one"]);
    }

    #[test]
    fn so_many_may_be_there() {
        let mut scan = finished();
        scan.records = SeverityCounts([1, 3, 0, 0, 0, 0]);
        let allowing = |max| FailOn { max, ..FailOn::all(Severity::High) };
        let expected = ["fail on more than 4 high or worse: passed", "1 critical, 3 high reach it"];
        assert_eq!(gate(&scan, allowing(4)).lines(), expected);
        assert_eq!(gate(&scan, allowing(4)).verdict, Verdict::Clean);
        assert_eq!(gate(&scan, allowing(3)).verdict, Verdict::GateFailed);
    }

    #[test]
    fn what_was_there_before_does_not_count_where_only_the_new_does() {
        let mut scan = finished();
        scan.records = SeverityCounts([1, 3, 0, 0, 0, 0]);
        let new = FailOn::new(Severity::High);
        assert!(gate(&scan, new).is_failed(), "without a comparison everything is new");
        let mut standings = Standings { existing: SeverityCounts([1, 2, 0, 0, 0, 0]), ..Standings::default() };
        standings.reopened.add(Severity::High);
        scan.standings = Some(standings.clone());
        let expected = ["fail on new high or worse: FAILED", "1 high reach it", "3 were there before"];
        assert_eq!(gate(&scan, new).lines(), expected);
        standings.reopened = SeverityCounts::default();
        scan.standings = Some(standings);
        assert!(!gate(&scan, new).is_failed());
        assert!(gate(&scan, FailOn::all(Severity::High)).is_failed());
    }

    #[test]
    fn an_incomplete_scan_never_passes() {
        let mut scan = unfinished();
        scan.records = SeverityCounts::default();
        let gate = gate(&scan, FailOn::all(Severity::Low));
        assert_eq!(gate.verdict, Verdict::Incomplete);
        assert!(gate.lines()[0].contains("not decided"));
    }

    /// A gate of several rules over two findings.
    fn judged(rules: &str, missing: Vec<Missing>, copies: Vec<CopyView>) -> Gate {
        let asked: gate::Gate = serde_json::from_str(&format!(r#"{{"rules":{rules}}}"#)).unwrap();
        let mut count = Count::new(&asked);
        count.add(&finding(Severity::High, "bandit", "B\u{1b}[31m608", "SQL", "shop/db.py", 12));
        count.add(&finding(Severity::Unknown, "bandit", "B101", "Assert", "tests/cart.py", 40));
        let outcome = count.decide(missing);
        Gate::of(&finished(), asked, outcome, copies)
    }

    #[test]
    fn each_rule_says_what_it_asks_and_what_it_found() {
        let rules =
            r#"[{"severity":"high","name":"code"},{"path":"web/","max":2},{"action":"ignore","path":"tests/"}]"#;
        insta::assert_snapshot!(judged(rules, Vec::new(), Vec::new()).lines().join("\n"), @r"
        FAILED: 1 of 2 rules
        fail on high or worse (code): FAILED: 1 high
          high bandit B608 shop/db.py:12
        fail on more than 2: in web/: passed: none
        ignore in tests/: 1 unknown not counted
          unknown bandit B101 tests/cart.py:40
        ");
    }

    #[test]
    fn a_gate_that_asks_what_is_not_known_is_not_decided() {
        let missing = Missing { dataset: Dataset::Epss, problem: Some("it is not a file".to_owned()) };
        let facts =
            CopyFacts { date: "2026-11-20".to_owned(), age_days: 1, version: "2026.11.20".to_owned(), entries: 1400 };
        let copy = CopyView { dataset: Dataset::Kev, path: "/kev".to_owned(), facts: Some(facts), problem: None };
        let gate = judged(r#"[{"severity":"high"},{"epss":0.5}]"#, vec![missing], vec![copy]);
        assert_eq!(gate.verdict, Verdict::GateUndecided);
        insta::assert_snapshot!(gate.lines().join("\n"), @r"
        not decided: it asks the EPSS scores, and the copy cannot be used: it is not a file; other rules fail already
        fail on high or worse: FAILED: 1 high, 1 unknown
          high bandit B608 shop/db.py:12
          unknown bandit B101 tests/cart.py:40
        fail on EPSS 0.5 or more: not decided
        unknown counts as high
        KEV catalogue of 2026-11-20, 1 day old, version 2026.11.20: 1,400 CVEs
        ");
    }
}
