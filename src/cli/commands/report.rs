//! `dragnet report`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::choice::GateParser;
use super::output::{Output, format};
use crate::app::{self, App, Baseline, DiffRequest, Judged, Relation, ReportRequest, Since};
use crate::cli::args::ScanArg;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::ui::Ui;
use crate::model::clock::Timestamp;
use crate::model::gate::FailOn;
use crate::model::id::{ScanId, ScanKey};
use crate::model::view::Verdict;
use crate::report::diff::DiffFormat;
use crate::report::text::clean;
use crate::report::{Grouping, Renderer, Style, Template};

/// Findings that a comparison of two scans lists on a terminal, unless told otherwise.
const LIMIT: u64 = 50;

/// Report what a scan found, and what it did not see
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet report                             the newest scan
  dragnet report 4f2k --format sarif -o results.sarif
  dragnet report --format html -o report.html
  dragnet report --format json | jq .summary
  dragnet report --template mail.txt.j2 -o mail.txt
  dragnet report --new --baseline main.sarif only what is new to this file
  dragnet report --since 7d --fail-on new:high
  dragnet report --diff 4f2k..latest         what differs between two scans
  dragnet report --group-by file --limit 0   all findings, file by file
  dragnet report --fail-on high              exit with 1 if findings are high or worse

Without --fail-on, --gate or --require-complete the exit code is 0 whatever was found.")]
pub(in crate::cli) struct ReportArgs {
    #[command(flatten)]
    scan: ScanArg,
    /// Write the report as
    #[arg(long, value_name = "FORMAT", value_parser = format(), default_value = "table")]
    format: String,
    /// Write the report after this Jinja template, filled with what `--format json` has; a file `….html` or `….xml` escapes
    /// what it prints
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    template: Option<PathBuf>,
    /// Write it to this file
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Fail, with exit code 1, on findings of this severity or worse (`new:high`: on new ones alone; `high=10`: on more than
    /// ten), instead of the thresholds that the scan was started with; with 3 if the scan is incomplete; may be repeated
    #[arg(long, value_name = "GATE", value_parser = GateParser, value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// Fail as the gate says that the scan was started with
    #[arg(long)]
    gate: bool,
    /// Say what is new to this file of known findings: SARIF, or a report of ours as JSON
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Say what is new since a day (UTC), for so long, or since a scan: `2027-01-31`, `7d`, `12h`, `4f2k`
    #[arg(long, value_name = "WHEN|SCAN", conflicts_with = "baseline")]
    since: Option<String>,
    /// List only what is new or reopened
    #[arg(long)]
    new: bool,
    /// List what several scanners report of one vulnerability in one package as one finding; gates go on counting each report
    #[arg(long)]
    merge: bool,
    /// Say what differs between two scans, and nothing else; as a table or JSON
    #[arg(long, value_name = "A..B", conflicts_with_all = ["scan", "baseline", "since", "new", "merge", "fail_on", "gate", "template", "require_complete"])]
    diff: Option<Range>,
    /// Fail, with exit code 3, if the scan did not see all of its target
    #[arg(long)]
    require_complete: bool,
    /// Group the findings of a table by this
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    group_by: GroupBy,
    /// List at most so many findings in a report for people, worst first; 0 lists all
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

/// What the findings of a table are grouped by.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum GroupBy {
    /// Severity, worst first
    #[default]
    Severity,
    /// File, or what comes next to one: package, host, address
    File,
    /// Scanner and rule
    Rule,
}

impl From<GroupBy> for Grouping {
    fn from(by: GroupBy) -> Self {
        match by {
            GroupBy::Severity => Self::Severity,
            GroupBy::File => Self::File,
            GroupBy::Rule => Self::Rule,
        }
    }
}

pub(in crate::cli) fn run(context: &Context, args: &ReportArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    if let Some(range) = &args.diff {
        return diff(context, &app, args, range);
    }
    let scan = app.store.find_scan(&args.scan.scan)?;
    let template = args.template.as_deref().map(template).transpose()?;
    let renderer = match &template {
        Some(template) => template,
        None => renderer(&args.format)?,
    };
    let baseline = args.baseline.as_deref().map(|path| Baseline::open(&app, path)).transpose()?;
    let output = args.output.as_deref().map(|path| Output::create(path, context.umask)).transpose()?;
    let relation = match &args.since {
        Some(asked) => Some(app::relate_since(&app, scan, since(&app, asked)?, asked)?),
        None => relate(context, &app, baseline.as_ref(), scan)?,
    };
    let judged = app::judge(&app, scan, &args.fail_on, relation)?;
    let (only_new, merge, limit, grouping) = (args.new, args.merge, args.limit, args.group_by.into());
    let reporting = Reporting { judged: &judged, only_new, merge, limit, grouping };
    match (output, &args.output) {
        (Some(output), Some(path)) => {
            output.write(|out| write_with(context, &app, &reporting, renderer, out))?;
            context.ui.say(&format!("written to {}", path.display()));
        }
        _ => write_with(context, &app, &reporting, renderer, &mut Ui::stdout())?,
    }
    Ok(code(judged.verdict(), args))
}

/// Writes what differs between two scans.
fn diff(context: &Context, app: &App, args: &ReportArgs, range: &Range) -> Result<u8, CliError> {
    let format = match args.format.as_str() {
        "table" => DiffFormat::Table,
        "json" => DiffFormat::Json,
        other => return Err(CliError::usage(format!("--diff is written as table or json, not as {other}"))),
    };
    let request = DiffRequest {
        before: app.store.find_scan(&range.before)?,
        after: app.store.find_scan(&range.after)?,
        format,
        limit: Some(args.limit.unwrap_or(LIMIT)).filter(|limit| *limit > 0),
        style: context.ui.report_style(),
    };
    match &args.output {
        None => app::diff(app, &request, &mut Ui::stdout())?,
        Some(path) => {
            Output::create(path, context.umask)?.write(|out| Ok(app::diff(app, &request, out)?))?;
            context.ui.say(&format!("written to {}", path.display()));
        }
    }
    Ok(exit::CLEAN)
}

/// Two scans: `A..B`.
#[derive(Debug, Clone)]
struct Range {
    before: String,
    after: String,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("..") {
            Some((before, after)) if !before.is_empty() && !after.is_empty() => {
                Ok(Self { before: before.to_owned(), after: after.to_owned() })
            }
            _ => Err("write A..B, as in 4f2k..latest".to_owned()),
        }
    }
}

/// Reads a day, a span of time, or a scan.
fn since(app: &App, text: &str) -> Result<Since, CliError> {
    // An id that is whole is one, also where it reads as a day or a span.
    if text.parse::<ScanKey>().is_ok_and(|key| app.store.has_scan(key).unwrap_or(false)) {
        return Ok(Since::Scan(app.store.find_scan(text)?));
    }
    if let Ok(day) = text.parse::<jiff::civil::Date>() {
        let midnight = day.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| CliError::usage(error.to_string()))?;
        return Ok(Since::Moment(Timestamp(midnight.timestamp().as_millisecond())));
    }
    match span(text) {
        Some(span) => Ok(Since::Moment(app.clock.now().plus_ms(-span))),
        None => Ok(Since::Scan(app.store.find_scan(text)?)),
    }
}

/// Reads `7d`, `12h`, `90m`, in milliseconds.
fn span(text: &str) -> Option<i64> {
    let hours = |number: &str, of: i64| number.parse::<u32>().ok().map(|number| i64::from(number) * of * 60_000);
    None.or_else(|| hours(text.strip_suffix('d')?, 24 * 60))
        .or_else(|| hours(text.strip_suffix('h')?, 60))
        .or_else(|| hours(text.strip_suffix('m')?, 1))
}

/// A report alone succeeds; only who asks for a gate or for completeness is told by the code.
fn code(verdict: Verdict, args: &ReportArgs) -> u8 {
    let complete = matches!(verdict, Verdict::Clean | Verdict::GateFailed);
    match (args.gate || !args.fail_on.is_empty(), args.require_complete) {
        (true, _) => exit::of_verdict(verdict),
        (false, true) if !complete => exit::INCOMPLETE,
        (false, _) => exit::CLEAN,
    }
}

/// Relates a scan to a baseline, if there is one, and tells what there is to know of that.
pub(super) fn relate(
    context: &Context,
    app: &App,
    baseline: Option<&Baseline>,
    scan: ScanId,
) -> Result<Option<Relation>, CliError> {
    let Some(baseline) = baseline else { return Ok(None) };
    let relation = baseline.relate(app, scan)?;
    relation.warnings.iter().for_each(|warning| context.ui.warn(&clean(warning)));
    Ok(Some(relation))
}

/// What to report.
pub(super) struct Reporting<'j> {
    pub(super) judged: &'j Judged,
    pub(super) only_new: bool,
    pub(super) merge: bool,
    pub(super) limit: Option<u64>,
    pub(super) grouping: Grouping,
}

fn template(path: &Path) -> Result<Template, CliError> {
    let source = std::fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("the template {} cannot be read: {error}", path.display())))?;
    Ok(Template::new(&path.to_string_lossy(), &source)?)
}

fn renderer(format: &str) -> Result<&'static dyn Renderer, CliError> {
    crate::report::renderer(format)
        .ok_or_else(|| CliError::usage(format!("there is no format of reports called `{format}`")))
}

/// Writes a report in one of our formats.
pub(super) fn write_report(
    context: &Context,
    app: &App,
    reporting: &Reporting<'_>,
    format: &str,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    write_with(context, app, reporting, renderer(format)?, out)
}

/// Writes a report, and tells beside it what its format could not carry.
fn write_with(
    context: &Context,
    app: &App,
    reporting: &Reporting<'_>,
    renderer: &dyn Renderer,
    out: &mut dyn Write,
) -> Result<(), CliError> {
    let request = ReportRequest {
        judged: reporting.judged,
        renderer,
        only_new: reporting.only_new,
        merge: reporting.merge,
        limit: Some(reporting.limit.unwrap_or_else(|| renderer.limit())).filter(|limit| *limit > 0),
        style: Style { grouping: reporting.grouping, ..context.ui.report_style() },
    };
    let notes = app::report(app, request, out)?;
    for note in notes {
        context.ui.warn(&format!("{}: {note}", renderer.name()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_numbers_of_days_hours_or_minutes() {
        let read: Vec<_> = ["7d", "12h", "90m", "0d"].map(span).to_vec();
        assert_eq!(read, [Some(604_800_000), Some(43_200_000), Some(5_400_000), Some(0)]);
        for bad in ["", "d", "7", "7w", "-1d", "4f2d", "d7"] {
            assert_eq!(span(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_range_names_two_scans() {
        let range: Range = "4f2k..latest".parse().unwrap();
        assert_eq!((range.before.as_str(), range.after.as_str()), ("4f2k", "latest"));
        for bad in ["", "..", "a..", "..b", "a.b"] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
    }
}
