//! A driver that outlives the command that started it.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use super::context::Context;
use super::error::CliError;
use crate::app::App;
use crate::model::id::{ScanId, ScanKey};

/// How long a driver may take until it has the scan.
const START: Duration = Duration::from_secs(20);

/// Where a background driver's words go.
pub(super) fn log(app: &App, scan: ScanKey) -> PathBuf {
    app.store.dir().join("logs").join(format!("driver-{scan}.log"))
}

/// Who drives a scan in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Background {
    /// A driver of its own.
    Driver,
    /// The daemon of the state, when the scan's turn comes.
    Daemon,
}

impl Background {
    /// Tells where the scan goes on.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Driver => "in the background",
            Self::Daemon => "with the daemon",
        }
    }
}

/// Leaves a scan to the daemon, or starts a driver in a session of its own and waits until it has the scan.
pub(super) async fn drive(context: &Context, app: &App, scan: ScanId, key: ScanKey) -> Result<Background, CliError> {
    if app.store.daemon_heartbeat()?.is_some() && app.store.declined(scan)?.is_none() {
        return Ok(Background::Daemon);
    }
    start(context, app, scan, key).await.map(|()| Background::Driver)
}

async fn start(context: &Context, app: &App, scan: ScanId, key: ScanKey) -> Result<(), CliError> {
    let log = log(app, key);
    let failed = |error: std::io::Error| {
        CliError::unreachable(format!("no driver could be started for scan {key}: {error}"))
            .hint(format!("`dragnet watch {key}` drives it from here"))
    };
    let file = File::options().create(true).append(true).open(&log).map_err(failed)?;
    let mut child = command(context, app, key)
        .stdin(Stdio::null())
        .stdout(file.try_clone().map_err(failed)?)
        .stderr(file)
        .spawn()
        .map_err(failed)?;
    let start = Instant::now();
    while !app.store.is_driven(key)? && !app.store.scan_state(scan)?.is_terminal() {
        let ended = child.try_wait().map_err(failed)?;
        if ended.is_some() || start.elapsed() > START {
            let message = format!("the driver of scan {key} did not start; its words are in {}", log.display());
            return Err(CliError::unreachable(message).hint(format!("`dragnet watch {key}` drives it from here")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

fn command(context: &Context, app: &App, key: ScanKey) -> Command {
    // Not the name it was called by: that may be another program by now.
    let mut command = Command::new("/proc/self/exe");
    command.arg0("dragnet").arg("--state").arg(app.store.dir());
    if let Some(config) = &context.global.config {
        command.arg("--config").arg(config);
    }
    if let Some(policy) = &context.global.policy {
        command.arg("--policy").arg(policy);
    }
    command.args(["watch", "--drive-detached", key.as_str()]);
    // The project's file may have set it, and is not read by those who are not in the project.
    command.env("DRAGNET_GRACE", app.config.scan.grace.to_string());
    command
}
