//! `dragnet findings list`

use std::io::Write as _;

use clap::{Args, ValueEnum};

use crate::app::{self, App};
use crate::cli::args::ScanArg;
use crate::cli::commands::choice::severity;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::ui::Ui;
use crate::exploits::Exploits;
use crate::model::id::ScanId;
use crate::model::severity::Severity;
use crate::model::standing::Standing;
use crate::model::view::FindingView;
use crate::report::FindingJson;
use crate::report::text::clean;

/// Findings of one read.
const PAGE: usize = 500;
/// Rows of a table, unless told otherwise.
const ROWS: u64 = 500;

/// List a scan's findings, worst first
#[derive(Debug, Args)]
pub(super) struct ListArgs {
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
    /// Only those that are new or reopened
    #[arg(long)]
    new: bool,
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

pub(super) fn run(context: &Context, args: &ListArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let scan = app.store.find_scan(&args.scan.scan)?;
    let view = app.store.scan(scan)?;
    if !view.is_complete() {
        context.ui.warn(&format!("scan {} is INCOMPLETE: more may be there than is listed", view.id));
    }
    match args.format {
        Format::Table => table(context, &app, scan, args)?,
        Format::Json => json(&app, scan, args, &exploits(context, &app))?,
        Format::Jsonl => {
            let mut out = Ui::stdout();
            each(&app, scan, args, &exploits(context, &app), |finding| {
                serde_json::to_writer(&mut out, &FindingJson::new(finding))?;
                Ok(out.write_all(b"\n")?)
            })?;
            out.flush()?;
        }
    }
    Ok(exit::CLEAN)
}

/// Reads the copies of datasets, and says which cannot be used as they are.
pub(super) fn exploits(context: &Context, app: &App) -> Exploits {
    let exploits = app::exploits(app);
    for copy in exploits.copies() {
        if let Some(problem) = &copy.problem {
            let words = format!("the copy of the {}: {problem}", copy.dataset.in_words());
            context.ui.warn(&clean(&words));
        }
    }
    exploits
}

fn json(app: &App, scan: ScanId, args: &ListArgs, exploits: &Exploits) -> Result<(), CliError> {
    let mut out = Ui::stdout();
    write!(out, "{{\"schema\":\"dragnet.findings/v1\",\n\"findings\":[")?;
    let mut before = "\n";
    each(app, scan, args, exploits, |finding| {
        out.write_all(std::mem::replace(&mut before, ",\n").as_bytes())?;
        Ok(serde_json::to_writer(&mut out, &FindingJson::new(finding))?)
    })?;
    writeln!(out, "]}}")?;
    Ok(out.flush()?)
}

fn table(context: &Context, app: &App, scan: ScanId, args: &ListArgs) -> Result<(), CliError> {
    let (mut rows, mut more) = (Vec::new(), 0_u64);
    let limit = args.limit.unwrap_or(ROWS);
    let all = ListArgs {
        limit: Some(0),
        path: args.path.clone(),
        scanner: args.scanner.clone(),
        scan: ScanArg { scan: String::new() },
        ..*args
    };
    each(app, scan, &all, &Exploits::default(), |finding| {
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
    context.ui.table(&["FINDING", "SEVERITY", "SCANNER", "RULE", "WHERE", "WHAT", "STANDS"], &rows)?;
    if more > 0 {
        context.ui.say(&format!("… and {more} more; --limit 0 lists all"));
    }
    Ok(())
}

fn row(finding: &FindingView) -> Vec<String> {
    let record = &finding.record;
    let standing = finding.standing.map_or("-", Standing::as_str);
    let stands = finding.muting.as_ref().map_or(standing, |muting| muting.decision.in_words());
    vec![
        short(&finding.fingerprint),
        record.severity.to_string(),
        finding.scanner.clone(),
        clean(&record.rule).into_owned(),
        clean(&record.location.to_string()).into_owned(),
        clean(&record.title).into_owned(),
        stands.to_owned(),
    ]
}

/// As much of a fingerprint as tells findings of one scan apart.
fn short(fingerprint: &str) -> String {
    let (digits, number) =
        fingerprint.split_once('#').map_or((fingerprint, None), |(digits, number)| (digits, Some(number)));
    let cut: String = digits.chars().take(11).collect();
    number.map_or_else(|| cut.clone(), |number| format!("{cut}#{number}"))
}

/// Calls `each` for every finding that is wanted, worst first.
fn each(
    app: &App,
    scan: ScanId,
    args: &ListArgs,
    exploits: &Exploits,
    mut each: impl FnMut(&FindingView) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let (mut cursor, mut left) = (app.store.finding_cursor(scan)?, args.limit.filter(|limit| *limit > 0));
    loop {
        let page = app.store.next_findings(&mut cursor, PAGE)?;
        if page.is_empty() {
            return Ok(());
        }
        for mut finding in page.into_iter().filter(|finding| is_wanted(finding, args)) {
            if left == Some(0) {
                return Ok(());
            }
            finding.exploitation = exploits.of(&finding.record);
            each(&finding)?;
            left = left.map(|left| left - 1);
        }
    }
}

fn is_wanted(finding: &FindingView, args: &ListArgs) -> bool {
    let path = finding.record.location.path().unwrap_or_default();
    args.severity.is_none_or(|threshold| finding.record.severity.reaches(threshold))
        && args.scanner.as_ref().is_none_or(|scanner| *scanner == finding.scanner)
        && (!args.new || finding.standing.is_none_or(Standing::is_news))
        && args.path.as_ref().is_none_or(|prefix| path.starts_with(prefix.as_str()))
}
