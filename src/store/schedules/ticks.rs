//! Ticks: decided once, then started, tried again or skipped.

use rusqlite::{Transaction, params};

use super::super::error::StoreError;
use super::super::events::append;
use super::super::{Store, Verb};
use super::{OPEN, SCAN_OPEN, ticks_by};
use crate::model::clock::Timestamp;
use crate::model::event::EventBody;
use crate::model::id::{ScanId, ScanKey};
use crate::model::schedule::{Busy, Place, ScheduleId, SkipReason, Standing, Stretch, Tick, TickState, Verdict, place};

/// Rows that are kept of each schedule: a week of a tick each minute.
const KEPT: u32 = 10_000;

/// What is decided of the ticks of a schedule that have passed.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The schedule, as it was read.
    pub standing: Standing,
    /// What becomes of its ticks, in their order.
    pub verdicts: Vec<Verdict>,
    /// The last of them.
    pub cursor: Timestamp,
    /// What it scans now.
    pub targets: Vec<String>,
    /// Who decides.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// A scan that somebody asks for outside the cadence.
#[derive(Debug, Clone)]
pub struct ManualTick {
    /// The schedule.
    pub schedule: ScheduleId,
    /// What is scanned.
    pub targets: Vec<String>,
    /// The schedule's name, for the keys of submissions.
    pub name: String,
    /// Who asks.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Writes down what becomes of ticks, and moves the schedule's cursor. Returns false, and writes nothing, when somebody else has decided
    /// on them in the meantime, or has paused or changed the schedule.
    pub async fn decide_ticks(&self, decision: Decision) -> Result<bool, StoreError> {
        self.write(move |tx| {
            let Decision { standing, cursor, .. } = &decision;
            let moved = Standing { cursor: (*cursor).max(standing.cursor), ..standing.clone() };
            let changed = tx
                .prepare_cached(
                    "UPDATE schedule SET cursor = ?2, next_due = ?3 WHERE id = ?1 AND cursor = ?4 AND anchor = ?5 AND cadence_sha256 = ?6
                     AND next_due IS NOT NULL",
                )?
                .execute(params![
                    standing.id.0,
                    moved.cursor.0,
                    moved.next_start().map(|next| next.0),
                    standing.cursor.0,
                    standing.anchor.0,
                    standing.schedule.cadence_hash().to_string(),
                ])?;
            if changed == 0 {
                return Ok(false);
            }
            adopt(tx, standing.id)?;
            expire(tx, standing.id)?;
            for verdict in &decision.verdicts {
                match *verdict {
                    Verdict::Skip(stretch, reason) => {
                        skip_stretch(tx, standing.id, stretch, reason, &decision.actor, decision.at)?;
                    }
                    Verdict::Run { due, late } => run(tx, &decision, due, late)?,
                }
            }
            forget(tx, standing.id)?;
            Ok(true)
        })
        .await
    }

    /// Writes down scans that somebody asks for outside the cadence; returns their ticks. A tick that was asked for in the same
    /// millisecond is the same.
    pub async fn manual_ticks(&self, manual: ManualTick) -> Result<Vec<Tick>, StoreError> {
        self.write(move |tx| {
            for target in &manual.targets {
                let key = format!("schedule:{}:manual:{}:{target}", manual.name, manual.at);
                let row = NewTick { target, manual: true, request_key: Some(key), ..NewTick::of(manual.at) };
                insert(tx, manual.schedule, &row, &manual.actor, manual.at)?;
            }
            let rest = "WHERE tick.schedule_id = ?1 AND due = ?2 AND manual = 1 ORDER BY tick.id";
            ticks_by(tx, rest, params![manual.schedule.0, manual.at.0])
        })
        .await
    }

    /// Lets ticks go on that have waited for scans that have ended.
    pub async fn release_ticks(&self, now: Timestamp) -> Result<(), StoreError> {
        let waits = self.read(|connection| {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM tick WHERE {OPEN} AND outcome = 'waiting')");
            Ok(connection.prepare_cached(&sql)?.query_row([], |row| row.get::<_, bool>(0))?)
        })?;
        if !waits {
            return Ok(());
        }
        self.write(move |tx| {
            let waiting = ticks_by(
                tx,
                &format!("WHERE {OPEN} AND outcome = 'waiting' AND next_due IS NOT NULL ORDER BY due, tick.id"),
                [],
            )?;
            for tick in waiting {
                if !busy(tx, tick.schedule_id, &tick.target)?.open {
                    tx.prepare_cached("UPDATE tick SET outcome = 'pending', retry_at = ?2 WHERE id = ?1")?
                        .execute(params![tick.id, now.0])?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Writes down that a tick has started a scan, whatever was thought of it before: there is one.
    pub async fn tick_started(&self, tick: i64, scan: ScanId, key: ScanKey) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.execute(
                "UPDATE tick SET outcome = 'started', reason = NULL, message = NULL, retry_at = NULL, scan_id = ?2, scan_key = ?3
                 WHERE id = ?1 AND outcome <> 'started'",
                params![tick, scan.0, key.as_str()],
            )?;
            Ok(())
        })
        .await
    }

    /// Writes down that a tick could not start its scan. It is tried again at a time, or never.
    pub async fn tick_failed(&self, tick: i64, message: &str, retry_at: Option<Timestamp>) -> Result<(), StoreError> {
        let message = message.to_owned();
        self.write(move |tx| {
            let (state, reason) = match retry_at {
                Some(_) => (TickState::Failed, None),
                None => (TickState::Skipped, Some(SkipReason::Failed.as_str())),
            };
            tx.execute(
                "UPDATE tick SET outcome = ?2, reason = ?3, message = ?4, attempts = attempts + 1, retry_at = ?5
                 WHERE id = ?1 AND outcome IN ('pending', 'failed')",
                params![tick, state.as_str(), reason, message, retry_at.map(|at| at.0)],
            )?;
            Ok(())
        })
        .await
    }
}

/// A row to be written.
struct NewTick<'a> {
    stretch: Stretch,
    target: &'a str,
    manual: bool,
    state: TickState,
    reason: Option<SkipReason>,
    request_key: Option<String>,
}

impl NewTick<'_> {
    const fn of(due: Timestamp) -> Self {
        Self {
            stretch: Stretch::one(due),
            target: "",
            manual: false,
            state: TickState::Pending,
            reason: None,
            request_key: None,
        }
    }
}

/// Writes a row, unless the tick was decided already.
fn insert(
    tx: &Transaction<'_>,
    schedule: ScheduleId,
    new: &NewTick<'_>,
    actor: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let retry_at = (new.state == TickState::Pending).then_some(at.0);
    tx.prepare_cached(
        "INSERT INTO tick (schedule_id, due, target, manual, through, ticks, outcome, reason, request_key, retry_at, actor, decided_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        schedule.0,
        new.stretch.first.0,
        new.target,
        new.manual,
        new.stretch.last.0,
        new.stretch.count,
        new.state.as_str(),
        new.reason.map(SkipReason::as_str),
        new.request_key,
        retry_at,
        actor,
        at.0,
    ])?;
    Ok(())
}

/// Writes down that ticks start nothing.
pub(super) fn skip_stretch(
    tx: &Transaction<'_>,
    schedule: ScheduleId,
    stretch: Stretch,
    reason: SkipReason,
    actor: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = NewTick { stretch, state: TickState::Skipped, reason: Some(reason), ..NewTick::of(stretch.first) };
    insert(tx, schedule, &row, actor, at)
}

/// Forgets what became of ticks long ago, unless its scan still runs.
fn forget(tx: &Transaction<'_>, schedule: ScheduleId) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM tick WHERE schedule_id = ?1 AND NOT ({OPEN})
         AND id <= (SELECT id FROM tick WHERE schedule_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
         AND NOT EXISTS (SELECT 1 FROM scan WHERE scan.id = tick.scan_id AND scan.{SCAN_OPEN})"
    );
    tx.prepare_cached(&sql)?.execute(params![schedule.0, KEPT])?;
    Ok(())
}

/// Finds the scans of ticks whose process died between the submission and the writing down of it.
fn adopt(tx: &Transaction<'_>, schedule: ScheduleId) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE tick SET outcome = 'started', message = NULL, retry_at = NULL, scan_id = scan.id, scan_key = scan.key
         FROM scan, schedule WHERE tick.schedule_id = ?1 AND tick.{OPEN} AND schedule.id = tick.schedule_id
         AND scan.project_id = schedule.project_id AND scan.request_key = tick.request_key"
    );
    tx.prepare_cached(&sql)?.execute([schedule.0])?;
    Ok(())
}

/// Ends ticks of a schedule whose scans have not begun.
pub(super) fn close_open(tx: &Transaction<'_>, schedule: ScheduleId, reason: SkipReason) -> Result<(), StoreError> {
    adopt(tx, schedule)?;
    let sql =
        format!("UPDATE tick SET outcome = 'skipped', reason = ?2, retry_at = NULL WHERE schedule_id = ?1 AND {OPEN}");
    tx.prepare_cached(&sql)?.execute(params![schedule.0, reason.as_str()])?;
    Ok(())
}

/// A later tick is due: what could not be started until now is not started any more.
fn expire(tx: &Transaction<'_>, schedule: ScheduleId) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE tick SET reason = iif(outcome = 'failed', 'failed', 'interrupted'), outcome = 'skipped', retry_at = NULL
         WHERE schedule_id = ?1 AND {OPEN} AND outcome <> 'waiting' AND manual = 0"
    );
    tx.prepare_cached(&sql)?.execute([schedule.0])?;
    Ok(())
}

/// Decides what becomes of a tick for each target.
fn run(tx: &Transaction<'_>, decision: &Decision, due: Timestamp, late: bool) -> Result<(), StoreError> {
    let Decision { standing, targets, actor, at, .. } = decision;
    let (schedule, id) = (&standing.schedule, standing.id);
    if targets.is_empty() {
        return skip_stretch(tx, id, Stretch::one(due), SkipReason::NoTargets, actor, *at);
    }
    for target in targets {
        let mut key = format!("schedule:{}:{due}", schedule.name);
        if !schedule.is_single() {
            key = format!("{key}:{target}");
        }
        let row = NewTick { target, request_key: Some(key), ..NewTick::of(due) };
        let row = match place(schedule.overlap, late, busy(tx, id, target)?) {
            Place::Now => row,
            Place::Wait => NewTick { state: TickState::Waiting, ..row },
            Place::Skip(reason) => {
                NewTick { state: TickState::Skipped, reason: Some(reason), request_key: None, ..row }
            }
            Place::Replace => {
                make_room(tx, id, target, actor, *at)?;
                row
            }
        };
        insert(tx, id, &row, actor, *at)?;
    }
    Ok(())
}

/// Looks at what is under way of a schedule and a target.
fn busy(tx: &Transaction<'_>, schedule: ScheduleId, target: &str) -> Result<Busy, StoreError> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM tick WHERE schedule_id = ?1 AND target = ?2 AND {OPEN} AND outcome <> 'waiting')
                OR EXISTS (SELECT 1 FROM scan CROSS JOIN tick ON tick.scan_id = scan.id
                           WHERE scan.{SCAN_OPEN} AND tick.schedule_id = ?1 AND tick.target = ?2),
                EXISTS (SELECT 1 FROM tick WHERE schedule_id = ?1 AND target = ?2 AND {OPEN} AND outcome = 'waiting')"
    );
    let mut query = tx.prepare_cached(&sql)?;
    let busy = query.query_row(params![schedule.0, target], |row| Ok(Busy { open: row.get(0)?, waiting: row.get(1)? }));
    Ok(busy?)
}

/// Cancels what is under way of a schedule and a target.
fn make_room(
    tx: &Transaction<'_>,
    schedule: ScheduleId,
    target: &str,
    actor: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "UPDATE tick SET outcome = 'skipped', reason = ?3, retry_at = NULL WHERE schedule_id = ?1 AND target = ?2 AND {OPEN}"
    );
    tx.prepare_cached(&sql)?.execute(params![schedule.0, target, SkipReason::Replaced.as_str()])?;
    let sql = format!(
        "SELECT DISTINCT scan.id FROM scan CROSS JOIN tick ON tick.scan_id = scan.id
         WHERE scan.{SCAN_OPEN} AND tick.schedule_id = ?1 AND tick.target = ?2
         AND NOT EXISTS (SELECT 1 FROM intent WHERE scan_id = scan.id AND verb = 'cancel')"
    );
    let mut query = tx.prepare_cached(&sql)?;
    let scans: Vec<i64> = query.query_map(params![schedule.0, target], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for scan in scans {
        let verb = Verb::Cancel.as_str();
        tx.prepare_cached("INSERT INTO intent (scan_id, verb, actor, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![scan, verb, actor, at.0])?;
        append(tx, ScanId(scan), at, actor, &EventBody::IntentRecorded { verb: verb.to_owned() })?;
    }
    Ok(())
}
