//! Two scans side by side, for people.

use std::io::{self, Write};

use super::super::diff::DiffData;
use super::super::source::for_each;
use super::super::text::{clean, fit};
use super::super::words::{count, counts, grouped};
use super::super::{RenderError, Source};
use super::paint::Paint;
use super::{MIN_WIDTH, findings};
use crate::model::standing::{Fate, GoneView};
use crate::model::view::{FindingView, ScanView};

pub(in crate::report) fn diff(data: &mut DiffData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
    let paint = Paint::new(data.style);
    let width = data.style.width.max(MIN_WIDTH);
    head(data, paint, width, out)?;
    let (limit, totals) = (data.limit.unwrap_or(u64::MAX), data.counts.clone());
    let mut list = List { limit, width, paint };
    list.of(data.new, "NEW", totals.new.total(), out, |finding| (finding, None))?;
    list.of(data.moved, "MOVED", totals.moved.total(), out, |moved| {
        let was = format!("was at {}", moved.was);
        (moved.finding, Some(was))
    })?;
    let gone = totals.fixed.total() + totals.not_observed.values().sum::<u64>();
    list.of(data.gone, "GONE", gone, out, as_finding)?;
    foot(data, paint, out)?;
    Ok(())
}

/// Names the scans, and says what must be known of them.
fn head(data: &DiffData<'_>, paint: Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
    for warning in data.warnings {
        writeln!(out, "{}  {}", paint.alarm(" NOTE "), clean(warning))?;
    }
    if !data.warnings.is_empty() {
        writeln!(out)?;
    }
    for (label, scan) in [("Before", data.before), ("After", data.after)] {
        let line = fit(&in_words(scan), width - 10).into_owned();
        writeln!(out, "{}{} {line}", paint.label(label), " ".repeat(9 - label.len()))?;
    }
    writeln!(out)
}

fn in_words(scan: &ScanView) -> String {
    let target = scan.target.to_string();
    let line = scan.target_key.line.as_ref().map(|line| format!(" · {}", clean(line))).unwrap_or_default();
    let complete = if scan.is_complete() { "" } else { " · INCOMPLETE" };
    format!("{} · {}{line} · {} · {}{complete}", scan.id, clean(&target), scan.created_at, scan.state)
}

/// A finding that is gone, as one that is there, and what became of it.
fn as_finding(gone: GoneView) -> (FindingView, Option<String>) {
    let fate = match gone.fate {
        Fate::Fixed => "fixed".to_owned(),
        Fate::NotObserved(reason) => format!("not observed: {}", reason.explain()),
    };
    let record = gone.record.unwrap_or_default();
    let (fingerprint, scanner) = (gone.fingerprint, gone.scanner);
    (
        FindingView {
            fingerprint,
            scanner,
            job: String::new(),
            standing: None,
            muting: None,
            exploitation: None,
            sources: Vec::new(),
            record,
        },
        Some(fate),
    )
}

struct List {
    limit: u64,
    width: usize,
    paint: Paint,
}

impl List {
    /// Lists findings up to the limit, each with what is said of it.
    fn of<T>(
        &mut self,
        source: &mut dyn Source<T>,
        what: &str,
        total: u64,
        out: &mut dyn Write,
        view: impl Fn(T) -> (FindingView, Option<String>),
    ) -> Result<(), RenderError> {
        if total == 0 {
            return Ok(());
        }
        writeln!(out, "{}", self.paint.label(&format!("{what} · {}", grouped(total))))?;
        let mut shown = 0;
        for_each::<_, RenderError>(source, |item| {
            if shown >= self.limit {
                return Ok(false);
            }
            shown += 1;
            let (finding, note) = view(item);
            findings::entry(&finding, true, false, self.paint, self.width, out)?;
            if let Some(note) = note {
                let indent = " ".repeat((self.width * 2 / 5).min(60) + 4);
                writeln!(out, "{indent}{}", fit(&clean(&note), self.width - indent.len()))?;
            }
            Ok(true)
        })?;
        if total > shown {
            writeln!(out, "… and {} more (--limit 0 lists all)", grouped(total - shown))?;
        }
        Ok(writeln!(out)?)
    }
}

fn foot(data: &DiffData<'_>, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let all = data.counts;
    for (label, number) in
        [("New", &all.new), ("Moved", &all.moved), ("Fixed", &all.fixed), ("Unchanged", &all.unchanged)]
    {
        writeln!(out, "{}{} {}", paint.label(label), " ".repeat(10 - label.len()), counts(number, " · "))?;
    }
    for (reason, number) in &all.not_observed {
        let findings = count(*number, "finding", "findings");
        writeln!(out, "           {findings} not observed: {}", reason.explain())?;
    }
    Ok(())
}
