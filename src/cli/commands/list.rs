//! `dragnet list`

use clap::Args;

use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::words::{moment, took};
use crate::model::severity::Severity;
use crate::model::view::ScanView;
use crate::report::text::clean;
use crate::store::ScanFilter;

/// List scans, newest first
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet list
  dragnet list --open                 only those that have not ended
  dragnet list --target dir:. --format json")]
pub(in crate::cli) struct ListArgs {
    /// Only scans that have not ended
    #[arg(long)]
    open: bool,
    /// Only scans of this target, or of this target key
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// List at most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    /// Print the list as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(in crate::cli) fn run(context: &Context, args: &ListArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let filter = ScanFilter { open: args.open, target: args.target.clone(), limit: args.limit };
    let scans = app.store.scans(&filter)?;
    if args.format == TableFormat::Json {
        context.ui.json("dragnet.scans/v1", "scans", &scans)?;
    } else if scans.is_empty() {
        context.ui.say("there are no scans; `dragnet start` makes one");
    } else {
        let rows: Vec<Vec<String>> = scans.iter().map(row).collect();
        context.ui.table(&HEADER, &rows)?;
    }
    Ok(exit::CLEAN)
}

/// The columns of a list of scans.
pub(super) const HEADER: [&str; 7] = ["SCAN", "TARGET", "STATE", "SAW", "FOUND", "BEGAN", "TOOK"];

/// A scan in these columns.
pub(super) fn row(scan: &ScanView) -> Vec<String> {
    vec![
        scan.id.to_string(),
        clean(&scan.target.to_string()).into_owned(),
        scan.state.to_string(),
        if scan.state.is_terminal() { scan.coverage.to_string() } else { "-".to_owned() },
        found(scan),
        moment(scan.created_at),
        took(scan.started_at, scan.finished_at),
    ]
}

/// `10 high, 7 medium`.
fn found(scan: &ScanView) -> String {
    let named = Severity::ALL.into_iter().filter(|severity| scan.records.of(*severity) > 0);
    let parts: Vec<String> = named.map(|severity| format!("{} {severity}", scan.records.of(severity))).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}
