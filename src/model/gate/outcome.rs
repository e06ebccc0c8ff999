//! How a gate was decided, and why.

use std::fmt;

use super::super::exploit::Dataset;
use super::super::finding::SeverityCounts;
use super::super::severity::Severity;
use super::super::view::FindingView;

/// What a gate says of a scan that saw everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Nothing fails it.
    Holds,
    /// It fails.
    Fails,
    /// It asks what is not known: that it holds is not true, whatever was counted.
    Undecided,
}

/// How a gate was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The thresholds, then the rules, in the order in which they were given.
    pub rules: Vec<RuleOutcome>,
    /// Findings that a threshold or a `fail` rule counts, each once.
    pub reaching: SeverityCounts,
    /// Findings that none counts.
    pub below: SeverityCounts,
    /// Findings that a rule ignores.
    pub ignored: u64,
    /// The datasets that it asks and that cannot answer.
    pub missing: Vec<Missing>,
}

/// A dataset that a gate asks, and that cannot answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The dataset.
    pub dataset: Dataset,
    /// Why it cannot answer; none if no copy of it was configured.
    pub problem: Option<String>,
}

impl fmt::Display for Missing {
    /// Why it cannot answer, and what to do. What the copy says of itself is in it: it comes from outside.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it asks the {}, and ", self.dataset.in_words())?;
        match &self.problem {
            None => write!(f, "no copy is configured: set data.{}", self.dataset.as_str()),
            Some(problem) => write!(f, "the copy cannot be used: {problem}"),
        }
    }
}

/// How one threshold or rule was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleOutcome {
    /// What it is called.
    pub name: Option<String>,
    /// What it asks, in words.
    pub asks: String,
    /// How it was decided.
    pub result: RuleResult,
    /// How many findings it is about.
    pub matched: SeverityCounts,
    /// Findings that it might be about: a score or a CVE number is missing.
    pub untold: u64,
    /// The worst of those that it is about.
    pub examples: Vec<Example>,
}

/// How one threshold or rule was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleResult {
    /// It counts no more than it allows.
    Passed {
        /// What it allows.
        max: u64,
    },
    /// It counts more than it allows.
    Failed {
        /// What it allows.
        max: u64,
    },
    /// It asks what is not known.
    Undecided {
        /// What it allows; none of a rule that ignores.
        max: Option<u64>,
    },
    /// What it is about does not count.
    Ignored,
}

impl RuleResult {
    /// Returns the result's name, as it is shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed { .. } => "passed",
            Self::Failed { .. } => "failed",
            Self::Undecided { .. } => "undecided",
            Self::Ignored => "ignored",
        }
    }

    /// Returns what it allows; none of a rule that ignores.
    pub const fn max(self) -> Option<u64> {
        match self {
            Self::Passed { max } | Self::Failed { max } => Some(max),
            Self::Undecided { max } => max,
            Self::Ignored => None,
        }
    }
}

/// What a finding is to a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// No threshold and no rule counts it.
    Uncounted,
    /// It is counted, and there are no more such than the gate allows.
    Allowed,
    /// It is one of those by which the gate fails, or cannot be said to hold.
    Fails,
}

/// A finding that a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Example {
    /// Its severity.
    pub severity: Severity,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The scanner that reported it.
    pub scanner: String,
    /// The scanner's id of the rule.
    pub rule: String,
    /// Where it is.
    pub place: String,
}

impl Example {
    pub(super) fn of(finding: &FindingView) -> Self {
        Self {
            severity: finding.record.severity,
            fingerprint: finding.fingerprint.clone(),
            scanner: finding.scanner.clone(),
            rule: finding.record.rule.clone(),
            place: finding.record.location.to_string(),
        }
    }
}

impl Outcome {
    /// Whether findings alone make the gate fail, whatever else the scan is, and whatever a dataset would say that cannot answer.
    pub fn is_failed(&self) -> bool {
        let might_ignore = |rule: &RuleOutcome| rule.result == RuleResult::Undecided { max: None };
        self.failed() > 0 && !self.rules.iter().any(might_ignore)
    }

    /// How many thresholds and rules count more than they allow.
    pub fn failed(&self) -> usize {
        self.rules.iter().filter(|rule| matches!(rule.result, RuleResult::Failed { .. })).count()
    }

    /// What the gate says of a scan that saw everything.
    pub fn ruling(&self) -> Ruling {
        match (self.missing.is_empty(), self.failed() > 0) {
            (false, _) => Ruling::Undecided,
            (true, true) => Ruling::Fails,
            (true, false) => Ruling::Holds,
        }
    }
}
