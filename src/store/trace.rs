//! Reading an ended scan as a trace, in parts. A part costs what it holds, whichever it is; the first one also counts the scan's jobs.

use rusqlite::{Connection, params};

use super::error::StoreError;
use super::load::{text, text_option};
use super::{Store, json, json_option};
use crate::model::clock::Timestamp;
use crate::model::coverage::Coverage;
use crate::model::finding::SeverityCounts;
use crate::model::id::{JobName, ScanKey};
use crate::model::plan::Plan;
use crate::model::trace::{IdleJob, JobPlace, TraceHead, TracePart, TracedAttempt, TracedJob, TracedScan};

/// How much a part of a trace holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartSize {
    /// Most jobs that have run.
    pub jobs: usize,
    /// Most jobs that have never run, in the first part.
    pub idle: usize,
}

impl Store {
    /// Reads the part of an ended scan's trace that begins behind a job, or the first one. All of it is of one moment;
    /// [`StoreError::NotFound`] when the scan was deleted.
    #[expect(clippy::disallowed_methods, reason = "a transaction that reads alone is never refused")]
    pub fn trace(&self, scan: ScanKey, after: Option<JobPlace>, size: PartSize) -> Result<TracePart, StoreError> {
        let instance = self.instance();
        self.read(|connection| {
            // Jobs of a scan that is being deleted go one after another.
            let snapshot = connection.unchecked_transaction()?;
            let (row, plan, executor, created_at) = scan_of(&snapshot, scan)?;
            let mut jobs = jobs(&snapshot, row, after, size.jobs + 1, &plan)?;
            let more = jobs.len() > size.jobs;
            jobs.truncate(size.jobs);
            let next = jobs.last().map(|(place, _)| *place).filter(|_| more);
            Ok(TracePart {
                scan: TracedScan { instance, key: scan, executor, created_at },
                head: if after.is_none() { Some(head(&snapshot, row, size.idle)?) } else { None },
                jobs: jobs.into_iter().map(|(_, job)| job).collect(),
                next,
            })
        })
    }
}

fn scan_of(connection: &Connection, scan: ScanKey) -> Result<(i64, Plan, String, Timestamp), StoreError> {
    let mut query = connection
        .prepare_cached("SELECT id, plan, executor, created_at FROM scan WHERE key = ?1 AND deleted_at IS NULL")?;
    let mut rows = query.query([scan.as_str()])?;
    let row = rows.next()?.ok_or_else(|| StoreError::NotFound(format!("scan `{scan}`")))?;
    Ok((row.get(0)?, json(text(row, 1)?)?, row.get(2)?, Timestamp(row.get(3)?)))
}

fn head(connection: &Connection, scan: i64, most: usize) -> Result<TraceHead, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT started_at, coalesce(finished_at, started_at, created_at), (SELECT count(*) FROM job WHERE scan_id = scan.id AND
         job.started_at IS NULL) FROM scan WHERE id = ?1",
    )?;
    let (started, finished, idle): (Option<i64>, i64, u64) =
        query.query_row([scan], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut head = TraceHead {
        started_at: started.map(Timestamp),
        finished_at: Timestamp(finished),
        jobs: super::scans::tally(connection, scan)?,
        idle: Vec::new(),
        more_idle: 0,
    };
    let mut query = connection.prepare_cached(
        "SELECT step.id, job.chunk, json_extract(spec.body, '$.scanner'), job.state, job.skip, job.finished_at
         FROM job JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
         WHERE job.scan_id = ?1 AND job.started_at IS NULL ORDER BY job.step, job.chunk LIMIT ?2",
    )?;
    let mut rows = query.query(params![scan, i64::try_from(most).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        head.idle.push(IdleJob {
            name: JobName { step: text(row, 0)?.parse()?, chunk: row.get(1)? }.to_string(),
            scanner: row.get(2)?,
            state: text(row, 3)?.parse()?,
            skip: json_option(text_option(row, 4)?)?,
            finished_at: row.get::<_, Option<i64>>(5)?.map_or(head.finished_at, Timestamp),
        });
    }
    head.more_idle = idle.saturating_sub(head.idle.len() as u64);
    Ok(head)
}

fn jobs(
    connection: &Connection,
    scan: i64,
    after: Option<JobPlace>,
    most: usize,
    plan: &Plan,
) -> Result<Vec<(JobPlace, TracedJob)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT step.id, job.step, job.chunk, json_extract(spec.body, '$.scanner'), json_extract(spec.body, '$.image'),
                job.scanner_version, job.state, job.coverage, job.failure, job.records, job.started_at,
                coalesce(job.finished_at, job.started_at), job.id, job.attempts
         FROM job JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
         WHERE job.scan_id = ?1 AND (job.step, job.chunk) > (?2, ?3) AND job.started_at IS NOT NULL
         ORDER BY job.step, job.chunk LIMIT ?4",
    )?;
    let (step, chunk) = after.map_or((-1, -1), |JobPlace(step, chunk)| (i64::from(step), i64::from(chunk)));
    let mut rows = query.query(params![scan, step, chunk, i64::try_from(most).unwrap_or(i64::MAX)])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        let place = JobPlace(row.get(1)?, row.get(2)?);
        let step = plan.steps.get(row.get::<_, usize>(1)?);
        let coverage: Option<Coverage> = json_option(text_option(row, 7)?)?;
        let accepted = step.map(|step| step.accept_partial.clone()).unwrap_or_default();
        let records: Option<SeverityCounts> = json_option(text_option(row, 9)?)?;
        let finished_at = Timestamp(row.get(11)?);
        let name = JobName { step: text(row, 0)?.parse()?, chunk: place.1 };
        let job = TracedJob {
            step: name.step.to_string(),
            name: name.to_string(),
            scanner: row.get(3)?,
            version: row.get(5)?,
            image: step.map(|step| step.scanner.image.clone()).unwrap_or_default(),
            image_id: row.get(4)?,
            state: text(row, 6)?.parse()?,
            complete: coverage.as_ref().is_some_and(|seen| seen.without(&accepted).is_full()),
            coverage,
            failure: json_option(text_option(row, 8)?)?,
            records: records.unwrap_or_default(),
            started_at: Timestamp(row.get(10)?),
            finished_at,
            attempts: attempts(connection, row.get(12)?, row.get(13)?, finished_at)?,
        };
        jobs.push((place, job));
    }
    Ok(jobs)
}

/// Reads the attempts of a job. What was read again later has rows with greater numbers, which are no attempts.
fn attempts(
    connection: &Connection,
    job: i64,
    made: u32,
    finished_at: Timestamp,
) -> Result<Vec<TracedAttempt>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT number, name, state, engine_id, json_extract(manifest, '$.exit'), failure, created_at, ended_at
         FROM attempt WHERE job_id = ?1 AND number <= ?2 ORDER BY number",
    )?;
    let mut rows = query.query(params![job, made])?;
    let mut attempts = Vec::new();
    while let Some(row) = rows.next()? {
        attempts.push(TracedAttempt {
            number: row.get(0)?,
            name: row.get(1)?,
            state: text(row, 2)?.parse()?,
            engine_id: row.get(3)?,
            exit: json_option(text_option(row, 4)?)?,
            failure: json_option(text_option(row, 5)?)?,
            created_at: Timestamp(row.get(6)?),
            ended_at: row.get::<_, Option<i64>>(7)?.map_or(finished_at, Timestamp),
        });
    }
    Ok(attempts)
}
