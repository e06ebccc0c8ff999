//! What the outside says to the daemon, and what the daemon says to the service manager.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use sd_notify::NotifyState;
use tokio::sync::mpsc;

use crate::config::Config;

/// What is asked of a daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Begin nothing, hand over what is driven, end.
    Drain,
    /// End at once.
    Abort,
    /// Read the configuration anew.
    Reload,
}

/// Where orders come from.
pub type Orders = mpsc::Receiver<Order>;

/// Reads the configuration from all its places; the words say what is wrong with it, and where.
pub type ReadConfig = Box<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// Applies a configuration where a worker does not; the words say why it cannot be.
pub type Apply = Box<dyn Fn(&Config) -> Result<(), String> + Send + Sync>;

/// The configuration's files, and how they are read.
pub struct Source {
    files: Files,
    read: ReadConfig,
    apply: Apply,
}

impl Source {
    /// Looks at the files now, before they are read for the first time: a change of one of them is an order to reload. A file need not exist.
    /// `apply` applies what is no worker's: the log. Refused, and all is as before, when it cannot be.
    pub fn new(files: Vec<PathBuf>, read: ReadConfig, apply: Apply) -> Self {
        Self { files: Files { seen: stamps(&files), paths: files }, read, apply }
    }

    /// Reads all of it.
    pub(super) fn read(&self) -> Result<Config, String> {
        (self.read)()
    }

    /// Applies what is no worker's.
    pub(super) fn apply(&self, config: &Config) -> Result<(), String> {
        (self.apply)(config)
    }

    /// Looks at the files; returns whether any of them has changed since the last look.
    pub(super) fn look(&mut self) -> bool {
        let now = stamps(&self.files.paths);
        let changed = self.files.seen != now;
        self.files.seen = now;
        changed
    }
}

/// Files, and what they looked like when they were last looked at.
struct Files {
    paths: Vec<PathBuf>,
    seen: Vec<Option<(SystemTime, u64)>>,
}

fn stamps(files: &[PathBuf]) -> Vec<Option<(SystemTime, u64)>> {
    let stamp = |path: &PathBuf| path.metadata().ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
    files.iter().map(stamp).collect()
}

/// Tells the service manager, if there is one that listens (`sd_notify(3)`). It takes no answer, and nobody else could be told.
pub(super) fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// Returns how often the service manager wants a sign of life: twice in the time after which it would kill.
pub(super) fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}
