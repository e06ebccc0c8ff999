//! `dragnet doctor`

use std::fmt::Write as _;
use std::ops::ControlFlow;

use clap::Args;
use toml::Table;

use crate::app::doctor::{self, Finding, Health};
use crate::app::isolation::{self, Found};
use crate::app::{App, AppError};
use crate::cli::args::TableFormat;
use crate::cli::context::{Context, Scope};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::signals::{Caught, Signals};
use crate::cli::style::{BAD, GOOD, WARN, paint};
use crate::report::text::clean;

/// Look whether everything that a scan needs is there
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet doctor
  dragnet doctor --probe             try whether the cluster heeds network policies
  dragnet doctor --format json

The exit code is 6 if no scan could run.")]
pub(in crate::cli) struct DoctorArgs {
    /// Try whether the cluster keeps scanners without a network from it, with two pods that live for less than a minute
    #[arg(long)]
    probe: bool,
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(in crate::cli) fn run(context: &Context, args: &DoctorArgs) -> Result<u8, CliError> {
    let app = context.app_with(Table::new(), Scope::Project)?;
    let found = Context::block_on(async {
        let probed = if args.probe { Some(probe(context, &app).await?) } else { None };
        if let Some(ControlFlow::Break(caught)) = probed {
            return Ok(Err(caught));
        }
        let probed = probed.and_then(ControlFlow::continue_value);
        Ok(Ok(doctor::examine(&app).await.into_iter().chain(probed).collect::<Vec<_>>()))
    })?;
    let found = match found {
        Ok(found) => found,
        Err(caught) => return Ok(caught.code()),
    };
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

/// Probes the engine's isolation, until a signal comes.
async fn probe(context: &Context, app: &App) -> Result<ControlFlow<Caught, Finding>, CliError> {
    let mut signals = Signals::listen().map_err(CliError::threads)?;
    let waiting = context.ui.waiting("connecting");
    Ok(match isolation::probe(app, signals.next(), &|words| waiting.say(words)).await {
        Ok(ControlFlow::Continue(found)) => ControlFlow::Continue(doctor::probed(found)),
        Ok(ControlFlow::Break(caught)) => ControlFlow::Break(caught),
        Err(AppError::Engine(error)) => ControlFlow::Continue(doctor::probed(Found::Unclear(error.to_string()))),
        Err(error) => return Err(error.into()),
    })
}
