//! A daemon as a process of its own.

use std::process::{ExitStatus, Output};

use dragnet::model::worker::{DaemonState, DaemonView};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use super::cli::{Cli, Home, until};

/// The workers of each daemon, by name.
pub(crate) const WORKERS: [&str; 5] = ["cleaner", "drivers", "notifier", "scheduler", "sweeper"];

/// Whether all workers have run.
pub(crate) fn all_have_run(daemon: &DaemonView) -> bool {
    daemon.workers.iter().map(|worker| worker.name.as_str()).eq(WORKERS)
}

/// A daemon.
pub(crate) struct Daemon {
    child: Child,
    owner: String,
}

impl Daemon {
    /// Starts one and waits until it lives.
    pub(crate) async fn start(cli: &Cli<'_, impl Home>) -> Self {
        let child = cli.command(&["daemon"]).spawn().unwrap();
        let pid = child.id().unwrap();
        let owner = until("a daemon lives", || {
            let daemon = cli.app.store.daemon().unwrap()?;
            (daemon.state == DaemonState::Running && daemon.owner.ends_with(&format!(":{pid}"))).then_some(daemon.owner)
        })
        .await;
        Self { child, owner }
    }

    /// How it calls itself as an owner.
    pub(crate) fn owner(&self) -> &str {
        &self.owner
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Kills it without a warning.
    pub(crate) async fn kill(mut self) {
        self.signal(Signal::KILL);
        self.child.wait().await.unwrap();
    }

    /// Asks it to end; returns how it did.
    pub(crate) async fn end(self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        let Output { status, stderr, .. } = super::cli::ended(self.child).await;
        (status, String::from_utf8_lossy(&stderr).into_owned())
    }
}

/// Waits until the daemon of a state is as it should be.
pub(crate) async fn daemon_is(cli: &Cli<'_, impl Home>, what: &str, is: impl Fn(&DaemonView) -> bool) -> DaemonView {
    until(what, || cli.app.store.daemon().unwrap().filter(|daemon| is(daemon))).await
}
