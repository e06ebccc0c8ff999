//! `dragnet findings`

use std::io::Write as _;

use clap::{Args, ValueEnum};

use super::choice::severity;
use crate::app::App;
use crate::cli::args::ScanArg;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::ui::Ui;
use crate::model::id::ScanId;
use crate::model::severity::Severity;
use crate::model::view::FindingView;
use crate::report::FindingJson;
use crate::report::text::clean;

/// Findings of one read.
const PAGE: usize = 500;
/// Rows of a table, unless told otherwise.
const ROWS: u64 = 500;

/// List a scan's findings, worst first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet findings --severity high           high and critical ones
  dragnet findings 4f2k --scanner bandit --path app/
  dragnet findings --format jsonl | jq -r .rule | sort | uniq -c")]
pub(in crate::cli) struct FindingsArgs {
    #[command(flatten)]
    scan: ScanArg,
    /// Only findings of this severity or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severity())]
    severity: Option<Severity>,
    /// Only findings of this scanner
    #[arg(long, value_name = "NAME")]
    scanner: Option<String>,
    /// Only findings in files whose paths begin so
    #[arg(long, value_name = "PREFIX")]
    path: Option<String>,
    /// List at most so many; 0 lists all [default: 500 in a table, else all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Print them as
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// One document.
    Json,
    /// One object a line.
    Jsonl,
}

pub(in crate::cli) fn run(context: &Context, args: &FindingsArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let scan = app.store.find_scan(&args.scan.scan)?;
    let view = app.store.scan(scan)?;
    if !view.is_complete() {
        context.ui.warn(&format!("scan {} is INCOMPLETE: more may be there than is listed", view.id));
    }
    match args.format {
        Format::Table => table(context, &app, scan, args)?,
        Format::Json => json(&app, scan, args)?,
        Format::Jsonl => {
            let mut out = Ui::stdout();
            each(&app, scan, args, |finding| {
                serde_json::to_writer(&mut out, &FindingJson::new(finding))?;
                Ok(out.write_all(b"\n")?)
            })?;
            out.flush()?;
        }
    }
    Ok(exit::CLEAN)
}

fn json(app: &App, scan: ScanId, args: &FindingsArgs) -> Result<(), CliError> {
    let mut out = Ui::stdout();
    write!(out, "{{\"schema\":\"dragnet.findings/v1\",\n\"findings\":[")?;
    let mut before = "\n";
    each(app, scan, args, |finding| {
        out.write_all(std::mem::replace(&mut before, ",\n").as_bytes())?;
        Ok(serde_json::to_writer(&mut out, &FindingJson::new(finding))?)
    })?;
    writeln!(out, "]}}")?;
    Ok(out.flush()?)
}

fn table(context: &Context, app: &App, scan: ScanId, args: &FindingsArgs) -> Result<(), CliError> {
    let (mut rows, mut more) = (Vec::new(), 0_u64);
    let limit = args.limit.unwrap_or(ROWS);
    let all = FindingsArgs {
        limit: Some(0),
        path: args.path.clone(),
        scanner: args.scanner.clone(),
        scan: ScanArg { scan: String::new() },
        ..*args
    };
    each(app, scan, &all, |finding| {
        if limit == 0 || (rows.len() as u64) < limit {
            rows.push(row(finding));
        } else {
            more += 1;
        }
        Ok(())
    })?;
    if rows.is_empty() {
        context.ui.say("there are no such findings");
        return Ok(());
    }
    context.ui.table(&["SEVERITY", "SCANNER", "RULE", "WHERE", "WHAT"], &rows)?;
    if more > 0 {
        context.ui.say(&format!("… and {more} more; --limit 0 lists all"));
    }
    Ok(())
}

fn row(finding: &FindingView) -> Vec<String> {
    let record = &finding.record;
    vec![
        record.severity.to_string(),
        finding.scanner.clone(),
        clean(&record.rule).into_owned(),
        clean(&record.location.to_string()).into_owned(),
        clean(&record.title).into_owned(),
    ]
}

/// Calls `each` for every finding that is wanted, worst first.
fn each(
    app: &App,
    scan: ScanId,
    args: &FindingsArgs,
    mut each: impl FnMut(&FindingView) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let (mut cursor, mut left) = (app.store.finding_cursor(scan)?, args.limit.filter(|limit| *limit > 0));
    loop {
        let page = app.store.next_findings(&mut cursor, PAGE)?;
        if page.is_empty() {
            return Ok(());
        }
        for finding in page.iter().filter(|finding| is_wanted(finding, args)) {
            if left == Some(0) {
                return Ok(());
            }
            each(finding)?;
            left = left.map(|left| left - 1);
        }
    }
}

fn is_wanted(finding: &FindingView, args: &FindingsArgs) -> bool {
    let path = finding.record.location.path().unwrap_or_default();
    args.severity.is_none_or(|threshold| finding.record.severity.reaches(threshold))
        && args.scanner.as_ref().is_none_or(|scanner| *scanner == finding.scanner)
        && args.path.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()))
}
