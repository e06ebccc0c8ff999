//! The findings, in groups by severity.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::super::source::for_each;
use super::super::text::{clean, fit, fit_end};
use super::super::words::{counts, grouped};
use super::super::{RenderError, ReportData};
use super::paint::Paint;
use crate::model::finding::SeverityCounts;
use crate::model::severity::Severity;
use crate::model::view::FindingView;

/// Lists findings up to the limit, each in two lines or three, and says how many more there are.
pub(super) fn list(
    data: &mut ReportData<'_>,
    paint: Paint,
    width: usize,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let total = data.listed();
    let limit = data.limit.unwrap_or(u64::MAX);
    let mut shown = SeverityCounts::default();
    let first = data.scan.standings.as_ref().is_none_or(|standings| standings.first);
    let mut group = None;
    for_each::<_, RenderError>(data.findings, |finding| {
        if shown.total() >= limit {
            return Ok(false);
        }
        let severity = finding.record.severity;
        let before = group.replace(severity);
        if before != Some(severity) {
            write!(out, "{}", if before.is_some() { "\n" } else { "" })?;
            heading(severity, total.of(severity), paint, out)?;
        }
        shown.add(severity);
        entry(&finding, first, paint, width, out)?;
        Ok(true)
    })?;
    if shown.total() > 0 {
        more(&total, &shown, out)?;
        writeln!(out)?;
    }
    Ok(())
}

fn heading(severity: Severity, count: u64, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let words = format!("{} · {}", severity.as_str().to_uppercase(), grouped(count));
    writeln!(out, "{}", paint.severity(severity, &words))
}

/// The place, then what is wrong there; below it who says so, whether it is new, and what mends it. To a first scan all is new.
pub(super) fn entry(
    finding: &FindingView,
    first: bool,
    paint: Paint,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let place_width = (width * 2 / 5).min(60);
    let text_width = width - place_width - 4;
    let place = finding.record.location.to_string();
    let place = clean(&place);
    let place = fit_end(place.trim(), place_width);
    let title = clean(&finding.record.title);
    let pad = " ".repeat(place_width - place.width());
    writeln!(out, "  {place}{pad}  {}", fit(title.trim(), text_width))?;
    let scanner = format!("{} · ", clean(&finding.scanners()).trim());
    // The end of a rule's id says most: `rules.python.lang.security.audit.eval-detected`.
    let rule = clean(&finding.record.rule);
    let news = if first { None } else { finding.standing.filter(|standing| standing.is_news()) };
    let muted = finding.muting.as_ref().map(|muting| format!(" · {}", muting.decision.in_words())).unwrap_or_default();
    let news = news.map(|standing| format!(" · {standing}")).unwrap_or_default() + &muted;
    let room = text_width.saturating_sub(scanner.width() + news.width()).max(8);
    let by = scanner + &fit_end(rule.trim(), room) + &news;
    let indent = " ".repeat(place_width + 4);
    writeln!(out, "{indent}{}", paint.faint(&fit(&by, text_width)))?;
    match &finding.record.fix {
        Some(fix) => writeln!(out, "{indent}{}", fit(&format!("→ {}", clean(fix).trim()), text_width)),
        None => Ok(()),
    }
}

fn more(total: &SeverityCounts, shown: &SeverityCounts, out: &mut dyn Write) -> io::Result<()> {
    let left = SeverityCounts(std::array::from_fn(|i| total.0[i].saturating_sub(shown.0[i])));
    match left.total() {
        0 => Ok(()),
        number => writeln!(out, "… and {} more: {} (--limit 0 lists all)", grouped(number), counts(&left, ", ")),
    }
}
