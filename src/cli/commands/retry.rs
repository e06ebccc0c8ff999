//! `dragnet retry`

use clap::Args;

use crate::app::{self, App, Retried, TakeUp};
use crate::cli::args::ScanArg;
use crate::cli::background;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::follow::{Follow, Followed, Show, exit_code, follow};
use crate::cli::progress::Progress;
use crate::config::OnInterrupt;
use crate::model::id::ScanId;

/// Try again what failed: at once in a scan that goes on, with a new scan of the same plan where it has ended
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet retry                      the newest scan; the new one's id is printed
  dragnet retry 4f2k --watch         drive it here, and follow it

A new scan looks at the very source that the old one looked at, or at the target if that is still the same.")]
pub(in crate::cli) struct RetryArgs {
    #[command(flatten)]
    scan: ScanArg,
    /// Follow it until it ends
    #[arg(short, long)]
    watch: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &RetryArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let scan = app.store.find_scan(&args.scan.scan)?;
    Context::block_on(retry(context, &app, scan, args.watch))
}

async fn retry(context: &Context, app: &App, scan: ScanId, watch: bool) -> Result<u8, CliError> {
    let ui = &context.ui;
    let waiting = ui.waiting("looking for the source and images");
    let retried = app::retry(app, scan, &context.actor(), &|words| waiting.say(words)).await?;
    drop(waiting);
    let (scan, key, executor) = match retried {
        Retried::Complete(key) => {
            return Err(CliError::usage(format!("scan {key} saw everything: there is nothing to try again"))
                .hint("`dragnet start` scans the target as it is now"));
        }
        Retried::Asked(asked) => {
            let key = asked.scan;
            if !asked.driven {
                background::drive(context, app, scan, key).await?;
            }
            ui.say(&format!("scan {key} tries again what waits for that"));
            (scan, key, None)
        }
        Retried::Scan(scan, key, executor) => {
            if !watch {
                let by = background::drive(context, app, scan, key).await?;
                ui.print(&format!("{key}\n"))?;
                ui.say(&format!("scan {key} runs {}; `dragnet watch {key}` follows it", by.words()));
            }
            (scan, key, Some(executor))
        }
    };
    if !watch {
        return Ok(exit::CLEAN);
    }
    let show = Show::Progress(Progress::talk(ui));
    let (end_when_paused, on_interrupt) = (false, OnInterrupt::Detach);
    let options = Follow { scan, key, from: 0, take_up: TakeUp::WithoutDaemon, end_when_paused, on_interrupt, show };
    match follow(context, app, executor, options).await? {
        Followed::Left(code) => Ok(code),
        Followed::Watched(end) => Ok(exit_code(context, &app::judge(app, scan, &[], None)?, end)),
    }
}
