//! What the page says without its script: a table of the worst findings, what ran, what was scanned.

use std::fmt::Write as _;
use std::io::Write;

use super::super::facts::{found, listed, mark, saw, source_in_words, time};
use super::super::shortfall::shortfall;
use super::super::source::for_each;
use super::super::words::{count, grouped, took};
use super::super::{RenderError, ReportData};
use super::escape::Text;
use crate::model::view::{AssetView, FindingView, JobView};

/// Findings of the plain table.
const MAX_PLAIN: u64 = 250;

/// Jobs that have a row; of more, those that did not see everything come first.
const MAX_JOBS: usize = 200;

/// Assets that are named.
const MAX_ASSETS: u64 = 500;

/// Writes the worst of the findings as a table that needs no script; `shown` is the number of those that the page carries.
pub(super) fn findings(data: &mut ReportData<'_>, shown: u64, out: &mut dyn Write) -> Result<(), RenderError> {
    writeln!(out, "<div id=\"plain\">")?;
    if shown == 0 {
        let none = if data.scan.is_complete() {
            "Nothing was found."
        } else {
            "Nothing was found so far, and not everything was seen."
        };
        return Ok(writeln!(out, "<p>{none}</p></div>")?);
    }
    writeln!(
        out,
        "<table class=\"rows\"><thead><tr><th scope=\"col\">Severity</th><th scope=\"col\">Finding</th><th scope=\"col\">Place</th><th scope=\"col\">Scanner</th><th scope=\"col\">Standing</th></tr></thead><tbody>"
    )?;
    let first = data.scan.standings.as_ref().is_none_or(|standings| standings.first);
    let mut written = 0;
    for_each::<FindingView, RenderError>(data.findings, |finding| {
        if written == MAX_PLAIN.min(shown) {
            return Ok(false);
        }
        written += 1;
        row(&finding, first, out)?;
        Ok(true)
    })?;
    writeln!(out, "</tbody></table>")?;
    if shown > written {
        writeln!(
            out,
            "<p>The worst {} of {}: the page's script lists the others.</p>",
            grouped(written),
            grouped(shown)
        )?;
    }
    Ok(writeln!(out, "</div>")?)
}

/// To a first scan all is new: that says nothing of one finding.
fn row(finding: &FindingView, first: bool, out: &mut dyn Write) -> std::io::Result<()> {
    let record = &finding.record;
    let standing = finding.standing.filter(|_| !first).map(|standing| standing.to_string());
    let muted = finding.muting.as_ref().map(|muting| format!("{}, not counted", muting.decision.in_words()));
    let stands: Vec<String> = standing.into_iter().chain(muted).collect();
    writeln!(
        out,
        "<tr><td class=\"c-severity\"><span class=\"chip k{}\">{}</span></td><td class=\"c-title\">{}<div class=\"by\">{}</div></td>\
         <td class=\"c-place\">{}</td><td class=\"c-scanner\">{}</td><td class=\"c-standing\">{}</td></tr>",
        record.severity.rank(),
        record.severity,
        Text(&record.title),
        Text(&record.rule),
        Text(record.location.to_string()),
        Text(&finding.scanners()),
        stands.join(" · ")
    )
}

/// Writes what ran, and what of it did not see everything.
pub(super) fn jobs(jobs: &[JobView], out: &mut dyn Write) -> Result<(), RenderError> {
    writeln!(out, "<section id=\"jobs\" aria-labelledby=\"jobs-title\"><h2 id=\"jobs-title\">What ran</h2>")?;
    if jobs.is_empty() {
        return Ok(writeln!(out, "<p>Nothing has run.</p></section>")?);
    }
    writeln!(
        out,
        "<div class=\"wide\" role=\"region\" aria-labelledby=\"jobs-title\" tabindex=\"0\"><table class=\"jobs\"><thead><tr><th scope=\"col\">Job</th><th scope=\"col\">Scanner</th><th scope=\"col\">State</th><th scope=\"col\">Saw</th><th scope=\"col\">Found</th><th scope=\"col\">Time</th></tr></thead><tbody>"
    )?;
    let listed = listed(jobs, MAX_JOBS);
    for job in &listed {
        job_row(job, out)?;
    }
    writeln!(out, "</tbody></table></div>")?;
    if jobs.len() > listed.len() {
        writeln!(out, "<p>and {} more</p>", count((jobs.len() - listed.len()) as u64, "job", "jobs"))?;
    }
    Ok(writeln!(out, "</section>")?)
}

fn job_row(job: &JobView, out: &mut dyn Write) -> std::io::Result<()> {
    let mark = mark(job);
    let class = match mark {
        "✓" => "good",
        "✗" => "bad",
        "!" => "part",
        _ => "idle",
    };
    let version = job.scanner_version.as_deref().unwrap_or_default();
    let why = shortfall(job).map(|why| format!("<div class=\"why\">{}</div>", Text(why))).unwrap_or_default();
    writeln!(
        out,
        "<tr class=\"{class}\"><th scope=\"row\"><span class=\"mark\" aria-hidden=\"true\">{mark}</span>{}{why}</th><td>{} {}</td>\
         <td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
        Text(&job.name),
        Text(&job.scanner),
        Text(version),
        job.state,
        saw(job),
        found(job),
        took(job.started_at, job.finished_at)
    )
}

/// Writes the assets that the scan came upon.
pub(super) fn assets(data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
    let (mut number, mut list) = (0, String::new());
    for_each::<AssetView, RenderError>(data.assets, |view| {
        number += 1;
        if number <= MAX_ASSETS {
            let (kind, value, job) = (view.asset.kind.as_str(), Text(&view.asset.value), Text(&view.job));
            let _ = writeln!(list, "<li><span>{kind}</span> <code>{value}</code> <small>{job}</small></li>");
        }
        Ok(true)
    })?;
    if number == 0 {
        return Ok(());
    }
    writeln!(out, "<section aria-labelledby=\"assets\"><h2 id=\"assets\">Assets</h2>")?;
    writeln!(
        out,
        "<details><summary>{}</summary><ul class=\"assets\">\n{list}</ul>",
        count(number, "asset", "assets")
    )?;
    if number > MAX_ASSETS {
        writeln!(out, "<p>and {} more</p>", count(number - MAX_ASSETS, "asset", "assets"))?;
    }
    Ok(writeln!(out, "</details></section>")?)
}

/// Writes what was scanned, where, when.
pub(super) fn about(data: &ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
    let scan = data.scan;
    let mut facts = vec![
        ("Scan", format!("<code>{}</code>", scan.id)),
        ("Target", Text(scan.target.to_string()).to_string()),
        ("Project", Text(&scan.project).to_string()),
        ("State", scan.state.to_string()),
    ];
    facts.extend(scan.template.as_ref().map(|template| ("Template", Text(template).to_string())));
    if let Some(source) = &scan.source {
        facts.push(("Source", Text(source_in_words(source)).to_string()));
        let unreadable = source.unreadable.len() as u64;
        facts.extend((unreadable > 0).then(|| ("Unreadable", count(unreadable, "path", "paths"))));
    }
    facts.push(("Ran on", Text(&scan.executor).to_string()));
    facts.extend(
        data.isolation.map(|isolation| ("Network", format!("policy for scanners without a network: {isolation}"))),
    );
    facts.push(("Time", time(scan)));
    facts.push(("Plan", format!("<code>sha256 {}</code>", scan.plan_sha256)));
    writeln!(out, "<section aria-labelledby=\"about\"><h2 id=\"about\">About this scan</h2>\n<dl class=\"facts\">")?;
    for (name, value) in facts {
        writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
    }
    Ok(writeln!(out, "</dl></section>")?)
}
