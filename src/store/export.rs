//! Everything that is known of the findings of a target, over all its scans.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::compare::{Difference, Subject, known, record_at};
use super::error::StoreError;
use super::findings::name_of;
use super::load::{text, text_option};
use super::triage::{holding_of, names};
use super::{Known, Store};
use crate::model::finding::Record;
use crate::model::fingerprint::Fingerprint;
use crate::model::id::{AttemptId, ScanId};
use crate::model::severity::Severity;
use crate::model::standing::{Fate, FindingKey};
use crate::model::triage::Muting;

/// What one scanner has found in one target over time.
#[derive(Debug, Clone)]
pub struct SubjectRow {
    /// Its row.
    pub subject: Subject,
    /// The target's key.
    pub target_key: String,
    /// The scanner.
    pub scanner: String,
    /// The last scan on each line (empty for a target without lines) that was compared, with the attempts of the scanner.
    pub lines: Vec<LastScan>,
}

/// The last scan on a line.
#[derive(Debug, Clone)]
pub struct LastScan {
    /// The line.
    pub line: String,
    /// The scan, by its id.
    pub key: String,
    attempts: Vec<AttemptId>,
}

/// How a finding stands on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandsOn {
    /// The line; empty for a target without lines.
    pub line: String,
    /// The scan that says so, by its id.
    pub scan: String,
    /// None while it is there; else what became of it.
    pub fate: Option<Fate>,
}

/// How a finding stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Stands {
    /// On each line that has had it.
    pub lines: Vec<StandsOn>,
    /// The record as it was last seen; none when the scan that saw it was deleted.
    pub record: Option<Record>,
    /// The decision that holds.
    pub decision: Option<Muting>,
}

impl Store {
    /// Reads the subjects of a scan's target, or of all.
    pub fn subjects(&self, of: Option<ScanId>) -> Result<Vec<SubjectRow>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT id, target_key, scanner FROM subject
                 WHERE ?1 IS NULL OR (project_id, target_key) = (SELECT project_id, target_key FROM scan WHERE id = ?1)
                 ORDER BY target_key, scanner, project_id",
            )?;
            let mut rows = query.query([of.map(|scan| scan.0)])?;
            let mut subjects = Vec::new();
            while let Some(row) = rows.next()? {
                let subject = Subject(row.get(0)?);
                let lines = last_scans(connection, subject)?;
                subjects.push(SubjectRow { subject, target_key: row.get(1)?, scanner: row.get(2)?, lines });
            }
            Ok(subjects)
        })
    }

    /// Returns the names of all findings of a subject that any scan which is still here brought or missed, in their order.
    pub fn known_names(&self, subject: &SubjectRow) -> Result<Vec<FindingKey>, StoreError> {
        self.read(|connection| {
            let mut all = BTreeSet::new();
            // Whatever is not in the last scan of a line has left a difference when it went.
            let mut here = connection.prepare_cached(
                "SELECT fingerprint, occurrence FROM appearance WHERE attempt_id = ?1 AND version = ?2",
            )?;
            for attempt in subject.lines.iter().flat_map(|last| &last.attempts) {
                let mut rows = here.query(params![attempt.0, Fingerprint::VERSION])?;
                while let Some(row) = rows.next()? {
                    all.insert(FindingKey { fingerprint: Fingerprint(row.get(0)?), occurrence: row.get(1)? });
                }
            }
            let mut differs = connection.prepare_cached(
                "SELECT DISTINCT fingerprint, occurrence FROM difference WHERE subject_id = ?1 AND version = ?2
                 UNION SELECT fingerprint, occurrence FROM triage WHERE subject_id = ?1 AND version = ?2",
            )?;
            let mut rows = differs.query(params![subject.subject.0, Fingerprint::VERSION])?;
            while let Some(row) = rows.next()? {
                all.insert(FindingKey { fingerprint: Fingerprint(row.get(0)?), occurrence: row.get(1)? });
            }
            let named: Result<BTreeSet<FindingKey>, StoreError> =
                all.into_iter().map(|key| name_of(connection, subject.subject.0, key)).collect();
            Ok(named?.into_iter().collect())
        })
    }

    /// Reads how a finding stands.
    pub fn stands(&self, subject: &SubjectRow, name: FindingKey) -> Result<Stands, StoreError> {
        self.read(|connection| {
            let keys = names(connection, subject.subject.0, name)?;
            let (mut lines, mut last): (_, Option<Known>) = (Vec::new(), None);
            for scan in &subject.lines {
                let (line, key) = (scan.line.clone(), scan.key.clone());
                if let Some(known) = appearance(connection, &scan.attempts, &keys)? {
                    last = last.filter(|last| last.attempt > known.attempt).or(Some(known));
                    lines.push(StandsOn { line, scan: key, fate: None });
                } else if let Some((known, fate, said)) = departure(connection, subject.subject, &scan.line, &keys)? {
                    last = last.filter(|last| last.attempt > known.attempt).or(Some(known));
                    lines.push(StandsOn { line, scan: said, fate: Some(fate) });
                }
            }
            let record = match last {
                Some(known) => record_at(connection, &known)?,
                None => None,
            };
            Ok(Stands { lines, record, decision: holding_of(connection, subject.subject.0, name)? })
        })
    }
}

fn last_scans(connection: &Connection, subject: Subject) -> Result<Vec<LastScan>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT comparison.line, scan.key, max(scan.id) FROM comparison JOIN scan ON scan.id = comparison.scan_id
         WHERE subject_id = ?1 AND scan.deleted_at IS NULL AND scan.state IN ('completed', 'failed', 'cancelled') GROUP BY comparison.line ORDER BY comparison.line",
    )?;
    let mut rows = query.query([subject.0])?;
    let mut last = Vec::new();
    while let Some(row) = rows.next()? {
        let attempts = super::compare::winners(connection, subject, ScanId(row.get(2)?))?;
        let attempts = attempts.into_iter().map(AttemptId).collect();
        last.push(LastScan { line: row.get(0)?, key: row.get(1)?, attempts });
    }
    Ok(last)
}

/// Where attempts have a finding, under any of its names.
fn appearance(
    connection: &Connection,
    attempts: &[AttemptId],
    keys: &[FindingKey],
) -> Result<Option<Known>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT severity, ordinal FROM appearance WHERE attempt_id = ?1 AND version = ?2 AND fingerprint = ?3 AND occurrence = ?4",
    )?;
    for attempt in attempts {
        for key in keys {
            let place = params![attempt.0, Fingerprint::VERSION, key.fingerprint.0, key.occurrence];
            let found = query.query_row(place, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            if let Some((rank, ordinal)) = found {
                let severity = Severity::from_rank(rank).unwrap_or_default();
                return Ok(Some(Known { key: *key, attempt: *attempt, severity, ordinal }));
            }
        }
    }
    Ok(None)
}

/// What was said last on a line of a finding that is not in the last scan there.
fn departure(
    connection: &Connection,
    subject: Subject,
    line: &str,
    keys: &[FindingKey],
) -> Result<Option<(Known, Fate, String)>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT difference.fingerprint, difference.occurrence, attempt_id, severity, ordinal, kind, reason, scan.key, scan.id
         FROM difference JOIN comparison USING (scan_id, subject_id) JOIN scan ON scan.id = scan_id
         WHERE subject_id = ?1 AND version = ?2 AND fingerprint = ?3 AND occurrence = ?4 AND comparison.line = ?5
           AND scan.deleted_at IS NULL ORDER BY scan_id DESC LIMIT 1",
    )?;
    let mut last: Option<(i64, (Known, Fate, String))> = None;
    for key in keys {
        let place = params![subject.0, Fingerprint::VERSION, key.fingerprint.0, key.occurrence, line];
        let mut rows = query.query(place)?;
        let Some(row) = rows.next()? else { continue };
        let Difference::Gone(fate) = Difference::parse(text(row, 5)?, text_option(row, 6)?)? else { continue };
        let scan: i64 = row.get(8)?;
        if last.as_ref().is_none_or(|(before, _)| *before < scan) {
            last = Some((scan, (known(row, 0)?, fate, row.get(7)?)));
        }
    }
    Ok(last.map(|(_, said)| said))
}
