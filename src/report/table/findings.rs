//! The findings, in groups.

use std::collections::HashMap;
use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::super::excerpt::grouped_by;
use super::super::source::for_each;
use super::super::text::{clean, fit, fit_end};
use super::super::words::{counts, grouped};
use super::super::{Grouping, RenderError, ReportData};
use super::paint::Paint;
use crate::model::finding::SeverityCounts;
use crate::model::severity::Severity;
use crate::model::view::FindingView;

/// Most findings that are put into groups by something else than their severity, in which order they come: those are held.
const GROUPED: u64 = 10_000;

/// Lists findings up to the limit, each in two lines or three, and says how many more there are.
pub(super) fn list(
    data: &mut ReportData<'_>,
    paint: Paint,
    width: usize,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let total = data.listed();
    let grouping = data.style.grouping;
    let most = if grouping == Grouping::Severity { u64::MAX } else { GROUPED };
    let asked = data.limit.unwrap_or(u64::MAX);
    let limit = asked.min(most);
    let hint = if asked > most { "no more are grouped; all are listed by severity" } else { "--limit 0 lists all" };
    let mut shown = SeverityCounts::default();
    let first = data.scan.standings.as_ref().is_none_or(|standings| standings.first);
    let (mut group, mut groups) = (None, Groups::default());
    for_each::<_, RenderError>(data.findings, |finding| {
        if shown.total() >= limit {
            return Ok(false);
        }
        let severity = finding.record.severity;
        shown.add(severity);
        if grouping != Grouping::Severity {
            let group = groups.of(&finding, grouping);
            group.counts.add(severity);
            entry(&finding, first, true, paint, width, &mut group.entries)?;
            return Ok(true);
        }
        let before = group.replace(severity);
        if before != Some(severity) {
            write!(out, "{}", if before.is_some() { "\n" } else { "" })?;
            heading(severity, total.of(severity), paint, out)?;
        }
        entry(&finding, first, false, paint, width, out)?;
        Ok(true)
    })?;
    groups.write(paint, width, out)?;
    if shown.total() > 0 {
        more(&total, &shown, hint, out)?;
        writeln!(out)?;
    }
    Ok(())
}

/// Findings of one file or rule.
struct Group {
    name: String,
    worst: Severity,
    counts: SeverityCounts,
    /// As they are written.
    entries: Vec<u8>,
}

/// Groups, those with the worst findings first, as these come.
#[derive(Default)]
struct Groups {
    all: Vec<Group>,
    by_name: HashMap<String, usize>,
}

impl Groups {
    fn of(&mut self, finding: &FindingView, grouping: Grouping) -> &mut Group {
        let record = &finding.record;
        let name = match grouping {
            Grouping::Rule => clean(&format!("{} · {}", finding.scanner, record.rule)).trim().to_owned(),
            Grouping::File | Grouping::Severity => clean(grouped_by(&record.location)).trim().to_owned(),
        };
        let at = *self.by_name.entry(name.clone()).or_insert_with(|| {
            let (counts, entries) = (SeverityCounts::default(), Vec::new());
            self.all.push(Group { name, worst: record.severity, counts, entries });
            self.all.len() - 1
        });
        &mut self.all[at]
    }

    fn write(&self, paint: Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
        for (i, Group { name, worst, counts: found, entries }) in self.all.iter().enumerate() {
            let found = format!(" · {}", counts(found, ", "));
            let name = fit_end(name, width - found.width().min(width - 1));
            write!(out, "{}", if i > 0 { "\n" } else { "" })?;
            writeln!(out, "{}{found}", paint.severity(*worst, &name))?;
            out.write_all(entries)?;
        }
        Ok(())
    }
}

fn heading(severity: Severity, count: u64, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let words = format!("{} · {}", severity.as_str().to_uppercase(), grouped(count));
    writeln!(out, "{}", paint.severity(severity, &words))
}

/// The place, then what is wrong there; below it how bad it is if nothing above says so, who says so, whether it is new, and what mends
/// it. To a first scan all is new.
pub(super) fn entry(
    finding: &FindingView,
    first: bool,
    tells_severity: bool,
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
    let severity = finding.record.severity;
    let severity =
        tells_severity.then(|| (severity, severity.as_str())).filter(|(_, word)| word.len() + 3 < text_width);
    let by_width = text_width - severity.map_or(0, |(_, word)| word.len() + 3);
    let scanner = format!("{} · ", clean(&finding.scanners()).trim());
    // The end of a rule's id says most: `rules.python.lang.security.audit.eval-detected`.
    let rule = clean(&finding.record.rule);
    let news = if first { None } else { finding.standing.filter(|standing| standing.is_news()) };
    let muted = finding.muting.as_ref().map(|muting| format!(" · {}", muting.decision.in_words())).unwrap_or_default();
    let news = news.map(|standing| format!(" · {standing}")).unwrap_or_default() + &muted;
    let room = by_width.saturating_sub(scanner.width() + news.width()).max(8);
    let by = scanner + &fit_end(rule.trim(), room) + &news;
    let indent = " ".repeat(place_width + 4);
    let how_bad = severity.map(|(severity, word)| paint.severity(severity, word) + " · ").unwrap_or_default();
    // What the rule means is told there.
    let by = paint.link(&paint.faint(&fit(&by, by_width)), finding.record.references.first());
    writeln!(out, "{indent}{how_bad}{by}")?;
    match &finding.record.fix {
        Some(fix) => writeln!(out, "{indent}{}", fit(&format!("→ {}", clean(fix).trim()), text_width)),
        None => Ok(()),
    }
}

fn more(total: &SeverityCounts, shown: &SeverityCounts, hint: &str, out: &mut dyn Write) -> io::Result<()> {
    let left = SeverityCounts(std::array::from_fn(|i| total.0[i].saturating_sub(shown.0[i])));
    match left.total() {
        0 => Ok(()),
        number => writeln!(out, "… and {} more: {} ({hint})", grouped(number), counts(&left, ", ")),
    }
}
