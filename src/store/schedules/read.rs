//! Reading schedules and ticks: what is due, what is under way, what has been.

use rusqlite::{OptionalExtension as _, params};

use super::super::error::StoreError;
use super::super::{Store, owners};
use super::{OPEN, SCAN_OPEN, owner_of, standings, ticks_by};
use crate::model::clock::Timestamp;
use crate::model::id::{ScanId, ScanKey};
use crate::model::schedule::{LONGEST_WAIT, Schedule, ScheduleId, Standing, Tick};

/// Which ticks a history shows; newest first.
#[derive(Debug, Clone, Default)]
pub struct TickFilter {
    /// Only those of this schedule.
    pub schedule: Option<ScheduleId>,
    /// At most so many.
    pub limit: u32,
}

impl Store {
    /// Reads schedules whose next tick has started by now, the longest overdue first, at most so many.
    pub fn due_schedules(&self, now: Timestamp, limit: u32) -> Result<Vec<Standing>, StoreError> {
        self.read(|connection| {
            standings(connection, "WHERE next_due <= ?1 ORDER BY next_due LIMIT ?2", params![now.0, limit])
        })
    }

    /// Reads how far a configured schedule has come; none if it was never seen.
    pub fn standing(&self, schedule: &Schedule) -> Result<Option<Standing>, StoreError> {
        self.read(|connection| {
            let Some((_, project)) = owners::find(connection, &owner_of(schedule))? else { return Ok(None) };
            let values = params![project, schedule.name.as_str()];
            Ok(standings(connection, "WHERE project_id = ?1 AND name = ?2", values)?.pop())
        })
    }

    /// Reads how far all schedules have come that were ever seen, by name.
    pub fn standings(&self) -> Result<Vec<Standing>, StoreError> {
        self.read(|connection| standings(connection, "ORDER BY name, id", []))
    }

    /// Reads a schedule by its row.
    pub fn schedule(&self, id: ScheduleId) -> Result<Standing, StoreError> {
        let found = self.read(|connection| standings(connection, "WHERE id = ?1", [id.0]))?.pop();
        found.ok_or_else(|| StoreError::NotFound(format!("schedule with row {}", id.0)))
    }

    /// Returns when something is to be done next: a tick starts, or one that failed is tried again.
    pub fn next_activation(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT min(at) FROM (SELECT min(next_due) AS at FROM schedule WHERE next_due IS NOT NULL
                 UNION ALL SELECT min(retry_at) FROM tick JOIN schedule ON schedule.id = schedule_id
                           WHERE {OPEN} AND next_due IS NOT NULL)"
            );
            Ok(connection.prepare_cached(&sql)?.query_row([], |row| row.get::<_, Option<i64>>(0))?.map(Timestamp))
        })
    }

    /// Reads ticks whose scans are to be started now, the oldest first, at most so many. One that is to be tried again long from now was
    /// put off by a clock that has gone back.
    pub fn pending_ticks(&self, now: Timestamp, limit: u32) -> Result<Vec<Tick>, StoreError> {
        let rest = format!(
            "WHERE {OPEN} AND (outcome = 'pending' OR retry_at NOT BETWEEN ?1 + 1 AND ?1 + ?3) AND (next_due IS NOT NULL OR manual = 1)
             ORDER BY due, tick.id LIMIT ?2"
        );
        self.read(|connection| ticks_by(connection, &rest, params![now.0, limit, LONGEST_WAIT]))
    }

    /// Reads the ticks that something is still to become of.
    pub fn open_ticks(&self) -> Result<Vec<Tick>, StoreError> {
        self.read(|connection| ticks_by(connection, &format!("WHERE {OPEN} ORDER BY tick.id"), []))
    }

    /// Reads a tick by its row.
    pub fn tick(&self, id: i64) -> Result<Tick, StoreError> {
        let found = self.read(|connection| ticks_by(connection, "WHERE tick.id = ?1", [id]))?.pop();
        found.ok_or_else(|| StoreError::NotFound(format!("tick with row {id}")))
    }

    /// Returns the row of the last tick that was decided; 0 if none was.
    pub fn last_tick(&self) -> Result<i64, StoreError> {
        self.read(|connection| Ok(connection.query_row("SELECT coalesce(max(id), 0) FROM tick", [], |row| row.get(0))?))
    }

    /// Reads what became of ticks, the newest decision first.
    pub fn ticks(&self, filter: &TickFilter) -> Result<Vec<Tick>, StoreError> {
        self.read(|connection| match filter.schedule {
            Some(schedule) => {
                let rest = "WHERE tick.schedule_id = ?1 ORDER BY tick.id DESC LIMIT ?2";
                ticks_by(connection, rest, params![schedule.0, filter.limit])
            }
            None => ticks_by(connection, "ORDER BY tick.id DESC LIMIT ?1", [filter.limit]),
        })
    }

    /// Reads the ticks that were decided after another: what there is to tell of, in the order in which it was decided. A tick that
    /// is open is told as it stands; it may be told of again when it has come to something.
    pub fn ticks_after(&self, id: i64, limit: u32) -> Result<Vec<Tick>, StoreError> {
        self.read(|connection| ticks_by(connection, "WHERE tick.id > ?1 ORDER BY tick.id LIMIT ?2", params![id, limit]))
    }

    /// Reads the scans that schedules have started and that have not ended nor rest: somebody must drive them.
    pub fn scheduled_scans(&self) -> Result<Vec<(ScanId, ScanKey)>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT DISTINCT scan.id, scan.key FROM scan CROSS JOIN tick ON tick.scan_id = scan.id
                 WHERE scan.{SCAN_OPEN} AND (scan.state <> 'paused'
                 OR EXISTS (SELECT 1 FROM intent WHERE intent.scan_id = scan.id AND taken_at IS NULL)) ORDER BY scan.id"
            );
            let mut query = connection.prepare_cached(&sql)?;
            let mut rows = query.query([])?;
            let mut scans = Vec::new();
            while let Some(row) = rows.next()? {
                scans.push((ScanId(row.get(0)?), row.get::<_, String>(1)?.parse()?));
            }
            Ok(scans)
        })
    }

    /// Finds the scan that was submitted for a schedule with this key.
    pub fn scan_of_request(&self, schedule: &Schedule, key: &str) -> Result<Option<(ScanId, ScanKey)>, StoreError> {
        self.read(|connection| {
            let Some((_, project)) = owners::find(connection, &owner_of(schedule))? else { return Ok(None) };
            let mut query =
                connection.prepare_cached("SELECT id, key FROM scan WHERE project_id = ?1 AND request_key = ?2")?;
            let found = query
                .query_row(params![project, key], |row| Ok((ScanId(row.get(0)?), row.get::<_, String>(1)?)))
                .optional()?;
            found.map(|(id, key)| Ok((id, key.parse()?))).transpose()
        })
    }
}
