//! What fails a gate: thresholds of severity, and rules over single findings.
//!
//! A finding that nobody suppressed first meets the `ignore` rules: what one of them names counts nowhere in the gate. What is left is
//! counted by each threshold and each `fail` rule for itself, and the gate fails when one of them counts more than it allows. So the order
//! of rules and of findings does not matter, and more findings never make a failed gate pass.

mod count;
mod matching;
mod outcome;
mod patterns;
mod rule;
mod threshold;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exploit::Dataset;
use super::severity::Severity;

pub use count::Count;
pub use outcome::{Example, Missing, Outcome, Part, RuleOutcome, RuleResult, Ruling};
pub use patterns::{InvalidPattern, Names, Paths};
pub use rule::{Action, InvalidRule, Probability, Rule, When};
pub use threshold::{FailOn, InvalidGate, Thresholds};

/// `[gate]`: when a scan fails although it saw everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "GateConfig")]
pub struct Gate {
    /// At what the gate fails, one or several of: a severity, as `high`; after `new:`, of new findings alone; before `=N`, only if there
    /// are more than N.
    #[serde(skip_serializing_if = "Thresholds::is_empty")]
    pub fail_on: Thresholds,
    /// The severity that findings of unknown severity count as.
    pub unknown: Severity,
    /// Rules over single findings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { fail_on: Thresholds::default(), unknown: Severity::UNKNOWN_AS, rules: Vec::new() }
    }
}

impl Gate {
    /// Whether nothing can make it fail.
    pub fn is_open(&self) -> bool {
        self.fail_on.is_empty() && !self.rules.iter().any(|rule| matches!(rule.action, Action::Fail { .. }))
    }

    /// Whether it must see each finding: counts by severity do not do.
    pub fn needs_findings(&self) -> bool {
        !self.is_open() && !self.rules.is_empty()
    }

    /// Whether one of its rules asks what this dataset knows.
    pub fn asks(&self, dataset: Dataset) -> bool {
        !self.is_open() && self.rules.iter().any(|rule| rule.when.asks(dataset))
    }

    /// Replaces the thresholds, if there are any to replace them with; the rules stay.
    #[must_use]
    pub fn with_thresholds(mut self, fail_on: &[FailOn]) -> Self {
        if !fail_on.is_empty() {
            self.fail_on = Thresholds(fail_on.to_vec());
        }
        self
    }
}
