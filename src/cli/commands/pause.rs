//! `dragnet pause`

use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::app::{self, App, TakeUp, Watch};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::signals::Signals;
use crate::model::id::{ScanId, ScanKey};
use crate::store::Verb;

/// How often it is looked whether the owner has heard.
const POLL: Duration = Duration::from_millis(100);

/// Pause scans: start no more jobs, let those that run end
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet pause latest
  dragnet pause --freeze latest      freeze what runs, too, until `dragnet resume`
  dragnet pause --requeue latest     stop what runs; `dragnet resume` begins it anew")]
pub(in crate::cli) struct PauseArgs {
    /// The scans: ids, unique beginnings of them, or `latest`
    #[arg(value_name = "SCAN", required = true)]
    scans: Vec<String>,
    /// Freeze what runs, rather than letting it end
    #[arg(long)]
    freeze: bool,
    /// Stop what runs, rather than letting it end; its jobs begin anew after `dragnet resume`
    #[arg(long, conflicts_with = "freeze")]
    requeue: bool,
    /// Ask, and do not wait until whoever drives the scan has heard
    #[arg(long)]
    no_wait: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &PauseArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let scans: Vec<ScanId> =
        args.scans.iter().map(|scan| Ok(app.store.find_scan(scan)?)).collect::<Result<_, CliError>>()?;
    Context::block_on(async {
        for scan in scans {
            let code = pause(context, &app, scan, args).await?;
            if code != exit::CLEAN {
                return Ok(code);
            }
        }
        Ok(exit::CLEAN)
    })
}

async fn pause(context: &Context, app: &App, scan: ScanId, args: &PauseArgs) -> Result<u8, CliError> {
    let verb = match (args.freeze, args.requeue) {
        (true, _) => Verb::Freeze,
        (_, true) => Verb::Requeue,
        _ => Verb::Pause,
    };
    let asked = app::ask(app, scan, verb, &context.actor()).await?;
    let key = asked.scan;
    if !asked.recorded {
        context.ui.say(&format!("scan {key} has ended already: {}", asked.state));
        return Ok(exit::CLEAN);
    }
    if args.no_wait {
        context.ui.say(&format!("scan {key} is asked to pause"));
        return Ok(exit::CLEAN);
    }
    let mut signals = Signals::listen()?;
    tokio::select! {
        done = wait(context, app, scan, args.freeze) => done?,
        caught = signals.next() => return Ok(caught.code()),
    }
    tell(context, app, scan, key)?;
    Ok(exit::CLEAN)
}

/// Waits until the owner has heard. Nobody's scan is paused by this process, which then waits for what runs, too, unless that is frozen.
async fn wait(context: &Context, app: &App, scan: ScanId, freeze: bool) -> Result<(), CliError> {
    let (detach, driven) = (CancellationToken::new(), app.store.is_driven(app.store.scan(scan)?.id)?);
    let options = Watch {
        take_up: TakeUp::WithoutDaemon,
        end_when_paused: true,
        detach: detach.clone(),
        actor: context.actor(),
        ..Watch::default()
    };
    let heard = async {
        while !app.store.open_intents(scan)?.is_empty() {
            tokio::time::sleep(POLL).await;
        }
        if driven || freeze {
            detach.cancel();
        }
        Ok::<(), CliError>(())
    };
    let (heard, watched) = tokio::join!(heard, app::watch(app, scan, None, options, |_| {}));
    heard?;
    watched?;
    Ok(())
}

fn tell(context: &Context, app: &App, scan: ScanId, key: ScanKey) -> Result<(), CliError> {
    let view = app.store.scan(scan)?;
    let running = view.jobs.get(&crate::model::state::JobState::Running).copied().unwrap_or(0);
    let still = if running > 0 {
        format!("; {} not ended yet", crate::cli::words::count(running, "job"))
    } else {
        String::new()
    };
    context.ui.say(&format!("scan {key} is {}{still}; `dragnet resume {key}` goes on", view.state));
    Ok(())
}
