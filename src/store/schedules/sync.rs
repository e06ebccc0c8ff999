//! Schedules as they are configured become rows; what changes of one is never a reason for a tick to vanish unsaid.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::super::error::StoreError;
use super::super::{Store, owners, to_json};
use super::ticks::{close_open, skip_stretch};
use super::{owner_of, standings};
use crate::model::clock::Timestamp;
use crate::model::id::Sha256;
use crate::model::schedule::{Schedule, ScheduleId, SkipReason, Standing};

/// Schedules that are taken over in one transaction.
const SLICE: usize = 100;
/// Where it is remembered which schedules were last seen.
const SEEN: &str = "schedules";

impl Store {
    /// Takes over the schedules of the configuration: new ones begin now, those that are gone run no more. Nothing is written when they are
    /// as they were.
    pub async fn sync_schedules(&self, schedules: &[Schedule], actor: &str, at: Timestamp) -> Result<(), StoreError> {
        let definitions: Vec<String> = schedules.iter().map(to_json).collect::<Result<_, _>>()?;
        let hash = Sha256::of(definitions.join("\n")).to_string();
        if self.seen_schedules()? == Some(hash.clone()) {
            return Ok(());
        }
        // In slices, for others want to write, too. Whoever dies between two of them leaves the rest to the next.
        let mut kept = BTreeSet::new();
        for slice in schedules.chunks(SLICE) {
            let (slice, actor) = (slice.to_vec(), actor.to_owned());
            let taken = move |tx: &Transaction<'_>| -> Result<Vec<ScheduleId>, StoreError> {
                slice.iter().map(|schedule| take_over(tx, schedule, &actor, at)).collect()
            };
            kept.extend(self.write(taken).await?);
        }
        let gone: Vec<ScheduleId> = self.enabled_schedules()?.into_iter().filter(|id| !kept.contains(id)).collect();
        for slice in gone.chunks(SLICE) {
            let (slice, actor) = (slice.to_vec(), actor.to_owned());
            self.write(move |tx| {
                for id in slice {
                    let mut standing = one(tx, id)?;
                    switch_off(tx, &mut standing, &actor, at)?;
                    write_back(tx, &standing)?;
                }
                Ok(())
            })
            .await?;
        }
        self.write(move |tx| {
            tx.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [SEEN, &hash])?;
            Ok(())
        })
        .await
    }

    /// Takes over one schedule and leaves all others as they are; returns how far it has come.
    pub async fn sync_schedule(&self, schedule: &Schedule, actor: &str, at: Timestamp) -> Result<Standing, StoreError> {
        let (schedule, actor) = (schedule.clone(), actor.to_owned());
        self.write(move |tx| {
            let id = take_over(tx, &schedule, &actor, at)?;
            one(tx, id)
        })
        .await
    }

    /// Pauses a schedule, or lets it go on from now: ticks of the time between are recorded as skipped. A clock that was wrong is forgotten,
    /// too. Returns whether anything has changed.
    pub async fn pause_schedule(
        &self,
        schedule: ScheduleId,
        paused: bool,
        actor: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let actor = actor.to_owned();
        self.write(move |tx| {
            let mut standing = one(tx, schedule)?;
            let ahead = standing.cursor > at;
            match (standing.paused.is_some(), paused) {
                (false, true) => {
                    // Nobody will decide on what is due already.
                    if standing.enabled {
                        leave_out(tx, &mut standing, SkipReason::Paused, &actor, at)?;
                    }
                    standing.paused = Some((actor, at));
                }
                (true, false) => {
                    leave_out(tx, &mut standing, SkipReason::Paused, &actor, at)?;
                    (standing.paused, standing.cursor) = (None, at);
                }
                (false, false) if ahead => standing.cursor = at,
                _ => return Ok(false),
            }
            write_back(tx, &standing)?;
            Ok(true)
        })
        .await
    }

    fn enabled_schedules(&self) -> Result<Vec<ScheduleId>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT id FROM schedule WHERE enabled = 1")?;
            let ids = query.query_map([], |row| Ok(ScheduleId(row.get(0)?)))?;
            Ok(ids.collect::<Result<_, _>>()?)
        })
    }

    fn seen_schedules(&self) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
            Ok(query.query_row([SEEN], |row| row.get(0)).optional()?)
        })
    }
}

fn one(tx: &Transaction<'_>, id: ScheduleId) -> Result<Standing, StoreError> {
    let found = standings(tx, "WHERE id = ?1", [id.0])?.pop();
    found.ok_or_else(|| StoreError::NotFound(format!("schedule with row {}", id.0)))
}

/// Makes or changes the row of a schedule.
fn take_over(tx: &Transaction<'_>, schedule: &Schedule, actor: &str, at: Timestamp) -> Result<ScheduleId, StoreError> {
    let (organisation, project) = owners::make(tx, &owner_of(schedule))?;
    let found = standings(tx, "WHERE project_id = ?1 AND name = ?2", params![project, schedule.name.as_str()])?.pop();
    let Some(mut standing) = found else {
        return insert(tx, (organisation, project), schedule, at);
    };
    if standing.schedule == *schedule && standing.enabled == schedule.enabled {
        return Ok(standing.id);
    }
    if standing.enabled && !schedule.enabled {
        switch_off(tx, &mut standing, actor, at)?;
    } else if !standing.enabled && schedule.enabled {
        leave_out(tx, &mut standing, SkipReason::Disabled, actor, at)?;
        standing.enabled = true;
    }
    if standing.schedule.cadence_hash() != schedule.cadence_hash() {
        if standing.enabled {
            leave_out(tx, &mut standing, SkipReason::Changed, actor, at)?;
        }
        standing.anchor = at;
    }
    standing.schedule = schedule.clone();
    write_back(tx, &standing)?;
    Ok(standing.id)
}

fn insert(
    tx: &Transaction<'_>,
    owner: (i64, i64),
    schedule: &Schedule,
    at: Timestamp,
) -> Result<ScheduleId, StoreError> {
    let next = schedule.enabled.then(|| schedule.next(at, at)).flatten();
    tx.prepare_cached(
        "INSERT INTO schedule (organisation_id, project_id, name, definition, cadence_sha256, enabled, anchor, cursor, next_due)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)",
    )?
    .execute(params![
        owner.0,
        owner.1,
        schedule.name.as_str(),
        to_json(schedule)?,
        schedule.cadence_hash().to_string(),
        schedule.enabled,
        at.0,
        next.map(|next| next.at.0),
    ])?;
    Ok(ScheduleId(tx.last_insert_rowid()))
}

fn switch_off(tx: &Transaction<'_>, standing: &mut Standing, actor: &str, at: Timestamp) -> Result<(), StoreError> {
    leave_out(tx, standing, SkipReason::Disabled, actor, at)?;
    close_open(tx, standing.id, SkipReason::Disabled)?;
    standing.enabled = false;
    Ok(())
}

/// Records that the ticks up to a moment start nothing, and moves the cursor there.
fn leave_out(
    tx: &Transaction<'_>,
    standing: &mut Standing,
    reason: SkipReason,
    actor: &str,
    until: Timestamp,
) -> Result<(), StoreError> {
    if let Some(stretch) = standing.left_out(until) {
        skip_stretch(tx, standing.id, stretch, reason, actor, until)?;
    }
    standing.cursor = standing.cursor.max(until);
    Ok(())
}

fn write_back(tx: &Transaction<'_>, standing: &Standing) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE schedule SET definition = ?2, cadence_sha256 = ?3, enabled = ?4, anchor = ?5, cursor = ?6, next_due = ?7, paused_by = ?8,
                             paused_at = ?9 WHERE id = ?1",
    )?
    .execute(params![
        standing.id.0,
        to_json(&standing.schedule)?,
        standing.schedule.cadence_hash().to_string(),
        standing.enabled,
        standing.anchor.0,
        standing.cursor.0,
        standing.next_start().map(|next| next.0),
        standing.paused.as_ref().map(|(actor, _)| actor),
        standing.paused.as_ref().map(|(_, at)| at.0),
    ])?;
    Ok(())
}
