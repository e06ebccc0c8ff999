//! `dragnet watch`

use clap::{Args, ValueEnum};

use crate::app::{self, Judged, TakeUp, WatchEnd};
use crate::cli::args::ScanArg;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::follow::{Follow, Followed, Show, exit_code, follow};
use crate::cli::progress::Progress;
use crate::config::OnInterrupt;
use crate::model::gate::Ruling;
use crate::model::view::Verdict;
use crate::report::text::clean;

/// Follow a scan until it ends; drive it when nobody else does
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet watch                      the newest scan
  dragnet watch 4f2k --no-drive      only look
  dragnet watch --format json        one JSON object a line for each event

Ctrl-C stops watching; the scan goes on, in the background if need be.
The exit code tells how the scan ended, as that of `dragnet start` does.")]
pub(in crate::cli) struct WatchArgs {
    #[command(flatten)]
    scan: ScanArg,
    /// Begin after this event
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    from: u64,
    /// Only look: leave the scan alone even if nobody drives it
    #[arg(long)]
    no_drive: bool,
    /// Print events as
    #[arg(long, value_enum, default_value_t)]
    format: EventFormat,
    #[arg(long, hide = true)]
    drive_detached: bool,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum EventFormat {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

pub(in crate::cli) fn run(context: &Context, args: &WatchArgs) -> Result<u8, CliError> {
    if args.drive_detached {
        // Fails only for a process that leads a session already, which is what is wanted.
        let _session = rustix::process::setsid();
    }
    let app = context.app()?;
    let scan = app.store.find_scan(&args.scan.scan)?;
    let key = app.store.scan(scan)?.id;
    let show = match (args.drive_detached, args.format) {
        (true, _) => Show::Progress(Progress::nowhere(&context.ui)),
        (false, EventFormat::Json) => Show::Json,
        (false, EventFormat::Text) => Show::Progress(Progress::data(&context.ui)),
    };
    let options = Follow {
        scan,
        key,
        from: args.from,
        take_up: if args.no_drive { TakeUp::Never } else { TakeUp::WithoutDaemon },
        end_when_paused: args.drive_detached,
        on_interrupt: OnInterrupt::Detach,
        show,
    };
    Context::block_on(async {
        match follow(context, &app, None, options).await? {
            Followed::Left(code) => Ok(code),
            Followed::Watched(end) => {
                let judged = app::judge(&app, scan, &[], None)?;
                if args.format == EventFormat::Text && end == WatchEnd::Ended {
                    summarise(context, &judged);
                }
                Ok(exit_code(context, &judged, end))
            }
        }
    })
}

fn summarise(context: &Context, judged: &Judged) {
    let view = &judged.scan;
    let complete = if view.verdict(Ruling::Holds) == Verdict::Clean { "" } else { ", INCOMPLETE" };
    let target = view.target.to_string();
    context.ui.say(&format!(
        "scan {} of {} {}{complete}: {}; `dragnet report {}` tells more",
        view.id,
        clean(&target),
        view.state,
        crate::cli::progress::found(&view.records),
        view.id
    ));
    if judged.verdict() == Verdict::GateUndecided {
        context.ui.warn(&judged.gate.lines().swap_remove(0));
    }
}
