//! What is told of ticks of schedules that came to nothing.

use super::collect::{Happened, Source};
use super::scans::{NAME, PLACE, short};
use super::{App, AppError};
use crate::model::clock::Timestamp;
use crate::model::notify::{Notice, NoticeEvent, NoticeSchedule, SCHEMA};
use crate::model::schedule::{SkipReason, Tick};
use crate::store::StoreError;

/// Ticks that came to nothing, but those that somebody wanted so.
pub(super) struct Ticks;

impl Source for Ticks {
    fn name(&self) -> &'static str {
        "tick"
    }

    fn head(&self, app: &App) -> Result<u64, AppError> {
        Ok(app.store.last_skip()?)
    }

    fn after(&self, app: &App, seq: u64, limit: usize) -> Result<(Vec<Happened>, u64), AppError> {
        let (skipped, seen) = app.store.skipped_ticks(seq, limit)?;
        let happened =
            skipped.into_iter().map(|one| Happened { seq: one.seq, at: one.at.0, row: one.tick, project: one.project });
        Ok((happened.collect(), seen))
    }

    fn notices(
        &self,
        app: &App,
        one: &Happened,
        _wanted: &dyn Fn(NoticeEvent) -> bool,
    ) -> Result<Vec<Notice>, AppError> {
        let tick = match app.store.tick(one.row) {
            Err(StoreError::NotFound(_)) => return Ok(Vec::new()),
            tick => tick?,
        };
        let project = app.store.project_name(one.project)?;
        Ok(notice(&tick, &project, Timestamp(one.at)).into_iter().collect())
    }
}

fn notice(tick: &Tick, project: &str, at: Timestamp) -> Option<Notice> {
    let reason = tick.reason?;
    let (event, what) = match reason {
        // Somebody has paused it, switched it off, or given it other times.
        SkipReason::Paused | SkipReason::Disabled | SkipReason::Changed => return None,
        SkipReason::Failed | SkipReason::Interrupted => (NoticeEvent::ScheduleFailed, "could not start"),
        SkipReason::Overlap
        | SkipReason::QueueFull
        | SkipReason::Replaced
        | SkipReason::Missed
        | SkipReason::TooMany
        | SkipReason::NoTargets => (NoticeEvent::ScheduleSkipped, "skipped"),
    };
    let (name, target) = (tick.schedule.to_string(), short(&tick.target, PLACE));
    let scan = match (tick.ticks, target.as_str()) {
        (Some(1), "") => "a scan".to_owned(),
        (Some(1), target) => format!("a scan of {target}"),
        (Some(number), _) => format!("{number} scans"),
        (None, _) => "many scans".to_owned(),
    };
    let message = tick.message.as_deref().map(|message| short(message, PLACE));
    Some(Notice {
        schema: SCHEMA.to_owned(),
        id: String::new(),
        event,
        at: at.to_string(),
        project: short(project, NAME),
        title: format!("schedule {name} {what} {scan}: {}", reason.in_words()),
        details: [Some(format!("due {}", tick.due)), message].into_iter().flatten().collect(),
        scan: None,
        findings: None,
        schedule: Some(NoticeSchedule { name, due_at: tick.due.to_string(), reason: reason.as_str().to_owned() }),
    })
}
