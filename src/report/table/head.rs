//! The verdict and the scan.

use std::io::{self, Write};

use super::super::facts::{mark, source_in_words, time};
use super::super::shortfall::shortfall;
use super::super::text::{clean, fit};
use super::super::words::count;
use super::super::{ReportData, shortfall as reasons, unseen};
use super::paint::Paint;
use crate::model::coverage::Coverage;
use crate::model::isolation::Isolation;
use crate::model::view::{JobView, ScanView, Verdict};

/// At most this many jobs are named in the banner; the table below has them all.
const MAX_NAMED: usize = 20;

/// Says loudly what is missing, when something is.
pub(super) fn verdict(data: &ReportData<'_>, paint: Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
    if data.verdict() == Verdict::GateUndecided {
        return undecided(data, paint, width, out);
    }
    let Some(what) = unseen::why(data.scan, data.verdict()) else { return Ok(()) };
    writeln!(out, "{}  {what}.", paint.alarm(" INCOMPLETE "))?;
    writeln!(out, "              More may be there than is listed.")?;
    let missing: Vec<(&JobView, String)> = data.jobs.iter().filter_map(|job| Some((job, shortfall(job)?))).collect();
    let names = missing.iter().map(|(job, _)| clean(&job.name).chars().count()).max().unwrap_or(0).min(24);
    writeln!(out)?;
    for (job, why) in missing.iter().take(MAX_NAMED) {
        let name = clean(&job.name);
        let line = format!("{:names$}  {}", fit(&name, 24), clean(why));
        writeln!(out, "  {} {}", paint.mark(mark(job)), fit(&line, width - 4))?;
    }
    if missing.len() > MAX_NAMED {
        writeln!(out, "  … and {}", count((missing.len() - MAX_NAMED) as u64, "job", "jobs"))?;
    }
    if let (true, Coverage::Partial(gaps)) = (missing.is_empty(), &data.scan.coverage) {
        for gap in gaps {
            writeln!(out, "  {} {}", paint.mark("!"), reasons::gap_in_words(*gap))?;
        }
    }
    writeln!(out)
}

/// Says loudly why nothing can be said.
fn undecided(data: &ReportData<'_>, paint: Paint, width: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}  the gate asks what is not known.", paint.alarm(" NOT DECIDED "))?;
    writeln!(out)?;
    for missing in &data.gate.outcome.missing {
        writeln!(out, "  {} {}", paint.mark("!"), fit(&clean(&missing.to_string()), width - 4))?;
    }
    writeln!(out)
}

/// The verdict in one line.
pub(super) fn in_words(data: &ReportData<'_>, paint: Paint) -> String {
    match data.verdict() {
        Verdict::Clean if data.scan.records.total() == 0 => paint.good("clean: complete, and nothing was found"),
        Verdict::Clean if !data.gate.asked.is_open() => paint.good("clean: complete, and the gate holds"),
        Verdict::Clean => paint.good("complete"),
        Verdict::GateFailed => paint.bad("gate failed"),
        Verdict::GateUndecided => paint.alarm(" the gate is NOT DECIDED "),
        Verdict::Incomplete if data.gate.is_failed() => paint.alarm(" INCOMPLETE, and the gate fails already "),
        Verdict::Incomplete => paint.alarm(" INCOMPLETE "),
        Verdict::MaxDuration => paint.alarm(" INCOMPLETE: max_duration reached "),
        Verdict::Cancelled => paint.alarm(" INCOMPLETE: cancelled "),
    }
}

/// Names the scan and what it looked at.
pub(super) fn scan(
    scan: &ScanView,
    isolation: Option<Isolation>,
    paint: Paint,
    width: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    let target = scan.target.to_string();
    let mut lines = vec![("Scan", format!("{} · {} · {}", scan.id, clean(&target), scan.state))];
    if let Some(source) = &scan.source {
        lines.push(("Source", source_in_words(source)));
        if !source.unreadable.is_empty() {
            lines.push(("", format!("{} could not be read", count(source.unreadable.len() as u64, "path", "paths"))));
        }
    }
    lines.push(("Ran on", clean(&scan.executor).into_owned()));
    if let Some(isolation) = isolation {
        lines.push(("Network", format!("policy for scanners without a network: {isolation}")));
    }
    lines.push(("Time", time(scan)));
    for (label, text) in lines {
        writeln!(out, "{}{} {}", paint.label(label), " ".repeat(9 - label.len()), fit(&text, width - 10))?;
    }
    writeln!(out)
}
