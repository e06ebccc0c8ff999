//! Comparing what a scanner brought with what was known before: reading both sides in the order of fingerprints, and keeping what
//! differs.

use rusqlite::{Connection, OptionalExtension as _, Params, Row, Rows, Statement, Transaction, params};

use super::error::StoreError;
use super::load::{text, text_option};
use super::{Store, check_fence, json, to_json};
use crate::model::finding::{Record, SeverityCounts};
use crate::model::fingerprint::Fingerprint;
use crate::model::id::{AttemptId, ScanId};
use crate::model::severity::Severity;
use crate::model::spec::JobSpec;
use crate::model::standing::{Fate, FindingKey, Standing, Standings, Unseen};

/// Lines that a first scan of another line is compared with, where the target has them.
const MAIN_LINES: [&str; 2] = ["main", "master"];

/// The attempts whose results the scan `?1` has of the scanner of the subject `?2`.
const WINNERS: &str = "SELECT job.winning_attempt FROM job
    JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
    WHERE job.scan_id = ?1 AND job.winning_attempt IS NOT NULL
      AND json_extract(spec.body, '$.scanner') = (SELECT scanner FROM subject WHERE id = ?2)";

/// What findings belong to: a scanner's view of a target over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject(pub(super) i64);

/// A finding, and where the record is that showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Which.
    pub key: FindingKey,
    /// The attempt that brought it.
    pub attempt: AttemptId,
    /// Its severity there.
    pub severity: Severity,
    /// Its position in that attempt's results.
    pub ordinal: u32,
}

/// The two sides of a comparison, where they differ.
#[derive(Debug, Clone, Default)]
pub struct Sides {
    /// The attempts whose results the scan has of the scanner.
    pub attempts: Vec<AttemptId>,
    /// The scan that is compared with; none if there is none: then everything is new, and nothing is listed.
    pub reference: Option<ScanId>,
    /// Whether that scan is of another line, which says nothing of what is gone from this one.
    pub other_line: bool,
    /// What is on both sides, by the severity that it has now.
    pub both: SeverityCounts,
    /// What is only in the scan.
    pub fresh: Vec<Known>,
    /// What is only in the reference, or was not observed by it either.
    pub gone: Vec<Known>,
}

/// What became of one finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is here and was not in the reference.
    Here(Standing),
    /// It is here under another fingerprint than before.
    Drifted,
    /// It was in the reference and is not here.
    Gone(Fate),
}

/// A finding that differs, as it is kept.
#[derive(Debug, Clone, Copy)]
pub struct DifferenceRow {
    /// The finding and its record.
    pub known: Known,
    /// What became of it.
    pub difference: Difference,
    /// For what has drifted, the fingerprint that it had in the reference.
    pub was: Option<FindingKey>,
}

/// The job behind an attempt, as far as it tells what could be seen.
#[derive(Debug, Clone)]
pub struct SeenBy {
    /// Its specification.
    pub spec: JobSpec,
    /// The scanner's version by its report.
    pub version: Option<String>,
    /// The rules by which its scan's source was narrowed.
    pub rules: Option<crate::model::id::Sha256>,
    /// The scan, step and chunk, if it looked at assets.
    pub chunk: Option<(ScanId, usize, u32, u32)>,
}

impl Difference {
    const fn columns(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Here(standing) => (standing.as_str(), None),
            Self::Drifted => ("drifted", None),
            Self::Gone(Fate::Fixed) => ("fixed", None),
            Self::Gone(Fate::NotObserved(reason)) => ("not_observed", Some(reason.as_str())),
        }
    }

    pub(super) fn parse(kind: &str, reason: Option<&str>) -> Result<Self, StoreError> {
        Ok(match kind {
            "new" => Self::Here(Standing::New),
            "reopened" => Self::Here(Standing::Reopened),
            "drifted" => Self::Drifted,
            "fixed" => Self::Gone(Fate::Fixed),
            "not_observed" => {
                let reason = Unseen::ALL.into_iter().find(|one| Some(one.as_str()) == reason);
                Self::Gone(Fate::NotObserved(reason.unwrap_or(Unseen::Coverage)))
            }
            other => return Err(StoreError::Damaged(format!("a difference of kind `{other}`"))),
        })
    }
}

impl Store {
    /// Returns the subject of a scan and a scanner; makes it when it is new.
    pub async fn subject(&self, scan: ScanId, fence: u64, scanner: &str) -> Result<Subject, StoreError> {
        let scanner = scanner.to_owned();
        self.write_relaxed(move |tx| {
            check_fence(tx, scan, fence)?;
            tx.execute(
                "INSERT INTO subject (project_id, target_key, scanner) SELECT project_id, target_key, ?2 FROM scan WHERE id = ?1
                 ON CONFLICT DO NOTHING",
                params![scan.0, scanner],
            )?;
            let id = tx.query_row(
                "SELECT subject.id FROM subject JOIN scan USING (project_id, target_key) WHERE scan.id = ?1 AND scanner = ?2",
                params![scan.0, scanner],
                |row| row.get(0),
            )?;
            Ok(Subject(id))
        })
        .await
    }

    /// Reads what a scanner brought in a scan against its reference: the last scan before it on its line that was compared, or on a
    /// main line if there is none. Blocks for as long as reading takes. `None` when the scanner brought nothing that could be
    /// compared: no job of it succeeded.
    pub fn sides(&self, scan: ScanId, subject: Subject) -> Result<Option<Sides>, StoreError> {
        self.read(|connection| {
            let attempts = winners(connection, subject, scan)?;
            if attempts.is_empty() {
                return Ok(None);
            }
            let mut sides = Sides { attempts: attempts.iter().copied().map(AttemptId).collect(), ..Sides::default() };
            if let Some((reference, other_line)) = reference(connection, scan, subject)? {
                (sides.reference, sides.other_line) = (Some(reference), other_line);
                let before = winners(connection, subject, reference)?;
                let mut before = side(connection, &before, true)?;
                let mut now = side(connection, &attempts, false)?;
                let params = |scan: ScanId| params_of(subject, scan);
                merge(Walk::new(&mut before, params(reference))?, Walk::new(&mut now, params(scan))?, &mut sides)?;
            }
            Ok(Some(sides))
        })
    }

    /// Counts what attempts brought.
    pub fn brought(&self, attempts: &[AttemptId]) -> Result<SeverityCounts, StoreError> {
        self.read(|connection| {
            let mut counts = SeverityCounts::default();
            let mut query = connection.prepare_cached(
                "SELECT records FROM attempt JOIN job ON job.id = attempt.job_id WHERE attempt.id = ?1",
            )?;
            for attempt in attempts {
                let mut rows = query.query([attempt.0])?;
                if let Some(row) = rows.next()? {
                    counts.merge(&super::json_option(text_option(row, 0)?)?.unwrap_or_default());
                }
            }
            Ok(counts)
        })
    }

    /// Reads a record; none when its scan was deleted.
    pub fn record(&self, known: &Known) -> Result<Option<Record>, StoreError> {
        self.read(|connection| record_at(connection, known))
    }

    /// Reads the job behind an attempt; none when its scan was deleted.
    pub fn seen_by(&self, attempt: AttemptId) -> Result<Option<SeenBy>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT spec.body, job.scanner_version, scan.source, scan.id, job.step, job.chunk, step.members,
                        json_extract(scan.plan, '$.steps[' || job.step || '].chunk')
                 FROM attempt JOIN job ON job.id = attempt.job_id JOIN scan ON scan.id = job.scan_id
                 JOIN step ON step.scan_id = scan.id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
                 WHERE attempt.id = ?1",
            )?;
            let mut rows = query.query([attempt.0])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let source: Option<crate::model::plan::SourceFacts> = super::json_option(text_option(row, 2)?)?;
            let members: u64 = row.get(6)?;
            let size: Option<u32> = row.get(7)?;
            let chunk = (ScanId(row.get(3)?), row.get(4)?, row.get(5)?, size.unwrap_or(1));
            Ok(Some(SeenBy {
                spec: json(text(row, 0)?)?,
                version: row.get(1)?,
                rules: source.and_then(|source| source.rules),
                chunk: (members > 0).then_some(chunk),
            }))
        })
    }

    /// Whether the last that was said of a finding on the scan's line, before the scan, is that it is fixed.
    pub fn was_fixed(&self, scan: ScanId, subject: Subject, key: FindingKey) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT kind FROM difference JOIN comparison USING (scan_id, subject_id)
                 WHERE subject_id = ?2 AND version = ?3 AND fingerprint = ?4 AND occurrence = ?5 AND scan_id < ?1
                   AND line = (SELECT coalesce(line, '') FROM scan WHERE id = ?1)
                 ORDER BY scan_id DESC LIMIT 1",
            )?;
            let key = params![scan.0, subject.0, Fingerprint::VERSION, key.fingerprint.0, key.occurrence];
            Ok(query.query_row(key, |row| row.get::<_, String>(0)).optional()?.is_some_and(|kind| kind == "fixed"))
        })
    }

    /// Deletes up to 500 differences that an earlier comparison, which did not end, has left; returns whether there may be more.
    pub async fn forget_differences(&self, scan: ScanId, fence: u64, subject: Subject) -> Result<bool, StoreError> {
        self.write_relaxed(move |tx| {
            check_fence(tx, scan, fence)?;
            let deleted = tx.execute(
                "DELETE FROM difference WHERE (scan_id, subject_id, version, fingerprint, occurrence) IN
                   (SELECT scan_id, subject_id, version, fingerprint, occurrence FROM difference
                    WHERE scan_id = ?1 AND subject_id = ?2 LIMIT 500)",
                params![scan.0, subject.0],
            )?;
            Ok(deleted > 0)
        })
        .await
    }

    /// Keeps differences; at most 500 at a time.
    pub async fn differ(
        &self,
        scan: ScanId,
        fence: u64,
        subject: Subject,
        rows: Vec<DifferenceRow>,
    ) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            check_fence(tx, scan, fence)?;
            insert_differences(tx, scan, subject, &rows)
        })
        .await
    }

    /// Ends a comparison: from now on it is seen, and later scans are compared with this one.
    pub async fn compared(
        &self,
        scan: ScanId,
        fence: u64,
        subject: Subject,
        reference: Option<ScanId>,
        standings: Standings,
    ) -> Result<(), StoreError> {
        self.write_relaxed(move |tx| {
            check_fence(tx, scan, fence)?;
            insert_comparison(tx, scan, subject, reference, &standings)
        })
        .await
    }
}

/// Keeps differences.
pub(super) fn insert_differences(
    tx: &Transaction<'_>,
    scan: ScanId,
    subject: Subject,
    rows: &[DifferenceRow],
) -> Result<(), StoreError> {
    let mut insert = tx.prepare_cached("INSERT INTO difference VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    for DifferenceRow { known, difference, was } in rows {
        let (kind, reason) = difference.columns();
        let key = known.key;
        insert.execute(params![
            scan.0,
            subject.0,
            Fingerprint::VERSION,
            key.fingerprint.0,
            key.occurrence,
            kind,
            reason,
            known.attempt.0,
            known.severity.rank(),
            known.ordinal
        ])?;
        if let Some(was) = was {
            insert_alias(tx, subject, key, *was)?;
        }
    }
    Ok(())
}

/// Notes that a finding is the one that was known as `was`, and so has the name of that.
pub(super) fn insert_alias(
    tx: &Transaction<'_>,
    subject: Subject,
    key: FindingKey,
    was: FindingKey,
) -> Result<(), StoreError> {
    let mut alias = tx.prepare_cached(
        "INSERT INTO alias SELECT ?1, ?2, ?3, ?4,
           coalesce((SELECT root_fingerprint FROM alias WHERE subject_id = ?1 AND version = ?2 AND fingerprint = ?5 AND occurrence = ?6), ?5),
           coalesce((SELECT root_occurrence FROM alias WHERE subject_id = ?1 AND version = ?2 AND fingerprint = ?5 AND occurrence = ?6), ?6)
         WHERE true ON CONFLICT DO NOTHING",
    )?;
    alias.execute(params![
        subject.0,
        Fingerprint::VERSION,
        key.fingerprint.0,
        key.occurrence,
        was.fingerprint.0,
        was.occurrence
    ])?;
    Ok(())
}

/// Keeps the outcome of a comparison.
pub(super) fn insert_comparison(
    tx: &Transaction<'_>,
    scan: ScanId,
    subject: Subject,
    reference: Option<ScanId>,
    standings: &Standings,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT OR REPLACE INTO comparison SELECT id, ?2, coalesce(line, ''), ?3, ?4 FROM scan WHERE id = ?1",
        params![scan.0, subject.0, reference.map(|scan| scan.0), to_json(standings)?],
    )?;
    Ok(())
}

/// Finds what a scan is compared with, and whether that is of another line.
pub(super) fn reference(
    connection: &Connection,
    scan: ScanId,
    subject: Subject,
) -> Result<Option<(ScanId, bool)>, StoreError> {
    let line: String =
        connection.query_row("SELECT coalesce(line, '') FROM scan WHERE id = ?1", [scan.0], |row| row.get(0))?;
    let mut query = connection.prepare_cached(
        "SELECT comparison.scan_id FROM comparison JOIN scan ON scan.id = comparison.scan_id
         WHERE subject_id = ?2 AND comparison.line = ?3 AND comparison.scan_id < ?1 AND deleted_at IS NULL
         ORDER BY comparison.scan_id DESC LIMIT 1",
    )?;
    for (candidate, other) in std::iter::once((line.as_str(), false)).chain(MAIN_LINES.map(|line| (line, true))) {
        let key = params![scan.0, subject.0, candidate];
        if let Some(found) = query.query_row(key, |row| row.get(0)).optional()? {
            return Ok(Some((ScanId(found), other)));
        }
    }
    Ok(None)
}

/// Walks along both sides, which are in the same order.
pub(super) fn merge(mut before: Walk<'_>, mut now: Walk<'_>, sides: &mut Sides) -> Result<(), StoreError> {
    let (mut old, mut new) = (before.next()?, now.next()?);
    while old.is_some() || new.is_some() {
        match (old, new) {
            (Some(gone), Some(here)) if gone.key == here.key => {
                sides.both.add(here.severity);
                (old, new) = (before.next()?, now.next()?);
            }
            (gone, Some(fresh)) if gone.is_none_or(|gone| fresh.key < gone.key) => {
                sides.fresh.push(fresh);
                new = now.next()?;
            }
            (gone, _) => {
                sides.gone.extend(gone);
                old = before.next()?;
            }
        }
    }
    Ok(())
}

/// Reads what attempts brought, in the order of fingerprints; with `open`, also what their scan did not observe.
fn side<'c>(connection: &'c Connection, attempts: &[i64], open: bool) -> Result<Statement<'c>, StoreError> {
    // One attempt is read along its index; what many brought is sorted. There may be more of them than a statement has room for.
    let condition = match attempts {
        [one] => format!("= {one}"),
        _ => format!("IN ({WINNERS})"),
    };
    let unobserved = if open {
        "UNION ALL SELECT fingerprint, occurrence, attempt_id, severity, ordinal FROM difference
         WHERE scan_id = ?1 AND subject_id = ?2 AND version = ?3 AND kind = 'not_observed'"
    } else {
        ""
    };
    let sql = format!(
        "SELECT fingerprint, occurrence, attempt_id, severity, ordinal FROM appearance
         WHERE attempt_id {condition} AND version = ?3 {unobserved} ORDER BY 1, 2"
    );
    Ok(connection.prepare(&sql)?)
}

const fn params_of(subject: Subject, scan: ScanId) -> [i64; 3] {
    [scan.0, subject.0, Fingerprint::VERSION as i64]
}

pub(super) struct Walk<'s> {
    rows: Rows<'s>,
    last: Option<FindingKey>,
}

impl<'s> Walk<'s> {
    pub(super) fn new(statement: &'s mut Statement<'_>, params: impl Params) -> Result<Self, StoreError> {
        Ok(Self { rows: statement.query(params)?, last: None })
    }

    /// Returns the next finding; one that two jobs brought comes once.
    fn next(&mut self) -> Result<Option<Known>, StoreError> {
        while let Some(row) = self.rows.next()? {
            let known = known(row, 0)?;
            if self.last != Some(known.key) {
                self.last = Some(known.key);
                return Ok(Some(known));
            }
        }
        Ok(None)
    }
}

/// Reads fingerprint, occurrence, attempt, severity and ordinal from a column on.
pub(super) fn known(row: &Row<'_>, column: usize) -> Result<Known, StoreError> {
    Ok(Known {
        key: FindingKey { fingerprint: Fingerprint(row.get(column)?), occurrence: row.get(column + 1)? },
        attempt: AttemptId(row.get(column + 2)?),
        severity: Severity::from_rank(row.get(column + 3)?).unwrap_or_default(),
        ordinal: row.get(column + 4)?,
    })
}

/// The attempts whose results a scan has of a scanner.
pub(super) fn winners(connection: &Connection, subject: Subject, scan: ScanId) -> Result<Vec<i64>, StoreError> {
    let mut query = connection.prepare_cached(WINNERS)?;
    let rows = query.query_map(params![scan.0, subject.0], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads a record; none when its scan was deleted.
pub(super) fn record_at(connection: &Connection, known: &Known) -> Result<Option<Record>, StoreError> {
    let mut query = connection
        .prepare_cached("SELECT body FROM record WHERE attempt_id = ?1 AND severity = ?2 AND ordinal = ?3")?;
    let mut rows = query.query(params![known.attempt.0, known.severity.rank(), known.ordinal])?;
    rows.next()?.map(|row| json(text(row, 0)?)).transpose()
}
