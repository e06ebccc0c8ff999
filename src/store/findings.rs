//! Reading the visible records of a scan in the order of reports, page by page.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Known;
use super::compare::{Difference, record_at};
use super::error::StoreError;
use super::load::{text, text_option};
use super::triage::Named;
use super::{Store, json};
use crate::model::asset::{Asset, AssetKind};
use crate::model::finding::{Record, SeverityCounts};
use crate::model::fingerprint::Fingerprint;
use crate::model::id::{AttemptId, JobName, ScanId, StepId};
use crate::model::severity::Severity;
use crate::model::standing::{FindingKey, Standing, Standings};
use crate::model::triage::{Decision, Muting, Origin};
use crate::model::view::{AssetView, FindingView};

/// A place in a scan's records: worst severity first, then by job, then as the scanner reported them.
#[derive(Debug, Clone)]
pub struct FindingCursor {
    scan: ScanId,
    choice: Choice,
    jobs: Vec<Winner>,
    named: Named,
    severity: u8,
    job: usize,
    ordinal: i64,
}

/// Which records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    All,
    /// The first of each rule and severity in each job.
    HeadsOfRules,
}

#[derive(Debug, Clone)]
pub(super) struct Winner {
    attempt: i64,
    job: String,
    scanner: String,
    records: SeverityCounts,
    compared: Option<Compared>,
}

/// How a scanner's findings were compared with those known before.
#[derive(Debug, Clone, Copy)]
struct Compared {
    subject: i64,
    /// Whether there was nothing to compare with.
    first: bool,
    /// Whether some are here that were not in the reference.
    differs: bool,
    /// Whether findings of this scanner in this target have drifted.
    drifted: bool,
    /// Whether somebody has decided on some.
    decided: bool,
}

impl Store {
    /// Starts reading a scan's records.
    pub fn finding_cursor(&self, scan: ScanId) -> Result<FindingCursor, StoreError> {
        self.cursor(scan, Choice::All)
    }

    /// Starts reading one record for each rule and severity of each job: the first that [`Self::finding_cursor`] comes to.
    pub fn rule_cursor(&self, scan: ScanId) -> Result<FindingCursor, StoreError> {
        self.cursor(scan, Choice::HeadsOfRules)
    }

    fn cursor(&self, scan: ScanId, choice: Choice) -> Result<FindingCursor, StoreError> {
        self.read(|connection| {
            let (jobs, named) = (winners(connection, scan)?, named(connection, scan)?);
            Ok(FindingCursor { scan, choice, jobs, named, severity: 0, job: 0, ordinal: -1 })
        })
    }

    /// Reads up to `limit` records and moves the cursor behind them; empty at the end.
    pub fn next_findings(&self, cursor: &mut FindingCursor, limit: usize) -> Result<Vec<FindingView>, StoreError> {
        self.read(|connection| {
            let mut page = Vec::new();
            while page.len() < limit && usize::from(cursor.severity) < Severity::ALL.len() {
                fill(connection, cursor, limit, &mut page)?;
            }
            // Rows go only after the scan has: if it is there behind the page, the page is whole.
            refuse_deleted(connection, cursor.scan)?;
            Ok(page)
        })
    }

    /// Reads one finding of a scan; none when it is not in it.
    pub fn finding(&self, scan: ScanId, known: &Known) -> Result<Option<FindingView>, StoreError> {
        self.read(|connection| {
            let mut winners = winners(connection, scan)?.into_iter();
            let Some(winner) = winners.find(|winner| winner.is(known.attempt)) else { return Ok(None) };
            winner.read(connection, scan, &named(connection, scan)?, known)
        })
    }

    /// Reads up to `limit` of a scan's assets, each with the first job that brought it.
    pub fn assets(&self, scan: ScanId, limit: usize) -> Result<Vec<AssetView>, StoreError> {
        self.read(|connection| {
            let mut query = connection.prepare_cached(
                "SELECT asset.kind, asset.value, step.id, job.chunk FROM job
                 JOIN sighting ON sighting.attempt_id = job.winning_attempt JOIN asset ON asset.id = sighting.asset_id
                 JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step
                 WHERE job.scan_id = ?1 GROUP BY asset.id HAVING job.id = min(job.id) ORDER BY asset.kind, asset.value LIMIT ?2",
            )?;
            let mut rows = query.query(params![scan.0, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let mut assets = Vec::new();
            while let Some(row) = rows.next()? {
                let kind: AssetKind = text(row, 0)?.parse()?;
                let job = JobName { step: text(row, 2)?.parse::<StepId>()?, chunk: row.get(3)? };
                assets.push(AssetView { asset: Asset { kind, value: row.get(1)? }, job: job.to_string() });
            }
            Ok(assets)
        })
    }
}

fn refuse_deleted(connection: &Connection, scan: ScanId) -> Result<(), StoreError> {
    let mut query =
        connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM scan WHERE id = ?1 AND deleted_at IS NULL)")?;
    let there: bool = query.query_row([scan.0], |row| row.get(0))?;
    if there { Ok(()) } else { Err(StoreError::NotFound("such scan any more: it was deleted".to_owned())) }
}

/// The rules of a scan that name findings.
pub(super) fn named(connection: &Connection, scan: ScanId) -> Result<Named, StoreError> {
    let mut query =
        connection.prepare_cached("SELECT json_extract(plan, '$.options.suppressions') FROM scan WHERE id = ?1")?;
    let rules: Option<Option<String>> = query.query_row([scan.0], |row| row.get(0)).optional()?;
    match rules.flatten() {
        Some(rules) => Named::of(connection, &json(&rules)?),
        None => Ok(Named::default()),
    }
}

pub(super) fn winners(connection: &Connection, scan: ScanId) -> Result<Vec<Winner>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT job.winning_attempt, step.id, job.chunk, json_extract(spec.body, '$.scanner'), job.records,
                subject.id, comparison.reference IS NULL, standings,
                EXISTS (SELECT 1 FROM alias WHERE alias.subject_id = subject.id),
                EXISTS (SELECT 1 FROM triage WHERE triage.subject_id = subject.id)
         FROM job JOIN scan ON scan.id = job.scan_id
         JOIN step ON step.scan_id = job.scan_id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
         LEFT JOIN subject ON subject.project_id = scan.project_id AND subject.target_key = scan.target_key
           AND subject.scanner = json_extract(spec.body, '$.scanner')
         LEFT JOIN comparison ON comparison.scan_id = job.scan_id AND comparison.subject_id = subject.id
           AND scan.state IN ('completed', 'failed', 'cancelled')
         WHERE job.scan_id = ?1 AND job.winning_attempt IS NOT NULL ORDER BY job.id",
    )?;
    let mut rows = query.query([scan.0])?;
    let mut winners = Vec::new();
    while let Some(row) = rows.next()? {
        let job = JobName { step: text(row, 1)?.parse()?, chunk: row.get(2)? };
        winners.push(Winner {
            attempt: row.get(0)?,
            job: job.to_string(),
            scanner: row.get(3)?,
            records: json(text(row, 4)?)?,
            compared: match super::json_option::<Standings>(text_option(row, 7)?)? {
                None => None,
                Some(standings) => Some(Compared {
                    subject: row.get(5)?,
                    first: row.get(6)?,
                    differs: standings.news().total() > 0,
                    drifted: row.get(8)?,
                    decided: row.get(9)?,
                }),
            },
        });
    }
    Ok(winners)
}

/// Adds the rest of one job's records of one severity, or as many as fit.
fn fill(
    connection: &Connection,
    cursor: &mut FindingCursor,
    limit: usize,
    page: &mut Vec<FindingView>,
) -> Result<(), StoreError> {
    let Some(winner) = cursor.jobs.get(cursor.job) else {
        cursor.severity += 1;
        cursor.job = 0;
        return Ok(());
    };
    let wanted = limit - page.len();
    let mut taken = 0;
    if winner.records.0.get(usize::from(cursor.severity)).is_some_and(|&count| count > 0) {
        let mut query = connection.prepare_cached(match cursor.choice {
            Choice::All => {
                "SELECT ordinal, body, version, fingerprint, occurrence FROM record
                 WHERE attempt_id = ?1 AND severity = ?2 AND ordinal > ?3 ORDER BY ordinal LIMIT ?4"
            }
            Choice::HeadsOfRules => {
                "SELECT ordinal, body, version, fingerprint, occurrence FROM rule CROSS JOIN record USING (attempt_id, severity, ordinal)
                 WHERE attempt_id = ?1 AND severity = ?2 AND ordinal > ?3 ORDER BY ordinal LIMIT ?4"
            }
        })?;
        let mut rows = query.query(params![
            winner.attempt,
            cursor.severity,
            cursor.ordinal,
            i64::try_from(wanted).unwrap_or(i64::MAX)
        ])?;
        while let Some(row) = rows.next()? {
            cursor.ordinal = row.get(0)?;
            taken += 1;
            let key = FindingKey { fingerprint: Fingerprint(row.get(3)?), occurrence: row.get(4)? };
            page.push(winner.view(connection, cursor.scan, &cursor.named, key, json(text(row, 1)?)?)?);
        }
    }
    if taken < wanted {
        cursor.job += 1;
        cursor.ordinal = -1;
    }
    Ok(())
}

impl Winner {
    /// Whether this attempt won.
    pub(super) const fn is(&self, attempt: AttemptId) -> bool {
        self.attempt == attempt.0
    }

    /// Reads one of its findings.
    pub(super) fn read(
        &self,
        connection: &Connection,
        scan: ScanId,
        named: &Named,
        known: &Known,
    ) -> Result<Option<FindingView>, StoreError> {
        let Some(record) = record_at(connection, known)? else { return Ok(None) };
        self.view(connection, scan, named, known.key, record).map(Some)
    }

    /// Says all that is known of a record's finding.
    fn view(
        &self,
        connection: &Connection,
        scan: ScanId,
        named: &Named,
        key: FindingKey,
        record: Record,
    ) -> Result<FindingView, StoreError> {
        let (name, standing) = self.stand(connection, scan, key)?;
        Ok(FindingView {
            fingerprint: name.to_string(),
            standing,
            scanner: self.scanner.clone(),
            job: self.job.clone(),
            muting: self.muting(connection, named, name, &record)?,
            exploitation: None,
            sources: Vec::new(),
            record,
        })
    }

    /// Returns the name of a record's finding, and how it stands.
    fn stand(
        &self,
        connection: &Connection,
        scan: ScanId,
        key: FindingKey,
    ) -> Result<(FindingKey, Option<Standing>), StoreError> {
        let Some(compared) = self.compared else { return Ok((key, None)) };
        let standing = match (compared.first, compared.differs) {
            (true, _) => Standing::New,
            (false, false) => Standing::Existing,
            (false, true) => standing(connection, scan, compared.subject, key)?,
        };
        let name = if compared.drifted { name_of(connection, compared.subject, key)? } else { key };
        Ok((name, Some(standing)))
    }

    /// Why a record's finding does not count.
    fn muting(
        &self,
        connection: &Connection,
        named: &Named,
        name: FindingKey,
        record: &Record,
    ) -> Result<Option<Muting>, StoreError> {
        if let Some(compared) = self.compared.filter(|compared| compared.decided)
            && let Some(muting) = super::triage::holding_of(connection, compared.subject, name)?
        {
            return Ok(Some(muting));
        }
        if let Some(muting) = named.muting(name) {
            return Ok(Some(muting));
        }
        if let Some(muting) = &record.muting
            && (muting.until.is_none() || muting.until > Some(super::triage::now(connection)?))
        {
            return Ok(Some(muting.clone()));
        }
        let report = |reason: &String| Muting {
            decision: Decision::Suppressed,
            origin: Origin::Report,
            reason: Some(reason.clone()).filter(|reason| !reason.is_empty()),
            author: None,
            until: None,
        };
        Ok(record.suppressed.as_ref().map(report))
    }
}

/// Returns how a finding of a scan that was compared stands.
pub(super) fn standing(
    connection: &Connection,
    scan: ScanId,
    subject: i64,
    key: FindingKey,
) -> Result<Standing, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT kind FROM difference WHERE scan_id = ?1 AND subject_id = ?2 AND version = ?3 AND fingerprint = ?4 AND occurrence = ?5",
    )?;
    let key = params![scan.0, subject, Fingerprint::VERSION, key.fingerprint.0, key.occurrence];
    let kind: Option<String> = query.query_row(key, |row| row.get(0)).optional()?;
    match kind.map(|kind| Difference::parse(&kind, None)).transpose()? {
        Some(Difference::Here(standing)) => Ok(standing),
        _ => Ok(Standing::Existing),
    }
}

/// Returns the key that a finding had first.
pub(super) fn name_of(connection: &Connection, subject: i64, key: FindingKey) -> Result<FindingKey, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT root_fingerprint, root_occurrence FROM alias
         WHERE subject_id = ?1 AND version = ?2 AND fingerprint = ?3 AND occurrence = ?4",
    )?;
    let params = params![subject, Fingerprint::VERSION, key.fingerprint.0, key.occurrence];
    let root = query
        .query_row(params, |row| Ok(FindingKey { fingerprint: Fingerprint(row.get(0)?), occurrence: row.get(1)? }));
    Ok(root.optional()?.unwrap_or(key))
}
