//! `dragnet gc`

use std::fmt::Write as _;

use clap::Args;

use crate::app::retention::{self, Expired};
use crate::app::{self, App, gc};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::words::{count, moment, size};
use crate::executor::Owned;
use crate::model::unit::Span;
use crate::report::text::clean;

/// Remove what no scan needs: leftovers in the engine, old snapshots, drafts of killed processes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet gc --dry-run               see what would go
  dragnet gc --expired --dry-run     see which scans are kept no longer, and why
  dragnet gc --foreign               list what other states have in the engine
  dragnet gc --foreign 4f2k9zq1      remove what the lost state 4f2k9zq1 has left there

Without --expired, findings, logs and stored results are never removed.")]
pub(in crate::cli) struct GcArgs {
    /// Show what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// List what other states have in the engine; with an instance, remove what is that one's
    #[arg(long, value_name = "INSTANCE", num_args = 0..=1, default_missing_value = "")]
    foreign: Option<String>,
    /// Keep snapshots that are younger than this
    #[arg(long, value_name = "TIME", default_value = "1d")]
    keep: Span,
    /// Remove scans, too, with all that they found, that `[retention]` keeps no longer
    #[arg(long, conflicts_with = "foreign")]
    expired: bool,
    /// Leave the engine alone
    #[arg(long, conflicts_with = "foreign")]
    no_engine: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &GcArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    Context::block_on(async {
        match &args.foreign {
            Some(instance) => foreign(context, &app, instance, args.dry_run).await,
            None => own(context, &app, args).await,
        }
    })
}

async fn own(context: &Context, app: &App, args: &GcArgs) -> Result<u8, CliError> {
    let executor = if args.no_engine { None } else { Some(app::connect(app).await?) };
    let garbage = gc::garbage(app, executor.as_ref(), args.keep.0).await?;
    let mut lines: Vec<String> =
        garbage.objects.iter().map(|object| format!("{} {}", object.kind.as_str(), object.name)).collect();
    lines.extend(garbage.snapshots.iter().map(|path| format!("snapshot {}", path.display())));
    lines.extend(garbage.spools.iter().map(|path| format!("spool {}", path.display())));
    let expired = if args.expired { retention::expired(app)? } else { Vec::new() };
    lines.extend(expired.iter().map(line));
    let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    context.ui.print(&text)?;
    let things = count(lines.len() as u64, "thing");
    if args.dry_run {
        context.ui.say(&format!("{things} would be removed"));
        return Ok(exit::CLEAN);
    }
    let drafts = gc::collect(app, executor.as_ref(), &garbage).await?;
    let mut said = format!("{things} removed, and {} of killed processes", count(drafts, "draft"));
    if args.expired {
        let removed = retention::remove(app, &expired).await?;
        let _ = write!(said, "; {} given back", size(removed.bytes));
    }
    context.ui.say(&said);
    Ok(exit::CLEAN)
}

/// `scan 4f2k9zq1  dir:/srv/app  ended 2026-01-02 …, older than 90d`
fn line(expired: &Expired) -> String {
    let (kept, target) = (&expired.kept, clean(&expired.kept.target.key).into_owned());
    format!("scan {} {target} ended {}: {}", kept.key, moment(kept.finished_at), expired.reason)
}

async fn foreign(context: &Context, app: &App, instance: &str, dry_run: bool) -> Result<u8, CliError> {
    let executor = app::connect(app).await?;
    let mut objects = gc::foreign(app, &executor).await?;
    if !instance.is_empty() {
        objects.retain(|object| object.instance == instance);
    }
    if objects.is_empty() {
        context.ui.say("no other state has anything in the engine");
        return Ok(exit::CLEAN);
    }
    let rows: Vec<Vec<String>> = objects.iter().map(row).collect();
    context.ui.table(&["INSTANCE", "KIND", "NAME", "MADE"], &rows)?;
    if instance.is_empty() || dry_run {
        context
            .ui
            .say("nothing was removed; `dragnet gc --foreign INSTANCE` removes what a state that is lost has left");
        return Ok(exit::CLEAN);
    }
    for object in &objects {
        executor.remove_owned(object).await.map_err(app::AppError::from)?;
    }
    context.ui.say(&format!("{} removed", count(objects.len() as u64, "object")));
    Ok(exit::CLEAN)
}

fn row(object: &Owned) -> Vec<String> {
    vec![
        object.instance.clone(),
        object.kind.as_str().to_owned(),
        object.name.clone(),
        object.created_at.map_or_else(|| "-".to_owned(), moment),
    ]
}
