//! Reading what a driver needs of a scan.

use std::sync::Arc;

use rusqlite::{Connection, Row};

use super::error::StoreError;
use super::{Store, json, json_option};
use crate::model::clock::Timestamp;
use crate::model::coverage::Coverage;
use crate::model::finding::SeverityCounts;
use crate::model::id::{AttemptId, JobId, ScanId, ScanKey, Sha256};
use crate::model::plan::{Plan, SourceFacts};
use crate::model::spec::JobSpec;
use crate::model::state::{AttemptState, JobState, ScanState};
use crate::model::view::EndReason;
use crate::model::wait::Waits;

/// A scan with all that a driver decides on.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The scan.
    pub scan: ScanRow,
    /// Its steps, in the plan's order.
    pub steps: Vec<StepRow>,
    /// All its jobs, in order of their rows.
    pub jobs: Vec<JobRow>,
    /// Attempts that are live, or that the engine may still hold something of.
    pub attempts: Vec<AttemptRow>,
    /// Assets that wait to become chunks.
    pub feeds: Vec<FeedRow>,
}

/// The scan's own row.
#[derive(Debug, Clone)]
pub struct ScanRow {
    /// Its row.
    pub id: ScanId,
    /// Its id.
    pub key: ScanKey,
    /// The plan.
    pub plan: Arc<Plan>,
    /// The snapshot.
    pub source: Option<SourceFacts>,
    /// What is needed to reach the engine, as JSON.
    pub profile: String,
    /// Who the engine must be.
    pub server_identity: String,
    /// Higher goes first.
    pub priority: i32,
    /// Where it stands.
    pub state: ScanState,
    /// Why it ends, once that is decided.
    pub ending: Option<EndReason>,
    /// Assets followed so far.
    pub assets: u64,
    /// When its first job was dispatched.
    pub started_at: Option<Timestamp>,
}

/// A step's row.
#[derive(Debug, Clone)]
pub struct StepRow {
    /// Row of its specification.
    pub spec_id: i64,
    /// What its jobs run.
    pub spec: Arc<JobSpec>,
    /// Assets that it has been given.
    pub members: u64,
    /// Whether assets were left out.
    pub capped: bool,
}

/// A job's row, as far as decisions need it.
#[derive(Debug, Clone)]
pub struct JobRow {
    /// Its row.
    pub id: JobId,
    /// Position of its step.
    pub step: usize,
    /// Its chunk.
    pub chunk: u32,
    /// Where it stands.
    pub state: JobState,
    /// Attempts made.
    pub attempts: u32,
    /// Attempts that failed by its own fault.
    pub own_failures: u32,
    /// Attempts that failed by the engine's fault.
    pub engine_failures: u32,
    /// Not dispatched before this moment.
    pub not_before: Timestamp,
    /// Steps between the target and its assets.
    pub depth: u32,
    /// What it saw.
    pub coverage: Option<Coverage>,
    /// Records stored.
    pub records: SeverityCounts,
    /// Assets handed on.
    pub assets: u64,
}

/// An attempt's row.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    /// Its row.
    pub id: AttemptId,
    /// Its job.
    pub job: JobId,
    /// Its number, from 1.
    pub number: u32,
    /// Hash of its specification and assets.
    pub spec_sha256: Sha256,
    /// Where it stands.
    pub state: AttemptState,
    /// Whether the engine holds nothing of it.
    pub removed: bool,
    /// What was told of its waits.
    pub waits: Waits,
}

/// Assets of a winning attempt that a step has yet to turn into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedRow {
    /// Its row.
    pub id: i64,
    /// Position of the step that is fed.
    pub step: usize,
}

impl Store {
    /// Reads a scan for its driver.
    pub fn load(&self, scan: ScanId) -> Result<Loaded, StoreError> {
        self.read(|connection| {
            // One read transaction, so that all rows are of one moment.
            connection.execute_batch("BEGIN")?;
            let loaded = load(connection, scan);
            connection.execute_batch("COMMIT")?;
            loaded
        })
    }

    /// Returns the assets of a job's chunk as texts, in serial order; `size` is the step's chunk size.
    pub fn chunk_assets(&self, scan: ScanId, step: usize, chunk: u32, size: u32) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT asset.value FROM member JOIN asset ON asset.id = member.asset_id
                 WHERE member.scan_id = ?1 AND member.step = ?2 AND member.serial >= ?3 AND member.serial < ?4
                 ORDER BY member.serial",
            )?;
            let first = i64::from(chunk) * i64::from(size);
            let step = i64::try_from(step).unwrap_or(i64::MAX);
            let rows = query.query_map([scan.0, step, first, first + i64::from(size)], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn load(connection: &Connection, scan: ScanId) -> Result<Loaded, StoreError> {
    Ok(Loaded {
        scan: scan_row(connection, scan)?,
        steps: collect(
            connection,
            "SELECT step.spec_id, spec.body, step.members, step.capped FROM step JOIN spec ON spec.id = step.spec_id
             WHERE step.scan_id = ?1 ORDER BY step.ordinal",
            scan,
            step_row,
        )?,
        jobs: collect(
            connection,
            "SELECT id, step, chunk, state, attempts, own_failures, engine_failures, not_before, depth, coverage, records, assets
             FROM job WHERE scan_id = ?1 ORDER BY id",
            scan,
            job_row,
        )?,
        attempts: collect(
            connection,
            "SELECT attempt.id, attempt.job_id, attempt.number, attempt.spec_sha256, attempt.state, attempt.removed,
                    attempt.waits
             FROM attempt JOIN job ON job.id = attempt.job_id
             WHERE job.scan_id = ?1 AND attempt.removed = 0 ORDER BY attempt.id",
            scan,
            attempt_row,
        )?,
        feeds: collect(connection, "SELECT id, step FROM feed WHERE scan_id = ?1 ORDER BY id", scan, |row| {
            Ok(FeedRow { id: row.get(0)?, step: row.get(1)? })
        })?,
    })
}

fn collect<T>(
    connection: &Connection,
    sql: &str,
    scan: ScanId,
    map: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([scan.0])?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        values.push(map(row)?);
    }
    Ok(values)
}

/// Borrows a text column.
pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str, StoreError> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

/// Borrows a text column that may be null.
pub(super) fn text_option<'a>(row: &'a Row<'_>, column: usize) -> Result<Option<&'a str>, StoreError> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

fn scan_row(connection: &Connection, scan: ScanId) -> Result<ScanRow, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT key, plan, source, profile, server_identity, state, ending, assets, started_at, priority FROM scan WHERE id = ?1",
    )?;
    let mut rows = query.query([scan.0])?;
    let row = rows.next()?.ok_or_else(|| StoreError::NotFound(format!("scan with row {scan}")))?;
    Ok(ScanRow {
        id: scan,
        key: text(row, 0)?.parse()?,
        plan: Arc::new(json(text(row, 1)?)?),
        source: json_option(text_option(row, 2)?)?,
        profile: row.get(3)?,
        server_identity: row.get(4)?,
        priority: row.get(9)?,
        state: text(row, 5)?.parse()?,
        ending: json_option(text_option(row, 6)?)?,
        assets: row.get(7)?,
        started_at: row.get::<_, Option<i64>>(8)?.map(Timestamp),
    })
}

fn step_row(row: &Row<'_>) -> Result<StepRow, StoreError> {
    Ok(StepRow {
        spec_id: row.get(0)?,
        spec: Arc::new(json(text(row, 1)?)?),
        members: row.get(2)?,
        capped: row.get(3)?,
    })
}

fn job_row(row: &Row<'_>) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        id: JobId(row.get(0)?),
        step: row.get(1)?,
        chunk: row.get(2)?,
        state: text(row, 3)?.parse()?,
        attempts: row.get(4)?,
        own_failures: row.get(5)?,
        engine_failures: row.get(6)?,
        not_before: Timestamp(row.get(7)?),
        depth: row.get(8)?,
        coverage: json_option(text_option(row, 9)?)?,
        records: json_option(text_option(row, 10)?)?.unwrap_or_default(),
        assets: row.get(11)?,
    })
}

fn attempt_row(row: &Row<'_>) -> Result<AttemptRow, StoreError> {
    Ok(AttemptRow {
        id: AttemptId(row.get(0)?),
        job: JobId(row.get(1)?),
        number: row.get(2)?,
        spec_sha256: text(row, 3)?.parse()?,
        state: text(row, 4)?.parse()?,
        removed: row.get(5)?,
        waits: json_option(text_option(row, 6)?)?.unwrap_or_default(),
    })
}
