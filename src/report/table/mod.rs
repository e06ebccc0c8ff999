//! The report for people: what is missing first, then the scan, its jobs, its findings, the gate.

mod findings;
mod head;
mod jobs;
mod paint;

use std::io::Write;

use super::words::{count, counts, grouped};
use super::{RenderError, Renderer, ReportData};
use crate::model::view::ScanView;
use paint::Paint;

/// The format `table`.
#[derive(Debug)]
pub(super) struct Table;

const MIN_WIDTH: usize = 60;

impl Renderer for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let paint = Paint { color: data.style.color };
        let width = data.style.width.max(MIN_WIDTH);
        head::verdict(data, paint, width, out)?;
        head::scan(data.scan, data.isolation, paint, width, out)?;
        jobs::table(data.jobs, paint, width, out)?;
        findings::list(data, paint, width, out)?;
        foot(data, paint, out)?;
        Ok(())
    }
}

/// The last lines are those that a terminal still shows.
fn foot(data: &ReportData<'_>, paint: Paint, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}  {}", paint.label("Findings"), counts(&data.scan.records, " · "))?;
    for (i, line) in since(data.scan).iter().enumerate() {
        writeln!(out, "{}{line}", if i == 0 { format!("{}     ", paint.label("Since")) } else { " ".repeat(10) })?;
    }
    let gate = data.gate();
    for (i, line) in gate.lines().iter().enumerate() {
        match i {
            0 => writeln!(out, "{}      {}", paint.label("Gate"), paint.outcome(gate.is_failed(), line))?,
            _ => writeln!(out, "          {line}")?,
        }
    }
    writeln!(out, "{}   {}", paint.label("Verdict"), head::in_words(data, paint))
}

/// How the findings stand to those known before; nothing for a first scan, to which all is new.
fn since(scan: &ScanView) -> Vec<String> {
    let Some(standings) = scan.standings.as_ref().filter(|standings| !standings.first) else { return Vec::new() };
    let kinds = [
        (standings.new.total(), "new"),
        (standings.reopened.total(), "reopened"),
        (standings.existing.total(), "existing"),
        (standings.fixed.total(), "fixed"),
    ];
    let named: Vec<String> = kinds
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| format!("{} {word}", grouped(*number)))
        .collect();
    let mut lines = vec![if named.is_empty() { "nothing changed".to_owned() } else { named.join(" · ") }];
    lines.extend(standings.not_observed.iter().map(|(reason, number)| {
        format!("{} not observed, and still open: {}", count(*number, "finding", "findings"), reason.explain())
    }));
    lines
}

#[cfg(test)]
mod tests;
