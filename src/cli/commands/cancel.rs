//! `dragnet cancel`

use clap::Args;
use futures::future::try_join_all;
use tokio_util::sync::CancellationToken;

use crate::app::{self, App, TakeUp, Watch, WatchEnd};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::signals::Signals;
use crate::model::id::{ScanId, ScanKey};
use crate::store::Verb;

/// Cancel scans, and keep what they found
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet cancel latest
  dragnet cancel 4f2k 9zq1
  dragnet cancel --no-wait latest    ask, and do not wait until it is done

A scan that has ended already is no error.")]
pub(in crate::cli) struct CancelArgs {
    /// The scans: ids, unique beginnings of them, or `latest`
    #[arg(value_name = "SCAN", required = true)]
    scans: Vec<String>,
    /// Ask, and do not wait until it is done
    #[arg(long)]
    no_wait: bool,
}

pub(in crate::cli) fn run(context: &Context, args: &CancelArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let scans: Vec<ScanId> =
        args.scans.iter().map(|scan| Ok(app.store.find_scan(scan)?)).collect::<Result<_, CliError>>()?;
    Context::block_on(async {
        let mut asked = Vec::new();
        for scan in scans {
            asked.extend(ask(context, &app, scan, args.no_wait).await?.map(|key| (scan, key)));
        }
        if args.no_wait { Ok(exit::CLEAN) } else { wait(context, &app, asked).await }
    })
}

/// Asks a scan to end; returns its id if there is something to wait for.
async fn ask(context: &Context, app: &App, scan: ScanId, no_wait: bool) -> Result<Option<ScanKey>, CliError> {
    let asked = app::ask(app, scan, Verb::Cancel, &context.actor()).await?;
    let key = asked.scan;
    if !asked.recorded {
        context.ui.say(&format!("scan {key} has ended already: {}", asked.state));
        return Ok(None);
    }
    if no_wait && !asked.driven {
        context.ui.say(&format!("scan {key} is asked to end; nobody drives it, so `dragnet watch {key}` must do it"));
    } else {
        context.ui.say(&format!("scan {key} is asked to end"));
    }
    Ok(Some(key))
}

async fn wait(context: &Context, app: &App, scans: Vec<(ScanId, ScanKey)>) -> Result<u8, CliError> {
    let detach = CancellationToken::new();
    let waiting = context.ui.waiting("waiting until scanners have ended");
    let watches = scans.iter().map(|&(scan, _)| {
        let options = Watch {
            take_up: TakeUp::WithoutDaemon,
            detach: detach.clone(),
            actor: context.actor(),
            ..Watch::default()
        };
        app::watch(app, scan, None, options, |_| {})
    });
    let mut signals = Signals::listen()?;
    let ends = tokio::select! {
        ends = try_join_all(watches) => ends?,
        caught = signals.next() => {
            drop(waiting);
            context.ui.talk("left; what was asked stands, and whoever drives the scans ends them");
            return Ok(caught.code());
        }
    };
    drop(waiting);
    let mut code = exit::CLEAN;
    for ((scan, key), end) in scans.into_iter().zip(ends) {
        if end == WatchEnd::EngineLost {
            context.ui.talk(&format!("scan {key}: the engine could not be reached; what was asked stands"));
            code = exit::UNREACHABLE;
        } else {
            context.ui.say(&format!("scan {key} has ended: {}", app.store.scan_state(scan)?));
        }
    }
    Ok(code)
}
