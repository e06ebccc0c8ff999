//! `dragnet daemon`

mod status;

use std::sync::{Arc, OnceLock};

use clap::{Args, Subcommand};
use tokio::sync::mpsc;
use toml::Table;

use crate::cli::context::{Context, Scope};
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::signals::{Caught, Signals};
use crate::config::Config;
use crate::daemon::{Daemon, Ended, Order, Source};

/// Work beside the command line: drive queued scans, clear up what dead processes left
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  dragnet daemon                     work until SIGTERM or Ctrl-C; SIGHUP reads the configuration anew
  dragnet daemon --once              do what is due now, drive what is queued, and end: for cron
  dragnet daemon status              what it does, and what went wrong

While it lives, `dragnet start` queues to it and follows. One host, one daemon for a state.
`[daemon] listen` of the configuration makes it serve /healthz, /readyz, /workers and /metrics.
The first SIGTERM or Ctrl-C hands over what it drives and ends; containers run on. The second ends at once."
)]
pub(in crate::cli) struct DaemonArgs {
    #[command(subcommand)]
    command: Option<DaemonCommand>,
    /// Do everything that is due once, drive scans until none is left, and end
    #[arg(long)]
    once: bool,
    /// Wait for the end of another daemon of this state, rather than refuse
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Subcommand)]
enum DaemonCommand {
    Status(status::StatusArgs),
}

pub(in crate::cli) fn run(context: &Context, args: &DaemonArgs) -> Result<u8, CliError> {
    match &args.command {
        Some(DaemonCommand::Status(status)) => status::run(context, status),
        None => work(context, args),
    }
}

fn work(context: &Context, args: &DaemonArgs) -> Result<u8, CliError> {
    // In huge pages, what a process that rests holds is more than twice as much. It works as well without, so a kernel without is fine.
    nix::sys::prctl::set_thp_disable(true).ok();
    let again = context.clone();
    let read = move || {
        again.resolve(Table::new(), Scope::User).map(|resolved| resolved.config).map_err(|error| error.message())
    };
    // The log's secrets are masked under the key of the state, which is opened with the configuration: who comes first is told later.
    let (telemetry, key) = (context.telemetry.clone(), Arc::new(OnceLock::<Vec<u8>>::new()));
    let key_of_log = Arc::clone(&key);
    let apply = move |config: &Config| {
        telemetry.apply(&config.daemon.log, key_of_log.get().map(Vec::as_slice).unwrap_or_default())
    };
    let source = Source::new(context.files(), Box::new(read), Box::new(apply.clone()));
    let mut app = context.app()?;
    if args.once {
        // It is gone before anybody asks; so nobody has to have a token for it.
        app.config.daemon.listen = None;
    }
    key.get_or_init(|| app.store.secret_key().to_vec());
    apply(&app.config).map_err(|error| CliError::usage(error).hint("see `[daemon.log]` in the configuration"))?;
    Context::block_on(async {
        let mut signals = Signals::listen()?;
        let (sender, mut orders) = mpsc::channel(16);
        let working = async {
            match Daemon::begin(app, source, args.wait, &mut orders).await? {
                None => Ok(Ended::Aborted),
                Some(daemon) if args.once => daemon.once(orders).await,
                Some(daemon) => daemon.run(orders).await,
            }
        };
        tokio::pin!(working);
        let mut ending: Option<Caught> = None;
        loop {
            tokio::select! {
                ended = &mut working => return Ok(match (ended?, ending) {
                    (Ended::Aborted, Some(caught)) => caught.code(),
                    (Ended::Aborted, None) => exit::INTERRUPTED,
                    (Ended::Drained, _) => exit::CLEAN,
                }),
                caught = signals.next() => {
                    let order = match caught {
                        Caught::Hangup => Order::Reload,
                        Caught::Interrupt | Caught::Terminate if ending.is_none() => Order::Drain,
                        Caught::Interrupt | Caught::Terminate => Order::Abort,
                    };
                    if order != Order::Reload {
                        ending = Some(caught);
                    }
                    // Only a daemon that has ended does not listen.
                    let _ = sender.send(order).await;
                }
            }
        }
    })
}
