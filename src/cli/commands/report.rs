//! `dragnet report`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::choice::GateParser;
use super::output::{Output, format};
use crate::app::{self, App, Judged, ReportRequest};
use crate::cli::args::ScanArg;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::ui::Ui;
use crate::model::gate::FailOn;
use crate::model::view::Verdict;
use crate::report::{Renderer, Template};

/// Report what a scan found, and what it did not see
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet report                             the newest scan
  dragnet report 4f2k --format sarif -o results.sarif
  dragnet report --format html -o report.html
  dragnet report --format json | jq .summary
  dragnet report --template mail.txt.j2 -o mail.txt
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
    /// Fail, with exit code 3, if the scan did not see all of its target
    #[arg(long)]
    require_complete: bool,
    /// List at most so many findings in a report for people, worst first; 0 lists all
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

pub(in crate::cli) fn run(context: &Context, args: &ReportArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let scan = app.store.find_scan(&args.scan.scan)?;
    let template = args.template.as_deref().map(template).transpose()?;
    let renderer = match &template {
        Some(template) => template,
        None => renderer(&args.format)?,
    };
    let output = args.output.as_deref().map(|path| Output::create(path, context.umask)).transpose()?;
    let judged = app::judge(&app, scan, &args.fail_on)?;
    let reporting = Reporting { judged: &judged, limit: args.limit };
    match (output, &args.output) {
        (Some(output), Some(path)) => {
            output.write(|out| write_with(context, &app, &reporting, renderer, out))?;
            context.ui.say(&format!("written to {}", path.display()));
        }
        _ => write_with(context, &app, &reporting, renderer, &mut Ui::stdout())?,
    }
    Ok(code(judged.verdict(), args))
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

/// What to report.
pub(super) struct Reporting<'j> {
    pub(super) judged: &'j Judged,
    pub(super) limit: Option<u64>,
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
        limit: Some(reporting.limit.unwrap_or_else(|| renderer.limit())).filter(|limit| *limit > 0),
        style: context.ui.report_style(),
    };
    let notes = app::report(app, request, out)?;
    for note in notes {
        context.ui.warn(&format!("{}: {note}", renderer.name()));
    }
    Ok(())
}
