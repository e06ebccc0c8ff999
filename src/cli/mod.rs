//! The command line: words in, words out. The only layer that prints or exits.
//!
//! One file a verb in [`commands`]: its arguments, and a function that calls a use case and tells of what came. Nothing is
//! set up before the words are read, so that `--help` is instant.

mod args;
mod background;
mod commands;
mod context;
mod error;
pub mod exit;
mod follow;
pub mod generate;
mod progress;
mod signals;
mod style;
mod suspend;
mod telemetry;
mod ui;
mod words;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use context::Context;
use error::{CliError, Kind};
use ui::Ui;

use crate::report::text::clean;

/// Runs the program; returns its exit code.
pub fn main() -> ExitCode {
    let umask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    own_up_to_faults();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    // Only a second call could fail.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let ui = Ui::new(cli.global.color, cli.global.quiet, &env);
    let telemetry = telemetry::init(cli.global.verbose, ui.err.color, &ui.live);
    let context = Context { global: cli.global, env, ui, telemetry, umask: umask.bits() };
    match run(&context, cli.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if error.kind != Kind::BrokenPipe {
                context.ui.error(&error);
            }
            ExitCode::from(error.code())
        }
    }
}

/// Has a fault of the program itself told in words, with its place: without symbols a list of addresses tells nobody anything, and a file of
/// it is gone with the container. Who sets `RUST_BACKTRACE` gets what Rust tells.
fn own_up_to_faults() {
    if cfg!(debug_assertions) || std::env::var_os("RUST_BACKTRACE").is_some() {
        return;
    }
    std::panic::set_hook(Box::new(|fault| {
        let (words, place) = (clean(fault.payload_as_str().unwrap_or("no words")), fault.location());
        let place = place.map(ToString::to_string).unwrap_or_default();
        // There is nowhere else to say it.
        drop(writeln!(
            std::io::stderr(),
            "error: this is a fault of dragnet {} itself: {words} ({place})\n  \
             help: please report it with these words; `dragnet watch` takes up the scans that were under way",
            env!("CARGO_PKG_VERSION"),
        ));
    }));
}

/// Tells what is wrong with the words, or what was asked with `--help` or `--version`.
fn refuse(error: &clap::Error) -> ExitCode {
    // A reader that has left wants to hear nothing.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::CLEAN })
}

fn run(context: &Context, command: Command) -> Result<u8, CliError> {
    use commands as verbs;
    match command {
        Command::Plan(args) => verbs::plan::run(context, &args),
        Command::Start(args) => verbs::start::run(context, &args),
        Command::Watch(args) => verbs::watch::run(context, &args),
        Command::Cancel(args) => verbs::cancel::run(context, &args),
        Command::Report(args) => verbs::report::run(context, &args),
        Command::List(args) => verbs::list::run(context, &args),
        Command::Show(args) => verbs::show::run(context, &args),
        Command::Findings(args) => verbs::findings::run(context, &args),
        Command::Import(args) => verbs::import::run(context, &args),
        Command::Logs(args) => verbs::logs::run(context, &args),
        Command::Pause(args) => verbs::pause::run(context, &args),
        Command::Resume(args) => verbs::resume::run(context, &args),
        Command::Retry(args) => verbs::retry::run(context, &args),
        Command::Priority(args) => verbs::priority::run(context, &args),
        Command::Schedule(args) => verbs::schedule::run(context, &args),
        Command::Targets(args) => verbs::targets::run(context, &args),
        Command::Scanners(args) => verbs::scanners::run(context, &args),
        Command::Templates(args) => verbs::templates::run(context, &args),
        Command::Config(args) => verbs::config::run(context, &args),
        Command::State(args) => verbs::state::run(context, &args),
        Command::Daemon(args) => verbs::daemon::run(context, &args),
        Command::Notify(args) => verbs::notify::run(context, &args),
        Command::Gc(args) => verbs::gc::run(context, &args),
        Command::Doctor(args) => verbs::doctor::run(context, &args),
        Command::AgentImage(args) => verbs::agent_image::run(context, &args),
        Command::Completions(args) => verbs::completions::run(context, &args),
        Command::Man(args) => verbs::completions::man(context, &args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_words_do_not_contradict_one_another() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Examples:"), "{}", command.get_name());
        }
    }
}
