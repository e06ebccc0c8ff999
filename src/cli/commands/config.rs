//! `dragnet config`

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use toml::Table;

use crate::cli::args::TableFormat;
use crate::cli::context::{Context, PROJECT_FILE, Scope};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::config::trust::TrustList;
use crate::config::{self, DEFAULTS, File};

/// Show the configuration, and trust that of a project
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  dragnet config show                each value, and where it comes from
  dragnet config show --defaults > ~/.config/dragnet/config.toml
  dragnet config trust               let ./dragnet.toml set everything, as it is now"
)]
pub(in crate::cli) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show each value, and where it comes from
    Show(ShowArgs),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Trust a project's file as it is now: it may then set what runs, with which network and secrets
    Trust(TrustArgs),
    /// Name the files that are read, strongest first
    Path,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Print the defaults with their explanations, as a file to start from
    #[arg(long, conflicts_with = "format")]
    defaults: bool,
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

#[derive(Debug, Args)]
struct TrustArgs {
    /// The file
    #[arg(default_value = PROJECT_FILE)]
    file: PathBuf,
}

pub(in crate::cli) fn run(context: &Context, args: &ConfigArgs) -> Result<u8, CliError> {
    match &args.command {
        ConfigCommand::Show(args) => show(context, args)?,
        ConfigCommand::Schema => {
            context.ui.print(&(serde_json::to_string_pretty(&config::json_schema())? + "\n"))?;
        }
        ConfigCommand::Trust(args) => trust(context, &args.file)?,
        ConfigCommand::Path => paths(context)?,
    }
    Ok(exit::CLEAN)
}

fn show(context: &Context, args: &ShowArgs) -> Result<(), CliError> {
    if args.defaults {
        return context.ui.print(DEFAULTS);
    }
    let settings = context.resolve(Table::new(), Scope::Project)?.settings;
    if args.format == TableFormat::Json {
        return context.ui.json("dragnet.config/v1", "settings", &settings);
    }
    let rows: Vec<Vec<String>> = settings
        .iter()
        .map(|setting| vec![setting.key.clone(), setting.value.to_string(), setting.origin.to_string()])
        .collect();
    context.ui.table(&["KEY", "VALUE", "FROM"], &rows)
}

fn trust(context: &Context, path: &Path) -> Result<(), CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CliError::usage(format!("{} cannot be read: {error}", path.display())))?;
    let dir = config::config_dir(&context.env)
        .ok_or_else(|| CliError::usage("there is no place to remember it: set XDG_CONFIG_HOME or HOME"))?;
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    TrustList::load(&dir)?.add(&File { path: path.clone(), text })?;
    context.ui.say(&format!("{} is trusted as it is now; a change must be trusted anew", path.display()));
    Ok(())
}

fn paths(context: &Context) -> Result<(), CliError> {
    let policy = context.policy_path();
    let user = context.global.config.clone().or_else(|| config::user_config(&context.env));
    let files = [("policy", policy), ("project", Some(PathBuf::from(PROJECT_FILE))), ("user", user)];
    let rows: Vec<Vec<String>> = files
        .into_iter()
        .filter_map(|(name, path)| {
            let path = path?;
            let there = if path.is_file() { "read" } else { "not there" };
            Some(vec![name.to_owned(), path.display().to_string(), there.to_owned()])
        })
        .collect();
    context.ui.table(&["LAYER", "FILE", ""], &rows)
}
