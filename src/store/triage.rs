//! What people decided of findings, and what of a scan does not count.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::compare::{Subject, known};
use super::error::StoreError;
use super::findings::{name_of, standing};
use super::load::{text, text_option};
use super::{Known, Store};
use crate::model::clock::Timestamp;
use crate::model::fingerprint::Fingerprint;
use crate::model::id::ScanId;
use crate::model::severity::Severity;
use crate::model::standing::FindingKey;
use crate::model::suppress::{FingerprintRule, Suppression, Suppressions};
use crate::model::triage::{Decision, HistoryEntry, Muted, Muting, Origin};

/// Whether a row of `triage` is the last of its finding, and holds.
const HOLDS: &str = "decision IS NOT NULL AND (until IS NULL OR until > CAST(unixepoch('subsec') * 1000 AS INTEGER))
    AND id = (SELECT max(id) FROM triage last WHERE last.subject_id = triage.subject_id AND last.version = triage.version
              AND last.fingerprint = triage.fingerprint AND last.occurrence = triage.occurrence)";

/// A finding that was asked for.
#[derive(Debug, Clone)]
pub struct Found {
    /// What it belongs to.
    pub subject: Subject,
    /// The scanner.
    pub scanner: String,
    /// The name that it had first.
    pub name: FindingKey,
    /// Where its record is in the scan; none when it is not in it.
    pub known: Option<Known>,
}

impl Store {
    /// Finds the findings of a scan, and those of its target that somebody decided on, whose names begin so: `v1:` and hexadecimal
    /// digits, or the digits alone; with `#2` the second of equals. At most 20.
    pub fn find_findings(&self, scan: ScanId, name: &str) -> Result<Vec<Found>, StoreError> {
        let Some((low, high, occurrence)) = range(name) else { return Ok(Vec::new()) };
        self.read(|connection| {
            let mut found: BTreeMap<(i64, FindingKey), Found> = BTreeMap::new();
            let mut query = connection.prepare_cached(
                "SELECT a.fingerprint, a.occurrence, a.attempt_id, a.severity, a.ordinal, subject.id, subject.scanner
                 FROM job JOIN scan ON scan.id = job.scan_id
                 JOIN step ON step.scan_id = scan.id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
                 JOIN subject ON subject.project_id = scan.project_id AND subject.target_key = scan.target_key
                   AND subject.scanner = json_extract(spec.body, '$.scanner')
                 JOIN appearance a ON a.attempt_id = job.winning_attempt AND a.version = ?2
                 WHERE job.scan_id = ?1 AND (a.fingerprint BETWEEN ?3 AND ?4 OR (a.fingerprint, a.occurrence) IN
                   (SELECT fingerprint, occurrence FROM alias WHERE subject_id = subject.id AND root_fingerprint BETWEEN ?3 AND ?4))
                 LIMIT 20",
            )?;
            let mut rows = query.query(params![scan.0, Fingerprint::VERSION, low, high])?;
            while let Some(row) = rows.next()? {
                let (known, subject) = (known(row, 0)?, row.get(5)?);
                let name = name_of(connection, subject, known.key)?;
                if occurrence.is_none_or(|wanted| wanted == name.occurrence) {
                    let one = Found { subject: Subject(subject), scanner: row.get(6)?, name, known: Some(known) };
                    found.insert((subject, name), one);
                }
            }
            let mut decided = connection.prepare_cached(
                "SELECT DISTINCT triage.fingerprint, triage.occurrence, subject.id, subject.scanner
                 FROM triage JOIN subject ON subject.id = triage.subject_id
                 JOIN scan ON scan.project_id = subject.project_id AND scan.target_key = subject.target_key
                 WHERE scan.id = ?1 AND triage.version = ?2 AND triage.fingerprint BETWEEN ?3 AND ?4 LIMIT 20",
            )?;
            let mut rows = decided.query(params![scan.0, Fingerprint::VERSION, low, high])?;
            while let Some(row) = rows.next()? {
                let (name, subject) = (key(row)?, row.get(2)?);
                if occurrence.is_none_or(|wanted| wanted == name.occurrence) {
                    let scanner = row.get(3)?;
                    let one = Found { subject: Subject(subject), scanner, name, known: None };
                    found.entry((subject, name)).or_insert(one);
                }
            }
            Ok(found.into_values().collect())
        })
    }

    /// Writes down what was decided of a finding; none opens it again.
    pub async fn decide(
        &self,
        subject: Subject,
        name: FindingKey,
        decision: Option<Muting>,
        author: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let author = author.to_owned();
        self.write(move |tx| {
            let (word, reason, until) = match decision {
                Some(muting) => (Some(muting.decision.as_str()), muting.reason, muting.until),
                None => (None, None, None),
            };
            tx.execute(
                "INSERT INTO triage (subject_id, version, fingerprint, occurrence, decision, reason, author, at, until)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    subject.0,
                    Fingerprint::VERSION,
                    name.fingerprint.0,
                    name.occurrence,
                    word,
                    reason,
                    author,
                    at.0,
                    until.map(|until| until.0)
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Reads what became of a finding: what scans said of it, and what was decided, oldest first.
    pub fn history(&self, subject: Subject, name: FindingKey) -> Result<Vec<HistoryEntry>, StoreError> {
        self.read(|connection| {
            let mut entries = Vec::new();
            for key in names(connection, subject.0, name)? {
                seen(connection, subject.0, key, &mut entries)?;
            }
            let mut query = connection.prepare_cached(
                "SELECT at, decision, reason, author FROM triage
                 WHERE subject_id = ?1 AND version = ?2 AND fingerprint = ?3 AND occurrence = ?4",
            )?;
            let mut rows =
                query.query(params![subject.0, Fingerprint::VERSION, name.fingerprint.0, name.occurrence])?;
            while let Some(row) = rows.next()? {
                entries.push(HistoryEntry {
                    at: Timestamp(row.get(0)?),
                    scan: None,
                    what: row.get::<_, Option<String>>(1)?.unwrap_or_else(|| "opened".to_owned()),
                    reason: row.get(2)?,
                    author: row.get(3)?,
                });
            }
            entries.sort_by_key(|entry| entry.at);
            Ok(entries)
        })
    }
}

/// What scans said of a finding under one of its names.
fn seen(
    connection: &Connection,
    subject: i64,
    key: FindingKey,
    entries: &mut Vec<HistoryEntry>,
) -> Result<(), StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT scan.created_at, scan.key, kind, reason FROM difference JOIN scan ON scan.id = scan_id
         WHERE subject_id = ?1 AND version = ?2 AND fingerprint = ?3 AND occurrence = ?4 AND scan.deleted_at IS NULL
         UNION ALL
         SELECT scan.created_at, scan.key, 'new', NULL FROM comparison JOIN scan ON scan.id = comparison.scan_id
         WHERE subject_id = ?1 AND reference IS NULL AND scan.deleted_at IS NULL AND EXISTS
           (SELECT 1 FROM job JOIN appearance a ON a.attempt_id = job.winning_attempt
            WHERE job.scan_id = scan.id AND a.version = ?2 AND a.fingerprint = ?3 AND a.occurrence = ?4)",
    )?;
    let mut rows = query.query(params![subject, Fingerprint::VERSION, key.fingerprint.0, key.occurrence])?;
    while let Some(row) = rows.next()? {
        entries.push(HistoryEntry {
            at: Timestamp(row.get(0)?),
            scan: Some(row.get(1)?),
            what: row.get(2)?,
            reason: row.get(3)?,
            author: None,
        });
    }
    Ok(())
}

/// Every name that a finding has had.
pub(super) fn names(connection: &Connection, subject: i64, name: FindingKey) -> Result<Vec<FindingKey>, StoreError> {
    let mut query = connection.prepare_cached(
        "SELECT fingerprint, occurrence FROM alias
         WHERE subject_id = ?1 AND version = ?2 AND root_fingerprint = ?3 AND root_occurrence = ?4",
    )?;
    let mut rows = query.query(params![subject, Fingerprint::VERSION, name.fingerprint.0, name.occurrence])?;
    let mut names = vec![name];
    while let Some(row) = rows.next()? {
        names.push(key(row)?);
    }
    Ok(names)
}

fn key(row: &Row<'_>) -> Result<FindingKey, StoreError> {
    Ok(FindingKey { fingerprint: Fingerprint(row.get(0)?), occurrence: row.get(1)? })
}

/// The findings of a subject that somebody's decision keeps from counting, by their first names.
fn decided(connection: &Connection, subject: i64) -> Result<Vec<FindingKey>, StoreError> {
    let sql = format!("SELECT fingerprint, occurrence FROM triage WHERE subject_id = ?1 AND version = ?2 AND {HOLDS}");
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params![subject, Fingerprint::VERSION])?;
    let mut names = Vec::new();
    while let Some(row) = rows.next()? {
        names.push(key(row)?);
    }
    Ok(names)
}

/// The decision on a finding that holds.
pub(super) fn holding_of(
    connection: &Connection,
    subject: i64,
    name: FindingKey,
) -> Result<Option<Muting>, StoreError> {
    let sql = format!(
        "SELECT decision, reason, author, until FROM triage
         WHERE subject_id = ?1 AND version = ?2 AND fingerprint = ?3 AND occurrence = ?4 AND {HOLDS}"
    );
    let mut query = connection.prepare_cached(&sql)?;
    let mut rows = query.query(params![subject, Fingerprint::VERSION, name.fingerprint.0, name.occurrence])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let word = text(row, 0)?;
    let decision = Decision::ALL.into_iter().find(|decision| decision.as_str() == word);
    Ok(Some(Muting {
        decision: decision.ok_or_else(|| StoreError::Damaged(format!("a decision `{word}`")))?,
        origin: Origin::Person,
        reason: row.get(1)?,
        author: row.get(2)?,
        until: row.get::<_, Option<i64>>(3)?.map(Timestamp),
    }))
}

/// The rules of a scan that name findings, as far as they hold: a finding keeps its name when it drifts, so it is looked up by it.
#[derive(Debug, Clone, Default)]
pub(super) struct Named(Vec<(FingerprintRule, Suppression)>);

impl Named {
    pub(super) fn of(connection: &Connection, rules: &Suppressions) -> Result<Self, StoreError> {
        let names = |one: &Suppression| Some((FingerprintRule::parse(one.rule.fingerprint.as_deref()?)?, one.clone()));
        let mut named: Vec<_> = rules.rules.iter().filter_map(names).collect();
        if named.iter().any(|(_, one)| one.rule.until.is_some()) {
            let now = now(connection)?;
            named.retain(|(_, one)| !one.is_over(now));
        }
        Ok(Self(named))
    }

    /// Why a finding does not count.
    pub(super) fn muting(&self, name: FindingKey) -> Option<Muting> {
        let is = |rule: &FingerprintRule| {
            rule.fingerprint == name.fingerprint
                && rule.occurrence.is_none_or(|occurrence| occurrence == name.occurrence)
        };
        self.0.iter().find(|(rule, _)| is(rule)).map(|(_, one)| one.muting())
    }

    /// The findings that are meant, and who says so.
    fn findings(
        &self,
        connection: &Connection,
        attempt: i64,
        subject: i64,
    ) -> Result<Vec<(FindingKey, Origin)>, StoreError> {
        let mut found = Vec::new();
        // How many equals there may be under the name, as the attempt brought it and as it was known before it drifted.
        let mut there = connection.prepare_cached(
            "SELECT max(occurrence) FROM
               (SELECT occurrence FROM appearance WHERE attempt_id = ?4 AND version = ?2 AND fingerprint = ?3
                UNION ALL SELECT root_occurrence FROM alias WHERE subject_id = ?1 AND version = ?2 AND root_fingerprint = ?3)",
        )?;
        for (rule, one) in &self.0 {
            let occurrences = if let Some(occurrence) = rule.occurrence {
                occurrence..=occurrence
            } else {
                let params = params![subject, Fingerprint::VERSION, rule.fingerprint.0, attempt];
                let last: Option<u32> = there.query_row(params, |row| row.get(0))?;
                0..=last.unwrap_or_default()
            };
            found.extend(
                occurrences.map(|occurrence| (FindingKey { fingerprint: rule.fingerprint, occurrence }, one.origin)),
            );
        }
        Ok(found)
    }

    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The present moment, as statements see it.
pub(super) fn now(connection: &Connection) -> Result<Timestamp, StoreError> {
    let now = connection.query_row("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)", [], |row| row.get(0))?;
    Ok(Timestamp(now))
}

/// Counts what of a scan does not count; `rules` are those of its plan.
pub(super) fn muted(connection: &Connection, scan: i64, rules: &Suppressions) -> Result<Muted, StoreError> {
    let named = Named::of(connection, rules)?;
    let mut query = connection.prepare_cached(
        "SELECT job.winning_attempt, subject.id, (SELECT standings FROM comparison WHERE scan_id = ?1 AND subject_id = subject.id)
         FROM job JOIN scan ON scan.id = job.scan_id
         JOIN step ON step.scan_id = scan.id AND step.ordinal = job.step JOIN spec ON spec.id = step.spec_id
         JOIN subject ON subject.project_id = scan.project_id AND subject.target_key = scan.target_key
           AND subject.scanner = json_extract(spec.body, '$.scanner')
         WHERE job.scan_id = ?1 AND job.winning_attempt IS NOT NULL
           AND (?2 OR EXISTS (SELECT 1 FROM triage WHERE subject_id = subject.id)
             OR EXISTS (SELECT 1 FROM muted_record WHERE attempt_id = job.winning_attempt))",
    )?;
    let mut rows = query.query(params![scan, !named.is_empty()])?;
    let (mut muted, mut told) = (Muted::default(), BTreeSet::new());
    while let Some(row) = rows.next()? {
        let (attempt, subject): (i64, i64) = (row.get(0)?, row.get(1)?);
        let first = match text_option(row, 2)? {
            None => true,
            Some(standings) => super::json::<crate::model::standing::Standings>(standings)?.first,
        };
        for (key, (severity, origin)) in of_attempt(connection, attempt, subject, &named)? {
            muted.records.add(severity);
            *muted.by_origin.entry(origin).or_default() += 1;
            // A comparison counts a finding once, however many jobs brought it; without one its records are counted.
            let counts =
                first || (told.insert((subject, key)) && standing(connection, ScanId(scan), subject, key)?.is_news());
            if counts {
                muted.news.add(severity);
            }
        }
    }
    Ok(muted)
}

/// What of one attempt's results does not count.
fn of_attempt(
    connection: &Connection,
    attempt: i64,
    subject: i64,
    named: &Named,
) -> Result<BTreeMap<FindingKey, (Severity, Origin)>, StoreError> {
    let mut all = BTreeMap::new();
    let mut query = connection.prepare_cached(
        "SELECT fingerprint, occurrence, severity, origin FROM muted_record
         WHERE attempt_id = ?1 AND version = ?2 AND (until IS NULL OR until > CAST(unixepoch('subsec') * 1000 AS INTEGER))",
    )?;
    let mut rows = query.query(params![attempt, Fingerprint::VERSION])?;
    while let Some(row) = rows.next()? {
        let word = text(row, 3)?;
        let origin = Origin::ALL.into_iter().find(|origin| origin.as_str() == word);
        let origin = origin.ok_or_else(|| StoreError::Damaged(format!("a suppression by `{word}`")))?;
        all.insert(key(row)?, (Severity::from_rank(row.get(2)?).unwrap_or_default(), origin));
    }
    let mut here = connection.prepare_cached(
        "SELECT severity FROM appearance WHERE attempt_id = ?1 AND version = ?2 AND fingerprint = ?3 AND occurrence = ?4",
    )?;
    // What a person decided here comes last: it has the last word.
    let decided = decided(connection, subject)?.into_iter().map(|name| (name, Origin::Person));
    for (name, origin) in named.findings(connection, attempt, subject)?.into_iter().chain(decided) {
        for key in names(connection, subject, name)? {
            let params = params![attempt, Fingerprint::VERSION, key.fingerprint.0, key.occurrence];
            if let Some(rank) = here.query_row(params, |row| row.get(0)).optional()? {
                all.insert(key, (Severity::from_rank(rank).unwrap_or_default(), origin));
            }
        }
    }
    Ok(all)
}

/// The least and the greatest fingerprint that begin so, and the occurrence that is wanted.
fn range(name: &str) -> Option<([u8; 16], [u8; 16], Option<u32>)> {
    let (digits, occurrence) = match name.split_once('#') {
        Some((digits, number)) => (digits, Some(number.parse::<u32>().ok()?.checked_sub(1)?)),
        None => (name, None),
    };
    let digits = digits.strip_prefix("v1:").unwrap_or(digits).to_ascii_lowercase();
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let padded = |pad: char| -> Option<[u8; 16]> {
        let full: String = digits.chars().chain(std::iter::repeat(pad)).take(32).collect();
        full.parse::<Fingerprint>().ok().or_else(|| format!("v1:{full}").parse().ok()).map(|found| found.0)
    };
    // A whole name without a number is the first of equals.
    let occurrence = occurrence.or_else(|| (digits.len() == 32).then_some(0));
    Some((padded('0')?, padded('f')?, occurrence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_be_cut_short_and_numbered() {
        let (low, high, occurrence) = range("v1:abc").unwrap();
        assert_eq!((low[0], low[1], high[0], high[1], occurrence), (0xab, 0xc0, 0xab, 0xcf, None));
        let whole = "0123456789abcdef0123456789ABCDEF";
        assert_eq!(range(whole).unwrap().2, Some(0));
        assert_eq!(range(&format!("{whole}#3")).unwrap().2, Some(2));
        for bad in ["", "v1:", "xyz", "v1:12#", "12#0", &"0".repeat(33)] {
            assert!(range(bad).is_none(), "{bad}");
        }
    }
}
