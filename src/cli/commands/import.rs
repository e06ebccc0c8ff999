//! `dragnet import`

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use toml::Table;

use super::choice::GateParser;
use super::output::{Output, format};
use super::report::{Reporting, relate, write_report};
use super::subject::{self, WithinArgs};
use crate::app::{self, Baseline, ImportRequest, TakeUp};
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::follow::{Follow, Followed, Show, exit_code, follow};
use crate::cli::progress::Progress;
use crate::cli::ui::Ui;
use crate::config::OnInterrupt;
use crate::model::gate::FailOn;
use crate::parse::PARSERS;
use crate::report::Grouping;

/// Make a scan of results that were made elsewhere, and report it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet import --scanner bandit bandit.json
  dragnet import --scanner mine --as sarif results.sarif --fail-on high
  dragnet import --scanner nmap --target host:example.org scan.xml")]
pub(in crate::cli) struct ImportArgs {
    /// The files with the results
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The scanner that made them
    #[arg(long, value_name = "NAME")]
    scanner: String,
    /// Read the files as this format [default: what they look like]
    #[arg(long = "as", value_name = "FORMAT", value_parser = PossibleValuesParser::new(PARSERS.iter().map(|parser| parser.name())))]
    read_as: Option<String>,
    /// What was scanned: a path, KIND:VALUE, or a registered target: @NAME
    #[arg(long, value_name = "TARGET", default_value = ".")]
    target: String,
    #[command(flatten)]
    within: WithinArgs,
    /// Write the report as
    #[arg(long, value_name = "FORMAT", value_parser = format(), default_value = "table")]
    format: String,
    /// Write it to this file
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Say what is new to this file of known findings: SARIF, or a report of ours as JSON
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Fail, with exit code 1, on findings of this severity or worse (`new:high`: on new ones alone; `high=10`: on more than
    /// ten); may be repeated
    #[arg(long, value_name = "GATE", value_parser = GateParser, value_delimiter = ',')]
    fail_on: Vec<FailOn>,
    /// List at most so many findings in a report for people, worst first; 0 lists all
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
}

pub(in crate::cli) fn run(context: &Context, args: &ImportArgs) -> Result<u8, CliError> {
    let app = context.app_with(Table::new(), subject::scope(&args.target))?;
    let subject = subject::one(&app, &args.target, &args.within)?;
    let baseline = args.baseline.as_deref().map(|path| Baseline::open(&app, path)).transpose()?;
    let output = args.output.as_deref().map(|path| Output::create(path, context.umask)).transpose()?;
    let request = ImportRequest {
        scanner: args.scanner.clone(),
        format: args.read_as.clone(),
        target: subject.target,
        name: subject.name,
        owner: subject.owner,
        files: args.files.clone(),
        actor: context.actor(),
    };
    Context::block_on(async {
        let (scan, key, executor) = app::import(&app, request).await?;
        context.ui.say(&format!("scan {key}"));
        let show = Show::Progress(Progress::talk(&context.ui));
        let on_interrupt = OnInterrupt::Cancel;
        let options = Follow { scan, key, from: 0, take_up: TakeUp::Always, end_when_paused: true, on_interrupt, show };
        let end = match follow(context, &app, Some(executor), options).await? {
            Followed::Watched(end) => end,
            Followed::Left(code) => return Ok(code),
        };
        let relation = relate(context, &app, baseline.as_ref(), scan)?;
        let judged = app::judge(&app, scan, &args.fail_on, relation)?;
        let grouping = Grouping::default();
        let reporting = Reporting { judged: &judged, only_new: false, merge: false, limit: args.limit, grouping };
        match output {
            Some(output) => output.write(|out| write_report(context, &app, &reporting, &args.format, out))?,
            None => write_report(context, &app, &reporting, &args.format, &mut Ui::stdout())?,
        }
        Ok(exit_code(context, &judged, end))
    })
}
