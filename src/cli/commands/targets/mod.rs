//! `dragnet targets`

mod add;
mod change;
mod import;
mod list;
mod show;

use clap::{Args, Subcommand};

use crate::cli::context::Context;
use crate::cli::error::CliError;

/// Keep a registry of what is scanned again and again
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  dragnet targets add . --name shop --tag web --tag team/a
  dragnet targets add domain:example.org --template ports
  dragnet targets import inventory.csv --tag inventory
  dragnet targets list --tag web --enabled
  dragnet targets disable --tag legacy
  dragnet start @shop                        scan one of them
  dragnet start @tag:web --detach            scan all enabled ones with a tag
  dragnet targets list --format jsonl | dragnet --state ../other targets import -

A target without a name is called by its text, as in `domain:example.org`. Scans of a registered
target are compared with one another by its name, and belong to its project."
)]
pub(in crate::cli) struct TargetsArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Add(add::AddArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Enable(change::EnableArgs),
    Disable(change::DisableArgs),
    Remove(change::RemoveArgs),
    Import(import::ImportArgs),
}

pub(in crate::cli) fn run(context: &Context, args: &TargetsArgs) -> Result<u8, CliError> {
    match &args.verb {
        Verb::Add(args) => add::run(context, args),
        Verb::List(args) => list::run(context, args),
        Verb::Show(args) => show::run(context, args),
        Verb::Enable(args) => change::enable(context, args),
        Verb::Disable(args) => change::disable(context, args),
        Verb::Remove(args) => change::remove(context, args),
        Verb::Import(args) => import::run(context, args),
    }
}

/// Returns a name as it is given to a shell.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@:/._-+=,%".contains(c);
    if name.chars().all(is_plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_through_a_shell_unchanged() {
        for (name, expected) in [
            ("git:https://h/r.git@main", "git:https://h/r.git@main"),
            ("my shop", "'my shop'"),
            ("it's", r"'it'\''s'"),
            ("$HOME", "'$HOME'"),
        ] {
            assert_eq!(quoted(name), expected);
        }
    }
}
