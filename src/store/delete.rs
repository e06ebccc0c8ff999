//! Deleting a scan: one transaction hides it, then its rows go in slices, so that nobody waits for long.
//!
//! Assets stay, for they belong to the project, and so do the other names of findings and the files beside the database. A scan that
//! was compared with it keeps what it said then.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::Store;
use super::error::StoreError;
use crate::failpoint;
use crate::model::clock::Timestamp;
use crate::model::id::ScanId;
use crate::model::state::ScanState;

/// Most rows that one transaction deletes: the writer's gate is given free between slices.
const SLICE: usize = 500;

/// What a job's attempts have left, most first; at most `?2` rows of the job `?1`.
const OF_JOB: [&str; 6] = [
    "DELETE FROM record WHERE id IN
       (SELECT id FROM record WHERE attempt_id IN (SELECT id FROM attempt WHERE job_id = ?1) LIMIT ?2)",
    "DELETE FROM rule WHERE (attempt_id, severity, ordinal) IN
       (SELECT attempt_id, severity, ordinal FROM rule WHERE attempt_id IN (SELECT id FROM attempt WHERE job_id = ?1) LIMIT ?2)",
    "DELETE FROM appearance WHERE (attempt_id, version, fingerprint, occurrence) IN
       (SELECT attempt_id, version, fingerprint, occurrence FROM appearance
        WHERE attempt_id IN (SELECT id FROM attempt WHERE job_id = ?1) LIMIT ?2)",
    "DELETE FROM muted_record WHERE (attempt_id, version, fingerprint, occurrence) IN
       (SELECT attempt_id, version, fingerprint, occurrence FROM muted_record
        WHERE attempt_id IN (SELECT id FROM attempt WHERE job_id = ?1) LIMIT ?2)",
    "DELETE FROM sighting WHERE (attempt_id, ordinal) IN
       (SELECT attempt_id, ordinal FROM sighting WHERE attempt_id IN (SELECT id FROM attempt WHERE job_id = ?1) LIMIT ?2)",
    "DELETE FROM artifact WHERE (attempt_id, path) IN
       (SELECT attempt_id, path FROM artifact WHERE attempt_id IN (SELECT id FROM attempt WHERE job_id = ?1) LIMIT ?2)",
];

/// What a scan has beside its jobs; at most `?2` rows of the scan `?1`.
const OF_SCAN: [&str; 3] = [
    "DELETE FROM member WHERE (scan_id, step, asset_id) IN
       (SELECT scan_id, step, asset_id FROM member WHERE scan_id = ?1 LIMIT ?2)",
    "DELETE FROM difference WHERE (scan_id, subject_id, version, fingerprint, occurrence) IN
       (SELECT scan_id, subject_id, version, fingerprint, occurrence FROM difference WHERE scan_id = ?1 LIMIT ?2)",
    "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE scan_id = ?1 LIMIT ?2)",
];

impl Store {
    /// Hides an ended scan that is to be deleted: nobody sees it any more. [`StoreError::NotOver`] when it has not ended, or the engine may
    /// still hold something of it.
    pub async fn hide_scan(&self, scan: ScanId, at: Timestamp) -> Result<(), StoreError> {
        self.write(move |tx| hide(tx, scan, at)).await
    }

    /// Deletes an ended scan. From its first transaction on nobody sees the scan; if the process dies behind that, a second call
    /// goes on. Refused as [`Store::hide_scan`] is.
    pub async fn delete_scan(&self, scan: ScanId, at: Timestamp) -> Result<(), StoreError> {
        self.hide_scan(scan, at).await?;
        while self.write_relaxed(move |tx| delete_slice(tx, scan)).await? {
            failpoint::hit("store.deleted");
        }
        Ok(())
    }

    /// Returns the scans whose deletion was begun and has not ended.
    pub fn half_deleted(&self) -> Result<Vec<ScanId>, StoreError> {
        self.read(|connection| {
            let mut query =
                connection.prepare_cached("SELECT id FROM scan WHERE deleted_at IS NOT NULL ORDER BY id")?;
            let rows = query.query_map([], |row| Ok(ScanId(row.get(0)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn hide(tx: &Transaction<'_>, scan: ScanId, at: Timestamp) -> Result<(), StoreError> {
    let row = tx
        .query_row(
            "SELECT state, EXISTS (SELECT 1 FROM attempt JOIN job ON job.id = attempt.job_id
                                   WHERE job.scan_id = scan.id AND attempt.removed = 0) FROM scan WHERE id = ?1",
            [scan.0],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)),
        )
        .optional()?;
    let (state, leftovers) = row.ok_or_else(|| StoreError::NotFound(format!("scan with row {scan}")))?;
    if leftovers || !state.parse::<ScanState>()?.is_terminal() {
        return Err(StoreError::NotOver(scan));
    }
    tx.execute("UPDATE scan SET deleted_at = coalesce(deleted_at, ?2) WHERE id = ?1", params![scan.0, at.0])?;
    Ok(())
}

/// Deletes the next rows of a hidden scan; returns whether there may be more.
fn delete_slice(tx: &Transaction<'_>, scan: ScanId) -> Result<bool, StoreError> {
    let mut left = SLICE;
    while let Some(job) = first_job(tx, scan)? {
        if !delete_some(tx, &OF_JOB, job, &mut left)? {
            return Ok(true);
        }
        // Its attempts, which are few, go with it.
        tx.prepare_cached("DELETE FROM job WHERE id = ?1")?.execute([job])?;
        left = left.saturating_sub(1);
    }
    if !delete_some(tx, &OF_SCAN, scan.0, &mut left)? {
        return Ok(true);
    }
    tx.execute("DELETE FROM scan WHERE id = ?1", [scan.0])?;
    Ok(false)
}

fn first_job(tx: &Transaction<'_>, scan: ScanId) -> Result<Option<i64>, StoreError> {
    let mut query = tx.prepare_cached("SELECT id FROM job WHERE scan_id = ?1 LIMIT 1")?;
    Ok(query.query_row([scan.0], |row| row.get(0)).optional()?)
}

/// Deletes at most `left` rows of `owner`, and counts down; returns whether that was all.
fn delete_some(tx: &Transaction<'_>, statements: &[&str], owner: i64, left: &mut usize) -> Result<bool, StoreError> {
    for sql in statements {
        *left -= tx.prepare_cached(sql)?.execute(params![owner, *left])?;
        if *left == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}
