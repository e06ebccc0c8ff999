//! Schedules: scans that begin by themselves.
//!
//! [`run_due`] does all that is due, from nothing but the store, the configuration and the clock. It may be called at any time, twice at
//! once, or after a crash: each tick is decided in one transaction, and its scan is submitted under a request key that follows from the
//! tick. What could not be done is written down, and done by the next call. Who drives the scans is the caller's to say.

mod manage;
mod start;
mod targets;

use std::collections::BTreeSet;

use futures::StreamExt as _;

pub use manage::{Overview, find, overview, pause, run_now};
pub use start::{Planner, Starter};

use super::{App, AppError, Say};
use crate::failpoint;
use crate::model::clock::Timestamp;
use crate::model::id::{ScanId, ScanKey};
use crate::model::schedule::{Standing, Tick, backoff};
use crate::store::Decision;

/// Who decides on ticks, in the log.
const ACTOR: &str = "schedule";
/// Scans that are planned and submitted at once.
const STARTS: usize = 4;
/// Rows that are read at once.
const PAGE: u32 = 500;
/// Longest text of an error that is kept.
const LONGEST: usize = 2000;

/// Is told of each scan of a schedule that nobody drives: those that were just submitted, and those whose driver has died.
pub type Drive<'a> = &'a (dyn Fn(ScanId, ScanKey) + Send + Sync);

/// What a call has done.
#[derive(Debug)]
pub struct Ran {
    /// What has become of ticks that were decided on, or tried again, in the order of the decisions.
    pub ticks: Vec<Tick>,
    /// When something is to be done next, as far as it is known: a tick is due, or one that failed is tried again. Ticks that wait for
    /// scans have no time.
    pub next: Option<Timestamp>,
    /// Whether another process was at it, so that nothing was done.
    pub busy: bool,
}

/// Does what is due.
///
/// The future stays on the thread that polls it, as that of planning does: from a task, give it a thread of its own, by
/// `spawn_blocking(move || handle.block_on(run_due(…)))`.
pub async fn run_due(app: &App, drive: Drive<'_>, say: Say<'_>) -> Result<Ran, AppError> {
    run_due_by(app, &Planner::default(), drive, say).await
}

/// Does what is due, with scans that are made in a way of one's own.
pub async fn run_due_by(app: &App, starter: &dyn Starter, drive: Drive<'_>, say: Say<'_>) -> Result<Ran, AppError> {
    let Some(_lock) = app.store.lock_schedules()? else {
        return Ok(Ran { ticks: Vec::new(), next: app.store.next_activation()?, busy: true });
    };
    let now = app.clock.now();
    app.store.sync_schedules(&app.config.schedules, ACTOR, now).await?;
    let (before, open) = (app.store.last_tick()?, app.store.open_ticks()?);
    decide(app, now).await?;
    failpoint::hit("schedule.decided");
    app.store.release_ticks(now).await?;
    let handed = start_pending(app, starter, now, drive, say).await?;
    for (scan, key) in app.store.scheduled_scans()? {
        if !handed.contains(&scan) && !app.store.is_driven(key)? {
            drive(scan, key);
        }
    }
    Ok(Ran { ticks: report(app, before, open)?, next: app.store.next_activation()?, busy: false })
}

/// Decides on all ticks that have passed.
async fn decide(app: &App, now: Timestamp) -> Result<(), AppError> {
    loop {
        let due = app.store.due_schedules(now, PAGE)?;
        let mut decided = false;
        for standing in due {
            decided |= decide_one(app, standing, now).await?;
        }
        // Where another was faster, there is nothing left; where nothing is due, neither.
        if !decided {
            return Ok(());
        }
    }
}

async fn decide_one(app: &App, standing: Standing, now: Timestamp) -> Result<bool, AppError> {
    let passed = standing.passed(now);
    let decision = Decision {
        verdicts: standing.schedule.decide(standing.anchor, &passed, now),
        cursor: passed.all().map_or(standing.cursor, |all| all.last),
        targets: targets::names(app, &standing.schedule)?,
        standing,
        actor: ACTOR.to_owned(),
        at: now,
    };
    Ok(app.store.decide_ticks(decision).await?)
}

/// Starts the scans of all ticks that are to start now; returns those that were handed to who drives them.
async fn start_pending(
    app: &App,
    starter: &dyn Starter,
    now: Timestamp,
    drive: Drive<'_>,
    say: Say<'_>,
) -> Result<BTreeSet<ScanId>, AppError> {
    let (mut tried, mut handed) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let mut pending = app.store.pending_ticks(now, PAGE)?;
        pending.retain(|tick| !tried.contains(&tick.id));
        if pending.is_empty() {
            return Ok(handed);
        }
        tried.extend(pending.iter().map(|tick| tick.id));
        let starts = pending.iter().map(|tick| start_one(app, starter, tick, drive, say));
        let mut starts = futures::stream::iter(starts).buffer_unordered(STARTS);
        while let Some(started) = starts.next().await {
            handed.extend(started?.ok());
        }
    }
}

/// Starts a tick's scan, or writes down why not. An error is the store's: nothing can be written down then.
async fn start_one(
    app: &App,
    starter: &dyn Starter,
    tick: &Tick,
    drive: Drive<'_>,
    say: Say<'_>,
) -> Result<Result<ScanId, AppError>, AppError> {
    let schedule = app.store.schedule(tick.schedule_id)?.schedule;
    match starter.start(app, &schedule, tick, say).await {
        Ok((scan, key)) => {
            failpoint::hit("schedule.submitted");
            app.store.tick_started(tick.id, scan, key).await?;
            failpoint::hit("schedule.started");
            drive(scan, key);
            Ok(Ok(scan))
        }
        Err(error) => {
            let retry_at = (!tick.manual).then(|| app.clock.now().plus_ms(backoff(tick.attempts + 1)));
            let message: String = error.to_string().chars().take(LONGEST).collect();
            app.store.tick_failed(tick.id, &message, retry_at).await?;
            Ok(Err(error))
        }
    }
}

/// Reads what has become of ticks that came after `before`, and of those before that were `open` and are not what they were.
fn report(app: &App, before: i64, open: Vec<Tick>) -> Result<Vec<Tick>, AppError> {
    let mut ticks = Vec::new();
    for was in open {
        let is = app.store.tick(was.id)?;
        if (is.state, is.attempts) != (was.state, was.attempts) {
            ticks.push(is);
        }
    }
    let mut last = before;
    loop {
        let page = app.store.ticks_after(last, PAGE)?;
        let Some(newest) = page.last() else { return Ok(ticks) };
        last = newest.id;
        ticks.extend(page);
    }
}
