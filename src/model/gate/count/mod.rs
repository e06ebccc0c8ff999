//! Deciding a gate: by counts of severities where thresholds are all there is, else finding by finding, in memory that does not grow.

use super::super::finding::SeverityCounts;
use super::super::severity::Severity;
use super::super::standing::Standing;
use super::super::view::{FindingView, ScanView};
use super::matching::Answer;
use super::outcome::{Example, Missing, Outcome, Part, RuleOutcome, RuleResult};
use super::rule::Action;
use super::threshold::FailOn;
use super::{Gate, Rule};

/// How many findings are named for each rule.
const EXAMPLES: usize = 3;

/// A gate that counts findings.
#[derive(Debug, Clone)]
pub struct Count<'g> {
    gate: &'g Gate,
    thresholds: Vec<Tally>,
    rules: Vec<Tally>,
    reaching: SeverityCounts,
    below: SeverityCounts,
    ignored: u64,
}

/// What one threshold or rule has counted.
#[derive(Debug, Clone, Default)]
struct Tally {
    matched: SeverityCounts,
    untold: u64,
    /// The worst findings, in order.
    examples: Vec<Example>,
}

impl Tally {
    fn add(&mut self, finding: &FindingView) {
        self.matched.add(finding.record.severity);
        // Most findings come after the worst, and need not be made examples of to know that.
        let place = (finding.record.severity, finding.fingerprint.as_str());
        let behind = |last: &Example| (last.severity, last.fingerprint.as_str()) < place;
        if self.examples.len() == EXAMPLES && self.examples.last().is_some_and(behind) {
            return;
        }
        let example = Example::of(finding);
        let place = self.examples.partition_point(|other| *other <= example);
        self.examples.insert(place, example);
        self.examples.truncate(EXAMPLES);
    }
}

impl FailOn {
    fn reached_by(&self, finding: &FindingView, unknown: Severity) -> bool {
        finding.record.severity.counted_as(unknown) <= self.severity
            && (!self.only_new || finding.standing.is_none_or(Standing::is_news))
    }

    fn reached_by_severity(&self, severity: Severity, unknown: Severity) -> bool {
        severity.counted_as(unknown) <= self.severity
    }
}

impl Gate {
    /// What a finding is to the gate that was decided so. An open gate fails by every finding that nobody suppressed.
    pub fn part_of(&self, finding: &FindingView, outcome: &Outcome) -> Part {
        let holds = |rule: &Rule| rule.when.holds(finding, self.unknown);
        let ignored = || self.rules.iter().any(|rule| rule.action == Action::Ignore && holds(rule) == Answer::Yes);
        if finding.muting.is_some() || (!self.is_open() && ignored()) {
            return Part::Uncounted;
        }
        let thresholds = self.fail_on.0.iter().map(|threshold| threshold.reached_by(finding, self.unknown));
        let rules = self.rules.iter().map(|rule| rule.action != Action::Ignore && holds(rule) != Answer::No);
        let counting = thresholds.chain(rules).zip(&outcome.rules).filter(|(counts, _)| *counts);
        let parts = counting.map(|(_, rule)| match rule.result {
            RuleResult::Passed { .. } => Part::Allowed,
            _ => Part::Fails,
        });
        if self.is_open() { Part::Fails } else { parts.max().unwrap_or(Part::Uncounted) }
    }
}

impl<'g> Count<'g> {
    /// Begins to count.
    pub fn new(gate: &'g Gate) -> Self {
        Self {
            gate,
            thresholds: vec![Tally::default(); gate.fail_on.0.len()],
            rules: vec![Tally::default(); gate.rules.len()],
            reaching: SeverityCounts::default(),
            below: SeverityCounts::default(),
            ignored: 0,
        }
    }

    /// Counts a finding; one that somebody suppressed does not count.
    pub fn add(&mut self, finding: &FindingView) {
        if finding.muting.is_some() {
            return;
        }
        if self.ignores(finding) {
            self.ignored += 1;
            return;
        }
        let unknown = self.gate.unknown;
        let mut reaches = false;
        for (threshold, tally) in self.gate.fail_on.0.iter().zip(&mut self.thresholds) {
            if threshold.reached_by(finding, unknown) {
                tally.add(finding);
                reaches = true;
            }
        }
        for (rule, tally) in self.gate.rules.iter().zip(&mut self.rules) {
            match (rule.action, rule.when.holds(finding, unknown)) {
                (Action::Ignore, _) | (_, Answer::No) => {}
                (Action::Fail { .. }, Answer::Untold) => tally.untold += 1,
                (Action::Fail { .. }, Answer::Yes) => {
                    tally.add(finding);
                    reaches = true;
                }
            }
        }
        let side = if reaches { &mut self.reaching } else { &mut self.below };
        side.add(finding.record.severity);
    }

    /// Whether a rule ignores a finding. The first that does counts it.
    fn ignores(&mut self, finding: &FindingView) -> bool {
        for (rule, tally) in self.gate.rules.iter().zip(&mut self.rules) {
            if rule.action != Action::Ignore {
                continue;
            }
            match rule.when.holds(finding, self.gate.unknown) {
                Answer::No => {}
                Answer::Untold => tally.untold += 1,
                Answer::Yes => {
                    tally.add(finding);
                    return true;
                }
            }
        }
        false
    }

    /// Decides; `missing` are the datasets that the gate asks and that cannot answer.
    pub fn decide(self, missing: Vec<Missing>) -> Outcome {
        let thresholds = self.gate.fail_on.0.iter().zip(self.thresholds).map(|(gate, tally)| threshold(gate, tally));
        let rules = self.gate.rules.iter().zip(self.rules).map(|(rule, tally)| of_rule(rule, tally, &missing));
        Outcome {
            rules: thresholds.chain(rules).collect(),
            reaching: self.reaching,
            below: self.below,
            ignored: self.ignored,
            missing,
        }
    }
}

fn compared(matched: &SeverityCounts, max: u64) -> RuleResult {
    if matched.total() > max { RuleResult::Failed { max } } else { RuleResult::Passed { max } }
}

fn threshold(gate: &FailOn, tally: Tally) -> RuleOutcome {
    RuleOutcome {
        name: None,
        asks: gate.in_words(),
        result: compared(&tally.matched, gate.max),
        matched: tally.matched,
        untold: tally.untold,
        examples: tally.examples,
    }
}

fn of_rule(rule: &Rule, tally: Tally, missing: &[Missing]) -> RuleOutcome {
    let unanswered = missing.iter().any(|missing| rule.when.asks(missing.dataset));
    let result = match (rule.action, unanswered) {
        (Action::Fail { max }, true) => RuleResult::Undecided { max: Some(max) },
        (Action::Ignore, true) => RuleResult::Undecided { max: None },
        (Action::Fail { max }, false) => compared(&tally.matched, max),
        (Action::Ignore, false) => RuleResult::Ignored,
    };
    RuleOutcome {
        name: rule.name.clone(),
        asks: rule.to_string(),
        result,
        matched: tally.matched,
        untold: tally.untold,
        examples: tally.examples,
    }
}

impl Outcome {
    /// Decides a gate of thresholds alone by a scan's counts. It has no examples.
    pub fn of_counts(gate: &Gate, scan: &ScanView) -> Self {
        let (all, news) = (scan.counted(false), scan.counted(true));
        let counted = |threshold: &FailOn| if threshold.only_new { &news } else { &all };
        let only = |counts: &SeverityCounts, wanted: &dyn Fn(Severity) -> bool| {
            SeverityCounts(Severity::ALL.map(|severity| if wanted(severity) { counts.of(severity) } else { 0 }))
        };
        let rules = gate.fail_on.0.iter().map(|one| {
            let reached = |severity: Severity| one.reached_by_severity(severity, gate.unknown);
            threshold(one, Tally { matched: only(counted(one), &reached), ..Tally::default() })
        });
        // A threshold for all findings counts those that are new, too; so of a severity it is all, or those, or none.
        let reaching = SeverityCounts(Severity::ALL.map(|severity| {
            let reached = gate.fail_on.0.iter().filter(|one| one.reached_by_severity(severity, gate.unknown));
            reached.map(|one| counted(one).of(severity)).max().unwrap_or(0)
        }));
        let only_news = !gate.is_open() && gate.fail_on.0.iter().all(|one| one.only_new);
        let below = if only_news { news.without(&reaching) } else { all.without(&reaching) };
        Self { rules: rules.collect(), reaching, below, ignored: 0, missing: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
