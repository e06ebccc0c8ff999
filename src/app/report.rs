//! Report: what a scan found, in a format, from the store.

use std::io::Write;

use super::{App, AppError, isolation};
use crate::model::gate::FailOn;
use crate::model::id::ScanId;
use crate::model::standing::GoneView;
use crate::model::view::{AssetView, FindingView, Verdict};
use crate::report::{Listed, RenderError, Renderer, ReportData, Source, SourceError, Style};
use crate::store::{FindingCursor, GoneCursor, Store, StoreError};

/// Findings of one page.
const PAGE: usize = 500;

/// What report to write.
#[derive(Clone, Copy)]
pub struct ReportRequest<'r> {
    /// The scan.
    pub scan: ScanId,
    /// The format.
    pub renderer: &'r dyn Renderer,
    /// The gate's threshold; the plan's own when absent.
    pub fail_on: Option<FailOn>,
    /// Most findings that a report for people lists.
    pub limit: Option<u64>,
    /// How a report for people looks.
    pub style: Style,
}

/// A report that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// What the scan means.
    pub verdict: Verdict,
    /// What the format could not carry, in words.
    pub notes: Vec<String>,
}

/// Writes a report.
pub fn report(app: &App, request: ReportRequest<'_>, out: &mut dyn Write) -> Result<Reported, AppError> {
    let scan = app.store.scan(request.scan)?;
    let jobs = app.store.jobs(request.scan)?;
    let mut findings = Findings::new(&app.store, request.scan, Store::finding_cursor)?;
    let mut rules = Findings::new(&app.store, request.scan, Store::rule_cursor)?;
    let mut gone = Gone { store: &app.store, cursor: app.store.gone_cursor(request.scan) };
    let mut assets: Listed<AssetView> = Listed::new(app.store.assets(request.scan, usize::MAX)?);
    let mut data = ReportData {
        scan: &scan,
        isolation: isolation::of_scan(app, request.scan)?,
        jobs: &jobs,
        findings: &mut findings,
        rules: &mut rules,
        gone: &mut gone,
        assets: &mut assets,
        fail_on: request.fail_on.or(scan.options.fail_on),
        limit: request.limit,
        style: request.style,
        notes: Vec::new(),
    };
    request.renderer.render(&mut data, out)?;
    out.flush().map_err(RenderError::from)?;
    Ok(Reported { verdict: data.verdict(), notes: data.notes })
}

/// A scan's findings, worst first, page by page.
struct Findings<'s> {
    store: &'s Store,
    scan: ScanId,
    open: Open,
    cursor: FindingCursor,
}

/// Starts reading a scan's findings: all, or some.
type Open = fn(&Store, ScanId) -> Result<FindingCursor, StoreError>;

impl<'s> Findings<'s> {
    fn new(store: &'s Store, scan: ScanId, open: Open) -> Result<Self, AppError> {
        Ok(Self { store, scan, open, cursor: open(store, scan)? })
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
        self.store.next_findings(&mut self.cursor, PAGE).map_err(|error| SourceError { message: error.to_string() })
    }

    fn rewind(&mut self) -> Result<(), SourceError> {
        self.cursor = (self.open)(self.store, self.scan).map_err(|error| SourceError { message: error.to_string() })?;
        Ok(())
    }
}
