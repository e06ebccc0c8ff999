//! Starting scans: those that are due, or one schedule's now.

use clap::Args;
use futures::StreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use super::words;
use crate::app::schedule::{self, Drive, Ran};
use crate::app::{self, App, AppError, Say, TakeUp, Watch, WatchEnd};
use crate::cli::args::TableFormat;
use crate::cli::background::{self, Background};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::signals::Signals;
use crate::model::id::{ScanId, ScanKey};
use crate::model::schedule::Tick;
use crate::report::text::clean;

/// Most drivers in the background that run at once; what is left over is driven by the next call.
const DRIVERS: usize = 16;
/// Scans that this process drives at once.
const DRIVEN: usize = 4;

/// Start a schedule's scans now, outside its cadence
#[derive(Debug, Args)]
#[command(after_help = "\
The scans are recorded, and start whatever is under way, also while the schedule is paused; as long as they run, they count as the \
schedule's earlier scans.")]
pub(super) struct RunArgs {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
    /// Drive the scans from here, to their end
    #[arg(long)]
    wait: bool,
}

/// Start the scans that are due
#[derive(Debug, Args)]
#[command(after_help = "\
For cron and timers: prints a line for each tick, and ends with 0 whether or not there was one. It may be called at any time, as often as \
you like; no tick starts twice. What could not be started is tried again by later calls until the next tick is due. A schedule begins \
with the first call that sees it.")]
pub(super) struct RunDueArgs {
    /// Drive the scans from here, to their end
    #[arg(long)]
    wait: bool,
    /// Print what has become of ticks as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(super) fn due(context: &Context, args: &RunDueArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    Context::block_on(async {
        let work = async |drive: Drive<'_>, say: Say<'_>| Ok(schedule::run_due(&app, drive, say).await?);
        with_drivers(context, &app, args.wait, work, |ran| tell(context, &app, &ran, args.format)).await
    })
}

pub(super) fn now(context: &Context, args: &RunArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    Context::block_on(async {
        let work = async |drive: Drive<'_>, say: Say<'_>| {
            Ok(schedule::run_now(&app, &args.name, &context.actor(), drive, say).await?)
        };
        with_drivers(context, &app, args.wait, work, |ran| tell_started(context, &args.name, ran)).await
    })
}

/// Prints the scans that were started; an error tells of those that were not.
fn tell_started(context: &Context, name: &str, ran: Vec<(Tick, Option<AppError>)>) -> Result<(), CliError> {
    let mut failed = Vec::new();
    for (tick, error) in ran {
        if let Some(scan) = tick.scan {
            context.ui.print(&format!("{scan}\n"))?;
            context.ui.say(&format!("scan {scan} of {}; `dragnet watch {scan}` follows it", clean(&tick.target)));
        }
        failed.extend(error);
    }
    let others = failed.len().saturating_sub(1);
    match failed.into_iter().next() {
        None => Ok(()),
        Some(error) if others == 0 => Err(error.into()),
        Some(error) => Err(CliError::from(error)
            .hint(format!("so could not {others} others; `dragnet schedule history {name}` tells why"))),
    }
}

/// Tells what has become of ticks, a line for each.
fn tell(context: &Context, app: &App, ran: &Ran, format: TableFormat) -> Result<(), CliError> {
    if format == TableFormat::Json {
        context.ui.json("dragnet.ticks/v1", "ticks", &ran.ticks)?;
    } else {
        for tick in &ran.ticks {
            let zone = app.store.schedule(tick.schedule_id)?.schedule.time_zone;
            context.ui.print(&format!("{}\n", clean(&line(tick, zone.rules()))))?;
        }
    }
    if ran.busy {
        context.ui.say("another process is at it");
    } else if let Some(next) = ran.next.filter(|_| ran.ticks.is_empty()) {
        let now = app.clock.now();
        context.ui.say(&format!(
            "nothing is due; next {}",
            words::next(Some(next), &crate::model::schedule::Zone::default(), now)
        ));
    } else if ran.ticks.is_empty() {
        context.ui.say("nothing is due, ever; `dragnet schedule list` shows what there is");
    }
    Ok(())
}

fn line(tick: &Tick, zone: &jiff::tz::TimeZone) -> String {
    let target = if tick.target.is_empty() { String::new() } else { format!(" {}", tick.target) };
    format!("{} {}{target}: {}", tick.schedule, words::due(tick, zone), words::outcome(tick))
}

/// Does something that starts scans, tells what came of it, and sees to it that they are driven: in the background meanwhile, or from here
/// afterwards.
async fn with_drivers<T>(
    context: &Context,
    app: &App,
    wait: bool,
    work: impl AsyncFnOnce(Drive<'_>, Say<'_>) -> Result<T, CliError>,
    tell: impl FnOnce(T) -> Result<(), CliError>,
) -> Result<u8, CliError> {
    let (sender, receiver) = unbounded_channel();
    let done = async {
        let waiting = context.ui.waiting("looking what is due");
        let drive = |scan: ScanId, key: ScanKey| {
            // The receiver is there until this sender is dropped.
            let _received = sender.send((scan, key));
        };
        let done = work(&drive, &|words| waiting.say(words)).await;
        drop((sender, waiting));
        tell(done?)
    };
    let (told, driven) = if wait {
        let told = done.await;
        (told, drive_here(context, app, receiver).await)
    } else {
        tokio::join!(done, drive_behind(context, app, receiver))
    };
    // What has been started is driven whatever else has failed.
    told.and(driven)
}

/// Leaves scans to drivers in the background. One that does not start is told of; the next call tries again.
async fn drive_behind(
    context: &Context,
    app: &App,
    mut scans: UnboundedReceiver<(ScanId, ScanKey)>,
) -> Result<u8, CliError> {
    let (mut left, mut failed) = (0, None);
    let mut running = None;
    while let Some((scan, key)) = scans.recv().await {
        let running = match &mut running {
            Some(running) => running,
            None => running.insert(driven(app)?),
        };
        if *running >= DRIVERS {
            left += 1;
            continue;
        }
        match background::drive(context, app, scan, key).await {
            Ok(by) => *running += usize::from(by == Background::Driver),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    if left > 0 {
        context.ui.say(&format!(
            "{left} scans wait for a driver, {DRIVERS} of which run at once: the next `dragnet schedule run-due` sees to them"
        ));
    }
    failed.map_or(Ok(exit::CLEAN), Err)
}

/// Counts the scans of schedules that somebody drives.
fn driven(app: &App) -> Result<usize, CliError> {
    let mut number = 0;
    for (_, key) in app.store.scheduled_scans()? {
        number += usize::from(app.store.is_driven(key)?);
    }
    Ok(number)
}

/// Drives scans to their end, a few at once.
async fn drive_here(
    context: &Context,
    app: &App,
    mut scans: UnboundedReceiver<(ScanId, ScanKey)>,
) -> Result<u8, CliError> {
    let (mut signals, detach) = (Signals::listen()?, CancellationToken::new());
    let mut all = Vec::new();
    while let Ok(scan) = scans.try_recv() {
        all.push(scan);
    }
    let runs = all.into_iter().map(|(scan, key)| {
        let options = Watch {
            take_up: TakeUp::WithoutDaemon,
            end_when_paused: true,
            detach: detach.clone(),
            actor: context.actor(),
            from: 0,
        };
        async move { (scan, key, app::watch(app, scan, None, options, |_| {}).await) }
    });
    let mut runs = futures::stream::iter(runs).buffer_unordered(DRIVEN);
    let mut code = exit::CLEAN;
    loop {
        let (scan, key, end) = tokio::select! {
            run = runs.next() => match run {
                Some(run) => run,
                None => return Ok(code),
            },
            caught = signals.next(), if !detach.is_cancelled() => {
                context.ui.say("letting go; the scans go on with the next `dragnet schedule run-due`, or with `dragnet watch`");
                code = caught.code();
                detach.cancel();
                continue;
            }
        };
        match end? {
            WatchEnd::Ended => context.ui.say(&format!("scan {key} {}", app.store.scan_state(scan)?)),
            WatchEnd::Paused => context.ui.say(&format!("scan {key} is paused; `dragnet resume {key}` goes on")),
            WatchEnd::EngineLost => {
                context.ui.talk(&format!("scan {key}: the engine could not be reached for too long"));
                code = exit::UNREACHABLE;
            }
            WatchEnd::Detached => {}
        }
    }
}
