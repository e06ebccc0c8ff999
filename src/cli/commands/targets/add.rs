//! `dragnet targets add`

use std::path::Path;

use clap::Args;

use super::quoted;
use crate::app::targets::{self, RawEntry};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::model::target::TargetKind;
use crate::report::text::clean;
use crate::store::{Existing, Merged};

/// Register a target
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet targets add . --name shop                    this directory, wherever scans of it are started
  dragnet targets add git:https://example.org/shop.git@main --tag web
  dragnet targets add host:example.org --template ports --note 'not before eight'
  dragnet targets add host:example.org --tag web --update")]
pub(super) struct AddArgs {
    /// What is scanned: a path, or KIND:VALUE, as in git:URL@REV, domain:NAME, image:REF
    target: String,
    /// Call it so rather than by its text
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it is chosen by: lower-case letters, digits, `.`, `_`, `:`, `/` and `-`; may be repeated
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Scan it with this template unless another is asked for
    #[arg(short, long, value_name = "TEMPLATE")]
    template: Option<String>,
    /// Something to be known of it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Let it not be scanned yet
    #[arg(long)]
    disabled: bool,
    /// The organisation that it belongs to; made when there is none of that name
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// The project that it and its scans belong to; made when there is none of that name
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// Change the target of this name, if there is one: what is not given stays, and tags that are given take the place of its own
    #[arg(long)]
    update: bool,
}

pub(super) fn run(context: &Context, args: &AddArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let raw = RawEntry {
        target: args.target.clone(),
        name: args.name.clone(),
        tags: (!args.tag.is_empty()).then(|| args.tag.clone()),
        enabled: args.disabled.then_some(false),
        template: args.template.clone(),
        note: args.note.clone(),
        organisation: args.organisation.clone(),
        project: args.project.clone(),
    };
    let existing = if args.update { Existing::Change } else { Existing::Refuse };
    let actor = context.actor();
    let added = Context::block_on(async { Ok(targets::add(&app, raw, existing, &actor).await?) })?;
    let target = &added.entry.target;
    let is_path = target.kind == TargetKind::Dir || target.kind == TargetKind::Archive && !target.value.contains("://");
    if is_path && !Path::new(&target.value).exists() {
        context.ui.warn(&format!("{} is not there now", target.value));
    }
    let name = clean(added.entry.name.as_str()).into_owned();
    context.ui.say(&match added.merged {
        Merged::Added => format!("`{name}` is registered; `dragnet start {}` scans it", quoted(&format!("@{name}"))),
        Merged::Updated => format!("`{name}` is changed"),
        Merged::Unchanged => format!("`{name}` is as it was"),
    });
    Ok(exit::CLEAN)
}
