//! `dragnet completions`, and the hidden `dragnet man`

use clap::Args;
use clap_complete::Shell;

use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::{exit, generate};

/// Print a script that completes words in a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet completions bash > ~/.local/share/bash-completion/completions/dragnet
  dragnet completions zsh > \"${fpath[1]}/_dragnet\"
  dragnet completions fish > ~/.config/fish/completions/dragnet.fish")]
pub(in crate::cli) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Print a manual page
#[derive(Debug, Args)]
pub(in crate::cli) struct ManArgs {
    /// The command that it is about
    command: Option<String>,
}

pub(in crate::cli) fn run(context: &Context, args: &CompletionsArgs) -> Result<u8, CliError> {
    context.ui.print(&generate::completions(args.shell))?;
    Ok(exit::CLEAN)
}

pub(in crate::cli) fn man(context: &Context, args: &ManArgs) -> Result<u8, CliError> {
    let name = args.command.as_ref().map_or_else(|| "dragnet.1".to_owned(), |command| format!("dragnet-{command}.1"));
    let page = generate::manuals().into_iter().find(|(found, _)| *found == name);
    let (_, text) = page.ok_or_else(|| CliError::usage(format!("there is no manual page {name}")))?;
    context.ui.print(&text)?;
    Ok(exit::CLEAN)
}
