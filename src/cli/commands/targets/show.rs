//! `dragnet targets show`

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;

use super::quoted;
use crate::app::targets;
use crate::cli::args::TableFormat;
use crate::cli::commands::list::{HEADER, row};
use crate::cli::commands::subject::WithinArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::style::{BOLD, paint};
use crate::cli::words::moment;
use crate::model::registered::{RegisteredTarget, Tag, TargetName};
use crate::report::text::clean;

/// Show a registered target and its last scans
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet targets show shop
  dragnet targets show domain:example.org --format json")]
pub(super) struct ShowArgs {
    /// The target's name
    name: TargetName,
    #[command(flatten)]
    within: WithinArgs,
    /// Show at most so many scans, newest first
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: u32,
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(super) fn run(context: &Context, args: &ShowArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let target = targets::find(&app, &args.name, &args.within.within())?;
    let scans = targets::last_scans(&app, &target, args.limit)?;
    if args.format == TableFormat::Json {
        context.ui.json("dragnet.target/v1", "target", &json!({ "target": target, "scans": scans }))?;
        return Ok(exit::CLEAN);
    }
    context.ui.print(&text(context, &target))?;
    if scans.is_empty() {
        let name = quoted(&format!("@{}", clean(target.name.as_str())));
        context.ui.say(&format!("it was not scanned yet; `dragnet start {name}` scans it"));
    } else {
        let rows: Vec<Vec<String>> = scans.iter().map(row).collect();
        context.ui.print("\n")?;
        context.ui.table(&HEADER, &rows)?;
    }
    Ok(exit::CLEAN)
}

fn text(context: &Context, target: &RegisteredTarget) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let label = format!("{}{}", paint(context.ui.out.color, BOLD, label), " ".repeat(12 - label.len()));
        let _ = writeln!(text, "{label}{}", clean(value));
    };
    line("Name", target.name.as_str());
    line("Target", &target.target.to_string());
    line("State", if target.enabled { "enabled" } else { "disabled" });
    let tags: Vec<&str> = target.tags.iter().map(Tag::as_str).collect();
    line("Tags", &if tags.is_empty() { "-".to_owned() } else { tags.join(" ") });
    line("Template", target.template.as_deref().unwrap_or("-"));
    line("Project", &target.owner.to_string());
    if let Some(note) = &target.note {
        line("Note", note);
    }
    line("Added", &moment(target.created_at));
    line("Changed", &format!("{} by {}", moment(target.updated_at), target.actor));
    text
}
