//! What a reader must know first: the verdict, what was not seen, the numbers.

use std::collections::BTreeMap;
use std::io::Write;

use super::super::facts::{seconds, unfinished};
use super::super::shortfall::{gap_in_words, shortfall};
use super::super::since::reference;
use super::super::words::{count, counts, grouped};
use super::super::{RenderError, ReportData};
use super::charts::{self, Column};
use super::escape::Text;
use crate::model::coverage::Coverage;
use crate::model::finding::SeverityCounts;
use crate::model::severity::Severity;
use crate::model::view::Verdict;

/// At most this many jobs are named above; the table of jobs has more.
const MAX_NAMED: usize = 20;

/// At most this many scanners have a bar.
const MAX_BARS: usize = 12;

/// The verdict, for people.
pub(super) struct Outcome {
    /// Names the look: `clean`, `plain`, `failed`, `incomplete`.
    class: &'static str,
    pub(super) word: &'static str,
    sentence: String,
}

/// Says what the scan means. Only one that saw everything looks clean.
pub(super) fn outcome(data: &ReportData<'_>) -> Outcome {
    let gate = data.gate;
    if let Some(why) = unfinished(data.scan) {
        let failed = if gate.is_failed() { " The gate fails already." } else { "" };
        let sentence = format!("{}. More may be there than is listed.{failed}", capital(why));
        return Outcome { class: "incomplete", word: "Incomplete", sentence };
    }
    let seen = if data.jobs.iter().any(|job| shortfall(job).is_some()) {
        "The scan saw its target, but for what was accepted as not seen"
    } else {
        "The scan saw all of its target"
    };
    let (class, word, sentence) = match data.verdict() {
        Verdict::GateFailed => {
            let reach = count(gate.outcome.reaching.total(), "finding reaches", "findings reach");
            ("failed", "Gate failed", format!("{seen}, and {reach} the gate."))
        }
        Verdict::GateUndecided => {
            ("incomplete", "Not decided", format!("{seen}, and the gate asks what is not known."))
        }
        _ if data.scan.records.total() == 0 => ("clean", "Clean", format!("{seen}, and nothing was found.")),
        _ if !gate.asked.is_open() => ("clean", "Gate passed", format!("{seen}, and the gate holds.")),
        _ => ("plain", "Complete", format!("{seen}. No gate was set.")),
    };
    Outcome { class, word, sentence }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Writes everything above the findings.
pub(super) fn write(data: &ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
    header(data, out)?;
    writeln!(out, "<main>")?;
    verdict(data, out)?;
    tiles(data, out)?;
    writeln!(out, "<div class=\"panels\">")?;
    scanners(data, out)?;
    since(data, out)?;
    trend(data, out)?;
    gate(data, out)?;
    Ok(writeln!(out, "</div>")?)
}

fn header(data: &ReportData<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let scan = data.scan;
    let when = scan.started_at.unwrap_or(scan.created_at).to_string();
    write!(
        out,
        "<header class=\"top\"><p class=\"brand\">dragnet</p><p class=\"target\"><strong>{}</strong>",
        Text(scan.target.to_string())
    )?;
    if let Some(line) = &scan.target_key.line {
        write!(out, "<span>{}</span>", Text(line))?;
    }
    if let Some(commit) = scan.source.as_ref().and_then(|source| source.commit.as_deref()) {
        let short: String = commit.chars().take(7).collect();
        write!(out, "<span><code>{}</code></span>", Text(short))?;
    }
    write!(out, "<time datetime=\"{when}\">{}</time></p>", seconds(when.clone()))?;
    writeln!(out, "<button type=\"button\" id=\"theme\" class=\"theme\" hidden>Theme: auto</button></header>")
}

/// The verdict with what was not seen, which comes before everything that was.
fn verdict(data: &ReportData<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let outcome = outcome(data);
    writeln!(out, "<section class=\"verdict {}\" aria-labelledby=\"verdict\">", outcome.class)?;
    writeln!(out, "<h1 id=\"verdict\">{}</h1>\n<p>{}</p>", outcome.word, outcome.sentence)?;
    unseen(data, out)?;
    writeln!(out, "</section>")
}

fn unseen(data: &ReportData<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let complete = data.scan.is_complete();
    let missing: Vec<(&str, String)> =
        data.jobs.iter().filter_map(|job| Some((job.name.as_str(), shortfall(job)?))).collect();
    let gaps: Vec<&str> = match (&data.scan.coverage, missing.is_empty()) {
        (Coverage::Partial(gaps), true) => gaps.iter().map(|gap| gap_in_words(*gap)).collect(),
        _ => Vec::new(),
    };
    if missing.is_empty() && gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>Not seen{}</h2>\n<ul class=\"unseen\">", if complete { ", and accepted so" } else { "" })?;
    for (job, why) in missing.iter().take(MAX_NAMED) {
        writeln!(out, "<li><strong>{}</strong> <span>{}</span></li>", Text(job), Text(why))?;
    }
    for gap in gaps {
        writeln!(out, "<li><span>{gap}</span></li>")?;
    }
    if missing.len() > MAX_NAMED {
        writeln!(out, "<li>and {} more</li>", count((missing.len() - MAX_NAMED) as u64, "job", "jobs"))?;
    }
    writeln!(out, "</ul>")
}

/// How many count of each severity, and beside it how many do not.
fn tiles(data: &ReportData<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let muted = &data.scan.muted.records;
    let counted = data.scan.records.without(muted);
    let most = counted.0.iter().copied().max().unwrap_or(0);
    writeln!(out, "<section aria-labelledby=\"numbers\"><h2 id=\"numbers\" class=\"sr\">Findings by severity</h2>")?;
    writeln!(out, "<ul class=\"tiles\">")?;
    writeln!(
        out,
        "<li class=\"all\"><b>{}</b> <span>findings</span>{}</li>",
        grouped(counted.total()),
        aside(muted.total())
    )?;
    for severity in Severity::ALL {
        let number = counted.of(severity);
        let class = if number == 0 { " zero" } else { "" };
        let (rank, aside) = (severity.rank(), aside(muted.of(severity)));
        let bar = charts::single(number, most, &format!("s{rank}"));
        writeln!(
            out,
            "<li class=\"k{rank}{class}\"><b>{}</b> <span>{severity}</span>{bar}{aside}</li>",
            grouped(number)
        )?;
    }
    writeln!(out, "</ul></section>")
}

fn aside(muted: u64) -> String {
    if muted == 0 { String::new() } else { format!(" <small>and {} not counted</small>", grouped(muted)) }
}

fn scanners(data: &ReportData<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let mut by_scanner: BTreeMap<&str, SeverityCounts> = BTreeMap::new();
    for job in data.jobs {
        by_scanner.entry(&job.scanner).or_default().merge(&job.records);
    }
    if by_scanner.is_empty() {
        return Ok(());
    }
    let mut rows: Vec<(&str, SeverityCounts)> = by_scanner.into_iter().collect();
    rows.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.total()));
    let most = rows.first().map_or(0, |(_, counts)| counts.total());
    writeln!(
        out,
        "<section class=\"panel\" aria-labelledby=\"scanners\"><h2 id=\"scanners\">By scanner</h2>\n<table class=\"bars\"><tbody>"
    )?;
    for (scanner, found) in rows.iter().take(MAX_BARS) {
        let (bar, words) = (charts::stacked(found, most), counts(found, ", "));
        let (name, number) = (Text(scanner), grouped(found.total()));
        writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td class=\"track\" title=\"{words}\">{bar}</td><td class=\"n\">{number}<span class=\"sr\"> ({words})</span></td></tr>"
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    if rows.len() > MAX_BARS {
        writeln!(out, "<p>and {} more</p>", count((rows.len() - MAX_BARS) as u64, "scanner", "scanners"))?;
    }
    if data.scan.muted.records.total() > 0 {
        writeln!(out, "<p class=\"note\">With those that do not count.</p>")?;
    }
    writeln!(out, "</section>")
}

/// How the findings stand to those known before.
fn since(data: &ReportData<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let title = if data.reference.is_some() { "What changed" } else { "Since the scan before" };
    writeln!(out, "<section class=\"panel\" aria-labelledby=\"since\"><h2 id=\"since\">{title}</h2>")?;
    if let Some(asked) = data.reference {
        writeln!(out, "<p class=\"note\">Since {}.</p>", Text(&reference(asked)))?;
    }
    let Some(standings) = &data.scan.standings else {
        return writeln!(out, "<p>The scan was not compared yet: nothing is known to be new or fixed.</p></section>");
    };
    if standings.first && data.reference.is_none() {
        return writeln!(out, "<p>There is no scan before it: all is new.</p></section>");
    }
    let unseen = standings.not_observed.values().sum::<u64>();
    let rows = [
        ("New", "new", standings.new.total()),
        ("Reopened", "new", standings.reopened.total()),
        ("Existing", "old", standings.existing.total()),
        ("Fixed", "fixed", standings.fixed.total()),
        ("Not observed", "unknown", unseen),
    ];
    let most = rows.iter().map(|row| row.2).max().unwrap_or(0);
    writeln!(out, "<table class=\"bars\"><tbody>")?;
    for (name, class, number) in rows {
        let bar = charts::single(number, most, class);
        writeln!(
            out,
            "<tr><th scope=\"row\">{name}</th><td class=\"track\">{bar}</td><td class=\"n\">{}</td></tr>",
            grouped(number)
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    for (reason, number) in &standings.not_observed {
        writeln!(out, "<p class=\"note\">{} not observed: {}.</p>", grouped(*number), reason.explain())?;
    }
    writeln!(out, "</section>")
}

/// This scan and those before it of the same target and line, oldest first.
fn trend(data: &ReportData<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "<section class=\"panel\" aria-labelledby=\"trend\"><h2 id=\"trend\">Over time</h2>")?;
    if data.trend.is_empty() {
        return writeln!(out, "<p>There is no earlier scan of this target and line.</p></section>");
    }
    let this = data.scan;
    let mut points: Vec<_> = data
        .trend
        .iter()
        .map(|past| (past.id, past.created_at, past.records, past.complete, past.template.as_deref()))
        .collect();
    points.push((this.id, this.created_at, this.records, this.is_complete(), this.template.as_deref()));
    let columns = points.iter().map(|(id, at, records, complete, _)| {
        let open = if *complete { "" } else { ", incomplete" };
        let words = format!("{} · {id}: {}{open}", seconds(at.to_string()), counts(records, ", "));
        Column { counts: *records, complete: *complete, words }
    });
    writeln!(out, "{}", charts::columns(&columns.collect::<Vec<_>>()))?;
    let day = |at: crate::model::clock::Timestamp| at.to_string().chars().take(10).collect::<String>();
    let first = points.first().map(|point| day(point.1)).unwrap_or_default();
    writeln!(out, "<p class=\"axis\">{} scans since {first}; the last is this one.</p>", points.len())?;
    if data.scan.muted.records.total() > 0 {
        writeln!(out, "<p class=\"note\">With those that do not count.</p>")?;
    }
    if points.iter().any(|point| !point.3) {
        writeln!(out, "<p class=\"note\">Outlined: incomplete, more may have been there.</p>")?;
    }
    if points.iter().any(|point| point.4 != this.template.as_deref()) {
        writeln!(out, "<p class=\"note\">Not all are of the same template: they looked for different things.</p>")?;
    }
    writeln!(
        out,
        "<details><summary>Numbers</summary><table class=\"numbers\"><thead><tr><th scope=\"col\">Scan</th><th scope=\"col\">When</th><th scope=\"col\">Found</th><th scope=\"col\">Saw</th></tr></thead><tbody>"
    )?;
    for (id, at, records, complete, template) in points.iter().rev() {
        let template = template.map(|name| format!(" · {}", Text(name))).unwrap_or_default();
        writeln!(
            out,
            "<tr><th scope=\"row\"><code>{id}</code></th><td>{}{template}</td><td>{}</td><td>{}</td></tr>",
            seconds(at.to_string()),
            counts(records, ", "),
            if *complete { "all" } else { "a part" }
        )?;
    }
    writeln!(out, "</tbody></table></details></section>")
}

/// The gate line by line, and who says that findings do not count.
fn gate(data: &ReportData<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let gate = data.gate;
    writeln!(out, "<section class=\"panel\" aria-labelledby=\"gate\"><h2 id=\"gate\">Gate</h2>\n<ul class=\"gate\">")?;
    for line in gate.lines() {
        writeln!(out, "<li>{}</li>", Text(capital(&line)))?;
    }
    if gate.asked.is_open() {
        for (origin, number) in &data.scan.muted.by_origin {
            let by = origin.in_words();
            writeln!(out, "<li>{} {by}</li>", grouped(*number))?;
        }
    }
    writeln!(out, "</ul></section>")
}
