//! The gate's part of `dragnet.report/v1`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::v1::by_severity;
use crate::model::exploit::CopyView;
use crate::model::gate::{Example, Missing, RuleOutcome};
use crate::report::gate::Gate;

/// The gate, with its explanation.
#[derive(Debug, Serialize)]
pub(crate) struct GateSummary {
    fail_on: Option<String>,
    failed: bool,
    /// Whether what it asks is known; if not, the verdict is `incomplete`, whatever `summary.complete` says.
    decided: bool,
    reaching: u64,
    /// Records that a rule ignores.
    ignored: u64,
    explanation: Vec<String>,
    /// The thresholds of `fail_on`, then the rules.
    rules: Vec<RuleSummary>,
    /// Datasets that it asks, and that cannot answer.
    missing: Vec<MissingSummary>,
    /// The copies of datasets that were configured.
    data: Vec<CopySummary>,
}

impl GateSummary {
    pub(crate) fn new(gate: &Gate) -> Self {
        let outcome = &gate.outcome;
        Self {
            fail_on: (!gate.asked.fail_on.is_empty()).then(|| gate.asked.fail_on.to_string()),
            failed: gate.is_failed(),
            decided: outcome.missing.is_empty(),
            reaching: outcome.reaching.total(),
            ignored: outcome.ignored,
            explanation: gate.lines(),
            rules: outcome.rules.iter().map(RuleSummary::new).collect(),
            missing: outcome.missing.iter().map(MissingSummary::new).collect(),
            data: gate.copies.iter().map(CopySummary::new).collect(),
        }
    }
}

/// A threshold or rule: `result` is `passed`, `failed`, `undecided` or `ignored`.
#[derive(Debug, Serialize)]
struct RuleSummary {
    name: Option<String>,
    asks: String,
    result: &'static str,
    /// What it allows; null for rules that ignore.
    max: Option<u64>,
    matched: u64,
    by_severity: BTreeMap<&'static str, u64>,
    /// Findings that it might be about: without a score, or a CVE number.
    untold: u64,
    /// The worst findings that it is about, at most three; none where severities alone were counted.
    examples: Vec<ExampleSummary>,
}

impl RuleSummary {
    fn new(rule: &RuleOutcome) -> Self {
        Self {
            name: rule.name.clone(),
            asks: rule.asks.clone(),
            result: rule.result.as_str(),
            max: rule.result.max(),
            matched: rule.matched.total(),
            by_severity: by_severity(&rule.matched),
            untold: rule.untold,
            examples: rule.examples.iter().map(ExampleSummary::new).collect(),
        }
    }
}

/// A finding that a rule is about.
#[derive(Debug, Serialize)]
struct ExampleSummary {
    fingerprint: String,
    severity: &'static str,
    scanner: String,
    rule: String,
    place: String,
}

impl ExampleSummary {
    fn new(example: &Example) -> Self {
        Self {
            fingerprint: example.fingerprint.clone(),
            severity: example.severity.as_str(),
            scanner: example.scanner.clone(),
            rule: example.rule.clone(),
            place: example.place.clone(),
        }
    }
}

/// A dataset that cannot answer; `problem` is null if no copy of it was configured.
#[derive(Debug, Serialize)]
struct MissingSummary {
    dataset: &'static str,
    problem: Option<String>,
}

impl MissingSummary {
    fn new(missing: &Missing) -> Self {
        Self { dataset: missing.dataset.as_str(), problem: missing.problem.clone() }
    }
}

/// A copy of a dataset: `epss` or `kev`.
#[derive(Debug, Serialize)]
struct CopySummary {
    dataset: &'static str,
    path: String,
    date: Option<String>,
    age_days: Option<u64>,
    version: Option<String>,
    entries: Option<u64>,
    /// Why nothing is decided by it; null if it is fit for that.
    problem: Option<String>,
}

impl CopySummary {
    fn new(copy: &CopyView) -> Self {
        let facts = copy.facts.as_ref();
        Self {
            dataset: copy.dataset.as_str(),
            path: copy.path.clone(),
            date: facts.map(|facts| facts.date.clone()),
            age_days: facts.map(|facts| facts.age_days),
            version: facts.map(|facts| facts.version.clone()),
            entries: facts.map(|facts| facts.entries),
            problem: copy.problem.clone(),
        }
    }
}
