//! Results of one attempt, in batches that nobody sees until the attempt wins.

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::error::StoreError;
use super::{Store, check_fence, to_json};
use crate::model::asset::Asset;
use crate::model::clock::Timestamp;
use crate::model::finding::Record;
use crate::model::fingerprint::Fingerprint;
use crate::model::id::{AttemptId, ScanId, Sha256};
use crate::model::severity::Severity;
use crate::model::triage::Origin;

/// A record as it is stored.
#[derive(Debug, Clone)]
pub struct IngestRecord {
    /// Its position in the attempt's results.
    ordinal: u32,
    severity: Severity,
    fingerprint: Fingerprint,
    /// Rank among equals as far as it is known.
    occurrence: u32,
    /// Whether no record before it has its rule and severity.
    heads_rule: bool,
    /// The record as JSON: written out before the transaction begins, for others wait for its end.
    body: String,
}

impl IngestRecord {
    /// Makes a record ready to be stored; `occurrence` is its rank among its equals so far, [`Store::identify`] has the last word;
    /// `heads_rule` says that no record before it has its rule and severity.
    pub fn new(
        ordinal: u32,
        fingerprint: Fingerprint,
        occurrence: u32,
        heads_rule: bool,
        record: &Record,
    ) -> Result<Self, StoreError> {
        Ok(Self { ordinal, severity: record.severity, fingerprint, occurrence, heads_rule, body: to_json(record)? })
    }

    /// Returns how much text is stored, in bytes.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }
}

/// What a record is in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The record's position in the attempt's results.
    pub ordinal: u32,
    /// Its severity.
    pub severity: Severity,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its rank among equals.
    pub occurrence: u32,
    /// Who says that it does not count, and until when.
    pub muted: Option<(Origin, Option<Timestamp>)>,
    /// Whether it was stored with another rank.
    pub corrected: bool,
}

/// A result file that was kept.
#[derive(Debug, Clone)]
pub struct NewArtifact {
    /// Its path under the attempt's results.
    pub path: String,
    /// Hash of what is stored: its name in the artifact store.
    pub blob: Sha256,
    /// Length of what is stored, in bytes.
    pub length: u64,
    /// Hash of what the scanner wrote, before secrets were masked.
    pub original: Sha256,
}

/// One batch; at most 500 rows.
#[derive(Debug, Clone)]
pub struct IngestBatch {
    /// The scan.
    pub scan: ScanId,
    /// The driver's fence.
    pub fence: u64,
    /// The attempt.
    pub attempt: AttemptId,
    /// Records.
    pub records: Vec<IngestRecord>,
    /// Assets, each with its position.
    pub assets: Vec<(u32, Asset)>,
}

impl Store {
    /// Deletes up to `limit` invisible rows of an attempt, which an earlier ingest that did not end has left; returns whether there may
    /// be more.
    pub async fn discard(&self, scan: ScanId, fence: u64, attempt: AttemptId, limit: u32) -> Result<bool, StoreError> {
        self.write_relaxed(move |tx| {
            check_fence(tx, scan, fence)?;
            refuse_winner(tx, attempt)?;
            let mut deleted = 0;
            for sql in [
                "DELETE FROM record WHERE id IN (SELECT id FROM record WHERE attempt_id = ?1 LIMIT ?2)",
                "DELETE FROM rule WHERE attempt_id = ?1 AND (severity, ordinal) IN
                   (SELECT severity, ordinal FROM rule WHERE attempt_id = ?1 LIMIT ?2)",
                "DELETE FROM appearance WHERE attempt_id = ?1 AND (version, fingerprint, occurrence) IN
                   (SELECT version, fingerprint, occurrence FROM appearance WHERE attempt_id = ?1 LIMIT ?2)",
                "DELETE FROM muted_record WHERE attempt_id = ?1 AND (version, fingerprint, occurrence) IN
                   (SELECT version, fingerprint, occurrence FROM muted_record WHERE attempt_id = ?1 LIMIT ?2)",
                "DELETE FROM sighting WHERE attempt_id = ?1 AND ordinal IN (SELECT ordinal FROM sighting WHERE attempt_id = ?1 LIMIT ?2)",
                "DELETE FROM artifact WHERE attempt_id = ?1 AND path IN (SELECT path FROM artifact WHERE attempt_id = ?1 LIMIT ?2)",
            ] {
                deleted = deleted.max(tx.execute(sql, params![attempt.0, limit])?);
            }
            Ok(deleted >= limit as usize)
        })
        .await
    }

    /// Writes one batch.
    pub async fn ingest(&self, batch: IngestBatch) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            check_fence(tx, batch.scan, batch.fence)?;
            insert_records(tx, &batch)?;
            insert_assets(tx, &batch)
        })
        .await
    }

    /// Says which finding each record shows, and gives records their last rank; at most 4,000 at a time. In the order of their
    /// fingerprints, so that each slice touches few pages.
    pub async fn identify(
        &self,
        scan: ScanId,
        fence: u64,
        attempt: AttemptId,
        identities: Vec<Identity>,
    ) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            check_fence(tx, scan, fence)?;
            let mut insert = tx.prepare_cached("INSERT INTO appearance VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            let mut mute = tx.prepare_cached("INSERT INTO muted_record VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            let mut correct = tx.prepare_cached(
                "UPDATE record SET occurrence = ?4 WHERE attempt_id = ?1 AND severity = ?2 AND ordinal = ?3",
            )?;
            for Identity { ordinal, severity, fingerprint, occurrence, muted, corrected } in identities {
                let rank = severity.rank();
                insert.execute(params![attempt.0, Fingerprint::VERSION, fingerprint.0, occurrence, rank, ordinal])?;
                if let Some((origin, until)) = muted {
                    let until = until.map(|until| until.0);
                    mute.execute(params![
                        attempt.0,
                        Fingerprint::VERSION,
                        fingerprint.0,
                        occurrence,
                        rank,
                        origin.as_str(),
                        until
                    ])?;
                }
                if corrected {
                    correct.execute(params![attempt.0, rank, ordinal, occurrence])?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Names the result files that were kept.
    pub async fn artifacts(
        &self,
        scan: ScanId,
        fence: u64,
        attempt: AttemptId,
        kept: Vec<NewArtifact>,
    ) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            check_fence(tx, scan, fence)?;
            let mut insert = tx.prepare_cached("INSERT OR REPLACE INTO artifact VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for artifact in kept {
                insert.execute(params![
                    attempt.0,
                    artifact.path,
                    artifact.blob.to_string(),
                    artifact.length,
                    artifact.original.to_string()
                ])?;
            }
            Ok(())
        })
        .await
    }
}

fn refuse_winner(tx: &Transaction<'_>, attempt: AttemptId) -> Result<(), StoreError> {
    let wins: bool =
        tx.query_row("SELECT EXISTS (SELECT 1 FROM job WHERE winning_attempt = ?1)", [attempt.0], |row| row.get(0))?;
    if wins { Err(StoreError::Damaged(format!("attempt row {attempt} has won already"))) } else { Ok(()) }
}

fn insert_records(tx: &Transaction<'_>, batch: &IngestBatch) -> Result<(), StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO record (attempt_id, severity, ordinal, version, fingerprint, occurrence, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut head = tx.prepare_cached("INSERT INTO rule (attempt_id, severity, ordinal) VALUES (?1, ?2, ?3)")?;
    for record in &batch.records {
        insert.execute(params![
            batch.attempt.0,
            record.severity.rank(),
            record.ordinal,
            Fingerprint::VERSION,
            record.fingerprint.0,
            record.occurrence,
            record.body
        ])?;
        if record.heads_rule {
            head.execute(params![batch.attempt.0, record.severity.rank(), record.ordinal])?;
        }
    }
    Ok(())
}

fn insert_assets(tx: &Transaction<'_>, batch: &IngestBatch) -> Result<(), StoreError> {
    if batch.assets.is_empty() {
        return Ok(());
    }
    let project: i64 = tx.query_row("SELECT project_id FROM scan WHERE id = ?1", [batch.scan.0], |row| row.get(0))?;
    let mut known = tx.prepare_cached("SELECT id FROM asset WHERE project_id = ?1 AND kind = ?2 AND value = ?3")?;
    let mut insert = tx.prepare_cached("INSERT INTO asset (project_id, kind, value) VALUES (?1, ?2, ?3)")?;
    let mut sight = tx.prepare_cached("INSERT INTO sighting (attempt_id, ordinal, asset_id) VALUES (?1, ?2, ?3)")?;
    for (ordinal, asset) in &batch.assets {
        let key = params![project, asset.kind.as_str(), asset.value];
        let id: i64 = match known.query_row(key, |row| row.get(0)).optional()? {
            Some(id) => id,
            None => insert.insert(key)?,
        };
        sight.execute(params![batch.attempt.0, ordinal, id])?;
    }
    Ok(())
}
