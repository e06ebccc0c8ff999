//! Looking at schedules: what there is, what comes, what has been.

use std::collections::BTreeMap;

use clap::Args;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::words;
use crate::app::schedule::{self, Overview};
use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::model::clock::Timestamp;
use crate::model::schedule::{Schedule, ScheduleId, Tick};
use crate::report::text::clean;
use crate::store::TickFilter;

/// List schedules: when each is due, what became of the last tick
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Print the list as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

/// Show when schedules are due next
#[derive(Debug, Args)]
pub(super) struct NextArgs {
    /// Only this schedule
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// So many ticks
    #[arg(short, long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    number: u32,
    /// Print the list as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

/// Show what has become of ticks, newest first
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    /// Only ticks of this schedule
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Print the list as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

#[derive(Serialize)]
struct ScheduleView<'a> {
    #[serde(flatten)]
    schedule: &'a Schedule,
    when: String,
    state: &'static str,
    next: Option<Timestamp>,
    paused_by: Option<&'a str>,
    paused_at: Option<Timestamp>,
    last: Option<&'a Tick>,
}

#[derive(Serialize)]
struct NextView<'a> {
    schedule: &'a str,
    /// When the tick is due.
    due: Timestamp,
    /// When it starts: that and its jitter.
    starts: Timestamp,
    /// That, on the clock of the schedule's time zone.
    local: String,
}

pub(super) fn list(context: &Context, args: &ListArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let (all, now) = (schedule::overview(&app)?, app.clock.now());
    if args.format == TableFormat::Json {
        let views: Vec<ScheduleView<'_>> = all.iter().map(|overview| view(overview, now)).collect();
        context.ui.json("dragnet.schedules/v1", "schedules", &views)?;
    } else if all.is_empty() {
        context.ui.say("there are no schedules; `dragnet schedule --help` shows how to write one");
    } else {
        let rows: Vec<Vec<String>> = all.iter().map(|overview| row(overview, now)).collect();
        context.ui.table(&["SCHEDULE", "WHEN", "NEXT", "LAST", "STATE"], &rows)?;
    }
    Ok(exit::CLEAN)
}

fn view(overview: &Overview, now: Timestamp) -> ScheduleView<'_> {
    let standing = &overview.standing;
    ScheduleView {
        schedule: &standing.schedule,
        when: standing.schedule.when(),
        state: words::state(overview, now),
        next: standing.next_due,
        paused_by: standing.paused.as_ref().map(|(actor, _)| actor.as_str()),
        paused_at: standing.paused.as_ref().map(|(_, at)| *at),
        last: overview.last.as_ref(),
    }
}

fn row(overview: &Overview, now: Timestamp) -> Vec<String> {
    let (standing, zone) = (&overview.standing, &overview.standing.schedule.time_zone);
    let last = overview.last.as_ref().map_or_else(|| "-".to_owned(), words::brief);
    vec![
        standing.schedule.name.to_string(),
        standing.schedule.when(),
        words::next(standing.next_due, zone, now),
        clean(&last).into_owned(),
        words::state(overview, now).to_owned(),
    ]
}

pub(super) fn next(context: &Context, args: &NextArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    if let Some(name) = &args.name {
        schedule::find(&app, name)?;
    }
    let wanted = |overview: &Overview| match &args.name {
        Some(name) => overview.configured && overview.standing.schedule.name.as_str() == name,
        None => true,
    };
    let all: Vec<Overview> = schedule::overview(&app)?.into_iter().filter(wanted).collect();
    let mut views = Vec::new();
    for Overview { standing, .. } in all.iter().filter(|overview| overview.standing.next_due.is_some()) {
        let (schedule, mut at) = (&standing.schedule, standing.cursor);
        for _ in 0..args.number {
            let Some(next) = schedule.next(standing.anchor, at) else { break };
            let local = words::moment(next.at, schedule.time_zone.rules());
            views.push(NextView { schedule: schedule.name.as_str(), due: next.due, starts: next.at, local });
            at = next.due;
        }
    }
    views.sort_by_key(|view| view.starts);
    views.truncate(args.number as usize);
    if args.format == TableFormat::Json {
        context.ui.json("dragnet.ticks-to-come/v1", "ticks", &views)?;
    } else if views.is_empty() {
        context.ui.say("nothing is due, ever; `dragnet schedule list` shows what there is");
    } else {
        let now = app.clock.now();
        let row =
            |view: &NextView<'_>| vec![view.schedule.to_owned(), view.local.clone(), words::relative(view.starts, now)];
        context.ui.table(&["SCHEDULE", "STARTS", ""], &views.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(exit::CLEAN)
}

pub(super) fn history(context: &Context, args: &HistoryArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let standings = app.store.standings()?;
    // One that is gone from the configuration has a past, too; one that was never seen has none.
    let named = |name: &String| match standings.iter().rfind(|standing| standing.schedule.name.as_str() == name) {
        Some(standing) => Ok(standing.id),
        None => schedule::find(&app, name).map(|_| ScheduleId(0)),
    };
    let filter = TickFilter { schedule: args.name.as_ref().map(named).transpose()?, limit: args.limit };
    let ticks = app.store.ticks(&filter)?;
    if args.format == TableFormat::Json {
        context.ui.json("dragnet.ticks/v1", "ticks", &ticks)?;
    } else if ticks.is_empty() {
        context.ui.say("no tick has passed yet");
    } else {
        let zones: BTreeMap<ScheduleId, TimeZone> =
            standings.iter().map(|standing| (standing.id, standing.schedule.time_zone.rules().clone())).collect();
        let row = |tick: &Tick| {
            let zone = zones.get(&tick.schedule_id).cloned().unwrap_or(TimeZone::UTC);
            let target = if tick.target.is_empty() { "-" } else { &tick.target };
            [tick.schedule.as_str(), &words::due(tick, &zone), target, &words::outcome(tick)]
                .map(|cell| clean(cell).into_owned())
                .to_vec()
        };
        context.ui.table(&["SCHEDULE", "DUE", "TARGET", "OUTCOME"], &ticks.iter().map(row).collect::<Vec<_>>())?;
    }
    Ok(exit::CLEAN)
}
