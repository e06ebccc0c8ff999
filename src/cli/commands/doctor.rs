//! `dragnet doctor`

use std::fmt::Write as _;

use clap::Args;
use toml::Table;

use crate::app::doctor::{self, Health};
use crate::cli::args::TableFormat;
use crate::cli::context::{Context, Scope};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::style::{BAD, GOOD, WARN, paint};
use crate::report::text::clean;

/// Look whether everything that a scan needs is there
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet doctor
  dragnet doctor --format json

The exit code is 6 if no scan could run.")]
pub(in crate::cli) struct DoctorArgs {
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(in crate::cli) fn run(context: &Context, args: &DoctorArgs) -> Result<u8, CliError> {
    let app = context.app_with(Table::new(), Scope::Project)?;
    let found = Context::block_on(async { Ok(doctor::examine(&app).await) })?;
    if args.format == TableFormat::Json {
        context.ui.json("dragnet.doctor/v1", "findings", &found)?;
    } else {
        let wide = found.iter().map(|finding| finding.item.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for finding in &found {
            let (mark, look) = match finding.health {
                Health::Good => ("✓", GOOD),
                Health::Warning => ("!", WARN),
                Health::Bad => ("✗", BAD),
            };
            let mark = paint(context.ui.out.color, look, mark);
            let _ = writeln!(text, "{mark} {:wide$}  {}", finding.item, clean(&finding.detail));
        }
        context.ui.print(&text)?;
    }
    let bad = found.iter().any(|finding| finding.health == Health::Bad);
    Ok(if bad { exit::UNREACHABLE } else { exit::CLEAN })
}
