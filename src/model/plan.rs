//! A plan: template × target × configuration, resolved and frozen, executor-neutral.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asset::AssetKind;
use super::coverage::Gap;
use super::gate::{Gate, Rule, Thresholds};
use super::id::{Sha256, StepId};
use super::owner::Owner;
use super::scanner::Scanner;
use super::severity::Severity;
use super::suppress::Suppressions;
use super::target::{Target, TargetKey};
use super::unit::Span;

/// What `plan` prints and `start` runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The template it was made from; none when scanners were chosen by what the target holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What is scanned.
    pub target: Target,
    /// Its identity over time.
    pub target_key: TargetKey,
    /// Whose the scan will be.
    #[serde(default, skip_serializing_if = "Owner::is_default")]
    pub owner: Owner,
    /// The source as it was when the plan was made; none for targets that are no source tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceFacts>,
    /// Limits and rules of the whole scan.
    pub options: ScanOptions,
    /// The nodes, each after those that it needs.
    pub steps: Vec<Step>,
    /// Why each scanner was or was not chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Choice>,
}

/// A plan with its seal, as it is written to a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    /// [`PlanFile::SCHEMA`].
    pub schema: String,
    /// Hash of the plan's compact JSON.
    pub sha256: Sha256,
    /// The plan.
    pub plan: Plan,
}

impl PlanFile {
    /// Name and version of the format.
    pub const SCHEMA: &'static str = "dragnet.plan/v1";
}

impl Plan {
    /// Returns the compact JSON that the hash is taken of.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Returns the hash that names this plan.
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(self.to_json())
    }

    /// Returns the position of a step.
    pub fn step_index(&self, id: &StepId) -> Option<usize> {
        self.steps.iter().position(|step| step.id == *id)
    }
}

/// A node of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Its id, unique in the plan.
    pub id: StepId,
    /// What runs.
    pub scanner: Scanner,
    /// Steps that must have ended before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<StepId>,
    /// Kinds of assets, found by the steps it needs, that it is applied to; empty when it looks at the target itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_each: Vec<AssetKind>,
    /// How many assets one job gets; at least 1.
    #[serde(default = "one")]
    pub chunk: u32,
    /// When a chunk is complete.
    #[serde(default)]
    pub gather: Gather,
    /// Runs only if this holds when its needs have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// What a failed job of this step means for the rest.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Gaps in coverage that leave the scan complete.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accept_partial: BTreeSet<Gap>,
}

const fn one() -> u32 {
    1
}

/// When a chunk of assets is handed to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gather {
    /// When it is full, or all steps before it have ended.
    #[default]
    Each,
    /// When all steps before it have ended.
    All,
}

/// A condition on what the steps before it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// The step stored at least one record.
    Records(#[schemars(with = "String")] StepId),
    /// The step handed on at least one asset.
    Assets(#[schemars(with = "String")] StepId),
}

/// What a failed job means for the rest of the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Steps that need it are skipped; the others go on.
    #[default]
    Skip,
    /// Steps that need it run with what there is.
    Continue,
    /// Nothing more is started, and the scan fails.
    Stop,
}

/// Limits and rules of a whole scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScanOptions {
    /// Jobs that may run at once; at least 1.
    pub parallelism: u32,
    /// Greater is dispatched first, between scans of one driver.
    pub priority: i32,
    /// Longest run of the scan; what is not done then is cancelled, and the exit code is 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<Span>,
    /// Most records that one job may store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<u64>,
    /// Most assets that the scan follows.
    pub max_assets: u64,
    /// Most steps between the target and an asset that is still followed.
    pub depth: u32,
    /// At what the gate fails.
    #[serde(skip_serializing_if = "Thresholds::is_empty")]
    pub fail_on: Thresholds,
    /// Rules by which findings do not count.
    #[serde(skip_serializing_if = "Suppressions::is_empty")]
    pub suppressions: Suppressions,
    /// Seed of the waits between attempts.
    pub seed: u64,
    /// The severity that unknown counts as in the gate.
    #[serde(skip_serializing_if = "is_usual")]
    pub unknown: Severity,
    /// The gate's rules over single findings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gate_rules: Vec<Rule>,
}

/// What is as it was before there was a choice is not written: the hash of a plan is that of its text.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_usual(unknown: &Severity) -> bool {
    *unknown == Severity::UNKNOWN_AS
}

impl ScanOptions {
    /// Returns the gate that the scan was started with.
    pub fn gate(&self) -> Gate {
        Gate { fail_on: self.fail_on.clone(), unknown: self.unknown, rules: self.gate_rules.clone() }
    }

    /// Takes a gate.
    #[must_use]
    pub fn with_gate(self, gate: Gate) -> Self {
        let Gate { fail_on, unknown, rules: gate_rules } = gate;
        Self { fail_on, unknown, gate_rules, ..self }
    }
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            parallelism: 4,
            priority: 0,
            max_duration: None,
            max_results: None,
            max_assets: 10_000,
            depth: 5,
            fail_on: Thresholds::default(),
            suppressions: Suppressions::default(),
            seed: 0,
            unknown: Severity::UNKNOWN_AS,
            gate_rules: Vec::new(),
        }
    }
}

/// What is known of a source tree: named by plan, scan and report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFacts {
    /// Hash over path, mode and content of everything in it.
    pub sha256: Sha256,
    /// Regular files.
    pub files: u64,
    /// Their sizes together.
    pub bytes: u64,
    /// The commit that is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether the tree differs from that commit.
    #[serde(default)]
    pub dirty: bool,
    /// Hash of the rules by which paths were left out; none if nothing was to be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Sha256>,
    /// Paths that could not be read or were left out because they lead outside; these are gaps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<String>,
}

/// Why a scanner was or was not chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The scanner's name.
    pub scanner: String,
    /// Whether it is in the plan.
    pub chosen: bool,
    /// Why, in words: "12 Python files", "no Dockerfile found".
    pub reason: String,
}
