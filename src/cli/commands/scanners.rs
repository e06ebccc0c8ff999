//! `dragnet scanners`

use std::fmt::Write as _;

use clap::Args;
use toml::Table;

use crate::catalog::Manifest;
use crate::cli::args::TableFormat;
use crate::cli::context::{Context, Scope};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::style::{BOLD, paint};
use crate::model::asset::AssetKind;
use crate::report::text::clean;

/// List the scanners of the catalogue, or show one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet scanners
  dragnet scanners bandit
  dragnet scanners --format json")]
pub(in crate::cli) struct ScannersArgs {
    /// The scanner to show
    name: Option<String>,
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(in crate::cli) fn run(context: &Context, args: &ScannersArgs) -> Result<u8, CliError> {
    let catalog = context.catalog(Table::new(), Scope::Project)?;
    match (&args.name, args.format) {
        (Some(name), TableFormat::Json) => context.ui.json("dragnet.scanner/v1", "scanner", catalog.scanner(name)?)?,
        (Some(name), TableFormat::Table) => context.ui.print(&describe(context, catalog.scanner(name)?))?,
        (None, TableFormat::Json) => {
            context.ui.json("dragnet.scanners/v1", "scanners", &catalog.scanners().collect::<Vec<_>>())?;
        }
        (None, TableFormat::Table) => {
            let rows: Vec<Vec<String>> = catalog.scanners().map(row).collect();
            context.ui.table(&["SCANNER", "LOOKS AT", "IMAGE", "WHAT IT DOES"], &rows)?;
        }
    }
    Ok(exit::CLEAN)
}

fn inputs(scanner: &Manifest) -> String {
    scanner.input.iter().copied().map(AssetKind::as_str).collect::<Vec<_>>().join(", ")
}

fn row(scanner: &Manifest) -> Vec<String> {
    let disabled = if scanner.enabled { "" } else { " (disabled)" };
    vec![
        format!("{}{disabled}", scanner.name),
        inputs(scanner),
        clean(&scanner.image).into_owned(),
        clean(&scanner.about).into_owned(),
    ]
}

fn describe(context: &Context, scanner: &Manifest) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(
                text,
                "{}{}{}",
                paint(context.ui.out.color, BOLD, label),
                " ".repeat(12 - label.len()),
                clean(value)
            );
        }
    };
    line("Scanner", &format!("{} ({})", scanner.name, scanner.title));
    line("About", &scanner.about);
    line("Homepage", &scanner.homepage);
    line("License", &scanner.license);
    line("Image", &scanner.image);
    line("Runs", &format!("{} {}", scanner.program, scanner.command.join(" ")));
    line("Looks at", &inputs(scanner));
    for result in &scanner.results {
        line(
            "Writes",
            &format!("{} as {}", if result.path == "-" { "standard output" } else { &result.path }, result.format),
        );
    }
    line("Network", &scanner.network.to_string());
    line("Timeout", &scanner.timeout.to_string());
    line(
        "Limits",
        &format!("{}, {} cpu, {} processes", scanner.limits.memory, scanner.limits.cpus, scanner.limits.pids),
    );
    for (name, value) in &scanner.params {
        line("Parameter", &format!("{name} = {value:?}"));
    }
    for data in &scanner.data {
        line("Database", &format!("{} at {}", data.name, data.mount));
    }
    for exception in &scanner.exceptions {
        line("Exception", &exception.reason);
    }
    line("Notes", &scanner.notes);
    text
}
