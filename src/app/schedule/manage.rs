//! What people do with schedules: look at them, pause them, have one run now.

use super::super::{App, AppError, Say};
use super::{Drive, Planner, start_one, targets};
use crate::model::nearest::Hint;
use crate::model::schedule::{Schedule, Standing, Tick};
use crate::store::{ManualTick, TickFilter};

/// A schedule with its past.
#[derive(Debug)]
pub struct Overview {
    /// How far it has come; one that was never seen begins now.
    pub standing: Standing,
    /// Whether it was seen before, by whoever runs what is due.
    pub seen: bool,
    /// Whether it is in the configuration.
    pub configured: bool,
    /// What was decided last.
    pub last: Option<Tick>,
}

/// Finds a schedule of the configuration by its name.
pub fn find<'a>(app: &'a App, name: &str) -> Result<&'a Schedule, AppError> {
    let schedules = &app.config.schedules;
    let missing = || AppError::NoSchedule {
        name: name.to_owned(),
        hint: Hint::new(name, schedules.iter().map(|schedule| schedule.name.as_str())),
    };
    schedules.iter().find(|schedule| schedule.name.as_str() == name).ok_or_else(missing)
}

/// Looks at all schedules: those of the configuration in its order, then those that are in it no more. Writes nothing.
pub fn overview(app: &App) -> Result<Vec<Overview>, AppError> {
    let mut known = app.store.standings()?;
    let mut all = Vec::new();
    for schedule in &app.config.schedules {
        let same = |standing: &Standing| {
            standing.schedule.name == schedule.name && standing.schedule.project == schedule.project
        };
        let found = known.iter().position(same).map(|at| known.swap_remove(at));
        let seen = found.is_some();
        all.push(one(app, as_configured(app, schedule, found), seen, true)?);
    }
    known.sort_by(|a, b| a.schedule.name.cmp(&b.schedule.name));
    for standing in known {
        all.push(one(app, standing, true, false)?);
    }
    Ok(all)
}

fn one(app: &App, standing: Standing, seen: bool, configured: bool) -> Result<Overview, AppError> {
    let filter = TickFilter { schedule: Some(standing.id), limit: 1 };
    let last = if seen { app.store.ticks(&filter)?.pop() } else { None };
    Ok(Overview { standing, seen, configured, last })
}

/// What a schedule will be once it is taken over from the configuration.
fn as_configured(app: &App, schedule: &Schedule, found: Option<Standing>) -> Standing {
    let now = app.clock.now();
    let begins = |id, paused| Standing {
        id,
        schedule: schedule.clone(),
        enabled: schedule.enabled,
        anchor: now,
        cursor: now,
        next_due: None,
        paused,
    };
    let mut standing = match found {
        None => begins(crate::model::schedule::ScheduleId(0), None),
        Some(found) if found.schedule.cadence_hash() != schedule.cadence_hash() => begins(found.id, found.paused),
        Some(found) => {
            let cursor = if found.enabled { found.cursor } else { found.cursor.max(now) };
            Standing { schedule: schedule.clone(), enabled: schedule.enabled, cursor, ..found }
        }
    };
    standing.next_due = standing.next_start();
    standing
}

/// Pauses a schedule or lets it go on; returns whether that changes anything.
pub async fn pause(app: &App, name: &str, paused: bool, actor: &str) -> Result<bool, AppError> {
    let (schedule, now) = (find(app, name)?, app.clock.now());
    let standing = app.store.sync_schedule(schedule, actor, now).await?;
    Ok(app.store.pause_schedule(standing.id, paused, actor, now).await?)
}

/// Has a schedule's scans run now, whatever is under way and whether it is paused. Each is recorded as a tick; what could not be started is
/// returned beside it, and is not tried again.
pub async fn run_now(
    app: &App,
    name: &str,
    actor: &str,
    drive: Drive<'_>,
    say: Say<'_>,
) -> Result<Vec<(Tick, Option<AppError>)>, AppError> {
    let (schedule, now) = (find(app, name)?, app.clock.now());
    let standing = app.store.sync_schedule(schedule, actor, now).await?;
    let targets = targets::names(app, schedule)?;
    if targets.is_empty() {
        return Err(AppError::NothingScheduled(name.to_owned()));
    }
    let manual = ManualTick { schedule: standing.id, targets, name: name.to_owned(), actor: actor.to_owned(), at: now };
    let (engines, mut ran) = (Planner::default(), Vec::new());
    for tick in app.store.manual_ticks(manual).await? {
        let started = start_one(app, &engines, &tick, drive, say).await?;
        ran.push((app.store.tick(tick.id)?, started.err()));
    }
    Ok(ran)
}
