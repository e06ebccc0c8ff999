//! The report as a page for people: one file that needs nothing else, neither a network nor, for what matters, its script.
//!
//! What comes from outside enters the page in two ways: as escaped text, and as JSON in blocks of data, from which the page's
//! script makes text nodes. The page's own policy (Content Security Policy Level 3) lets nothing run, load, or be sent but the
//! one script and the one sheet of styles whose hashes it names. No finding is held: each is read, written and forgotten; the
//! list is read once to know how much of it a browser bears, once for the plain table and once for the data.

mod charts;
mod escape;
mod head;
mod plain;
mod row;
#[cfg(test)]
mod tests;

use std::io::Write;

use base64::Engine as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::source::for_each;
use super::words::{counts, grouped};
use super::{RenderError, Renderer, ReportData};
use crate::model::finding::SeverityCounts;
use crate::model::view::FindingView;
use escape::Text;
use row::Row;

/// The format `html`.
#[derive(Debug)]
pub(super) struct Html;

/// Findings of a page, unless told otherwise. Browsers filter so many without a pause that anybody notices.
const LIMIT: u64 = 20_000;

/// Most bytes of data of findings: what a browser holds beside the page that it makes of them.
const MAX_DATA: usize = 48 << 20;

/// Most findings that are gone.
const MAX_GONE: usize = 5_000;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

impl Renderer for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn limit(&self) -> u64 {
        LIMIT
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let shown = fits(data, MAX_DATA)?;
        top(data, out)?;
        head::write(data, out)?;
        findings(data, &shown, out)?;
        plain::jobs(data.jobs, out)?;
        plain::assets(data, out)?;
        plain::about(data, out)?;
        write!(out, "</main>\n<footer><p>dragnet {} · scan {}", env!("CARGO_PKG_VERSION"), data.scan.id)?;
        writeln!(out, " · this page loads nothing and sends nothing</p></footer>")?;
        let gone = blocks(data, &shown, out)?;
        let facts = Facts::new(data, &shown, gone);
        block("facts", out, |out| escape::data(out, &facts))?;
        Ok(write!(out, "<script>{SCRIPT}</script>\n</body>\n</html>\n")?)
    }
}

/// Returns how many findings the page carries, worst first: as many as asked for, as long as they are not more than `most` bytes.
fn fits(data: &mut ReportData<'_>, most: usize) -> Result<SeverityCounts, RenderError> {
    let limit = data.limit.unwrap_or(u64::MAX);
    let (mut shown, mut bytes) = (SeverityCounts::default(), 0);
    for_each::<FindingView, RenderError>(data.findings, |finding| {
        bytes += serde_json::to_vec(&Row::new(&finding))?.len();
        let fits = shown.total() < limit && bytes <= most;
        if fits {
            shown.add(finding.record.severity);
        }
        Ok(fits)
    })?;
    Ok(shown)
}

/// The page's policy. What it allows is named by hash; `trusted-types 'none'` takes from the script itself every way to make
/// markup or code of text.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

fn hash(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text))
}

fn top(data: &ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
    let target = data.scan.target.to_string();
    let found = data.scan.records.total();
    Ok(write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}: {} · {} · dragnet</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n",
        policy(),
        head::outcome(data).word,
        super::words::count(found, "finding", "findings"),
        Text(&target),
    )?)
}

/// The findings as a plain table, which the script replaces, and what is not among them.
fn findings(data: &mut ReportData<'_>, shown: &SeverityCounts, out: &mut dyn Write) -> Result<(), RenderError> {
    writeln!(out, "<section id=\"findings\" aria-labelledby=\"findings-title\" tabindex=\"-1\">")?;
    writeln!(out, "<h2 id=\"findings-title\">Findings</h2>")?;
    if data.only_new {
        writeln!(out, "<p class=\"left\" role=\"note\"><strong>Only what is new or reopened is listed.</strong></p>")?;
    }
    let left = left_out(data, shown);
    if left.total() > 0 {
        let (all, kept) = (grouped(data.listed().total()), grouped(shown.total()));
        write!(
            out,
            "<p class=\"left\" role=\"note\"><strong>This page carries the worst {kept} of {all} findings.</strong>"
        )?;
        write!(out, " It leaves out {}, for a browser bears no more;", counts(&left, ", "))?;
        writeln!(out, " <code>dragnet report --format json</code> has all.</p>")?;
    }
    out.write_all(TOOLS.as_bytes())?;
    plain::findings(data, shown.total(), out)?;
    Ok(writeln!(out, "</section>")?)
}

fn left_out(data: &ReportData<'_>, shown: &SeverityCounts) -> SeverityCounts {
    data.listed().without(shown)
}

/// What the script works with; hidden from those who have none.
const TOOLS: &str = include_str!("tools.html");

/// What the script is told beside the findings.
#[derive(Serialize)]
struct Facts {
    /// Findings that are not on the page.
    left: u64,
    /// Whether there was something to compare the scan with.
    compared: bool,
    /// Findings that are gone and not on the page.
    gone_left: u64,
}

impl Facts {
    fn new(data: &ReportData<'_>, shown: &SeverityCounts, gone: u64) -> Self {
        let standings = data.scan.standings.as_ref().filter(|standings| !standings.first);
        let all = standings.map_or(0, |known| known.fixed.total() + known.not_observed.values().sum::<u64>());
        Self { left: left_out(data, shown).total(), compared: standings.is_some(), gone_left: all.saturating_sub(gone) }
    }
}

/// Writes the findings that fit, and those that are gone, of which it returns the number.
fn blocks(data: &mut ReportData<'_>, shown: &SeverityCounts, out: &mut dyn Write) -> Result<u64, RenderError> {
    let mut left = shown.total();
    block("data", out, |out| {
        let mut rows = Rows::open(out)?;
        for_each::<FindingView, RenderError>(data.findings, |finding| {
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            rows.item(&Row::new(&finding)).map(|()| true)
        })?;
        rows.close()
    })?;
    let mut gone = 0;
    block("gone", out, |out| {
        let mut rows = Rows::open(out)?;
        for_each::<_, RenderError>(data.gone, |finding| {
            if gone == MAX_GONE {
                return Ok(false);
            }
            gone += 1;
            rows.item(&Row::gone(&finding)).map(|()| true)
        })?;
        rows.close()
    })?;
    Ok(gone as u64)
}

/// Writes a block of data, which no browser runs.
fn block(
    id: &str,
    out: &mut dyn Write,
    write: impl FnOnce(&mut dyn Write) -> Result<(), RenderError>,
) -> Result<(), RenderError> {
    write!(out, "<script type=\"application/json\" id=\"{id}\">")?;
    write(out)?;
    Ok(writeln!(out, "</script>")?)
}

/// A list with one element to a line.
struct Rows<'o> {
    out: &'o mut dyn Write,
    before: &'static str,
}

impl<'o> Rows<'o> {
    fn open(out: &'o mut dyn Write) -> Result<Self, RenderError> {
        write!(out, "[")?;
        Ok(Self { out, before: "\n" })
    }

    fn item(&mut self, row: &Row) -> Result<(), RenderError> {
        write!(self.out, "{}", self.before)?;
        self.before = ",\n";
        escape::data(self.out, row)
    }

    fn close(self) -> Result<(), RenderError> {
        Ok(write!(self.out, "]")?)
    }
}
