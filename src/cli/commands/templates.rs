//! `dragnet templates`

use clap::Args;
use toml::Table;

use crate::cli::args::TableFormat;
use crate::cli::context::{Context, Scope};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::model::id::StepId;
use crate::model::target::TargetKind;
use crate::model::template::Template;
use crate::report::text::clean;

/// List the templates, or show one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet templates
  dragnet templates code > my.toml   a template to start from: `dragnet start -t my.toml`")]
pub(in crate::cli) struct TemplatesArgs {
    /// The template to show
    name: Option<String>,
    /// Print it as: a table is, for one template, its TOML
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(in crate::cli) fn run(context: &Context, args: &TemplatesArgs) -> Result<u8, CliError> {
    let catalog = context.catalog(Table::new(), Scope::Project)?;
    match (&args.name, args.format) {
        (Some(name), TableFormat::Json) => {
            context.ui.json("dragnet.template/v1", "template", catalog.template(name)?)?;
        }
        (Some(name), TableFormat::Table) => {
            let text = toml::to_string(catalog.template(name)?)
                .map_err(|error| CliError::usage(format!("the template `{name}` cannot be written: {error}")))?;
            context.ui.print(&text)?;
        }
        (None, TableFormat::Json) => {
            let all: std::collections::BTreeMap<_, _> = catalog.templates().collect();
            context.ui.json("dragnet.templates/v1", "templates", &all)?;
        }
        (None, TableFormat::Table) => {
            let rows: Vec<Vec<String>> = catalog.templates().map(|(name, template)| row(name, template)).collect();
            context.ui.table(&["TEMPLATE", "TAKES", "STEPS", "WHAT IT IS FOR"], &rows)?;
        }
    }
    Ok(exit::CLEAN)
}

fn row(name: &str, template: &Template) -> Vec<String> {
    let takes: Vec<&str> = template.targets.iter().copied().map(TargetKind::as_str).collect();
    let steps: Vec<&str> = template.steps.iter().map(|step| StepId::as_str(&step.id)).collect();
    vec![
        name.to_owned(),
        if takes.is_empty() { "any".to_owned() } else { takes.join(", ") },
        steps.join(", "),
        clean(&template.about).into_owned(),
    ]
}
