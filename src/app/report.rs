//! Report: what a scan found, in a format, from the store. Judging it by its gate comes first, and once: all reports of it and the exit
//! code say the same.

use std::io::Write;

use super::ahead::Ahead;
use super::merged::Merged;
use super::relation::Relation;
use super::{App, AppError, isolation};
use crate::exploits::Exploits;
use crate::model::gate::{Count, FailOn, Outcome};
use crate::model::id::ScanId;
use crate::model::standing::{GoneView, Standing};
use crate::model::view::{AssetView, FindingView, ScanView, Verdict};
use crate::report::{Gate, Listed, RenderError, Renderer, ReportData, Source, SourceError, Style};
use crate::store::{FindingCursor, GoneCursor, Store, StoreError};

/// Findings of one page.
const PAGE: usize = 500;

/// Earlier scans of the view over time.
const TREND: u32 = 29;

/// A scan that was judged by its gate.
#[derive(Debug)]
pub struct Judged {
    /// The scan, as it stood then.
    pub scan: ScanView,
    /// How its gate was decided.
    pub gate: Gate,
    id: ScanId,
    exploits: Exploits,
    relation: Option<Relation>,
}

impl Judged {
    /// Returns what the scan means.
    pub const fn verdict(&self) -> Verdict {
        self.gate.verdict
    }
}

/// Reads the copies of datasets that the configuration names.
pub fn exploits(app: &App) -> Exploits {
    let data = &app.config.data;
    Exploits::read(data.epss.as_deref(), data.kev.as_deref(), data.max_age, app.clock.now())
}

/// Judges a scan by the gate that it was started with; `fail_on`, if not empty, takes the place of its thresholds. The copies of datasets are
/// those of this process's configuration. With a relation, what is new is so to that.
pub fn judge(app: &App, scan: ScanId, fail_on: &[FailOn], relation: Option<Relation>) -> Result<Judged, AppError> {
    let (mut view, exploits) = (app.store.scan(scan)?, exploits(app));
    if let Some(relation) = &relation {
        relation.lay_over(&mut view);
    }
    let gate = view.options.gate().with_thresholds(fail_on);
    let outcome = if gate.needs_findings() {
        let mut count = Count::new(&gate);
        let mut findings = Findings::new(&app.store, scan, Store::finding_cursor, &exploits, relation.as_ref())?;
        loop {
            let page = findings.page()?;
            if page.is_empty() {
                break;
            }
            for finding in &page {
                count.add(finding);
            }
        }
        count.decide(exploits.missing(&gate))
    } else {
        Outcome::of_counts(&gate, &view)
    };
    let gate = Gate::of(&view, gate, outcome, exploits.copies().to_vec());
    Ok(Judged { scan: view, gate, id: scan, exploits, relation })
}

/// What report to write.
#[derive(Clone, Copy)]
pub struct ReportRequest<'r> {
    /// The scan, judged.
    pub judged: &'r Judged,
    /// The format.
    pub renderer: &'r dyn Renderer,
    /// Whether to list only what is new or reopened.
    pub only_new: bool,
    /// Whether to list what several scanners report of one vulnerability as one finding. The gate has counted each report.
    pub merge: bool,
    /// Most findings that a report for people lists.
    pub limit: Option<u64>,
    /// How a report for people looks.
    pub style: Style,
}

/// Writes a report; returns what its format could not carry, in words.
pub fn report(app: &App, request: ReportRequest<'_>, out: &mut dyn Write) -> Result<Vec<String>, AppError> {
    let Judged { scan, gate, id, exploits, relation } = request.judged;
    let (only_new, relation) = (request.only_new, relation.as_ref());
    let jobs = app.store.jobs(*id)?;
    let all = || Findings::new(&app.store, *id, Store::finding_cursor, exploits, relation);
    let merged = request.merge.then(|| all().and_then(|mut all| Merged::read(|| Ok(all.page()?)))).transpose()?;
    let mut scan = scan.clone();
    if let Some(merged) = &merged {
        merged.lay_over(&mut scan);
    }
    let findings = all()?.listed(only_new, merged.as_ref());
    // Of those that are listed the first of a rule may be any.
    let mut rules = if only_new || merged.is_some() {
        all()?.listed(only_new, merged.as_ref())
    } else {
        Findings::new(&app.store, *id, Store::rule_cursor, exploits, relation)?
    };
    let mut gone: Box<dyn Source<GoneView> + '_> = match relation {
        Some(relation) => Box::new(relation.gone()),
        None => Box::new(Gone { store: &app.store, cursor: app.store.gone_cursor(*id) }),
    };
    let mut assets: Listed<AssetView> = Listed::new(app.store.assets(*id, usize::MAX)?);
    let trend = app.store.scans_before(*id, TREND)?;
    let isolation = isolation::of_scan(app, *id)?;
    std::thread::scope(|threads| {
        let mut data = ReportData {
            scan: &scan,
            trend: &trend,
            isolation,
            jobs: &jobs,
            findings: &mut Ahead::new(threads, findings),
            rules: &mut rules,
            gone: &mut *gone,
            assets: &mut assets,
            reference: relation.map(|relation| &relation.reference),
            only_new,
            merged: merged.as_ref().map(Merged::merged),
            gate,
            limit: request.limit,
            style: request.style,
            notes: Vec::new(),
        };
        request.renderer.render(&mut data, out)?;
        out.flush().map_err(RenderError::from)?;
        Ok(data.notes)
    })
}

/// A scan's findings, worst first, page by page, with what is known of their exploitation.
struct Findings<'s> {
    store: &'s Store,
    scan: ScanId,
    exploits: &'s Exploits,
    open: Open,
    cursor: FindingCursor,
    relation: Option<&'s Relation>,
    only_new: bool,
    merged: Option<&'s Merged>,
    /// The position of the next.
    at: u64,
}

/// Starts reading a scan's findings: all, or some.
type Open = fn(&Store, ScanId) -> Result<FindingCursor, StoreError>;

impl<'s> Findings<'s> {
    fn new(
        store: &'s Store,
        scan: ScanId,
        open: Open,
        exploits: &'s Exploits,
        relation: Option<&'s Relation>,
    ) -> Result<Self, AppError> {
        let cursor = open(store, scan)?;
        Ok(Self { store, scan, exploits, open, cursor, relation, only_new: false, merged: None, at: 0 })
    }

    /// Lists less than all; positions are those of all.
    fn listed(self, only_new: bool, merged: Option<&'s Merged>) -> Self {
        Self { only_new, merged, ..self }
    }

    fn page(&mut self) -> Result<Vec<FindingView>, StoreError> {
        loop {
            let mut page = self.store.next_findings(&mut self.cursor, PAGE)?;
            if page.is_empty() {
                return Ok(page);
            }
            if let Some(relation) = self.relation {
                for finding in &mut page {
                    finding.standing = Some(relation.standing(finding));
                }
            }
            if let Some(merged) = self.merged {
                let begin = self.at;
                self.at += page.len() as u64;
                page = (begin..).zip(page).filter_map(|(at, finding)| merged.listed(at, finding)).collect();
            }
            // What was not compared with anything is new.
            page.retain(|finding| !self.only_new || finding.standing.is_none_or(Standing::is_news));
            for finding in &mut page {
                finding.exploitation = self.exploits.of(&finding.record);
            }
            // An empty page would be the end.
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }
}

/// What was open before a scan and is not in it, page by page.
struct Gone<'s> {
    store: &'s Store,
    cursor: GoneCursor,
}

impl Source<GoneView> for Gone<'_> {
    fn next_page(&mut self) -> Result<Vec<GoneView>, SourceError> {
        self.store.next_gone(&mut self.cursor, PAGE).map_err(|error| SourceError { message: error.to_string() })
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.cursor = self.store.gone_cursor(self.cursor.scan());
        Ok(())
    }
}

impl Source<FindingView> for Findings<'_> {
    fn next_page(&mut self) -> Result<Vec<FindingView>, SourceError> {
        self.page().map_err(|error| SourceError { message: error.to_string() })
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.cursor = (self.open)(self.store, self.scan).map_err(|error| SourceError { message: error.to_string() })?;
        self.at = 0;
        Ok(())
    }
}
