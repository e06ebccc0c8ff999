//! Why there is no plan.

use crate::catalog::{CatalogError, InvalidManifest, UnknownPlaceholder};
use crate::model::asset::AssetKind;
use crate::model::id::{InvalidId, StepId};
use crate::model::nearest::Hint;
use crate::model::plan::Choice;
use crate::model::target::Target;

/// Why no plan could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A scanner or template is unknown or cannot be used.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The template is for other targets.
    #[error("template `{template}` takes {takes}, and the target is {target}")]
    TargetKind {
        /// The template.
        template: String,
        /// The kinds it takes.
        takes: String,
        /// The kind of the target.
        target: &'static str,
    },
    /// Two steps have one id.
    #[error("two steps are called `{0}`")]
    DuplicateStep(StepId),
    /// A step needs one that does not exist.
    #[error("step `{step}` needs `{need}`, and there is no such step{hint}")]
    UnknownNeed {
        /// The step.
        step: StepId,
        /// What it needs.
        need: StepId,
        /// The nearest that exists.
        hint: Hint,
    },
    /// Steps need one another.
    #[error("steps need one another: {}", join(.0, " → "))]
    Cycle(Vec<StepId>),
    /// A scanner's name does not make a step's id.
    #[error("a step cannot be named after its scanner: {0}")]
    StepId(#[from] InvalidId),
    /// A step sets a parameter its scanner does not have, or one that cannot be used.
    #[error("step `{step}`: {source}")]
    Scanner {
        /// The step.
        step: StepId,
        /// What is wrong.
        source: InvalidManifest,
    },
    /// An argument has an unknown placeholder.
    #[error("step `{step}`: {source}")]
    Placeholder {
        /// The step.
        step: StepId,
        /// Which.
        source: UnknownPlaceholder,
    },
    /// A result's format has no parser.
    #[error("step `{step}`: scanner `{scanner}` writes `{format}`, which no parser reads{hint}")]
    Format {
        /// The step.
        step: StepId,
        /// The scanner.
        scanner: String,
        /// The format.
        format: String,
        /// The nearest that exists.
        hint: Hint,
    },
    /// The scanner does not look at such things.
    #[error("step `{step}`: scanner `{scanner}` looks at {takes}, and is given {given}")]
    Input {
        /// The step.
        step: StepId,
        /// The scanner.
        scanner: String,
        /// What it takes.
        takes: String,
        /// What it would get.
        given: AssetKind,
    },
    /// A step waits for assets that nothing before it finds.
    #[error("step `{step}` is for each {kind}, and no step that it needs finds any")]
    NotProduced {
        /// The step.
        step: StepId,
        /// The kind.
        kind: AssetKind,
    },
    /// A condition speaks of a step that this one does not need.
    #[error("step `{step}` has a condition on `{of}`, and does not need it")]
    Condition {
        /// The step.
        step: StepId,
        /// The step of the condition.
        of: StepId,
    },
    /// A chunk size that cannot be.
    #[error("step `{step}`: a chunk has at least one asset")]
    EmptyChunk {
        /// The step.
        step: StepId,
    },
    /// A placeholder stands for one asset where there may be several, or none.
    #[error("step `{step}`: scanner `{scanner}` uses `{placeholder}`, which {needs}")]
    PlaceholderUse {
        /// The step.
        step: StepId,
        /// The scanner.
        scanner: String,
        /// The placeholder.
        placeholder: String,
        /// What it needs.
        needs: &'static str,
    },
    /// A target that a scanner would take for an option, or for nothing.
    #[error("`{0}` cannot be handed to a scanner: it begins with a hyphen, is too long or empty")]
    Target(Target),
    /// Scan options that cannot be.
    #[error("`{0}` must be at least 1")]
    Option(&'static str),
    /// Nothing would run.
    #[error("no job planned: no scanner fits the target")]
    NoJobs {
        /// Why each was not chosen.
        choices: Vec<Choice>,
    },
}

/// Joins things for a message.
pub(super) fn join<T: std::fmt::Display>(things: &[T], separator: &str) -> String {
    things.iter().map(ToString::to_string).collect::<Vec<_>>().join(separator)
}
