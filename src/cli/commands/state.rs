//! `dragnet state`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::app::state;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::words::count;

/// Back up, restore and check the state
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  dragnet state path
  dragnet state backup /backups/dragnet-monday
  dragnet --state ./restored state restore /backups/dragnet-monday
  dragnet state verify"
)]
pub(in crate::cli) struct StateArgs {
    #[command(subcommand)]
    command: StateCommand,
}

#[derive(Debug, Subcommand)]
enum StateCommand {
    /// Copy database, results and logs to a new directory; scans may go on meanwhile
    Backup {
        /// The directory, new or empty
        dir: PathBuf,
    },
    /// Bring a backup back, to a state that is new or empty, under an identity of its own
    Restore {
        /// The directory of the backup
        dir: PathBuf,
    },
    /// Check the database for damage
    Verify,
    /// Print where the state is
    Path,
}

pub(in crate::cli) fn run(context: &Context, args: &StateArgs) -> Result<u8, CliError> {
    match &args.command {
        StateCommand::Backup { dir } => {
            state::backup(&context.app()?.store, dir)?;
            context.ui.say(&format!("written to {}", dir.display()));
        }
        StateCommand::Restore { dir } => {
            let target = context.state_dir()?;
            let ended = Context::block_on(async { Ok(state::restore(dir, &target).await?) })?;
            context.ui.say(&format!("restored to {} under a new identity", target.display()));
            if ended > 0 {
                context.ui.say(&format!(
                    "{} under way when it was copied ended there, INCOMPLETE",
                    count(ended as u64, "scan")
                ));
            }
        }
        StateCommand::Verify => return verify(context),
        StateCommand::Path => context.ui.print(&format!("{}\n", context.state_dir()?.display()))?,
    }
    Ok(exit::CLEAN)
}

fn verify(context: &Context) -> Result<u8, CliError> {
    let wrong = context.app()?.store.verify()?;
    if wrong.is_empty() {
        context.ui.say("the database is whole");
        return Ok(exit::CLEAN);
    }
    let text: String = wrong.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    context.ui.print(&text)?;
    Err(CliError::unreachable("the database is damaged").hint("`dragnet state restore DIR` brings a backup back"))
}
