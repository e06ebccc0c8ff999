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
    /// A change of one of them is an order to reload; a file need not exist.
    pub files: Vec<PathBuf>,
    /// Reads all of it.
    pub read: ReadConfig,
    /// Applies what is no worker's: the log. Refused, and all is as before, when it cannot be.
    pub apply: Apply,
}

/// What the configuration's files looked like when they were last looked at.
pub(super) struct Stamps(Vec<Option<(SystemTime, u64)>>);

impl Stamps {
    pub(super) fn of(files: &[PathBuf]) -> Self {
        let stamp = |path: &PathBuf| path.metadata().ok().and_then(|meta| Some((meta.modified().ok()?, meta.len())));
        Self(files.iter().map(stamp).collect())
    }

    /// Looks again; returns whether any has changed.
    pub(super) fn have_changed(&mut self, files: &[PathBuf]) -> bool {
        let now = Self::of(files);
        std::mem::replace(&mut self.0, now.0.clone()) != now.0
    }
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
