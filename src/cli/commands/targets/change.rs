//! `dragnet targets enable`, `disable` and `remove`

use clap::Args;

use crate::app::targets::{self, Named};
use crate::cli::commands::subject::WithinArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::words::count;
use crate::model::registered::{Tag, TargetName};

/// Names registered targets.
#[derive(Debug, Args)]
struct NamedArgs {
    /// The targets' names
    #[arg(value_name = "NAME", required_unless_present = "tag", conflicts_with = "tag")]
    names: Vec<TargetName>,
    /// All targets with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<Tag>,
    #[command(flatten)]
    within: WithinArgs,
}

impl NamedArgs {
    fn named(&self) -> Named {
        self.tag.clone().map_or_else(|| Named::Names(self.names.clone()), Named::Tag)
    }
}

/// Let targets be scanned again
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet targets enable shop
  dragnet targets enable --tag legacy --project web")]
pub(super) struct EnableArgs {
    #[command(flatten)]
    named: NamedArgs,
}

/// Let targets not be scanned, by schedules or by hand, until they are enabled
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet targets disable shop
  dragnet targets disable --tag legacy")]
pub(super) struct DisableArgs {
    #[command(flatten)]
    named: NamedArgs,
}

/// Take targets out of the registry; their scans and findings stay
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet targets remove shop
  dragnet targets remove --tag legacy")]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    named: NamedArgs,
}

pub(super) fn enable(context: &Context, args: &EnableArgs) -> Result<u8, CliError> {
    switch(context, &args.named, true)
}

pub(super) fn disable(context: &Context, args: &DisableArgs) -> Result<u8, CliError> {
    switch(context, &args.named, false)
}

fn switch(context: &Context, args: &NamedArgs, enabled: bool) -> Result<u8, CliError> {
    let app = context.app()?;
    let chosen = targets::find_all(&app, &args.named(), &args.within.within())?;
    let actor = context.actor();
    let changed = Context::block_on(async {
        Ok(app.store.set_targets_enabled(chosen, enabled, &actor, app.clock.now()).await?)
    })?;
    let word = if enabled { "enabled" } else { "disabled" };
    context.ui.say(&match changed {
        0 => format!("nothing to do: all are {word}"),
        _ => format!("{} {word}", count(changed, "target")),
    });
    Ok(exit::CLEAN)
}

pub(super) fn remove(context: &Context, args: &RemoveArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let chosen = targets::find_all(&app, &args.named.named(), &args.named.within.within())?;
    let removed = Context::block_on(async { Ok(app.store.remove_targets(chosen).await?) })?;
    context.ui.say(&format!("{} removed; scans and findings stay", count(removed, "target")));
    Ok(exit::CLEAN)
}
