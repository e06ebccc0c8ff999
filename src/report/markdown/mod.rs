//! Markdown for people: a document (`markdown`), the comment of a pull request (`pr`), the summary of a workflow's step
//! (`github-summary`).
//!
//! Everything from outside is a code span. What is not complete says so first. The comment and the summary end before GitHub's
//! limits, of 65,536 characters (<https://github.com/orgs/community/discussions/27190>) and 1 MiB
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>), both counted in bytes here, and say what
//! they leave out. A comment lists what is new and fixed, where the scan was compared with an earlier one.

mod page;
mod span;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use super::shortfall::shortfall;
use super::since::since;
use super::source::for_each;
use super::unseen;
use super::words::{count, counts, grouped, took};
use super::{RenderError, Renderer, ReportData};
use crate::model::finding::SeverityCounts;
use crate::model::severity::Severity;
use crate::model::standing::{Fate, GoneView, Standing};
use crate::model::view::{FindingView, JobView, Verdict};
use page::Page;
use span::{cell, code};

/// A format of Markdown.
#[derive(Debug)]
pub(super) struct Markdown {
    name: &'static str,
    /// Most bytes.
    most: Option<usize>,
    extent: Extent,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The scan, its jobs, its findings.
    Whole,
    /// What somebody who changes the target wants to know.
    Change,
}

/// The format `markdown`.
pub(super) const DOCUMENT: Markdown = Markdown { name: "markdown", most: None, extent: Extent::Whole };
/// The format `github-summary`.
pub(super) const GITHUB_SUMMARY: Markdown =
    Markdown { name: "github-summary", most: Some(1 << 20), extent: Extent::Whole };
/// The format `pr`.
pub(super) const PULL_REQUEST: Markdown = Markdown { name: "pr", most: Some(65_536), extent: Extent::Change };

/// Rows of jobs and of what was not seen.
const MAX_JOBS: usize = 50;
/// Rows of findings that are gone.
const MAX_GONE: u64 = 50;
/// Characters of a text, a place and a name in a table.
const TEXT: usize = 300;
const PLACE: usize = 200;
const NAME: usize = 120;

impl Renderer for Markdown {
    fn name(&self) -> &'static str {
        self.name
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let mut page = Page::new(out, self.most);
        head(data, &mut page)?;
        not_seen(data, &mut page)?;
        numbers(data, &mut page)?;
        if self.extent == Extent::Whole {
            jobs(data, &mut page)?;
        }
        let only_news = (self.extent == Extent::Change || data.only_new) && is_compared(data);
        findings(data, self.extent, only_news, &mut page)?;
        gone(data, &mut page)?;
        if self.extent == Extent::Change {
            rest(data, only_news, &mut page)?;
        }
        Ok(())
    }
}

fn is_compared(data: &ReportData<'_>) -> bool {
    data.scan.standings.as_ref().is_some_and(|standings| !standings.first)
}

fn head(data: &ReportData<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let scan = data.scan;
    page.put(&format!("## Security scan: {}", verdict(data)))?;
    page.put("")?;
    let mut facts = vec![format!("Scan `{}` of {}", scan.id, code(&scan.target.to_string(), PLACE))];
    if let Some(commit) = scan.source.as_ref().and_then(|source| source.commit.as_deref()) {
        let dirty = scan.source.as_ref().is_some_and(|source| source.dirty);
        facts.push(format!("commit {}{}", code(commit, 12), if dirty { " with changes" } else { "" }));
    }
    if scan.finished_at.is_some() {
        facts.push(format!("took {}", took(scan.started_at, scan.finished_at)));
    }
    page.put(&facts.join(" · "))?;
    page.put("")
}

fn verdict(data: &ReportData<'_>) -> &'static str {
    match data.verdict() {
        Verdict::Clean if data.scan.records.total() == 0 => "clean",
        Verdict::Clean if !data.gate.asked.is_open() => "the gate holds",
        Verdict::Clean => "complete",
        Verdict::GateFailed => "the gate fails",
        Verdict::GateUndecided => "NOT DECIDED: the gate asks what is not known",
        Verdict::Incomplete if data.gate.is_failed() => "INCOMPLETE, and the gate fails already",
        Verdict::Incomplete => "INCOMPLETE",
        Verdict::MaxDuration => "INCOMPLETE: max_duration reached",
        Verdict::Cancelled => "INCOMPLETE: cancelled",
    }
}

fn not_seen(data: &ReportData<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let lines = unseen::lines(data);
    if lines.is_empty() {
        return Ok(());
    }
    page.put("**Not everything was seen:**")?;
    page.put("")?;
    let mut shown = 0;
    for line in lines.iter().take(MAX_JOBS) {
        if !page.offer(&format!("- {}", code(line, TEXT)))? {
            break;
        }
        shown += 1;
    }
    if shown < lines.len() {
        page.put(&format!("- … and {} more", grouped((lines.len() - shown) as u64)))?;
    }
    page.put("")
}

fn numbers(data: &ReportData<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let records = &data.scan.records;
    page.put(&format!("**Findings:** {}", counts(records, " · ")))?;
    page.put("")?;
    for line in since(data) {
        page.put(&format!("- {line}"))?;
    }
    let is_code = data.gate.has_words_from_outside();
    for line in data.gate.lines() {
        let line = if is_code { code(line.trim(), TEXT) } else { line };
        page.put(&format!("- {line}"))?;
    }
    page.put("")
}

fn jobs(data: &ReportData<'_>, page: &mut Page<'_>) -> io::Result<()> {
    if data.jobs.is_empty() {
        return Ok(());
    }
    page.put("| Job | Scanner | State | Found |")?;
    page.put("| --- | --- | --- | --- |")?;
    // Those that did not see everything come first where not all have a row.
    let mut jobs: Vec<&JobView> = data.jobs.iter().collect();
    if jobs.len() > MAX_JOBS {
        jobs.sort_by_key(|job| shortfall(job).is_none());
    }
    let mut shown = 0;
    for job in jobs.iter().take(MAX_JOBS) {
        let scanner = format!("{} {}", job.scanner, job.scanner_version.as_deref().unwrap_or_default());
        let state = match shortfall(job) {
            Some(_) => format!("**{}, not everything seen**", job.state),
            None => job.state.to_string(),
        };
        let found = counts(&job.records, ", ");
        let row = format!("| {} | {} | {state} | {found} |", cell(&job.name, NAME), cell(&scanner, NAME));
        if !page.offer(&row)? {
            break;
        }
        shown += 1;
    }
    page.put("")?;
    if shown < jobs.len() {
        page.put(&format!("… and {}", count((jobs.len() - shown) as u64, "job", "jobs")))?;
        page.put("")?;
    }
    Ok(())
}

/// Lists findings as far as the limit and the room go, and says how many there are besides. A comment leaves out those that do
/// not count.
fn findings(
    data: &mut ReportData<'_>,
    extent: Extent,
    only_news: bool,
    page: &mut Page<'_>,
) -> Result<(), RenderError> {
    let is_change = extent == Extent::Change;
    let scan = data.scan;
    let total = match (&scan.standings, only_news) {
        (Some(standings), true) if is_change => standings.news().without(&scan.muted.news),
        (Some(standings), true) => standings.news(),
        _ if is_change => scan.records.without(&scan.muted.records),
        _ => scan.records,
    };
    if total.total() == 0 {
        return Ok(());
    }
    page.put(if only_news { "### New" } else { "### Findings" })?;
    page.put("")?;
    page.put("| Severity | Finding | Place | Scanner and rule | |")?;
    page.put("| --- | --- | --- | --- | --- |")?;
    let limit = data.limit.unwrap_or(u64::MAX);
    let is_compared = is_compared(data);
    let mut shown = SeverityCounts::default();
    for_each::<FindingView, RenderError>(data.findings, |finding| {
        let is_left_out =
            is_change && finding.muting.is_some() || only_news && !finding.standing.is_some_and(Standing::is_news);
        if is_left_out {
            return Ok(true);
        }
        if shown.total() >= limit || !page.offer(&row(&finding, is_compared && !only_news))? {
            return Ok(false);
        }
        shown.add(finding.record.severity);
        Ok(shown.total() < total.total())
    })?;
    page.put("")?;
    let left = total.without(&shown);
    if left.total() > 0 {
        let how = if shown.total() >= limit { " (`--limit 0` lists all)" } else { ": there is no more room here" };
        page.put(&format!("… and {} more, {}{how}", grouped(left.total()), counts(&left, ", ")))?;
        page.put("")?;
    }
    Ok(())
}

fn row(finding: &FindingView, with_standing: bool) -> String {
    let record = &finding.record;
    let mut notes = Vec::new();
    if let Some(standing) = finding.standing.filter(|standing| with_standing && standing.is_news()) {
        notes.push(standing.to_string());
    }
    if let Some(muting) = &finding.muting {
        let reason = muting.reason.as_deref().map(|reason| format!(" {}", cell(reason, NAME))).unwrap_or_default();
        notes.push(format!("{}{reason}", muting.decision.in_words()));
    }
    if let Some(fix) = &record.fix {
        notes.push(format!("fix: {}", cell(fix, NAME)));
    }
    let rule = format!("{} · {}", finding.scanners(), record.rule);
    format!(
        "| {} | {} | {} | {} | {} |",
        mark(record.severity),
        cell(&record.title, TEXT),
        cell(&record.location.to_string(), PLACE),
        cell(&rule, PLACE),
        notes.join("; ")
    )
}

fn mark(severity: Severity) -> String {
    match severity {
        Severity::Critical | Severity::High | Severity::Unknown => format!("**{severity}**"),
        _ => severity.to_string(),
    }
}

/// Lists what is fixed; what was not observed has its numbers above.
fn gone(data: &mut ReportData<'_>, page: &mut Page<'_>) -> Result<(), RenderError> {
    let total = match &data.scan.standings {
        Some(standings) if !standings.first => standings.fixed.total(),
        _ => 0,
    };
    if total == 0 {
        return Ok(());
    }
    page.put("### Fixed")?;
    page.put("")?;
    let limit = data.limit.unwrap_or(u64::MAX).min(MAX_GONE);
    let mut shown = 0;
    for_each::<GoneView, RenderError>(data.gone, |gone| {
        if gone.fate == Fate::Fixed {
            let row = match &gone.record {
                Some(record) => format!(
                    "- {} {} at {}",
                    record.severity,
                    code(&record.title, TEXT),
                    code(&record.location.to_string(), PLACE)
                ),
                None => format!("- {} {}", code(&gone.scanner, NAME), code(&gone.fingerprint, NAME)),
            };
            if shown >= limit || !page.offer(&row)? {
                return Ok(false);
            }
            shown += 1;
        }
        Ok(true)
    })?;
    if shown < total {
        page.put(&format!("- … and {} more", grouped(total - shown)))?;
    }
    Ok(page.put("")?)
}

/// Says what a comment does not list.
fn rest(data: &ReportData<'_>, only_news: bool, page: &mut Page<'_>) -> io::Result<()> {
    let not_listed = |number: u64, what: &str| {
        let findings = count(number, "finding is", "findings are");
        (number > 0).then(|| format!("{findings} not listed here: {what}."))
    };
    let existing = data.scan.standings.as_ref().filter(|_| only_news).map_or(0, |standings| standings.existing.total());
    let muted = data.scan.muted.records.total();
    let lines = [not_listed(existing, "there before"), not_listed(muted, "suppressed, accepted or a false positive")];
    lines.into_iter().flatten().try_for_each(|line| page.put(&line).and_then(|()| page.put("")))
}
