//! A scan's findings with those reports merged that several scanners make of one vulnerability: laid over a report, and kept nowhere.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::AppError;
use crate::lifecycle::{Sighting, merge};
use crate::model::finding::SeverityCounts;
use crate::model::fingerprint::Fingerprint;
use crate::model::severity::Severity;
use crate::model::standing::{FindingKey, Standing};
use crate::model::triage::{Muted, Muting};
use crate::model::view::{FindingView, ScanView, SourceView};

/// What merging has come to, by the positions of findings in the order of reports.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// The first of each group: it stands for all.
    firsts: HashMap<u64, First>,
    /// The others.
    left_out: HashSet<u64>,
    records: SeverityCounts,
    muted: Muted,
    standings: BTreeMap<Standing, SeverityCounts>,
}

#[derive(Debug)]
struct First {
    sources: Vec<SourceView>,
    standing: Option<Standing>,
    muting: Option<Muting>,
}

/// What is kept of each finding until all are read.
struct Kept {
    severity: Severity,
    standing: Option<Standing>,
    muting: Option<Muting>,
}

impl Merged {
    /// Reads all findings, page by page; an empty page is the end.
    pub(super) fn read(mut page: impl FnMut() -> Result<Vec<FindingView>, AppError>) -> Result<Self, AppError> {
        let (mut scanners, mut sightings, mut kept) = (HashMap::new(), Vec::new(), Vec::new());
        let mut sources: Vec<SourceView> = Vec::new();
        loop {
            let findings = page()?;
            if findings.is_empty() {
                break;
            }
            for finding in findings {
                let next = u16::try_from(scanners.len()).unwrap_or(u16::MAX);
                let scanner = *scanners.entry(finding.scanner.clone()).or_insert(next);
                // Every name in a view was written by us; were one not, it would be like no other.
                let other = || FindingKey {
                    fingerprint: Fingerprint([0; 16]),
                    occurrence: u32::try_from(sightings.len()).unwrap_or(u32::MAX),
                };
                let name = finding.fingerprint.parse().unwrap_or_else(|_| other());
                sightings.push(Sighting::new(scanner, name, &finding.record));
                let severity = finding.record.severity;
                kept.push(Kept { severity, standing: finding.standing, muting: finding.muting });
                sources.push(SourceView {
                    scanner: finding.scanner,
                    job: finding.job,
                    rule: finding.record.rule,
                    severity,
                    fingerprint: finding.fingerprint,
                });
            }
        }
        Ok(Self::of(&sightings, &kept, &sources))
    }

    fn of(sightings: &[Sighting], kept: &[Kept], sources: &[SourceView]) -> Self {
        let mut merged = Self::default();
        for group in merge(sightings) {
            let counts = group.iter().any(|at| kept[*at].muting.is_none());
            let first = First {
                sources: group[1..].iter().map(|at| sources[*at].clone()).collect(),
                standing: together(group.iter().filter_map(|at| kept[*at].standing)),
                muting: if counts { None } else { kept[group[0]].muting.clone() },
            };
            merged.firsts.insert(group[0] as u64, first);
            merged.left_out.extend(group[1..].iter().map(|at| *at as u64));
        }
        for (at, kept) in (0_u64..).zip(kept) {
            if !merged.left_out.contains(&at) {
                merged.count(at, kept);
            }
        }
        merged
    }

    fn count(&mut self, at: u64, kept: &Kept) {
        let (standing, muting) = match self.firsts.get(&at) {
            Some(first) => (first.standing, first.muting.as_ref()),
            None => (kept.standing, kept.muting.as_ref()),
        };
        self.records.add(kept.severity);
        if let Some(standing) = standing {
            self.standings.entry(standing).or_default().add(kept.severity);
        }
        if let Some(muting) = muting {
            self.muted.records.add(kept.severity);
            if standing.is_some_and(Standing::is_news) {
                self.muted.news.add(kept.severity);
            }
            *self.muted.by_origin.entry(muting.origin).or_default() += 1;
        }
    }

    /// Returns how many reports are told with another.
    pub(super) fn merged(&self) -> u64 {
        self.left_out.len() as u64
    }

    /// Lays the counts over a scan.
    pub(super) fn lay_over(&self, view: &mut ScanView) {
        view.records = self.records;
        view.muted = self.muted.clone();
        if let Some(standings) = &mut view.standings {
            let of = |standing| self.standings.get(&standing).copied().unwrap_or_default();
            standings.new = of(Standing::New);
            standings.existing = of(Standing::Existing);
            standings.reopened = of(Standing::Reopened);
        }
    }

    /// Returns the finding at a position as it is listed; none when another stands for it.
    pub(super) fn listed(&self, at: u64, mut finding: FindingView) -> Option<FindingView> {
        if self.left_out.contains(&at) {
            return None;
        }
        if let Some(first) = self.firsts.get(&at) {
            finding.sources.clone_from(&first.sources);
            (finding.standing, finding.muting) = (first.standing, first.muting.clone());
        }
        Some(finding)
    }
}

/// What one scanner knew before is known, and what was fixed once is back.
fn together(standings: impl Iterator<Item = Standing>) -> Option<Standing> {
    let rank = |standing: &Standing| match standing {
        Standing::Existing => 2,
        Standing::Reopened => 1,
        Standing::New => 0,
    };
    standings.max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::{Location, Record};
    use crate::model::triage::{Decision, Origin};

    fn finding(scanner: &str, fingerprint: u8, standing: Standing, muted: bool) -> FindingView {
        let muting =
            Muting { decision: Decision::Accepted, origin: Origin::Person, reason: None, author: None, until: None };
        let location = Location::Package { name: "openssl".to_owned(), version: "1.0".to_owned(), path: None };
        FindingView {
            fingerprint: FindingKey { fingerprint: Fingerprint([fingerprint; 16]), occurrence: 0 }.to_string(),
            scanner: scanner.to_owned(),
            job: scanner.to_owned(),
            standing: Some(standing),
            muting: muted.then_some(muting),
            exploitation: None,
            sources: Vec::new(),
            record: Record {
                rule: "CVE-2026-1".to_owned(),
                severity: Severity::High,
                location,
                vulnerabilities: vec!["CVE-2026-1".to_owned()],
                ..Record::default()
            },
        }
    }

    fn merged(findings: Vec<FindingView>) -> (Merged, Vec<FindingView>) {
        let mut pages = vec![Vec::new(), findings.clone()];
        let merged = Merged::read(|| Ok(pages.pop().unwrap_or_default())).unwrap();
        let listed = (0..).zip(findings).filter_map(|(at, finding)| merged.listed(at, finding)).collect();
        (merged, listed)
    }

    #[test]
    fn one_stands_for_all_and_names_the_others() {
        let (merged, listed) = merged(vec![
            finding("grype", 1, Standing::New, false),
            finding("trivy", 2, Standing::Existing, false),
            finding("trivy", 2, Standing::Existing, false),
        ]);
        assert_eq!((listed.len(), merged.merged(), merged.records.total()), (1, 2, 1));
        assert_eq!(listed[0].scanners(), "grype, trivy");
        assert_eq!(listed[0].sources[1].fingerprint, listed[0].sources[0].fingerprint);
        assert_eq!(listed[0].standing, Some(Standing::Existing), "trivy knew it");
        assert_eq!(merged.standings[&Standing::Existing].total(), 1);
    }

    #[test]
    fn what_is_muted_for_one_scanner_alone_counts() {
        let (half, listed) =
            merged(vec![finding("grype", 1, Standing::New, true), finding("trivy", 2, Standing::New, false)]);
        assert_eq!((listed[0].muting.is_none(), half.muted.records.total()), (true, 0));
        let (whole, listed) =
            merged(vec![finding("grype", 1, Standing::New, true), finding("trivy", 2, Standing::New, true)]);
        assert_eq!(
            (listed[0].muting.is_some(), whole.muted.news.total(), whole.muted.by_origin[&Origin::Person]),
            (true, 1, 1)
        );
    }
}
