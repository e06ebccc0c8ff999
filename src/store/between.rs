//! Reading two scans side by side, whatever they were compared with when they ended. Nothing is written.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::compare::{self, Sides, Subject, Walk, merge, reference};
use super::error::StoreError;
use super::findings::{name_of, named, winners};
use super::{Known, Store};
use crate::model::clock::Timestamp;
use crate::model::fingerprint::Fingerprint;
use crate::model::id::{AttemptId, ScanId};
use crate::model::standing::FindingKey;
use crate::model::view::FindingView;

/// What of the scan before counts as known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// What it brought.
    Brought,
    /// What was open when it had ended: also what it could not observe.
    Open,
}

impl Store {
    /// Reads what a scanner brought in one scan against what it brought in another. Blocks for as long as reading takes.
    /// Without a scan before, all of the other is only in that.
    pub fn between(
        &self,
        before: Option<ScanId>,
        after: ScanId,
        scanner: &str,
        known: Before,
    ) -> Result<Sides, StoreError> {
        self.read(|connection| {
            let new = brought_by(connection, after, scanner)?;
            let old = match before {
                Some(before) => brought_by(connection, before, scanner)?,
                None => Vec::new(),
            };
            let unobserved = match (before, known) {
                (Some(before), Before::Open) => {
                    subject_of(connection, before, scanner)?.map(|subject| (before, subject))
                }
                _ => None,
            };
            let mut sides = sides_of(connection, &old, &new, unobserved)?;
            sides.reference = before;
            Ok(sides)
        })
    }

    /// Reads what attempts brought against the reference of their scan, as [`Store::sides`] does for those that have won.
    pub fn sides_as(&self, scan: ScanId, subject: Subject, attempts: &[AttemptId]) -> Result<Sides, StoreError> {
        self.read(|connection| {
            let new: Vec<i64> = attempts.iter().map(|attempt| attempt.0).collect();
            let found = reference(connection, scan, subject)?;
            let (old, unobserved) = match found {
                Some((before, _)) => (compare::winners(connection, subject, before)?, Some((before, subject))),
                None => return Ok(Sides { attempts: attempts.to_vec(), ..Sides::default() }),
            };
            let mut sides = sides_of(connection, &old, &new, unobserved)?;
            (sides.reference, sides.other_line) = found.map_or((None, false), |(scan, other)| (Some(scan), other));
            Ok(sides)
        })
    }

    /// Reads what one attempt brought against another.
    pub fn sides_of_attempts(&self, before: AttemptId, after: AttemptId) -> Result<Sides, StoreError> {
        self.read(|connection| sides_of(connection, &[before.0], &[after.0], None))
    }

    /// Returns what the findings of a scanner in a scan belong to; none until one of its scans was compared.
    pub fn subject_of(&self, scan: ScanId, scanner: &str) -> Result<Option<Subject>, StoreError> {
        self.read(|connection| subject_of(connection, scan, scanner))
    }

    /// Returns the names of findings: what each was called first.
    pub fn names(&self, subject: Subject, keys: &[FindingKey]) -> Result<Vec<FindingKey>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM alias WHERE subject_id = ?1)")?;
            if !query.query_row([subject.0], |row| row.get::<_, bool>(0))? {
                return Ok(keys.to_vec());
            }
            keys.iter().map(|key| name_of(connection, subject.0, *key)).collect()
        })
    }

    /// Reads findings of a scan, in the order asked for; those of attempts that it has nothing of are left out.
    pub fn findings_of(&self, scan: ScanId, all: &[Known]) -> Result<Vec<FindingView>, StoreError> {
        self.read(|connection| {
            let (winners, named) = (winners(connection, scan)?, named(connection, scan)?);
            let mut views = Vec::new();
            for known in all {
                if let Some(winner) = winners.iter().find(|winner| winner.is(known.attempt)) {
                    views.extend(winner.read(connection, scan, &named, known)?);
                }
            }
            Ok(views)
        })
    }

    /// Returns the last scan, before this one and made before a moment, whose findings of a scanner were compared on the same line
    /// of the same target.
    pub fn compared_before(&self, scan: ScanId, scanner: &str, at: Timestamp) -> Result<Option<ScanId>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT before.id FROM scan JOIN subject USING (project_id, target_key)
                 JOIN comparison ON comparison.subject_id = subject.id AND comparison.line = coalesce(scan.line, '')
                 JOIN scan before ON before.id = comparison.scan_id
                 WHERE scan.id = ?1 AND subject.scanner = ?2 AND before.id < scan.id AND before.created_at < ?3
                   AND before.deleted_at IS NULL ORDER BY before.id DESC LIMIT 1",
            )?;
            let found = query.query_row(params![scan.0, scanner, at.0], |row| row.get(0)).optional()?;
            Ok(found.map(ScanId))
        })
    }
}

/// The attempts whose results a scan has of a scanner.
fn brought_by(connection: &Connection, scan: ScanId, scanner: &str) -> Result<Vec<i64>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT job.winning_attempt FROM job
         JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
         WHERE job.scan_id = ?1 AND job.winning_attempt IS NOT NULL AND json_extract(spec.body, '$.scanner') = ?2",
    )?;
    let rows = query.query_map(params![scan.0, scanner], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What the findings of a scanner in a scan belong to; none until one of its scans was compared.
fn subject_of(connection: &Connection, scan: ScanId, scanner: &str) -> Result<Option<Subject>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT subject.id FROM subject JOIN scan USING (project_id, target_key) WHERE scan.id = ?1 AND scanner = ?2",
    )?;
    Ok(query.query_row(params![scan.0, scanner], |row| row.get(0)).optional()?.map(Subject))
}

/// Walks along what two lists of attempts brought; what a scan did not observe counts with the first.
fn sides_of(
    connection: &Connection,
    old: &[i64],
    new: &[i64],
    unobserved: Option<(ScanId, Subject)>,
) -> Result<Sides, StoreError> {
    let sql = "SELECT fingerprint, occurrence, attempt_id, severity, ordinal FROM appearance
         WHERE attempt_id IN (SELECT value FROM json_each(?1)) AND version = ?2
         UNION ALL SELECT fingerprint, occurrence, attempt_id, severity, ordinal FROM difference
         WHERE scan_id = ?3 AND subject_id = ?4 AND version = ?2 AND kind = 'not_observed' ORDER BY 1, 2";
    // One attempt is read along its index; what many brought is sorted.
    let one = |attempts: &[i64]| match attempts {
        [one] => sql.replace("IN (SELECT value FROM json_each(?1))", &format!("= {one} AND ?1 IS NOT NULL")),
        _ => sql.to_owned(),
    };
    let (mut before, mut after) = (connection.prepare(&one(old))?, connection.prepare(&one(new))?);
    let (scan, subject) = unobserved.map(|(scan, subject)| (scan.0, subject.0)).unzip();
    let version = Fingerprint::VERSION;
    let old_side = Walk::new(&mut before, params![super::to_json(&old)?, version, scan, subject])?;
    let new_side = Walk::new(&mut after, params![super::to_json(&new)?, version, None::<i64>, None::<i64>])?;
    let mut sides = Sides { attempts: new.iter().copied().map(AttemptId).collect(), ..Sides::default() };
    merge(old_side, new_side, &mut sides)?;
    Ok(sides)
}
