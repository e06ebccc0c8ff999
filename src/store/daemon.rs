//! The daemon of a state: who it is, whether it lives, what its workers did last, and which scans it could take up.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::error::StoreError;
use super::load::text;
use super::lock::Lock;
use super::{Store, connect};
use crate::model::clock::Timestamp;
use crate::model::id::{ScanId, ScanKey};
use crate::model::state::ScanState;
use crate::model::worker::{DaemonState, DaemonView, WorkerOutcome, WorkerView};

/// The right to be the daemon of a state.
#[derive(Debug)]
pub struct DaemonLock {
    /// Held for its lock alone.
    _lock: Lock,
}

/// Tells whether anything was written to the state.
#[derive(Debug)]
pub struct Changes {
    connection: Connection,
    version: i64,
}

impl Changes {
    /// Whether any process has written since this was asked last; costs a few microseconds.
    pub fn has_news(&mut self) -> Result<bool, StoreError> {
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        Ok(std::mem::replace(&mut self.version, version) != version)
    }
}

/// A scan for which a driver may have something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeable {
    /// Its row.
    pub scan: ScanId,
    /// Its id.
    pub key: ScanKey,
    /// Where it stands.
    pub state: ScanState,
    /// Higher goes first.
    pub priority: i32,
    /// Row of its project.
    pub project: i64,
    /// The owner's last heartbeat number.
    pub heartbeat: i64,
    /// Whether somebody has asked something of it that nobody has executed, and that a driver must.
    pub asked: bool,
    /// Whether somebody has asked for another priority that nobody has given it.
    pub reprioritised: bool,
    /// Why a daemon has left it to others.
    pub declined: Option<String>,
}

impl Store {
    /// Becomes the daemon of this state; `None` while another process is it.
    pub async fn begin_daemon(
        &self,
        owner: &str,
        version: &str,
        at: Timestamp,
    ) -> Result<Option<DaemonLock>, StoreError> {
        let Some(lock) = Lock::take(&self.daemon_lock())? else { return Ok(None) };
        let (owner, version) = (owner.to_owned(), version.to_owned());
        self.write(move |tx| {
            tx.execute(
                "INSERT INTO daemon (id, owner, version, heartbeat, started_at, configured_at) VALUES (1, ?1, ?2, 1, ?3, ?3)
                 ON CONFLICT DO UPDATE SET owner = ?1, version = ?2, heartbeat = heartbeat + 1, draining = 0, started_at = ?3,
                   stopped_at = NULL, configured_at = ?3, config_error = NULL, address = NULL",
                params![owner, version, at.0],
            )?;
            tx.execute("DELETE FROM worker", [])?;
            tx.execute("UPDATE scan SET declined = NULL WHERE declined IS NOT NULL", [])?;
            Ok(())
        })
        .await?;
        Ok(Some(DaemonLock { _lock: lock }))
    }

    /// Gives the right back.
    pub async fn end_daemon(&self, lock: DaemonLock, at: Timestamp) -> Result<(), StoreError> {
        let ended = self
            .write(move |tx| {
                tx.execute("UPDATE daemon SET stopped_at = ?1, heartbeat = heartbeat + 1", [at.0])?;
                Ok(())
            })
            .await;
        drop(lock);
        ended
    }

    /// Says that the daemon is alive, and whether it is about to end.
    pub async fn daemon_beat(&self, draining: bool) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            tx.prepare_cached("UPDATE daemon SET heartbeat = heartbeat + 1, draining = ?1")?.execute([draining])?;
            Ok(())
        })
        .await
    }

    /// Notes that the configuration was read anew: it is used from now on, or cannot be for this reason.
    pub async fn daemon_configured(&self, error: Option<String>, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.execute(
                "UPDATE daemon SET config_error = ?1, configured_at = CASE WHEN ?1 IS NULL THEN ?2 ELSE configured_at END",
                params![error, at.0],
            )?;
            Ok(())
        })
        .await
    }

    /// Notes where the daemon answers over HTTP.
    pub async fn daemon_listens(&self, address: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.execute("UPDATE daemon SET address = ?1", [address])?;
            Ok(())
        })
        .await
    }

    /// Returns the living daemon's heartbeat number; `None` when no process is the daemon.
    pub fn daemon_heartbeat(&self) -> Result<Option<i64>, StoreError> {
        if !Lock::is_held(&self.daemon_lock())? {
            return Ok(None);
        }
        self.read(|connection| {
            let mut query =
                connection.prepare_cached("SELECT heartbeat FROM daemon WHERE stopped_at IS NULL AND draining = 0")?;
            Ok(query.query_row([], |row| row.get(0)).optional()?)
        })
    }

    /// Returns the daemon, the living or the last, with its workers; `None` when there never was one.
    pub fn daemon(&self) -> Result<Option<DaemonView>, StoreError> {
        let lives = Lock::is_held(&self.daemon_lock())?;
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT owner, version, draining, started_at, stopped_at, configured_at, config_error, address FROM daemon",
            )?;
            let row = query.query_row([], |row| Ok(daemon_view(row, lives)));
            let Some(daemon) = row.optional()? else { return Ok(None) };
            let mut query = connection.prepare_cached(
                "SELECT name, runs, failures, started_at, took_ms, outcome, message, next_at FROM worker ORDER BY name",
            )?;
            let workers = query.query_map([], worker_view)?.collect::<Result<_, _>>()?;
            Ok(Some(DaemonView { workers, ..daemon? }))
        })
    }

    /// Notes what a worker has done.
    pub async fn record_worker(&self, worker: WorkerView) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            tx.prepare_cached(
                "INSERT INTO worker VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET runs = ?2, failures = ?3,
                   started_at = ?4, took_ms = ?5, outcome = ?6, message = ?7, next_at = ?8",
            )?
            .execute(params![
                worker.name,
                worker.runs,
                worker.failures,
                worker.started_at.0,
                worker.took_ms,
                worker.outcome.as_str(),
                worker.message,
                worker.next_at.0
            ])?;
            Ok(())
        })
        .await
    }

    /// Looks for what is written from now on, by any process.
    pub fn changes(&self) -> Result<Changes, StoreError> {
        let mut changes = Changes { connection: connect::reader(self.dir())?, version: 0 };
        changes.has_news()?;
        Ok(changes)
    }

    /// Returns the scans for which a driver may have something to do, oldest first: those that have not ended, unless they are paused
    /// and nobody asks anything of them, and those of which the engine may still hold something. Imports that were made after `young` are left to
    /// their process, which alone has the files, and is about to take them.
    pub fn takeable(&self, young: Timestamp) -> Result<Vec<Takeable>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, key, state, priority, project_id, heartbeat, declined, asked, reprioritised FROM (
                   SELECT *, EXISTS (SELECT 1 FROM intent WHERE scan_id = scan.id AND taken_at IS NULL AND verb <> 'priority') AS asked,
                     EXISTS (SELECT 1 FROM intent WHERE scan_id = scan.id AND taken_at IS NULL AND verb = 'priority') AS reprioritised
                   FROM scan
                   WHERE state NOT IN ('completed', 'failed', 'cancelled')
                      OR id IN (SELECT job.scan_id FROM attempt JOIN job ON job.id = attempt.job_id WHERE attempt.removed = 0))
                 WHERE deleted_at IS NULL AND (state <> 'paused' OR asked) AND NOT (executor = 'import' AND state = 'queued' AND created_at > ?1)
                 ORDER BY id",
            )?;
            let mut rows = query.query([young.0])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(Takeable {
                    scan: ScanId(row.get(0)?),
                    key: text(row, 1)?.parse()?,
                    state: text(row, 2)?.parse()?,
                    priority: row.get(3)?,
                    project: row.get(4)?,
                    heartbeat: row.get(5)?,
                    declined: row.get(6)?,
                    asked: row.get(7)?,
                    reprioritised: row.get(8)?,
                });
            }
            Ok(all)
        })
    }

    /// Says why the daemon leaves a scan to others, or that it does not.
    pub async fn decline(&self, scan: ScanId, reason: Option<String>) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.execute("UPDATE scan SET declined = ?2 WHERE id = ?1", params![scan.0, reason])?;
            Ok(())
        })
        .await
    }

    /// Returns why the daemon leaves a scan to others, if it does.
    pub fn declined(&self, scan: ScanId) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT declined FROM scan WHERE id = ?1")?;
            Ok(query.query_row([scan.0], |row| row.get(0))?)
        })
    }

    fn daemon_lock(&self) -> std::path::PathBuf {
        self.dir().join("locks/daemon")
    }
}

fn daemon_view(row: &Row<'_>, lives: bool) -> Result<DaemonView, StoreError> {
    let stopped_at = row.get::<_, Option<i64>>(4)?.map(Timestamp);
    let state = match (lives, row.get::<_, bool>(2)?, stopped_at) {
        (_, _, Some(_)) => DaemonState::Stopped,
        (false, _, None) => DaemonState::Dead,
        (true, true, None) => DaemonState::Draining,
        (true, false, None) => DaemonState::Running,
    };
    Ok(DaemonView {
        owner: row.get(0)?,
        state,
        version: row.get(1)?,
        started_at: Timestamp(row.get(3)?),
        stopped_at,
        configured_at: Timestamp(row.get(5)?),
        config_error: row.get(6)?,
        address: row.get(7)?,
        workers: Vec::new(),
    })
}

fn worker_view(row: &Row<'_>) -> rusqlite::Result<WorkerView> {
    let outcome =
        if row.get::<_, String>(5)? == WorkerOutcome::Ok.as_str() { WorkerOutcome::Ok } else { WorkerOutcome::Failed };
    Ok(WorkerView {
        name: row.get(0)?,
        runs: row.get(1)?,
        failures: row.get(2)?,
        started_at: Timestamp(row.get(3)?),
        took_ms: row.get(4)?,
        outcome,
        message: row.get(6)?,
        next_at: Timestamp(row.get(7)?),
    })
}
