//! `dragnet priority`

use clap::Args;

use crate::app;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::store::Verb;

/// Let a scan go before others: those with a higher number are driven first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet priority 4f2k 10
  dragnet priority latest -- -5      let it wait for those that have 0, as they begin

It counts among the scans of a daemon. What runs already runs on.")]
pub(in crate::cli) struct PriorityArgs {
    /// The scan: its id, a unique beginning of it, or `latest`
    #[arg(value_name = "SCAN")]
    scan: String,
    /// Its new priority
    #[arg(value_name = "NUMBER", allow_negative_numbers = true)]
    priority: i32,
}

pub(in crate::cli) fn run(context: &Context, args: &PriorityArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let scan = app.store.find_scan(&args.scan)?;
    Context::block_on(async {
        let asked = app::ask(&app, scan, Verb::Priority(args.priority), &context.actor()).await?;
        let key = asked.scan;
        context.ui.say(&if asked.recorded {
            format!("scan {key} is asked to have the priority {}", args.priority)
        } else {
            format!("scan {key} has ended already: {}", asked.state)
        });
        Ok(exit::CLEAN)
    })
}
