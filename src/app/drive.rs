//! Taking up a scan that nobody drives: the same for a command that follows it and for the daemon.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::profile_of;
use super::{App, AppError, gc};
use crate::config::ExecutorKind;
use crate::driver::{self, Driver, DriverError, Place, Rest, Slots};
use crate::executor::{Observer, SharedExecutor};
use crate::model::id::{ScanId, ScanKey};
use crate::model::state::ScanState;
use crate::store::{Lease, LeaseError};

/// How long a heartbeat stands still before its owner counts as dead: three beats. An owner that was only slow loses its fence, no more.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long the engine may take to list and remove what dead processes have left.
const SWEEP: Duration = Duration::from_secs(30);

/// What is known of somebody's heartbeat, on this process's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Patience {
    heartbeat: i64,
    since: Option<Instant>,
}

impl Patience {
    /// Takes note of a heartbeat number; returns whether it has not changed for the whole of our patience.
    pub fn is_over(&mut self, heartbeat: i64) -> bool {
        if self.since.is_none() || heartbeat != self.heartbeat {
            *self = Self { heartbeat, since: Some(Instant::now()) };
        }
        self.since.is_some_and(|since| since.elapsed() >= PATIENCE)
    }
}

/// Whether a driver would find something to do.
pub(super) fn needs_driver(app: &App, scan: ScanId) -> Result<bool, AppError> {
    let state = app.store.scan_state(scan)?;
    Ok(match state {
        _ if state.is_terminal() => app.store.has_leftovers(scan)? || driver::is_untidy(&app.store, scan)?,
        ScanState::Paused => !app.store.open_intents(scan)?.is_empty(),
        _ => true,
    })
}

/// Takes the right to drive a scan; `None` when another process has it. `stale` is the heartbeat number of an owner that counts as dead.
pub async fn take(app: &App, scan: ScanId, key: ScanKey, stale: Option<i64>) -> Result<Option<Lease>, AppError> {
    match app.store.acquire(scan, key, &owner_name(), app.clock.now(), stale).await {
        Ok(lease) => Ok(Some(lease)),
        Err(LeaseError::Held { .. }) => Ok(None),
        Err(LeaseError::Store(error)) => Err(error.into()),
    }
}

/// What the drivers of one process share.
#[derive(Clone)]
pub struct Fleet {
    /// What their attempts may use together.
    pub slots: Slots,
    /// The watch of the engine.
    pub observer: Observer,
}

/// Drives a scan until it ends or rests, or `detach` is cancelled, and gives it back.
pub async fn drive(
    app: &App,
    lease: Lease,
    executor: SharedExecutor,
    actor: &str,
    fleet: Option<Fleet>,
    detach: CancellationToken,
) -> Result<Rest, AppError> {
    let profile = profile_of(app, lease.scan)?;
    let (slots, observer) = fleet.map(|fleet| (fleet.slots, fleet.observer)).unzip();
    let driver = Driver {
        store: app.store.clone(),
        executor,
        clock: app.clock.clone(),
        grace: profile.grace.0,
        engine_timeout: app.config.scan.engine_timeout.0,
        actor: actor.to_owned(),
        slots: slots.map(|slots| Ok::<_, AppError>((slots, place(app, lease.scan, profile.kind)?))).transpose()?,
        observer,
    };
    let rest: Result<Rest, DriverError> = driver.run(&lease, detach).await;
    // Best effort: a lease that is not given back is free all the same, for its lock is.
    drop(app.store.release(lease).await);
    Ok(rest?)
}

/// Where the attempts of a scan count.
fn place(app: &App, scan: ScanId, kind: ExecutorKind) -> Result<Place, AppError> {
    let view = app.store.scan(scan)?;
    Ok(Place { project: view.project, executor: kind.as_str().to_owned(), target: view.target_key.key })
}

/// Removes what dead processes have left in the engine. It is no part of a scan, so it neither fails one nor holds it up.
pub(super) async fn sweep_beside(app: &App, executor: &SharedExecutor, detach: CancellationToken) {
    let swept = tokio::select! {
        swept = tokio::time::timeout(SWEEP, gc::sweep(app, executor)) => swept,
        () = detach.cancelled() => return,
    };
    match swept {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what dead processes have left was not removed"),
        Err(_) => tracing::warn!("what dead processes have left was not removed: the engine takes too long"),
    }
}

/// Returns how this process calls itself as an owner, `HOST:PID`.
pub fn owner_name() -> String {
    let host = rustix::system::uname();
    format!("{}:{}", host.nodename().to_string_lossy(), std::process::id())
}
