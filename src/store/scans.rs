//! Reading scans and jobs for people: lists, reports, lookups by id, prefix or `latest`.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::error::StoreError;
use super::load::{text, text_option};
use super::{Store, json, json_option, owners};
use crate::model::clock::Timestamp;
use crate::model::finding::SeverityCounts;
use crate::model::id::{AttemptName, JobName, ScanId, ScanKey, Sha256};
use crate::model::owner::Owner;
use crate::model::plan::Plan;
use crate::model::spec::JobSpec;
use crate::model::standing::Standings;
use crate::model::state::{AttemptState, JobState, ScanState};
use crate::model::target::TargetKey;
use crate::model::view::{JobView, PastScan, ScanView, is_complete};
use crate::model::wait::Waits;

/// Which scans a list shows; all are optional and must all hold.
#[derive(Debug, Clone, Default)]
pub struct ScanFilter {
    /// Only scans that have not ended.
    pub open: bool,
    /// Only scans of this target.
    pub target: Option<String>,
    /// At most so many, newest first.
    pub limit: u32,
}

const SCAN: &str = "SELECT scan.id, scan.key, project.name, scan.target_key, scan.line, scan.plan, scan.plan_sha256, scan.executor,
    scan.source, scan.state, scan.ending, scan.coverage, scan.created_at, scan.started_at, scan.finished_at, scan.owner, scan.records
    FROM scan JOIN project ON project.id = scan.project_id";

impl Store {
    /// Finds a scan by id, unique prefix of an id, or `latest`.
    pub fn find_scan(&self, text: &str) -> Result<ScanId, StoreError> {
        self.read(|connection| {
            if text == "latest" {
                let mut query = connection
                    .prepare_cached("SELECT id FROM scan WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 1")?;
                let mut rows = query.query([])?;
                let row = rows.next()?.ok_or_else(|| StoreError::NotFound("scan yet".to_owned()))?;
                return Ok(ScanId(row.get(0)?));
            }
            let pattern: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
            let mut query =
                connection.prepare_cached("SELECT id FROM scan WHERE key GLOB ?1 AND deleted_at IS NULL LIMIT 2")?;
            let found: Vec<i64> =
                query.query_map([format!("{pattern}*")], |row| row.get(0))?.collect::<Result<_, _>>()?;
            match found[..] {
                [id] if pattern == text && !text.is_empty() => Ok(ScanId(id)),
                [_, _] => Err(StoreError::NotFound(format!("single scan `{text}`: several ids begin so"))),
                _ => Err(StoreError::NotFound(format!("scan `{text}`"))),
            }
        })
    }

    /// Reads a scan.
    pub fn scan(&self, scan: ScanId) -> Result<ScanView, StoreError> {
        self.read(|connection| {
            let mut query =
                connection.prepare_cached(&format!("{SCAN} WHERE scan.id = ?1 AND scan.deleted_at IS NULL"))?;
            let mut rows = query.query([scan.0])?;
            let row = rows.next()?.ok_or_else(|| StoreError::NotFound(format!("scan with row {scan}")))?;
            scan_view(connection, row)
        })
    }

    /// Reads where a scan stands.
    pub fn scan_state(&self, scan: ScanId) -> Result<ScanState, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT state FROM scan WHERE id = ?1")?;
            let state: String = query.query_row([scan.0], |row| row.get(0))?;
            Ok(state.parse()?)
        })
    }

    /// Reads a scan's key.
    pub fn scan_key(&self, scan: ScanId) -> Result<ScanKey, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT key FROM scan WHERE id = ?1")?;
            Ok(query.query_row([scan.0], |row| row.get::<_, String>(0))?.parse()?)
        })
    }

    /// Reads where a scan runs: its executor profile, and who the engine is.
    pub fn scan_engine(&self, scan: ScanId) -> Result<(String, String), StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT profile, server_identity FROM scan WHERE id = ?1")?;
            Ok(query.query_row([scan.0], |row| Ok((row.get(0)?, row.get(1)?)))?)
        })
    }

    /// Whether the engine may still hold something of a scan's attempts.
    pub fn has_leftovers(&self, scan: ScanId) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM attempt JOIN job ON job.id = attempt.job_id
                 WHERE job.scan_id = ?1 AND attempt.removed = 0)",
            )?;
            Ok(query.query_row([scan.0], |row| row.get(0))?)
        })
    }

    /// Reads scans, newest first.
    pub fn scans(&self, filter: &ScanFilter) -> Result<Vec<ScanView>, StoreError> {
        self.read(|connection| {
            let open = if filter.open { "AND scan.state NOT IN ('completed', 'failed', 'cancelled')" } else { "" };
            let sql = format!(
                "{SCAN} WHERE scan.deleted_at IS NULL AND (?1 IS NULL OR scan.target = ?1 OR scan.target_key = ?1) {open}
                 ORDER BY scan.id DESC LIMIT ?2"
            );
            let mut query = connection.prepare_cached(&sql)?;
            let mut rows = query.query(params![filter.target, filter.limit])?;
            let mut scans = Vec::new();
            while let Some(row) = rows.next()? {
                scans.push(scan_view(connection, row)?);
            }
            Ok(scans)
        })
    }

    /// Reads the last scans of a target, by whose it is and by its key, newest first.
    pub fn scans_of(&self, owner: &Owner, key: &str, limit: u32) -> Result<Vec<ScanView>, StoreError> {
        self.read(|connection| {
            let Some((_, project)) = owners::find(connection, owner)? else { return Ok(Vec::new()) };
            let sql = format!(
                "{SCAN} WHERE scan.project_id = ?1 AND scan.target_key = ?2 AND scan.deleted_at IS NULL
                 ORDER BY scan.created_at DESC, scan.id DESC LIMIT ?3"
            );
            let mut query = connection.prepare_cached(&sql)?;
            let mut rows = query.query(params![project, key, limit])?;
            let mut scans = Vec::new();
            while let Some(row) = rows.next()? {
                scans.push(scan_view(connection, row)?);
            }
            Ok(scans)
        })
    }

    /// Reads the last ended scans before a scan, at most `limit`, of the same target and line, oldest first.
    pub fn scans_before(&self, scan: ScanId, limit: u32) -> Result<Vec<PastScan>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT past.key, json_extract(past.plan, '$.template'), past.created_at, past.state, past.coverage, past.records
                 FROM scan JOIN scan AS past ON past.project_id = scan.project_id AND past.target_key = scan.target_key
                   AND past.line IS scan.line AND past.id < scan.id
                 WHERE scan.id = ?1 AND past.deleted_at IS NULL AND past.state IN ('completed', 'failed', 'cancelled')
                 ORDER BY past.id DESC LIMIT ?2",
            )?;
            let mut rows = query.query(params![scan.0, limit])?;
            let mut scans = Vec::new();
            while let Some(row) = rows.next()? {
                let (state, coverage) = (text(row, 3)?.parse()?, json(text(row, 4)?)?);
                scans.push(PastScan {
                    id: text(row, 0)?.parse()?,
                    template: row.get(1)?,
                    created_at: Timestamp(row.get(2)?),
                    complete: is_complete(state, &coverage),
                    records: json(text(row, 5)?)?,
                });
            }
            scans.reverse();
            Ok(scans)
        })
    }

    /// Reads the jobs of a scan, in order.
    pub fn jobs(&self, scan: ScanId) -> Result<Vec<JobView>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT step.id, job.chunk, spec.body, job.state, job.coverage, job.skip, job.failure, job.attempts, job.records,
                        job.assets, job.scanner_version, job.started_at, job.finished_at, scan.plan, job.step, step.members,
                        (SELECT waits FROM attempt WHERE attempt.job_id = job.id AND attempt.number = job.attempts
                         AND attempt.state IN ('intent', 'created', 'running', 'unknown'))
                 FROM job JOIN scan ON scan.id = job.scan_id JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step
                 JOIN spec ON spec.id = step.spec_id WHERE job.scan_id = ?1 ORDER BY job.step, job.chunk",
            )?;
            let mut rows = query.query([scan.0])?;
            let (mut jobs, mut plan): (_, Option<Plan>) = (Vec::new(), None);
            while let Some(row) = rows.next()? {
                let plan = match &plan {
                    Some(plan) => plan,
                    None => plan.insert(json(text(row, 13)?)?),
                };
                jobs.push(job_view(row, plan)?);
            }
            Ok(jobs)
        })
    }

    /// Whether a scan that has not ended reads a source.
    pub fn source_in_use(&self, sha256: Sha256) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM scan WHERE state NOT IN ('completed', 'failed', 'cancelled')
                 AND json_extract(source, '$.sha256') = ?1)",
            )?;
            Ok(query.query_row([sha256.to_string()], |row| row.get(0))?)
        })
    }

    /// Whether there is a scan with this id.
    pub fn has_scan(&self, key: ScanKey) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT 1 FROM scan WHERE key = ?1")?;
            Ok(query.exists([key.as_str()])?)
        })
    }

    /// Returns the rows of all scans that have not ended, oldest first.
    pub fn open_scans(&self) -> Result<Vec<ScanId>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id FROM scan WHERE state NOT IN ('completed', 'failed', 'cancelled') ORDER BY id",
            )?;
            let rows = query.query_map([], |row| Ok(ScanId(row.get(0)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns the attempts of a job, oldest first: name, number and state. `job` is the job's name.
    pub fn attempts(&self, scan: ScanId, job: &str) -> Result<Vec<(AttemptName, u32, AttemptState)>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT attempt.name, attempt.number, attempt.state FROM attempt JOIN job ON job.id = attempt.job_id
                 JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step
                 WHERE job.scan_id = ?1 AND step.id || '-' || job.chunk = ?2 AND attempt.number <= job.attempts
                 ORDER BY attempt.number",
            )?;
            let mut rows = query.query(params![scan.0, job])?;
            let mut attempts = Vec::new();
            while let Some(row) = rows.next()? {
                attempts.push((text(row, 0)?.parse()?, row.get(1)?, text(row, 2)?.parse()?));
            }
            Ok(attempts)
        })
    }

    /// Returns the attempts of which the engine may still hold something, each with its scan and whether that has ended.
    pub fn unremoved_attempts(&self) -> Result<Vec<(AttemptName, ScanKey, bool)>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT attempt.name, scan.key, scan.state IN ('completed', 'failed', 'cancelled')
                 FROM attempt JOIN job ON job.id = attempt.job_id JOIN scan ON scan.id = job.scan_id
                 WHERE attempt.removed = 0",
            )?;
            let mut rows = query.query([])?;
            let mut attempts = Vec::new();
            while let Some(row) = rows.next()? {
                attempts.push((text(row, 0)?.parse()?, text(row, 1)?.parse()?, row.get(2)?));
            }
            Ok(attempts)
        })
    }

    /// Returns how long the last successful runs of a scanner took, in milliseconds, newest first.
    pub fn durations(&self, scanner: &str, limit: u32) -> Result<Vec<i64>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT job.finished_at - job.started_at FROM job
                 JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
                 WHERE json_extract(spec.body, '$.scanner') = ?1 AND job.state = 'succeeded' AND job.started_at IS NOT NULL
                 ORDER BY job.id DESC LIMIT ?2",
            )?;
            let rows = query.query_map(params![scanner, limit], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn scan_view(connection: &Connection, row: &Row<'_>) -> Result<ScanView, StoreError> {
    let id: i64 = row.get(0)?;
    let plan: Plan = json(text(row, 5)?)?;
    Ok(ScanView {
        id: text(row, 1)?.parse()?,
        project: row.get(2)?,
        target_key: TargetKey { key: row.get(3)?, line: row.get(4)? },
        target: plan.target,
        template: plan.template,
        muted: super::triage::muted(connection, id, &plan.options.suppressions)?,
        options: plan.options,
        plan_sha256: text(row, 6)?.parse()?,
        executor: row.get(7)?,
        source: json_option(text_option(row, 8)?)?,
        state: text(row, 9)?.parse()?,
        end: json_option(text_option(row, 10)?)?,
        coverage: json(text(row, 11)?)?,
        created_at: Timestamp(row.get(12)?),
        started_at: row.get::<_, Option<i64>>(13)?.map(Timestamp),
        finished_at: row.get::<_, Option<i64>>(14)?.map(Timestamp),
        owner: row.get(15)?,
        records: json(text(row, 16)?)?,
        standings: standings(connection, id)?,
        jobs: tally(connection, id)?,
    })
}

/// How the findings of an ended scan stand, over all scanners.
fn standings(connection: &Connection, scan: i64) -> Result<Option<Standings>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT standings FROM comparison JOIN scan ON scan.id = scan_id
         WHERE scan_id = ?1 AND state IN ('completed', 'failed', 'cancelled')",
    )?;
    let mut rows = query.query([scan])?;
    let mut all: Option<Standings> = None;
    while let Some(row) = rows.next()? {
        let one: Standings = json(text(row, 0)?)?;
        match &mut all {
            Some(all) => all.merge(&one),
            None => all = Some(one),
        }
    }
    Ok(all)
}

pub(super) fn tally(connection: &Connection, scan: i64) -> Result<BTreeMap<JobState, u64>, StoreError> {
    let mut query = connection.prepare_cached("SELECT state, count(*) FROM job WHERE scan_id = ?1 GROUP BY state")?;
    let mut rows = query.query([scan])?;
    let mut tally = BTreeMap::new();
    while let Some(row) = rows.next()? {
        tally.insert(text(row, 0)?.parse()?, row.get(1)?);
    }
    Ok(tally)
}

fn job_view(row: &Row<'_>, plan: &Plan) -> Result<JobView, StoreError> {
    let name = JobName { step: text(row, 0)?.parse()?, chunk: row.get(1)? };
    let spec: JobSpec = json(text(row, 2)?)?;
    let step = plan.steps.get(row.get::<_, usize>(14)?);
    let records: Option<SeverityCounts> = json_option(text_option(row, 8)?)?;
    let inputs = step.filter(|step| !step.for_each.is_empty()).map(|step| {
        let members = row.get::<_, i64>(15).unwrap_or_default().cast_unsigned();
        members.saturating_sub(u64::from(name.chunk) * u64::from(step.chunk)).min(u64::from(step.chunk))
    });
    Ok(JobView {
        step: name.step.to_string(),
        name: name.to_string(),
        scanner: spec.scanner,
        scanner_version: row.get(10)?,
        image: step.map(|step| step.scanner.image.clone()).unwrap_or_default(),
        image_id: Some(spec.image),
        data: spec.data.into_iter().map(|tree| (tree.name, tree.version)).collect(),
        state: text(row, 3)?.parse::<JobState>()?,
        coverage: json_option(text_option(row, 4)?)?,
        skip: json_option(text_option(row, 5)?)?,
        failure: json_option(text_option(row, 6)?)?,
        wait: json_option::<Waits>(text_option(row, 16)?)?.and_then(|waits| waits.now().cloned()),
        attempts: row.get(7)?,
        inputs: inputs.unwrap_or(0),
        records: records.unwrap_or_default(),
        assets: row.get(9)?,
        started_at: row.get::<_, Option<i64>>(11)?.map(Timestamp),
        finished_at: row.get::<_, Option<i64>>(12)?.map(Timestamp),
    })
}
