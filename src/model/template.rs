//! A template: a named graph of steps, not yet tied to a target.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asset::AssetKind;
use super::coverage::Gap;
use super::id::StepId;
use super::patch::LimitsPatch;
use super::plan::{Condition, Gather, OnFailure};
use super::target::TargetKind;
use super::unit::Span;

/// `[templates.NAME]`, or a file of its own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// What it is for, in one line.
    #[serde(default)]
    pub about: String,
    /// Kinds of targets that it takes (`dir`, `git`, `host` …); all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub targets: Vec<TargetKind>,
    /// Its steps, in any order.
    pub steps: Vec<TemplateStep>,
}

/// A step of a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateStep {
    /// Its id, unique in the template.
    #[schemars(with = "String")]
    pub id: StepId,
    /// The scanner's name.
    pub scanner: String,
    /// Steps that must have ended before it begins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub needs: Vec<StepId>,
    /// Kinds of assets, found by the steps it needs, that it is applied to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub for_each: Vec<AssetKind>,
    /// How many assets one job gets; 1 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u32>,
    /// When a chunk is complete.
    #[serde(default)]
    pub gather: Gather,
    /// Runs only if this holds: `{ records = "STEP" }` or `{ assets = "STEP" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// What a failed job of this step means for the rest.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Gaps in coverage that leave the scan complete.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub accept_partial: BTreeSet<Gap>,
    /// Values of `{param.NAME}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Longest run of one job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Span>,
    /// What a job may use of the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsPatch>,
}

impl TemplateStep {
    /// Makes a step with nothing but its scanner.
    pub fn new(id: StepId, scanner: impl Into<String>) -> Self {
        Self {
            id,
            scanner: scanner.into(),
            needs: Vec::new(),
            for_each: Vec::new(),
            chunk: None,
            gather: Gather::default(),
            when: None,
            on_failure: OnFailure::default(),
            accept_partial: BTreeSet::new(),
            params: BTreeMap::new(),
            timeout: None,
            limits: None,
        }
    }
}
