//! What a driver writes: all changes of one batch of decisions, with their events, in one transaction.

use rusqlite::{Transaction, params};

use super::error::StoreError;
use super::events::append;
use super::{Store, check_fence, intents, to_json};
use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, SkipReason};
use crate::model::event::EventBody;
use crate::model::finding::SeverityCounts;
use crate::model::id::{AttemptId, AttemptName, JobId, ScanId, Sha256};
use crate::model::manifest::Manifest;
use crate::model::outcome::Failure;
use crate::model::state::{AttemptState, JobState, ScanState};
use crate::model::view::EndReason;
use crate::model::wait::Waits;

/// A batch of decisions.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The scan.
    pub scan: ScanId,
    /// The driver's fence.
    pub fence: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// Who decided.
    pub actor: String,
    /// The rows, in order.
    pub changes: Vec<Change>,
    /// The events, in order.
    pub events: Vec<EventBody>,
}

/// One row's change.
#[derive(Debug, Clone)]
pub enum Change {
    /// The scan moved.
    Scan(ScanChange),
    /// A job moved on.
    JobMove(JobMove),
    /// A job ended.
    JobEnd(Box<JobEnd>),
    /// An attempt will be launched: written before the engine hears of it.
    NewAttempt(Box<NewAttempt>),
    /// An attempt moved.
    Attempt(Box<AttemptChange>),
    /// Something was told of what an attempt waits for.
    Waits {
        /// Its job.
        job: JobId,
        /// Its number.
        attempt: u32,
        /// All that was told.
        waits: Waits,
    },
    /// A job's results become visible, and feed these steps.
    Win {
        /// The job.
        job: JobId,
        /// The attempt whose results they are.
        attempt: u32,
        /// Steps that are fed with its assets.
        feeds: Vec<usize>,
        /// Steps between the target and these assets.
        depth: u32,
    },
    /// An expanding step was given no asset: its one job is written down as skipped.
    EmptyStep {
        /// Position of the step.
        step: usize,
        /// What that means for coverage.
        coverage: Coverage,
    },
    /// The scan goes before those of a lower priority than this.
    Priority(i32),
    /// An intent was executed.
    Taken(i64),
}

/// What a commit has made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// Rows of its new attempts, in order.
    pub attempts: Vec<AttemptId>,
    /// Its new feeds: row, and position of the fed step.
    pub feeds: Vec<(i64, usize)>,
}

/// A scan's change.
#[derive(Debug, Clone)]
pub struct ScanChange {
    /// Its state.
    pub state: ScanState,
    /// Why it ended.
    pub ending: Option<EndReason>,
    /// What it saw so far.
    pub coverage: Coverage,
    /// Records so far.
    pub records: SeverityCounts,
    /// When its first job was dispatched.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A job's change while it has not ended.
#[derive(Debug, Clone)]
pub struct JobMove {
    /// The job.
    pub job: JobId,
    /// Its state.
    pub state: JobState,
    /// Attempts made.
    pub attempts: u32,
    /// Attempts that failed by its own fault.
    pub own_failures: u32,
    /// Attempts that failed by the engine's fault.
    pub engine_failures: u32,
    /// Not dispatched before this moment.
    pub not_before: Timestamp,
}

/// A job's end.
#[derive(Debug, Clone)]
pub struct JobEnd {
    /// The job.
    pub job: JobId,
    /// Its state.
    pub state: JobState,
    /// Attempts that failed by its own fault.
    pub own_failures: u32,
    /// Attempts that failed by the engine's fault.
    pub engine_failures: u32,
    /// What it saw.
    pub coverage: Coverage,
    /// Why it was skipped.
    pub skip: Option<SkipReason>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Records stored.
    pub records: SeverityCounts,
    /// Assets handed on.
    pub assets: u64,
    /// The scanner's version, if its report says.
    pub scanner_version: Option<String>,
}

/// An attempt that will be launched.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    /// Its job.
    pub job: JobId,
    /// Its number, from 1.
    pub number: u32,
    /// The engine object's name.
    pub name: AttemptName,
    /// Row of its specification.
    pub spec_id: i64,
    /// Hash of specification and assets.
    pub spec_sha256: Sha256,
}

/// An attempt's change; what is `None` stays as it is.
#[derive(Debug, Clone)]
pub struct AttemptChange {
    /// Its job.
    pub job: JobId,
    /// Its number.
    pub number: u32,
    /// Its state.
    pub state: AttemptState,
    /// The engine's identity of the object.
    pub engine_id: Option<String>,
    /// What was sealed.
    pub manifest: Option<Manifest>,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Whether the engine holds nothing of it now.
    pub removed: bool,
}

impl Store {
    /// Writes a batch. [`StoreError::FenceLost`] when another process has taken
    /// the scan; then nothing was written.
    pub async fn commit(&self, commit: Commit) -> Result<Committed, StoreError> {
        self.write(move |tx| {
            check_fence(tx, commit.scan, commit.fence)?;
            let mut made = Committed::default();
            for change in &commit.changes {
                apply(tx, &commit, change, &mut made)?;
            }
            for event in &commit.events {
                append(tx, commit.scan, commit.at, &commit.actor, event)?;
            }
            Ok(made)
        })
        .await
    }
}

fn apply(tx: &Transaction<'_>, commit: &Commit, change: &Change, made: &mut Committed) -> Result<(), StoreError> {
    match change {
        Change::Scan(scan) => move_scan(tx, commit, scan),
        Change::JobMove(job) => move_job(tx, commit.at, job),
        Change::JobEnd(job) => end_job(tx, commit.at, job),
        Change::NewAttempt(attempt) => {
            made.attempts.push(insert_attempt(tx, commit, attempt)?);
            Ok(())
        }
        Change::Attempt(attempt) => move_attempt(tx, commit, attempt),
        Change::Waits { job, attempt, waits } => write_waits(tx, *job, *attempt, waits),
        Change::Win { job, attempt, feeds, depth } => {
            let attempt = win(tx, *job, *attempt)?;
            for &step in feeds {
                made.feeds.push((insert_feed(tx, commit.scan, step, attempt, *depth)?, step));
            }
            Ok(())
        }
        Change::EmptyStep { step, coverage } => insert_empty_step(tx, commit, *step, coverage),
        Change::Priority(priority) => intents::prioritise(tx, commit.scan, *priority),
        Change::Taken(intent) => intents::take(tx, *intent, commit.at),
    }
}

fn move_scan(tx: &Transaction<'_>, commit: &Commit, scan: &ScanChange) -> Result<(), StoreError> {
    if scan.state.is_terminal() {
        // What was asked while this was being decided: there is nothing left to do about it.
        intents::take_all(tx, commit.scan, commit.at)?;
    }
    let ending = scan.ending.as_ref().map(to_json).transpose()?;
    tx.prepare_cached(
        "UPDATE scan SET state = ?2, ending = ?3, coverage = ?4, records = ?5, started_at = ?6, finished_at = ?7 WHERE id = ?1",
    )?
    .execute(params![
        commit.scan.0,
        scan.state.as_str(),
        ending,
        to_json(&scan.coverage)?,
        to_json(&scan.records)?,
        scan.started_at.map(|at| at.0),
        scan.finished_at.map(|at| at.0),
    ])?;
    Ok(())
}

fn move_job(tx: &Transaction<'_>, at: Timestamp, job: &JobMove) -> Result<(), StoreError> {
    let started = (job.state == JobState::Running).then_some(at.0);
    tx.prepare_cached(
        "UPDATE job SET state = ?2, attempts = ?3, own_failures = ?4, engine_failures = ?5, not_before = ?6,
                        started_at = coalesce(started_at, ?7) WHERE id = ?1",
    )?
    .execute(params![
        job.job.0,
        job.state.as_str(),
        job.attempts,
        job.own_failures,
        job.engine_failures,
        job.not_before.0,
        started
    ])?;
    Ok(())
}

fn end_job(tx: &Transaction<'_>, at: Timestamp, job: &JobEnd) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE job SET state = ?2, own_failures = ?3, engine_failures = ?4, coverage = ?5, skip = ?6, failure = ?7,
                        records = ?8, assets = ?9, scanner_version = ?10, finished_at = ?11 WHERE id = ?1",
    )?
    .execute(params![
        job.job.0,
        job.state.as_str(),
        job.own_failures,
        job.engine_failures,
        to_json(&job.coverage)?,
        job.skip.as_ref().map(to_json).transpose()?,
        job.failure.as_ref().map(to_json).transpose()?,
        to_json(&job.records)?,
        job.assets,
        job.scanner_version,
        at.0,
    ])?;
    Ok(())
}

fn insert_attempt(tx: &Transaction<'_>, commit: &Commit, attempt: &NewAttempt) -> Result<AttemptId, StoreError> {
    tx.prepare_cached(
        "INSERT INTO attempt (job_id, number, name, spec_id, spec_sha256, state, fence, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        attempt.job.0,
        attempt.number,
        attempt.name.as_str(),
        attempt.spec_id,
        attempt.spec_sha256.to_string(),
        AttemptState::Intent.as_str(),
        commit.fence,
        commit.at.0,
    ])?;
    Ok(AttemptId(tx.last_insert_rowid()))
}

fn move_attempt(tx: &Transaction<'_>, commit: &Commit, attempt: &AttemptChange) -> Result<(), StoreError> {
    let ended = attempt.state.is_over().then_some(commit.at.0);
    tx.prepare_cached(
        "UPDATE attempt SET state = ?3, engine_id = coalesce(?4, engine_id), manifest = coalesce(?5, manifest),
                            failure = coalesce(?6, failure), removed = max(removed, ?7), ended_at = coalesce(ended_at, ?8)
         WHERE job_id = ?1 AND number = ?2",
    )?
    .execute(params![
        attempt.job.0,
        attempt.number,
        attempt.state.as_str(),
        attempt.engine_id,
        attempt.manifest.as_ref().map(to_json).transpose()?,
        attempt.failure.as_ref().map(to_json).transpose()?,
        attempt.removed,
        ended,
    ])?;
    Ok(())
}

fn write_waits(tx: &Transaction<'_>, job: JobId, number: u32, waits: &Waits) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE attempt SET waits = ?3 WHERE job_id = ?1 AND number = ?2")?.execute(params![
        job.0,
        number,
        to_json(waits)?
    ])?;
    Ok(())
}

/// Makes an attempt its job's winner; returns its row.
fn win(tx: &Transaction<'_>, job: JobId, number: u32) -> Result<AttemptId, StoreError> {
    let attempt: i64 = tx
        .prepare_cached("SELECT id FROM attempt WHERE job_id = ?1 AND number = ?2")?
        .query_row(params![job.0, number], |row| row.get(0))?;
    let changed = tx
        .prepare_cached("UPDATE job SET winning_attempt = ?2 WHERE id = ?1 AND winning_attempt IS NULL")?
        .execute([job.0, attempt])?;
    if changed == 0 {
        return Err(StoreError::Damaged(format!("job row {job} has a winning attempt already")));
    }
    Ok(AttemptId(attempt))
}

fn insert_feed(
    tx: &Transaction<'_>,
    scan: ScanId,
    step: usize,
    attempt: AttemptId,
    depth: u32,
) -> Result<i64, StoreError> {
    tx.prepare_cached("INSERT INTO feed (scan_id, step, attempt_id, depth) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![scan.0, step, attempt.0, depth])?;
    Ok(tx.last_insert_rowid())
}

fn insert_empty_step(
    tx: &Transaction<'_>,
    commit: &Commit,
    step: usize,
    coverage: &Coverage,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO job (scan_id, step, chunk, state, skip, coverage, finished_at) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6)",
        params![
            commit.scan.0,
            step,
            JobState::Skipped.as_str(),
            to_json(&SkipReason::NoAssets)?,
            to_json(coverage)?,
            commit.at.0
        ],
    )?;
    Ok(())
}
