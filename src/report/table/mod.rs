//! The report for people: what is missing first, then the scan, its jobs, its findings, the gate.

mod diff;
mod findings;
mod head;
mod jobs;
mod paint;

use std::io::Write;

use super::since::since;
use super::text::fit;
use super::words::{count, counts};
use super::{RenderError, Renderer, ReportData};
pub(super) use diff::diff;
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
        let paint = Paint::new(data.style);
        let width = data.style.width.max(MIN_WIDTH);
        head::verdict(data, paint, width, out)?;
        head::scan(data.scan, data.isolation, paint, width, out)?;
        jobs::table(data.jobs, paint, width, out)?;
        findings::list(data, paint, width, out)?;
        foot(data, paint, width, out)?;
        Ok(())
    }
}

/// The last lines are those that a terminal still shows.
fn foot(data: &ReportData<'_>, paint: Paint, width: usize, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{}  {}", paint.label("Findings"), counts(&data.scan.records, " · "))?;
    if data.only_new {
        writeln!(out, "{}    only what is new or reopened", paint.label("Listed"))?;
    }
    if let Some(merged) = data.merged {
        let others = count(merged, "report is", "reports are");
        writeln!(
            out,
            "{}    {others} told with another of the same vulnerability; gates count each",
            paint.label("Merged")
        )?;
    }
    for (i, line) in since(data).iter().enumerate() {
        writeln!(out, "{}{line}", if i == 0 { format!("{}     ", paint.label("Since")) } else { " ".repeat(10) })?;
    }
    for (i, line) in data.gate.lines().iter().enumerate() {
        match i {
            0 => writeln!(out, "{}      {}", paint.label("Gate"), paint.outcome(data.gate.is_failed(), line))?,
            _ => writeln!(out, "          {}", fit(line, width - 10))?,
        }
    }
    writeln!(out, "{}   {}", paint.label("Verdict"), head::in_words(data, paint))
}

#[cfg(test)]
mod tests;
