//! A daemon that answers over HTTP, and needs no engine.

use std::path::Path;

use super::cli::{Cli, Home};
use super::process::{Daemon, all_have_run, daemon_is};
use super::tool::Tool;

/// A state, with a daemon that is configured so.
pub(super) struct Place {
    dir: tempfile::TempDir,
    config: String,
}

impl Place {
    pub(super) fn new(daemon: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("tree")).unwrap();
        let engine = dir.path().join("no-engine.sock");
        let config = format!("[executor.docker]\nhost = \"unix://{}\"\n[daemon]\n{daemon}\n", engine.display());
        Self::of(dir, config)
    }

    /// What is in a directory, with a configuration.
    pub(super) const fn of(dir: tempfile::TempDir, config: String) -> Self {
        Self { dir, config }
    }

    /// A daemon at a port that the system chooses.
    pub(super) fn local() -> Self {
        Self::new("listen = \"127.0.0.1:0\"")
    }
}

impl Home for Place {
    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn config(&self, _tools: &[Tool]) -> String {
        self.config.clone()
    }

    async fn left(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Starts the daemon; returns it with its port.
pub(super) async fn served(cli: &Cli<'_, Place>) -> (Daemon, u16) {
    let daemon = Daemon::start(cli).await;
    let view = daemon_is(cli, "it listens, and its workers have run", |daemon| {
        daemon.address.is_some() && all_have_run(daemon)
    });
    let port = view.await.address.unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    (daemon, port)
}
