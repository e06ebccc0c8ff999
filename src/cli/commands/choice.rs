//! What is to be scanned, with what, within which limits: flags that `plan` and `start` share.

use std::ffi::OsStr;
use std::path::Path;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, Command};
use toml::Table;

use super::subject::Subject;
use crate::app::{App, PlanRequest};
use crate::catalog::Catalog;
use crate::cli::error::CliError;
use crate::config;
use crate::model::gate::FailOn;
use crate::model::severity::Severity;
use crate::model::unit::Span;
use crate::plan::Selection;

/// Which scanners run, and within which limits.
#[derive(Debug, Args)]
pub(in crate::cli) struct ChoiceArgs {
    /// Run this template: one of the catalogue, of the configuration, or a .toml file
    #[arg(short, long, value_name = "TEMPLATE", conflicts_with = "scanner")]
    pub(super) template: Option<String>,
    /// Run this scanner, whether it fits or not; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(super) scanner: Vec<String>,
    /// Dispatch before scans of lower priority
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) priority: Option<i32>,
    /// Run at most so many jobs at once
    #[arg(long, value_name = "N")]
    pub(super) parallelism: Option<u32>,
    /// Stop the scan after this time, as in 90s or 1h30m
    #[arg(long, value_name = "TIME")]
    pub(super) max_duration: Option<Span>,
    /// Store at most so many records of one job
    #[arg(long, value_name = "N")]
    pub(super) max_results: Option<u64>,
    /// Fail, with exit code 1, on findings of this severity or worse (`new:high`: on new ones alone; `high=10`: on more than
    /// ten); may be repeated
    #[arg(long, value_name = "GATE", value_parser = GateParser, value_delimiter = ',')]
    pub(super) fail_on: Vec<FailOn>,
}

/// Reads a severity, and lists them all when it is none.
pub(in crate::cli) fn severity() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::ALL.map(Severity::as_str)).try_map(|text| text.parse())
}

/// Reads a threshold of the gate; lists those that allow nothing, for completions and when it is none.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct GateParser;

impl GateParser {
    fn usual() -> impl Iterator<Item = String> {
        [FailOn::all, FailOn::new].into_iter().flat_map(|gate| Severity::ALL.map(|severity| gate(severity).to_string()))
    }
}

impl TypedValueParser for GateParser {
    type Value = FailOn;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<FailOn, clap::Error> {
        if let Some(gate) = value.to_str().and_then(|text| text.parse().ok()) {
            return Ok(gate);
        }
        // What is no threshold is no usual one either: clap says so, and names the nearest.
        let usual = PossibleValuesParser::new(Self::usual());
        usual.try_map(|text| text.parse::<FailOn>()).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Self::usual().map(PossibleValue::new)))
    }
}

impl ChoiceArgs {
    /// Returns the configuration that the flags make.
    pub(super) fn flags(&self) -> Table {
        let mut flags = Table::new();
        if let Some(parallelism) = self.parallelism {
            config::set(&mut flags, "scan.parallelism", i64::from(parallelism));
        }
        if let Some(span) = self.max_duration {
            config::set(&mut flags, "scan.max_duration", span.to_string());
        }
        if let Some(most) = self.max_results {
            config::set(&mut flags, "scan.max_results", i64::try_from(most).unwrap_or(i64::MAX));
        }
        if !self.fail_on.is_empty() {
            config::set(&mut flags, "gate.fail_on", self.fail_on.iter().map(FailOn::to_string).collect::<Vec<_>>());
        }
        flags
    }

    /// Returns the first flag that a plan in a file leaves no room for.
    pub(super) fn frozen(&self) -> Option<&'static str> {
        [
            ("--template", self.template.is_some()),
            ("--scanner", !self.scanner.is_empty()),
            ("--priority", self.priority.is_some()),
            ("--parallelism", self.parallelism.is_some()),
            ("--max-duration", self.max_duration.is_some()),
            ("--max-results", self.max_results.is_some()),
        ]
        .into_iter()
        .find_map(|(flag, given)| given.then_some(flag))
    }

    /// Returns the request for a plan; a template in a file joins the catalogue.
    pub(super) fn request(&self, app: &mut App, subject: Subject) -> Result<PlanRequest, CliError> {
        let Subject { target, name, owner, template } = subject;
        Ok(PlanRequest {
            target,
            name,
            owner,
            selection: self.selection(app, template)?,
            priority: self.priority.unwrap_or(0),
            seed: crate::store::random_bits(),
        })
    }

    /// `template` is what the target itself is scanned with.
    fn selection(&self, app: &mut App, template: Option<String>) -> Result<Selection, CliError> {
        if !self.scanner.is_empty() {
            return Ok(Selection::Scanners(self.scanner.clone()));
        }
        match self.template.clone().or(template).or_else(|| app.config.scan.template.clone()) {
            None => Ok(Selection::Fitting),
            Some(name) if self.template.is_some() && is_file(&name) => {
                Ok(Selection::Template(read_template(&mut app.catalog, Path::new(&name))?))
            }
            Some(name) => Ok(Selection::Template(name)),
        }
    }
}

fn is_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

fn read_template(catalog: &mut Catalog, path: &Path) -> Result<String, CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("the template {} cannot be read: {error}", path.display())))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    catalog.add_template(&name, Catalog::read_template(&name, &text)?);
    Ok(name)
}
