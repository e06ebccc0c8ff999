//! Two scans side by side, and one scan against an earlier moment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::relation::Relation;
use super::{App, AppError};
use crate::driver::{Between, between, sights};
use crate::model::clock::Timestamp;
use crate::model::coverage::Coverage;
use crate::model::finding::SeverityCounts;
use crate::model::id::ScanId;
use crate::model::standing::{Fate, GoneView, Unseen};
use crate::model::view::ScanView;
use crate::report::diff::{DiffCounts, DiffData, DiffFormat, MovedView, render};
use crate::report::{Reference, RenderError, Source, SourceError, Style};
use crate::store::{Before, Known, Store, StoreError};

/// Findings of one read.
const PAGE: usize = 500;

/// Which scans to compare, and how to write it.
#[derive(Debug, Clone, Copy)]
pub struct DiffRequest {
    /// The first scan.
    pub before: ScanId,
    /// The second.
    pub after: ScanId,
    /// How to write it.
    pub format: DiffFormat,
    /// Most findings that a report for people lists of a kind.
    pub limit: Option<u64>,
    /// How a report for people looks.
    pub style: Style,
}

/// The moment since which findings are new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// The end of this scan.
    Scan(ScanId),
    /// This moment: what was open when the last scan made before it had ended.
    Moment(Timestamp),
}

/// Writes what differs between two scans; nothing is kept.
pub fn diff(app: &App, request: &DiffRequest, out: &mut dyn Write) -> Result<(), AppError> {
    let (before, after) = (ended(app, request.before)?, ended(app, request.after)?);
    let differences = differences(app, (request.before, request.after), &before, &after, Before::Brought)?;
    let mut counts = DiffCounts::default();
    let (mut new, mut moved, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for one in differences {
        counts.unchanged.merge(&one.both);
        one.fresh.iter().for_each(|known| counts.new.add(known.severity));
        one.moved.iter().for_each(|(_, known)| counts.moved.add(known.severity));
        for (known, fate) in &one.gone {
            match fate {
                Fate::Fixed => counts.fixed.add(known.severity),
                Fate::NotObserved(reason) => *counts.not_observed.entry(*reason).or_default() += 1,
            }
        }
        new.extend(one.fresh);
        moved.extend(one.moved);
        gone.extend(one.gone.into_iter().map(|(known, fate)| (one.scanner.clone(), known, fate)));
    }
    // Worst first; within that by scanner, in the order of fingerprints.
    new.sort_by_key(|known: &Known| known.severity.rank());
    moved.sort_by_key(|(_, known): &(Known, Known)| known.severity.rank());
    gone.sort_by_key(|(_, known, _): &(String, Known, Fate)| known.severity.rank());
    let store = &app.store;
    let mut data = DiffData {
        before: &before,
        after: &after,
        warnings: &warnings(&before, &after),
        counts: &counts,
        new: &mut Pages::new(&new, |page| store.findings_of(request.after, page)),
        moved: &mut Pages::new(&moved, |page| moved_views(store, request.after, page)),
        gone: &mut Pages::new(&gone, |page| gone_views(store, request.before, page)),
        limit: request.limit,
        style: request.style,
    };
    render(&mut data, request.format, out)?;
    out.flush().map_err(RenderError::from)?;
    Ok(())
}

/// Relates a scan's findings to what was open at an earlier moment; `asked` says in words which.
pub fn relate_since(app: &App, scan: ScanId, since: Since, asked: &str) -> Result<Relation, AppError> {
    let view = ended(app, scan)?;
    let mut bases = BTreeSet::new();
    let mut all = Vec::new();
    match since {
        Since::Scan(base) => {
            let before = ended(app, base)?;
            if before.target_key.key != view.target_key.key {
                return Err(AppError::OtherTarget { scan: before.id, key: before.target_key.key });
            }
            bases.insert(base);
            all = differences(app, (base, scan), &before, &view, Before::Open)?;
        }
        Since::Moment(at) => {
            for (scanner, coverage) in sights(&app.store, scan)? {
                // Of a scanner that had not run before all is new.
                let base = app.store.compared_before(scan, &scanner, at)?;
                bases.extend(base);
                all.push(between(&app.store, (base, scan), &scanner, Some(coverage), Before::Open)?);
            }
        }
    }
    let scans: Result<Vec<String>, StoreError> =
        bases.iter().map(|base| Ok(app.store.scan_key(*base)?.to_string())).collect();
    let reference = Reference::Since { asked: asked.to_owned(), scans: scans? };
    let mut relation = Relation::new(reference, &app.store.dir().join("spool"))?;
    for one in &all {
        add(app, scan, one, &mut relation)?;
    }
    relation.sealed()
}

fn add(app: &App, scan: ScanId, one: &Between, relation: &mut Relation) -> Result<(), AppError> {
    relation.exist(&one.both);
    let mut moved = SeverityCounts::default();
    one.moved.iter().for_each(|(_, known)| moved.add(known.severity));
    relation.exist(&moved);
    for page in one.fresh.chunks(PAGE) {
        for finding in app.store.findings_of(scan, page)? {
            if let Ok(name) = finding.fingerprint.parse() {
                relation.is_new(&one.scanner, name, finding.record.severity, finding.muting.is_some());
            }
        }
    }
    for (known, fate) in &one.gone {
        let gone = gone_view(&app.store, scan, &one.scanner, known, *fate)?;
        relation.is_gone(&gone, known.severity)?;
    }
    Ok(())
}

/// Compares two scans, scanner by scanner.
fn differences(
    app: &App,
    scans: (ScanId, ScanId),
    before: &ScanView,
    after: &ScanView,
    known: Before,
) -> Result<Vec<Between>, AppError> {
    let now: BTreeMap<String, Coverage> = sights(&app.store, scans.1)?.into_iter().collect();
    let mut scanners: BTreeSet<String> = now.keys().cloned().collect();
    scanners.extend(sights(&app.store, scans.0)?.into_iter().map(|(scanner, _)| scanner));
    let mut all = Vec::new();
    for scanner in scanners {
        let coverage = now.get(&scanner).cloned();
        let mut one = between(&app.store, (Some(scans.0), scans.1), &scanner, coverage, known)?;
        // Another target was not looked at.
        if before.target_key.key != after.target_key.key {
            one.gone.iter_mut().for_each(|(_, fate)| *fate = Fate::NotObserved(Unseen::Scope));
        }
        all.push(one);
    }
    Ok(all)
}

/// Reads a scan that has ended: of another nobody knows yet what it will bring.
fn ended(app: &App, scan: ScanId) -> Result<ScanView, AppError> {
    let view = app.store.scan(scan)?;
    if view.state.is_terminal() { Ok(view) } else { Err(AppError::NotEnded { scan: view.id }) }
}

/// What a reader must know before comparing two scans.
fn warnings(before: &ScanView, after: &ScanView) -> Vec<String> {
    let mut warnings = Vec::new();
    if before.target_key.key != after.target_key.key {
        warnings.push(format!("the scans are of two targets, {} and {}", before.target_key.key, after.target_key.key));
    } else if before.target_key.line != after.target_key.line {
        let line = |scan: &ScanView| scan.target_key.line.clone().unwrap_or_else(|| "none".to_owned());
        warnings.push(format!("the scans are of two lines, {} and {}", line(before), line(after)));
    }
    if !before.is_complete() {
        warnings.push(format!("scan {} is INCOMPLETE: what it missed is called new", before.id));
    }
    if !after.is_complete() {
        warnings.push(format!("scan {} is INCOMPLETE: more may be there than is listed", after.id));
    }
    warnings
}

fn moved_views(store: &Store, after: ScanId, page: &[(Known, Known)]) -> Result<Vec<MovedView>, StoreError> {
    let now: Vec<Known> = page.iter().map(|(_, now)| *now).collect();
    let mut moved = Vec::new();
    for (finding, (was, _)) in store.findings_of(after, &now)?.into_iter().zip(page) {
        let was = store.record(was)?.map(|record| record.location).unwrap_or_default();
        moved.push(MovedView { finding, was });
    }
    Ok(moved)
}

fn gone_views(store: &Store, before: ScanId, page: &[(String, Known, Fate)]) -> Result<Vec<GoneView>, StoreError> {
    page.iter().map(|(scanner, known, fate)| gone_view(store, before, scanner, known, *fate)).collect()
}

fn gone_view(store: &Store, scan: ScanId, scanner: &str, known: &Known, fate: Fate) -> Result<GoneView, StoreError> {
    let names = store.subject_of(scan, scanner)?.map(|subject| store.names(subject, &[known.key])).transpose()?;
    let name = names.and_then(|names| names.first().copied()).unwrap_or(known.key);
    Ok(GoneView { fingerprint: name.to_string(), scanner: scanner.to_owned(), fate, record: store.record(known)? })
}

/// A list of places in the store, read page by page.
struct Pages<'p, K, R> {
    all: &'p [K],
    at: usize,
    read: R,
}

impl<'p, K, R> Pages<'p, K, R> {
    fn new<T>(all: &'p [K], read: R) -> Self
    where
        R: FnMut(&[K]) -> Result<Vec<T>, StoreError>,
    {
        Self { all, at: 0, read }
    }
}

impl<K, T, R: FnMut(&[K]) -> Result<Vec<T>, StoreError>> Source<T> for Pages<'_, K, R> {
    fn next_page(&mut self) -> Result<Vec<T>, SourceError> {
        let end = (self.at + PAGE).min(self.all.len());
        let page = (self.read)(&self.all[self.at..end]);
        self.at = end;
        page.map_err(|error| SourceError { message: error.to_string() })
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.at = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_come_in_order_and_end() {
        let all: Vec<u32> = (0..1001).collect();
        let mut pages = Pages::new(&all, |page: &[u32]| Ok(page.to_vec()));
        for _ in 0..2 {
            let mut read = Vec::new();
            loop {
                let page = pages.next_page().unwrap();
                if page.is_empty() {
                    break;
                }
                read.extend(page);
            }
            assert_eq!(read, all);
            pages.rewind().unwrap();
        }
    }
}
