//! What is to be scanned, with what, within which limits: flags that `plan` and `start` share.

use std::path::Path;

use clap::Args;
use toml::Table;

use crate::app::{App, PlanRequest};
use crate::catalog::Catalog;
use crate::cli::error::CliError;
use crate::config;
use crate::model::gate::FailOn;
use crate::model::severity::Severity;
use crate::model::target::Target;
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
    /// Fail, with exit code 1, on findings of this severity or worse
    #[arg(long, value_name = "GATE", value_parser = gate())]
    pub(super) fail_on: Option<FailOn>,
}

/// Reads a severity, and lists them all when it is none.
pub(in crate::cli) fn severity() -> impl clap::builder::TypedValueParser<Value = Severity> {
    use clap::builder::TypedValueParser as _;
    clap::builder::PossibleValuesParser::new(Severity::ALL.map(Severity::as_str)).try_map(|text| text.parse())
}

/// Reads a gate, a severity or `new:` and a severity; lists them all when it is none.
pub(in crate::cli) fn gate() -> impl clap::builder::TypedValueParser<Value = FailOn> {
    use clap::builder::TypedValueParser as _;
    let gates = [false, true]
        .into_iter()
        .flat_map(|only_new| Severity::ALL.map(|severity| FailOn { only_new, severity }.to_string()));
    clap::builder::PossibleValuesParser::new(gates).try_map(|text| text.parse())
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
        if let Some(gate) = self.fail_on {
            config::set(&mut flags, "scan.fail_on", gate.to_string());
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
    pub(super) fn request(&self, app: &mut App, target: &str) -> Result<PlanRequest, CliError> {
        let target: Target = target.parse()?;
        Ok(PlanRequest {
            target,
            selection: self.selection(app)?,
            priority: self.priority.unwrap_or(0),
            seed: crate::store::random_bits(),
        })
    }

    fn selection(&self, app: &mut App) -> Result<Selection, CliError> {
        if !self.scanner.is_empty() {
            return Ok(Selection::Scanners(self.scanner.clone()));
        }
        match self.template.clone().or_else(|| app.config.scan.template.clone()) {
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
