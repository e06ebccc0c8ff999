//! `dragnet daemon status`

use std::time::Duration;

use clap::Args;

use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::words::{duration, moment};
use crate::model::worker::{DaemonState, DaemonView, WorkerView};
use crate::report::text::clean;

/// Tell what the daemon of this state does
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet daemon status
  dragnet daemon status --format json

The exit code is 0 while a daemon lives, and 3 when none does.")]
pub(super) struct StatusArgs {
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

pub(super) fn run(context: &Context, args: &StatusArgs) -> Result<u8, CliError> {
    let app = context.unconfigured()?;
    let daemon = app.store.daemon()?;
    let lives =
        daemon.as_ref().is_some_and(|daemon| matches!(daemon.state, DaemonState::Running | DaemonState::Draining));
    if args.format == TableFormat::Json {
        context.ui.json("dragnet.daemon/v1", "daemon", &daemon)?;
    } else if let Some(daemon) = daemon {
        context.ui.print(&head(&daemon))?;
        if !daemon.workers.is_empty() {
            let rows: Vec<Vec<String>> = daemon.workers.iter().map(|worker| row(worker, lives)).collect();
            context.ui.table(&["WORKER", "RUNS", "FAILED", "LAST RUN", "TOOK", "OUTCOME", "NEXT"], &rows)?;
        }
    } else {
        context.ui.say("no daemon has worked on this state; `dragnet daemon` begins one");
    }
    Ok(if lives { exit::CLEAN } else { exit::INCOMPLETE })
}

fn head(daemon: &DaemonView) -> String {
    let since = match daemon.stopped_at {
        Some(at) => format!("ended {}", moment(at)),
        None => format!("since {}", moment(daemon.started_at)),
    };
    let mut text = format!(
        "Daemon    {} · {} · {since} · dragnet {}\n",
        daemon.state.as_str(),
        clean(&daemon.owner),
        daemon.version
    );
    let configured = match &daemon.config_error {
        None => format!("read {}", moment(daemon.configured_at)),
        Some(error) => format!("REFUSED, in use is that of {}: {}", moment(daemon.configured_at), clean(error)),
    };
    text.extend(["Config    ", &configured, "\n"]);
    if let Some(address) = &daemon.address {
        text.extend(["Address   http://", &clean(address), "\n"]);
    }
    text.push('\n');
    text
}

fn row(worker: &WorkerView, lives: bool) -> Vec<String> {
    let outcome = match worker.message.as_str() {
        "" => worker.outcome.as_str().to_owned(),
        words => format!("{}: {}", worker.outcome.as_str(), clean(words)),
    };
    vec![
        worker.name.clone(),
        worker.runs.to_string(),
        worker.failures.to_string(),
        moment(worker.started_at),
        duration(Duration::from_millis(worker.took_ms)),
        outcome,
        if lives { moment(worker.next_at) } else { "-".to_owned() },
    ]
}
