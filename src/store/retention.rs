//! What retention looks at: ended scans, what they keep on the disk, and the room that deleted rows have left.

use std::collections::HashSet;

use super::error::StoreError;
use super::load::text;
use super::{Store, json};
use crate::failpoint;
use crate::model::clock::Timestamp;
use crate::model::id::{ScanId, Sha256};
use crate::model::retention::Kept;
use crate::model::target::TargetKey;
use crate::model::view::is_complete;

/// Pages that one transaction gives back to the file system.
const SLICE: u32 = 256;

impl Store {
    /// Returns the scans that have ended, of which no engine holds anything, and of which these routes have nothing left to tell; the sizes
    /// are not filled in.
    pub fn kept_scans(&self, routes: &[&str]) -> Result<Vec<Kept>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT scan.id, scan.key, project.name, target_key, line, state, coverage, finished_at
                 FROM scan JOIN project ON project.id = scan.project_id
                 WHERE deleted_at IS NULL AND finished_at IS NOT NULL AND state IN ('completed', 'failed', 'cancelled')
                   AND scan.id NOT IN (SELECT job.scan_id FROM attempt JOIN job ON job.id = attempt.job_id WHERE attempt.removed = 0)
                   AND scan.key NOT IN (SELECT scan FROM notification WHERE delivered_at IS NULL AND dead_at IS NULL AND scan IS NOT NULL
                                        AND route IN (SELECT value FROM json_each(?1)))",
            )?;
            let mut rows = query.query([super::to_json(&routes)?])?;
            let mut kept = Vec::new();
            while let Some(row) = rows.next()? {
                kept.push(Kept {
                    scan: ScanId(row.get(0)?),
                    key: text(row, 1)?.parse()?,
                    project: row.get(2)?,
                    target: TargetKey { key: row.get(3)?, line: row.get(4)? },
                    complete: is_complete(text(row, 5)?.parse()?, &json(text(row, 6)?)?),
                    finished_at: Timestamp(row.get(7)?),
                    bytes: 0,
                });
            }
            Ok(kept)
        })
    }

    /// Returns the stored files of a scan's attempts.
    pub fn blobs_of(&self, scan: ScanId) -> Result<Vec<Sha256>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT DISTINCT blob FROM artifact JOIN attempt ON attempt.id = artifact.attempt_id
                 JOIN job ON job.id = attempt.job_id WHERE job.scan_id = ?1",
            )?;
            let mut rows = query.query([scan.0])?;
            let mut blobs = Vec::new();
            while let Some(row) = rows.next()? {
                blobs.push(text(row, 0)?.parse()?);
            }
            Ok(blobs)
        })
    }

    /// Returns all stored files that some attempt has.
    pub fn used_blobs(&self) -> Result<HashSet<Sha256>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT DISTINCT blob FROM artifact")?;
            let mut rows = query.query([])?;
            let mut blobs = HashSet::new();
            while let Some(row) = rows.next()? {
                blobs.insert(text(row, 0)?.parse()?);
            }
            Ok(blobs)
        })
    }

    /// Gives room that deleted rows have left back to the file system, in slices; returns how many bytes. A database that was made before
    /// version 8 of the schema keeps its room for new rows.
    pub async fn compact(&self) -> Result<u64, StoreError> {
        let mut freed = 0;
        loop {
            let slice = self
                .write_relaxed(|tx| {
                    let number = |name: &str| tx.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
                    let (before, size) = (number("freelist_count")?, number("page_size")?);
                    if before == 0 || number("auto_vacuum")? == 0 {
                        return Ok(0);
                    }
                    tx.execute_batch(&format!("PRAGMA incremental_vacuum({SLICE})"))?;
                    Ok((before - number("freelist_count")?) * size)
                })
                .await?;
            failpoint::hit("store.compacted");
            if slice == 0 {
                return Ok(freed);
            }
            freed += slice;
        }
    }
}
