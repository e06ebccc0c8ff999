//! What is to be scanned: a target in words, or targets of the registry, `@NAME`, `@tag:TAG`, `@all`.

use std::path::Path;

use clap::Args;

use crate::app::App;
use crate::app::targets::{self, TargetError, Within};
use crate::cli::context::Scope;
use crate::cli::error::CliError;
use crate::model::owner::{Owner, OwnerName};
use crate::model::registered::{RegisteredTarget, TargetSelector};
use crate::model::target::Target;

/// Where registered targets are looked for.
#[derive(Debug, Args)]
pub(in crate::cli) struct WithinArgs {
    /// Only registered targets of this organisation
    #[arg(long, value_name = "NAME")]
    organisation: Option<OwnerName>,
    /// Only registered targets of this project
    #[arg(long, value_name = "NAME")]
    project: Option<OwnerName>,
}

impl WithinArgs {
    pub(super) fn within(&self) -> Within {
        Within { organisation: self.organisation.clone(), project: self.project.clone() }
    }

    /// Returns the first flag that was given.
    pub(super) fn flag(&self) -> Option<&'static str> {
        let (organisation, project) = (self.organisation.is_some(), self.project.is_some());
        [("--organisation", organisation), ("--project", project)]
            .into_iter()
            .find_map(|(flag, given)| given.then_some(flag))
    }
}

/// One thing that is to be scanned.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) target: Target,
    /// Its name in the registry.
    pub(super) name: Option<String>,
    /// Whose the scan will be.
    pub(super) owner: Owner,
    /// The template, unless another is asked for.
    pub(super) template: Option<String>,
}

impl From<RegisteredTarget> for Subject {
    fn from(target: RegisteredTarget) -> Self {
        let (name, template) = (Some(target.name.into()), target.template);
        Self { target: target.target, name, owner: target.owner, template }
    }
}

/// Whether targets of the registry are meant.
pub(super) fn is_registered(text: &str) -> bool {
    text.starts_with('@')
}

/// Whether targets are meant by a tag, or all are.
pub(super) fn may_be_several(text: &str) -> bool {
    let selector = text.strip_prefix('@').and_then(|words| words.parse().ok());
    matches!(selector, Some(TargetSelector::Tag(_) | TargetSelector::All))
}

/// A registered target is scanned in the same way wherever that is asked for: the file of the project that somebody stands in is
/// none of its own.
pub(super) fn scope(text: &str) -> Scope {
    if is_registered(text) { Scope::User } else { Scope::Project }
}

/// Returns the one thing that is meant.
pub(super) fn one(app: &App, text: &str, within: &WithinArgs) -> Result<Subject, CliError> {
    let mut all = some(app, text, within, 1)?;
    all.pop().ok_or_else(|| CliError::usage(format!("`{text}` stands for nothing")))
}

/// Returns what is meant: at least one thing, and `most` at most.
pub(super) fn some(app: &App, text: &str, within: &WithinArgs, most: u32) -> Result<Vec<Subject>, CliError> {
    let Some(words) = text.strip_prefix('@') else {
        if within.flag().is_some() {
            return Err(CliError::usage("--organisation and --project choose among registered targets")
                .hint("`@NAME` is a registered target; `dragnet targets list` shows them"));
        }
        let target = text.parse()?;
        return Ok(vec![Subject { target, name: None, owner: Owner::default(), template: None }]);
    };
    let found = words
        .parse::<TargetSelector>()
        .map_err(TargetError::from)
        .and_then(|selector| targets::select(app, &selector, &within.within(), most));
    match found {
        Ok(found) => Ok(found.into_iter().map(Subject::from).collect()),
        Err(error) => {
            let error = CliError::from(error);
            let is_path = Path::new(text).exists();
            Err(if is_path { error.hint(format!("the file or directory of that name is ./{text}")) } else { error })
        }
    }
}
