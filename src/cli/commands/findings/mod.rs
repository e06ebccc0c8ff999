//! `dragnet findings`

mod decide;
mod export;
mod list;
mod reparse;
mod show;

use clap::{Args, Subcommand};

use crate::cli::context::Context;
use crate::cli::error::CliError;

/// List a scan's findings, look at one, and say which do not count
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  dragnet findings --severity high           high and critical ones of the newest scan
  dragnet findings 4f2k --scanner bandit --path app/
  dragnet findings --format jsonl | jq -r .rule | sort | uniq -c
  dragnet findings show v1:1f32a1
  dragnet findings suppress v1:1f32a1 --false-positive --reason 'the input is a constant'
  dragnet findings accept v1:1f32a1 --until 2027-01-31 --reason 'mended with the next release'
  dragnet findings reopen v1:1f32a1
  dragnet findings export -o findings.jsonl   all of all scans, with their history
  dragnet findings reparse --all             after an upgrade: read all raw results again

Findings are named by their fingerprints, or unique beginnings of them."
)]
pub(in crate::cli) struct FindingsArgs {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: list::ListArgs,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::ListArgs),
    Show(show::ShowArgs),
    History(show::HistoryArgs),
    Suppress(decide::SuppressArgs),
    Accept(decide::AcceptArgs),
    Reopen(decide::ReopenArgs),
    Reparse(reparse::ReparseArgs),
    Export(export::ExportArgs),
}

pub(in crate::cli) fn run(context: &Context, args: &FindingsArgs) -> Result<u8, CliError> {
    match &args.verb {
        None => list::run(context, &args.list),
        Some(Verb::List(args)) => list::run(context, args),
        Some(Verb::Show(args)) => show::run(context, args),
        Some(Verb::History(args)) => show::history(context, args),
        Some(Verb::Suppress(args)) => decide::suppress(context, args),
        Some(Verb::Accept(args)) => decide::accept(context, args),
        Some(Verb::Reopen(args)) => decide::reopen(context, args),
        Some(Verb::Reparse(args)) => reparse::run(context, args),
        Some(Verb::Export(args)) => export::run(context, args),
    }
}
