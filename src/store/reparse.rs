//! Results that are read again from the raw files that were kept: new rows beside the old ones, which nobody sees until one last
//! transaction puts them in the place of the old.
//!
//! What is read again belongs to a row of `attempt` of its own, with the name of the attempt whose files they are and a number
//! beyond those of real attempts.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::compare::{Subject, insert_alias, insert_comparison, insert_differences};
use super::error::StoreError;
use super::load::{text, text_option};
use super::{DifferenceRow, Store, check_fence, events, json, json_option, to_json};
use crate::model::clock::Timestamp;
use crate::model::coverage::Coverage;
use crate::model::event::EventBody;
use crate::model::finding::{Record, SeverityCounts};
use crate::model::id::{AttemptId, JobId, JobName, ScanId, Sha256};
use crate::model::manifest::Manifest;
use crate::model::spec::JobSpec;
use crate::model::standing::{FindingKey, Standings};
use crate::model::suppress::Said;

/// A job of an ended scan that has results.
#[derive(Debug, Clone)]
pub struct KeptJob {
    /// Its row.
    pub id: JobId,
    /// Its name.
    pub name: JobName,
    /// The attempt whose results it has.
    pub attempt: AttemptId,
    /// What ran.
    pub spec: JobSpec,
    /// How it ended; none where that was not kept.
    pub manifest: Option<Manifest>,
    /// What it saw.
    pub coverage: Coverage,
    /// Its records.
    pub records: SeverityCounts,
    /// Its raw files.
    pub files: Vec<KeptFile>,
}

/// A raw file that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFile {
    /// Its path under the attempt's results.
    pub path: String,
    /// Its name in the artifact store.
    pub blob: Sha256,
}

/// The outcome of reading a job's files again.
#[derive(Debug, Clone)]
pub struct NewResults {
    /// The job.
    pub job: JobId,
    /// The attempt whose results it had.
    pub old: AttemptId,
    /// The attempt that its new rows belong to.
    pub new: AttemptId,
    /// How many records there are.
    pub records: SeverityCounts,
    /// How many assets.
    pub assets: u64,
    /// The scanner's version by its report.
    pub version: Option<String>,
    /// What the job saw.
    pub coverage: Coverage,
}

/// A comparison that takes the place of an earlier one.
#[derive(Debug, Clone)]
pub struct NewComparison {
    /// What was compared.
    pub subject: Subject,
    /// The scan that it was compared with.
    pub reference: Option<ScanId>,
    /// What differs.
    pub rows: Vec<DifferenceRow>,
    /// How many stand how.
    pub standings: Standings,
}

/// Everything that becomes visible at once.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// The scan.
    pub scan: ScanId,
    /// Its fence.
    pub fence: u64,
    /// What the scan saw, with that.
    pub coverage: Coverage,
    /// The new results.
    pub jobs: Vec<NewResults>,
    /// Findings that have another fingerprint now, each with the one that it had.
    pub renamed: Vec<(Subject, FindingKey, FindingKey)>,
    /// The comparisons with what was known before.
    pub comparisons: Vec<NewComparison>,
    /// Who asked, when, and what is told of it.
    pub told: (String, Timestamp, EventBody),
}

const ENDED: &str = "state IN ('completed', 'failed', 'cancelled') AND deleted_at IS NULL";

impl Store {
    /// Reads the jobs of an ended scan that have results, with their raw files, and the scan's fence.
    pub fn kept_jobs(&self, scan: ScanId) -> Result<(u64, Vec<KeptJob>), StoreError> {
        self.read(|connection| {
            let fence = connection.query_row("SELECT fence FROM scan WHERE id = ?1", [scan.0], |row| row.get(0))?;
            let mut query = connection.prepare_cached(
                "SELECT job.id, step.id, job.chunk, job.winning_attempt, spec.body, attempt.manifest, job.coverage, job.records
                 FROM job JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step
                 JOIN spec ON spec.id = step.spec_id JOIN attempt ON attempt.id = job.winning_attempt
                 WHERE job.scan_id = ?1 ORDER BY job.id",
            )?;
            let mut files = connection
                .prepare_cached("SELECT path, blob FROM artifact WHERE attempt_id = ?1 ORDER BY path")?;
            let mut rows = query.query([scan.0])?;
            let mut jobs = Vec::new();
            while let Some(row) = rows.next()? {
                let attempt = AttemptId(row.get(3)?);
                let mut kept = Vec::new();
                let mut of_attempt = files.query([attempt.0])?;
                while let Some(file) = of_attempt.next()? {
                    kept.push(KeptFile { path: file.get(0)?, blob: text(file, 1)?.parse()? });
                }
                jobs.push(KeptJob {
                    id: JobId(row.get(0)?),
                    name: JobName { step: text(row, 1)?.parse()?, chunk: row.get(2)? },
                    attempt,
                    spec: json(text(row, 4)?)?,
                    manifest: json_option(text_option(row, 5)?)?,
                    coverage: json_option(text_option(row, 6)?)?.unwrap_or_default(),
                    records: json_option(text_option(row, 7)?)?.unwrap_or_default(),
                    files: kept,
                });
            }
            Ok((fence, jobs))
        })
    }

    /// Makes the attempt that rows which are read again belong to.
    pub async fn read_again(&self, scan: ScanId, fence: u64, of: AttemptId) -> Result<AttemptId, StoreError> {
        self.write(move |tx| {
            check_fence(tx, scan, fence)?;
            check_ended(tx, scan)?;
            // Beyond the numbers of real attempts, also of those of which no row is left.
            tx.execute(
                "INSERT INTO attempt (job_id, number, name, spec_id, spec_sha256, placement, state, removed, fence, engine_id,
                                      manifest, created_at, ended_at)
                 SELECT job_id, (SELECT max(max(other.number), max(job.attempts)) + 1 FROM attempt other JOIN job ON job.id = other.job_id
                                 WHERE other.job_id = attempt.job_id),
                        name, spec_id, spec_sha256, placement, state, 1, fence, engine_id, manifest, created_at, ended_at
                 FROM attempt WHERE id = ?1",
                [of.0],
            )?;
            let new = AttemptId(tx.last_insert_rowid());
            tx.execute("INSERT INTO artifact SELECT ?2, path, blob, length, original_sha256 FROM artifact WHERE attempt_id = ?1", [
                of.0, new.0,
            ])?;
            Ok(new)
        })
        .await
    }

    /// Whether one attempt handed on assets that another did not.
    pub fn has_more_assets(&self, old: AttemptId, new: AttemptId) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT EXISTS (SELECT asset_id FROM sighting WHERE attempt_id = ?2
                                EXCEPT SELECT asset_id FROM sighting WHERE attempt_id = ?1)",
            )?;
            Ok(query.query_row([old.0, new.0], |row| row.get(0))?)
        })
    }

    /// Returns what comments in the source said of an attempt's records.
    pub fn said_by_comments(&self, attempt: AttemptId) -> Result<Said, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT body FROM record WHERE attempt_id = ?1 AND json_extract(body, '$.muting.origin') = 'comment'",
            )?;
            let mut rows = query.query([attempt.0])?;
            let mut said = Said::new();
            while let Some(row) = rows.next()? {
                let record: Record = json(text(row, 0)?)?;
                said.extend(record.muting.map(|muting| ((record.rule, record.location), muting)));
            }
            Ok(said)
        })
    }

    /// Puts new results in the place of old ones, all at once, with all that follows from them in the scan.
    pub async fn replace(&self, replacement: Replacement) -> Result<(), StoreError> {
        self.write(move |tx| {
            let scan = replacement.scan;
            check_fence(tx, scan, replacement.fence)?;
            check_ended(tx, scan)?;
            for job in &replacement.jobs {
                swap(tx, job)?;
            }
            for (subject, key, was) in &replacement.renamed {
                insert_alias(tx, *subject, *key, *was)?;
            }
            for comparison in &replacement.comparisons {
                compare_anew(tx, scan, comparison)?;
            }
            let mut records = SeverityCounts::default();
            let mut all = tx.prepare_cached("SELECT records FROM job WHERE scan_id = ?1")?;
            let mut rows = all.query([scan.0])?;
            while let Some(row) = rows.next()? {
                records.merge(&json_option(text_option(row, 0)?)?.unwrap_or_default());
            }
            tx.execute(
                "UPDATE scan SET records = ?2, coverage = ?3 WHERE id = ?1",
                params![scan.0, to_json(&records)?, to_json(&replacement.coverage)?],
            )?;
            let (actor, at, body) = &replacement.told;
            events::append(tx, scan, *at, actor, body)
        })
        .await
    }

    /// Puts a comparison of an ended scan in the place of its earlier one.
    pub async fn compare_again(&self, scan: ScanId, comparison: NewComparison) -> Result<(), StoreError> {
        self.write(move |tx| {
            check_ended(tx, scan)?;
            compare_anew(tx, scan, &comparison)
        })
        .await
    }

    /// Returns the ended scans that were compared after this one in a subject, oldest first.
    pub fn compared_after(&self, scan: ScanId, subject: Subject) -> Result<Vec<ScanId>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(&format!(
                "SELECT scan.id FROM comparison JOIN scan ON scan.id = comparison.scan_id
                 WHERE subject_id = ?2 AND scan.id > ?1 AND {ENDED} ORDER BY scan.id"
            ))?;
            let rows = query.query_map([scan.0, subject.0], |row| Ok(ScanId(row.get(0)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Whether a scan was compared in a subject.
    pub fn is_compared(&self, scan: ScanId, subject: Subject) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut query = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM comparison WHERE scan_id = ?1 AND subject_id = ?2)")?;
            Ok(query.query_row([scan.0, subject.0], |row| row.get(0))?)
        })
    }

    /// Returns attempts of an ended scan whose rows nobody sees: those that others have taken the place of, and those that were read
    /// again by a process that died; each with whether it had won before.
    pub fn unseen_attempts(&self, scan: ScanId) -> Result<Vec<(AttemptId, bool)>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT attempt.id, attempt.number < winner.number FROM attempt JOIN job ON job.id = attempt.job_id
                 JOIN attempt winner ON winner.id = job.winning_attempt
                 WHERE job.scan_id = ?1 AND attempt.id <> job.winning_attempt
                   AND (attempt.number > job.attempts
                     OR EXISTS (SELECT 1 FROM artifact WHERE artifact.attempt_id = attempt.id))",
            )?;
            let rows = query.query_map([scan.0], |row| Ok((AttemptId(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Removes an attempt that was read again and whose rows are gone ([`Self::discard`]); a real one stays, it happened.
    pub async fn forget_reading(&self, scan: ScanId, fence: u64, attempt: AttemptId) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            check_fence(tx, scan, fence)?;
            tx.execute(
                "DELETE FROM attempt WHERE id = ?1 AND number > (SELECT attempts FROM job WHERE job.id = attempt.job_id)
                   AND NOT EXISTS (SELECT 1 FROM job WHERE winning_attempt = ?1)",
                [attempt.0],
            )?;
            Ok(())
        })
        .await
    }
}

fn check_ended(tx: &Transaction<'_>, scan: ScanId) -> Result<(), StoreError> {
    let sql = format!("SELECT 1 FROM scan WHERE id = ?1 AND {ENDED}");
    let ended = tx.query_row(&sql, [scan.0], |_| Ok(())).optional()?;
    ended.ok_or(StoreError::NotOver(scan))
}

fn swap(tx: &Transaction<'_>, job: &NewResults) -> Result<(), StoreError> {
    let changed = tx
        .prepare_cached(
            "UPDATE job SET winning_attempt = ?3, records = ?4, assets = ?5, scanner_version = ?6, coverage = ?7
             WHERE id = ?1 AND winning_attempt = ?2",
        )?
        .execute(params![
            job.job.0,
            job.old.0,
            job.new.0,
            to_json(&job.records)?,
            job.assets,
            job.version,
            to_json(&job.coverage)?
        ])?;
    if changed == 0 { Err(StoreError::FenceLost) } else { Ok(()) }
}

fn compare_anew(tx: &Transaction<'_>, scan: ScanId, comparison: &NewComparison) -> Result<(), StoreError> {
    let NewComparison { subject, reference, rows, standings } = comparison;
    tx.execute("DELETE FROM difference WHERE scan_id = ?1 AND subject_id = ?2", [scan.0, subject.0])?;
    insert_differences(tx, scan, *subject, rows)?;
    insert_comparison(tx, scan, *subject, *reference, standings)
}
