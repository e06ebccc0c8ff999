//! A new scan: all its rows in one transaction.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::error::StoreError;
use super::events::append;
use super::{Store, owners, random_key, to_json};
use crate::failpoint;
use crate::model::clock::Timestamp;
use crate::model::coverage::Coverage;
use crate::model::event::EventBody;
use crate::model::finding::SeverityCounts;
use crate::model::id::{Key8, ScanId, ScanKey, Sha256};
use crate::model::outcome::Failure;
use crate::model::plan::{Plan, SourceFacts};
use crate::model::spec::JobSpec;
use crate::model::state::{JobState, ScanState};

/// What a scan is made of.
#[derive(Debug, Clone)]
pub struct NewScan {
    /// The plan.
    pub plan: Plan,
    /// The snapshot that is scanned.
    pub source: Option<SourceFacts>,
    /// The executor in words.
    pub executor: String,
    /// What a successor needs to reach the same engine, as JSON.
    pub profile: String,
    /// Who the engine is.
    pub server_identity: String,
    /// The plan's steps with the executor's binding, in the plan's order.
    pub steps: Vec<NewStep>,
    /// Makes the submission repeatable: a second scan with the same key is refused.
    pub request_key: Option<String>,
    /// Who asks.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// A step with the executor's binding.
#[derive(Debug, Clone)]
pub struct NewStep {
    /// What its jobs run.
    pub spec: JobSpec,
    /// Why they cannot run, when that is known already: they fail without an attempt.
    pub blocked: Option<Failure>,
}

impl Store {
    /// Writes a scan and the jobs known from the start; returns its row and its id.
    pub async fn submit(&self, new: NewScan) -> Result<(ScanId, ScanKey), StoreError> {
        self.submit_with(new, |_| Ok(())).await
    }

    /// Writes a scan once `prepare` has put beside it what its driver will need; without that there is no scan. What is put there by a
    /// process that dies over it is known by its key, which no scan has after the next [`Store::take_turn`].
    pub async fn submit_with(
        &self,
        new: NewScan,
        prepare: impl FnOnce(ScanKey) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(ScanId, ScanKey), StoreError> {
        self.write(move |tx| {
            let (scan, key) = insert(tx, &new)?;
            prepare(key)?;
            failpoint::hit("submit.prepared");
            Ok((scan, key))
        })
        .await
    }

    /// Waits until whoever writes now has ended: a scan that was being submitted is there, or will not be.
    pub async fn take_turn(&self) -> Result<(), StoreError> {
        self.write_relaxed(|_| Ok(())).await
    }
}

fn insert(tx: &Transaction<'_>, new: &NewScan) -> Result<(ScanId, ScanKey), StoreError> {
    let plan = &new.plan;
    let (organisation, project) = owners::make(tx, &plan.owner)?;
    refuse_used_key(tx, project, new.request_key.as_deref())?;
    let key = unused_key(tx)?;
    tx.execute(
        "INSERT INTO scan (organisation_id, project_id, key, request_key, target, target_key, line, plan, plan_sha256, source,
                           executor, profile, server_identity, priority, state, coverage, records, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        params![
            organisation,
            project,
            key.as_str(),
            new.request_key,
            plan.target.to_string(),
            plan.target_key.key,
            plan.target_key.line,
            plan.to_json(),
            plan.sha256().to_string(),
            new.source.as_ref().map(to_json).transpose()?,
            new.executor,
            new.profile,
            new.server_identity,
            plan.options.priority,
            ScanState::Queued.as_str(),
            to_json(&Coverage::None)?,
            to_json(&SeverityCounts::default())?,
            new.at.0,
        ],
    )?;
    let scan = ScanId(tx.last_insert_rowid());
    let mut jobs = 0;
    for (ordinal, step) in new.steps.iter().enumerate() {
        let declared =
            plan.steps.get(ordinal).ok_or_else(|| StoreError::Damaged("more specifications than steps".to_owned()))?;
        let spec = intern_spec(tx, &step.spec)?;
        tx.execute(
            "INSERT INTO step (scan_id, ordinal, id, spec_id) VALUES (?1, ?2, ?3, ?4)",
            params![scan.0, ordinal, declared.id.as_str(), spec],
        )?;
        if declared.for_each.is_empty() {
            insert_job(tx, scan, ordinal, step.blocked.as_ref(), new.at)?;
            jobs += 1;
        }
    }
    append(tx, scan, new.at, &new.actor, &EventBody::ScanCreated { target: plan.target.to_string(), jobs })?;
    let queued = EventBody::ScanState { from: ScanState::Created, to: ScanState::Queued, reason: None, coverage: None };
    append(tx, scan, new.at, &new.actor, &queued)?;
    Ok((scan, key))
}

fn insert_job(
    tx: &Transaction<'_>,
    scan: ScanId,
    step: usize,
    blocked: Option<&Failure>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let state = if blocked.is_some() { JobState::Failed } else { JobState::Pending };
    tx.execute(
        "INSERT INTO job (scan_id, step, chunk, state, failure, coverage, finished_at) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6)",
        params![
            scan.0,
            step,
            state.as_str(),
            blocked.map(to_json).transpose()?,
            blocked.map(|_| to_json(&Coverage::None)).transpose()?,
            blocked.map(|_| at.0),
        ],
    )?;
    Ok(())
}

fn refuse_used_key(tx: &Transaction<'_>, project: i64, request_key: Option<&str>) -> Result<(), StoreError> {
    let Some(key) = request_key else { return Ok(()) };
    let used: Option<String> = tx
        .query_row("SELECT key FROM scan WHERE project_id = ?1 AND request_key = ?2", params![project, key], |row| {
            row.get(0)
        })
        .optional()?;
    used.map_or(Ok(()), |scan| Err(StoreError::RequestKeyUsed { key: key.to_owned(), scan }))
}

fn unused_key(tx: &Transaction<'_>) -> Result<Key8, StoreError> {
    loop {
        let key = random_key();
        let taken: bool =
            tx.query_row("SELECT EXISTS (SELECT 1 FROM scan WHERE key = ?1)", [key.as_str()], |row| row.get(0))?;
        if !taken {
            return Ok(key);
        }
    }
}

fn intern_spec(tx: &Transaction<'_>, spec: &JobSpec) -> Result<i64, StoreError> {
    let body = to_json(spec)?;
    let sha256 = Sha256::of(&body).to_string();
    tx.execute("INSERT INTO spec (sha256, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING", [&sha256, &body])?;
    Ok(tx.query_row("SELECT id FROM spec WHERE sha256 = ?1", [&sha256], |row| row.get(0))?)
}
