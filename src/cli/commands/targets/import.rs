//! `dragnet targets import`

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::list::kind;
use crate::app::targets::{self, ImportTargets, ImportedTargets, ListFormat, Manner};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::model::owner::OwnerName;
use crate::model::registered::Tag;
use crate::model::target::TargetKind;
use crate::report::text::clean;

/// Most refusals that are told to people.
const MOST_TOLD: usize = 20;

/// Register or change targets from a list, all of them or none
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet targets import inventory.csv --dry-run
  dragnet targets import domains.txt --kind domain --tag external
  cmdb export | dragnet targets import - --format jsonl --skip-invalid

Lists are CSV with a header row, JSON (a list, or an object with `targets`), JSON lines, or plain
lines with `#` comments. The fields are name, target, tags, enabled, template, note, organisation
and project; only target is needed. In CSV, tags have spaces or `;` between them. A target whose
name is registered is changed: what the list does not say stays, and what it leaves empty is taken
away.")]
pub(super) struct ImportArgs {
    /// The list; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How the list is written [default: what its name or its beginning says]
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    format: Option<ListFormat>,
    /// What a target is that says no kind [default: a path]
    #[arg(long, value_name = "KIND", value_parser = kind())]
    kind: Option<TargetKind>,
    /// Give all of them this tag, beside their own; may be repeated
    #[arg(long, value_name = "TAG")]
    tag: Vec<Tag>,
    /// The organisation of those that name none
    #[arg(long, value_name = "NAME")]
    organisation: Option<OwnerName>,
    /// The project of those that name none
    #[arg(long, value_name = "NAME")]
    project: Option<OwnerName>,
    /// Leave out what cannot be registered, rather than register nothing
    #[arg(long)]
    skip_invalid: bool,
    /// Say what would come of it, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print what came of it as
    #[arg(long, value_enum, default_value_t)]
    summary: Summary,
}

/// How what came of a list is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Summary {
    /// For people, on standard error.
    #[default]
    Text,
    /// For programs, on standard output.
    Json,
}

fn format() -> impl TypedValueParser<Value = ListFormat> {
    let words = PossibleValuesParser::new(ListFormat::ALL.map(ListFormat::as_str));
    words.map(|word| ListFormat::ALL.into_iter().find(|one| one.as_str() == word).unwrap_or(ListFormat::Lines))
}

pub(super) fn run(context: &Context, args: &ImportArgs) -> Result<u8, CliError> {
    let (input, name) = open(&args.file)?;
    let app = context.app()?;
    let request = ImportTargets {
        name: name.clone(),
        format: args.format,
        manner: Manner {
            kind: args.kind,
            tags: args.tag.iter().cloned().collect(),
            organisation: args.organisation.clone(),
            project: args.project.clone(),
        },
        skip_invalid: args.skip_invalid,
        dry_run: args.dry_run,
        actor: context.actor(),
    };
    let waiting = context.ui.waiting("reading");
    let done =
        Context::block_on(async { Ok(targets::import(&app, input, request, &|words| waiting.say(words)).await?) });
    drop(waiting);
    let done = done?;
    if args.summary == Summary::Json {
        context.ui.json("dragnet.targets-import/v1", "import", &in_json(&done, args.dry_run))?;
    }
    tell(context, args, &name, &done)
}

/// Opens the list; returns it with what it is called.
fn open(path: &Path) -> Result<(Box<dyn Read>, String), CliError> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin().lock()), "standard input".to_owned()));
    }
    let failed = |error: &dyn std::fmt::Display| CliError::usage(format!("{} cannot be read: {error}", path.display()));
    let file = File::open(path).map_err(|error| failed(&error))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        return Err(failed(&"it is a directory").hint(format!("`dragnet targets add {}` registers it", path.display())));
    }
    Ok((Box::new(file), path.display().to_string()))
}

fn in_json(done: &ImportedTargets, dry_run: bool) -> serde_json::Value {
    let refusals = done.refusals.iter().map(|refusal| json!({ "line": refusal.line, "reason": refusal.reason }));
    json!({
        "added": done.added,
        "updated": done.updated,
        "unchanged": done.unchanged,
        "repeated": done.repeated,
        "refused": done.refused,
        "refusals": refusals.collect::<Vec<_>>(),
        "written": done.written,
        "dry_run": dry_run,
    })
}

fn tell(context: &Context, args: &ImportArgs, name: &str, done: &ImportedTargets) -> Result<u8, CliError> {
    let name = clean(name);
    for refusal in done.refusals.iter().take(MOST_TOLD) {
        context.ui.talk(&format!("{name}:{}: {}", refusal.line, clean(&refusal.reason)));
    }
    let untold = done.refused.saturating_sub(MOST_TOLD as u64);
    if untold > 0 {
        context.ui.talk(&format!("{name}: … and {untold} more"));
    }
    if done.refused > 0 && !args.skip_invalid {
        let message = format!("{name}: {} cannot be registered; nothing was written", entries(done.refused));
        return Err(CliError::usage(message).hint("--skip-invalid leaves them out and registers the rest"));
    }
    let mut parts = vec![
        format!("{} added", done.added),
        format!("{} updated", done.updated),
        format!("{} unchanged", done.unchanged),
    ];
    if done.repeated > 0 {
        parts.push(format!("{} repeated", done.repeated));
    }
    if done.refused > 0 {
        parts.push(format!("{} refused", done.refused));
    }
    let words = parts.join(", ");
    context.ui.say(&if args.dry_run { format!("nothing was written; it would be: {words}") } else { words });
    Ok(exit::CLEAN)
}

fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}
