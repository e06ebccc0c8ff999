//! The words that the command line takes.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::commands as verbs;
use super::style;
use super::ui::ColorChoice;

/// Plan security scans, run them in containers, and report what is true: a scan that did not see all of its target never
/// looks clean.
#[derive(Debug, Parser)]
#[command(
    name = "dragnet",
    version,
    styles = style::HELP,
    max_term_width = 100,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  dragnet plan                       see what would run on this directory, and why
  dragnet start                      scan this directory
  dragnet start --fail-on high       fail, with exit code 1, on findings that are high or worse
  dragnet report --format sarif -o results.sarif

Exit codes:
  0 clean   1 gate failed   2 usage or configuration   3 incomplete or failed   4 max duration
  5 cancelled   6 engine or state not reachable   130, 143 interrupted"
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Keep the state in this directory [default: `$XDG_STATE_HOME/dragnet`]
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) state: Option<PathBuf>,
    /// Read this file rather than the user's own configuration
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// Lay this file over all configuration but the flags
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) policy: Option<PathBuf>,
    /// Trust the dragnet.toml of this directory for this one command
    #[arg(long, global = true)]
    pub(super) trust_project_config: bool,
    /// Use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, global = true)]
    pub(super) color: ColorChoice,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more; twice says most
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(super) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Plan(verbs::plan::PlanArgs),
    Start(verbs::start::StartArgs),
    Watch(verbs::watch::WatchArgs),
    Cancel(verbs::cancel::CancelArgs),
    Report(verbs::report::ReportArgs),
    List(verbs::list::ListArgs),
    Show(verbs::show::ShowArgs),
    Findings(verbs::findings::FindingsArgs),
    Import(verbs::import::ImportArgs),
    Logs(verbs::logs::LogsArgs),
    Pause(verbs::pause::PauseArgs),
    Resume(verbs::resume::ResumeArgs),
    Retry(verbs::retry::RetryArgs),
    Priority(verbs::priority::PriorityArgs),
    Schedule(verbs::schedule::ScheduleArgs),
    Targets(verbs::targets::TargetsArgs),
    Scanners(verbs::scanners::ScannersArgs),
    Templates(verbs::templates::TemplatesArgs),
    Config(verbs::config::ConfigArgs),
    State(verbs::state::StateArgs),
    Daemon(verbs::daemon::DaemonArgs),
    Notify(verbs::notify::NotifyArgs),
    Gc(verbs::gc::GcArgs),
    Doctor(verbs::doctor::DoctorArgs),
    AgentImage(verbs::agent_image::AgentImageArgs),
    Completions(verbs::completions::CompletionsArgs),
    #[command(hide = true)]
    Man(verbs::completions::ManArgs),
}

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum TableFormat {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Names a scan.
#[derive(Debug, Args)]
pub(super) struct ScanArg {
    /// The scan: its id, a unique beginning of it, or `latest`
    #[arg(value_name = "SCAN", default_value = "latest")]
    pub(super) scan: String,
}
