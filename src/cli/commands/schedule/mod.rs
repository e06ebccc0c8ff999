//! `dragnet schedule`

mod run;
mod show;
mod words;

use clap::{Args, Subcommand};

use crate::app;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;

/// Start scans at their times, and look at schedules
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet schedule list
  dragnet schedule next nightly -n 3         when it is due, in its time zone
  dragnet schedule run nightly               now, and once
  dragnet schedule pause nightly
  dragnet schedule history nightly --format json
  */5 * * * * dragnet schedule run-due       in a crontab: start what is due; the daemon does so by itself

Schedules are [[schedules]] of your configuration or of the policy:
  [[schedules]]
  name = \"nightly\"
  cron = \"0 3 * * *\"
  time_zone = \"Europe/Berlin\"
  target = \"dir:/srv/shop\"")]
pub(in crate::cli) struct ScheduleArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(show::ListArgs),
    Next(show::NextArgs),
    History(show::HistoryArgs),
    Run(run::RunArgs),
    RunDue(run::RunDueArgs),
    Pause(PauseArgs),
    Resume(ResumeArgs),
}

/// Let a schedule rest: it starts nothing, and what is left out is recorded
#[derive(Debug, Args)]
struct PauseArgs {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
}

/// Let a schedule go on from now
#[derive(Debug, Args)]
#[command(after_help = "\
Ticks that passed while it rested are recorded as skipped. Of a schedule that does not rest, but whose clock was ahead when it was \
last run, the time is set to now.")]
struct ResumeArgs {
    /// The schedule
    #[arg(value_name = "NAME")]
    name: String,
}

pub(in crate::cli) fn run(context: &Context, args: &ScheduleArgs) -> Result<u8, CliError> {
    match &args.verb {
        Verb::List(args) => show::list(context, args),
        Verb::Next(args) => show::next(context, args),
        Verb::History(args) => show::history(context, args),
        Verb::Run(args) => run::now(context, args),
        Verb::RunDue(args) => run::due(context, args),
        Verb::Pause(args) => set_paused(context, &args.name, true),
        Verb::Resume(args) => set_paused(context, &args.name, false),
    }
}

fn set_paused(context: &Context, name: &str, paused: bool) -> Result<u8, CliError> {
    let app = context.app()?;
    let actor = context.actor();
    let changed = Context::block_on(async { Ok(app::schedule::pause(&app, name, paused, &actor).await?) })?;
    context.ui.say(&match (paused, changed) {
        (true, true) => format!("schedule {name} rests; `dragnet schedule resume {name}` lets it go on"),
        (true, false) => format!("schedule {name} rested already"),
        (false, true) => format!("schedule {name} goes on; `dragnet schedule next {name}` shows when"),
        (false, false) => format!("schedule {name} did not rest"),
    });
    Ok(exit::CLEAN)
}
