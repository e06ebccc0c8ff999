//! `dragnet resume`

use clap::Args;

use crate::app::{self, App, TakeUp};
use crate::cli::args::ScanArg;
use crate::cli::background;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::follow::{Follow, Followed, Show, exit_code, follow};
use crate::cli::progress::Progress;
use crate::config::OnInterrupt;
use crate::model::id::ScanId;
use crate::model::state::ScanState;
use crate::store::Verb;

/// Go on with a scan that is paused, or that nobody drives any more
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet resume                     the newest scan, driven in the background
  dragnet resume 4f2k --watch        drive it here, and follow it")]
pub(in crate::cli) struct ResumeArgs {
    #[command(flatten)]
    scan: ScanArg,
    /// Follow it until it ends
    #[arg(short, long)]
    watch: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &ResumeArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let scan = app.store.find_scan(&args.scan.scan)?;
    Context::block_on(resume(context, &app, scan, args.watch))
}

async fn resume(context: &Context, app: &App, scan: ScanId, watch: bool) -> Result<u8, CliError> {
    let view = app.store.scan(scan)?;
    let key = view.id;
    if view.state.is_terminal() {
        context.ui.say(&format!("scan {key} has ended already: {}", view.state));
        return Ok(exit::CLEAN);
    }
    // Frozen jobs of a scan that is pausing must be thawed, too.
    if matches!(view.state, ScanState::Paused | ScanState::Pausing) || !app.store.open_intents(scan)?.is_empty() {
        app::ask(app, scan, Verb::Resume, &context.actor()).await?;
    }
    if !watch {
        if app.store.is_driven(key)? {
            context.ui.say(&format!("scan {key} goes on; `dragnet watch {key}` follows it"));
        } else {
            let by = background::drive(context, app, scan, key).await?.words();
            context.ui.say(&format!("scan {key} goes on {by}; `dragnet watch {key}` follows it"));
        }
        return Ok(exit::CLEAN);
    }
    let show = Show::Progress(Progress::talk(&context.ui));
    let (end_when_paused, on_interrupt) = (false, OnInterrupt::Detach);
    let options = Follow { scan, key, from: 0, take_up: TakeUp::WithoutDaemon, end_when_paused, on_interrupt, show };
    match follow(context, app, None, options).await? {
        Followed::Left(code) => Ok(code),
        Followed::Watched(end) => Ok(exit_code(context, &app::judge(app, scan, &[], None)?, end)),
    }
}
