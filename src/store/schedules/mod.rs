//! Schedules and their ticks: how far each has come, and what became of each tick.
//!
//! A tick is decided in one transaction that also moves the schedule's cursor, and only from where it was read: of two processes that
//! decide on the same tick, one does. What it decides is a row; the scan comes afterwards, under a request key that follows from schedule,
//! tick and target, so that a row without a scan is made up for and never makes a second one.

mod read;
mod sync;
mod ticks;

use rusqlite::{Connection, Row};

pub use read::TickFilter;
pub use ticks::{Decision, ManualTick};

use super::error::StoreError;
use super::json;
use crate::model::clock::Timestamp;
use crate::model::id::ScanId;
use crate::model::owner::Owner;
use crate::model::schedule::{Schedule, ScheduleId, SkipReason, Standing, Tick, TickState};

const SCHEDULE: &str =
    "SELECT schedule.id, definition, schedule.enabled, anchor, cursor, next_due, paused_by, paused_at FROM schedule";

const TICK: &str =
    "SELECT tick.id, schedule.name, tick.schedule_id, due, through, ticks, target, manual, outcome, reason, message,
    request_key, scan_id, scan_key, attempts, retry_at, actor, decided_at
    FROM tick JOIN schedule ON schedule.id = tick.schedule_id";

/// Ticks that something is still to be done with. The index is used where it is asked for in these very words.
const OPEN: &str = "outcome IN ('waiting', 'pending', 'failed')";
/// Scans that have not ended, in the words of their index.
const SCAN_OPEN: &str = "state NOT IN ('completed', 'failed', 'cancelled')";

fn standing(row: &Row<'_>) -> Result<Standing, StoreError> {
    let paused: (Option<String>, Option<i64>) = (row.get(6)?, row.get(7)?);
    Ok(Standing {
        id: ScheduleId(row.get(0)?),
        schedule: json(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?,
        enabled: row.get(2)?,
        anchor: Timestamp(row.get(3)?),
        cursor: Timestamp(row.get(4)?),
        next_due: row.get::<_, Option<i64>>(5)?.map(Timestamp),
        paused: paused.0.zip(paused.1.map(Timestamp)),
    })
}

fn tick(row: &Row<'_>) -> Result<Tick, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("`{what}` is nothing that becomes of a tick"));
    let (state, reason): (String, Option<String>) = (row.get(8)?, row.get(9)?);
    let (name, key): (String, Option<String>) = (row.get(1)?, row.get(13)?);
    Ok(Tick {
        id: row.get(0)?,
        schedule: name.parse().map_err(|_| damaged(&name))?,
        schedule_id: ScheduleId(row.get(2)?),
        due: Timestamp(row.get(3)?),
        through: Timestamp(row.get(4)?),
        ticks: row.get(5)?,
        target: row.get(6)?,
        manual: row.get(7)?,
        state: TickState::parse(&state).ok_or_else(|| damaged(&state))?,
        reason: reason.map(|text| SkipReason::parse(&text).ok_or_else(|| damaged(&text))).transpose()?,
        message: row.get(10)?,
        request_key: row.get::<_, Option<String>>(11)?.unwrap_or_default(),
        scan_id: row.get::<_, Option<i64>>(12)?.map(ScanId),
        scan: key.map(|key| key.parse()).transpose()?,
        attempts: row.get(14)?,
        retry_at: row.get::<_, Option<i64>>(15)?.map(Timestamp),
        actor: row.get(16)?,
        decided_at: Timestamp(row.get(17)?),
    })
}

/// Reads schedules by the rest of a query.
fn standings(connection: &Connection, rest: &str, values: impl rusqlite::Params) -> Result<Vec<Standing>, StoreError> {
    let mut query = connection.prepare_cached(&format!("{SCHEDULE} {rest}"))?;
    let mut rows = query.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(standing(row)?);
    }
    Ok(found)
}

/// Reads ticks by the rest of a query.
fn ticks_by(connection: &Connection, rest: &str, values: impl rusqlite::Params) -> Result<Vec<Tick>, StoreError> {
    let mut query = connection.prepare_cached(&format!("{TICK} {rest}"))?;
    let mut rows = query.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(tick(row)?);
    }
    Ok(found)
}

fn owner_of(schedule: &Schedule) -> Owner {
    Owner { project: schedule.project.clone(), ..Owner::default() }
}
