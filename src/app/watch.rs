//! Watch: a scan's events, live or past, from any process; and driving it when nobody else does.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::profile_of;
use super::{App, AppError, engine_of, gc};
use crate::driver::{self, Driver, DriverError, Rest};
use crate::executor::SharedExecutor;
use crate::model::event::Event;
use crate::model::id::{ScanId, ScanKey};
use crate::model::state::ScanState;
use crate::store::LeaseError;

/// How often events are looked for.
const POLL: Duration = Duration::from_millis(100);
/// How often a scan that another process drives is looked at.
const OWNER_POLL: Duration = Duration::from_secs(1);
/// How long a heartbeat stands still before its scan is taken over: three beats. An owner that was only slow loses its fence, no more.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long the engine may take to list and remove what dead processes have left.
const SWEEP: Duration = Duration::from_secs(30);
/// Events of one read.
const PAGE: u32 = 1000;

/// How to watch.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Events after this number.
    pub from: u64,
    /// Whether to drive the scan when nobody does.
    pub drive: bool,
    /// Whether to end when the scan is paused and nothing is live.
    pub end_when_paused: bool,
    /// Cancelled to let go: the watcher stops, and a driver with it.
    pub detach: CancellationToken,
    /// Who watches.
    pub actor: String,
}

/// Why watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchEnd {
    /// The scan has ended.
    Ended,
    /// The scan is paused.
    Paused,
    /// The engine could not be asked for too long; the scan can be taken up again.
    EngineLost,
    /// It was told to let go.
    Detached,
}

/// Follows a scan until it ends: `event` is called for each event, in order. `executor` is the scan's engine, if it is known;
/// otherwise it is connected to when the scan has to be driven.
pub async fn watch(
    app: &App,
    scan: ScanId,
    executor: Option<SharedExecutor>,
    options: Watch,
    mut event: impl FnMut(&Event),
) -> Result<WatchEnd, AppError> {
    let mut watcher =
        Watcher { app, scan, key: app.store.scan(scan)?.id, executor, options, driving: None, owner: Owner::default() };
    let mut seen = watcher.options.from;
    loop {
        let resting = watcher.look_after().await?;
        let state = app.store.scan_state(scan)?;
        seen = drain(app, scan, seen, &mut event)?;
        // The state was read before the events, so all events of an ended scan have been seen.
        match resting {
            _ if state.is_terminal() && watcher.driving.is_none() => return Ok(WatchEnd::Ended),
            Some(end) => return Ok(end),
            None if state == ScanState::Paused && watcher.options.end_when_paused && watcher.driving.is_none() => {
                return Ok(WatchEnd::Paused);
            }
            None => {}
        }
        tokio::select! {
            () = watcher.options.detach.cancelled() => {
                watcher.let_go().await;
                drain(app, scan, seen, &mut event)?;
                return Ok(WatchEnd::Detached);
            }
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

fn drain(app: &App, scan: ScanId, mut seen: u64, event: &mut impl FnMut(&Event)) -> Result<u64, AppError> {
    loop {
        let events = app.store.events(scan, seen, PAGE)?;
        for one in &events {
            event(one);
            seen = one.seq;
        }
        if events.len() < PAGE as usize {
            return Ok(seen);
        }
    }
}

struct Watcher<'a> {
    app: &'a App,
    scan: ScanId,
    key: ScanKey,
    executor: Option<SharedExecutor>,
    options: Watch,
    driving: Option<JoinHandle<Result<Rest, DriverError>>>,
    owner: Owner,
}

/// What is known of another owner.
#[derive(Default)]
struct Owner {
    looked: Option<Instant>,
    heartbeat: i64,
    since: Option<Instant>,
}

impl Watcher<'_> {
    /// Takes the scan if nobody drives it; collects a driver that has ended.
    async fn look_after(&mut self) -> Result<Option<WatchEnd>, AppError> {
        if let Some(driving) = self.driving.take_if(|driving| driving.is_finished()) {
            let rest = driving.await.map_err(|error| AppError::Panicked(error.to_string()))??;
            return Ok(match rest {
                Rest::Paused if self.options.end_when_paused => Some(WatchEnd::Paused),
                Rest::Ended | Rest::Paused | Rest::LostOwnership => None,
                Rest::EngineLost => Some(WatchEnd::EngineLost),
                Rest::Detached => Some(WatchEnd::Detached),
            });
        }
        let due = self.owner.looked.is_none_or(|at| at.elapsed() >= OWNER_POLL);
        if self.options.drive && self.driving.is_none() && due {
            self.owner.looked = Some(Instant::now());
            self.try_drive().await?;
        }
        Ok(None)
    }

    async fn try_drive(&mut self) -> Result<(), AppError> {
        let state = self.app.store.scan_state(self.scan)?;
        let asked = !self.app.store.open_intents(self.scan)?.is_empty();
        let rests = state.is_terminal()
            && !self.app.store.has_leftovers(self.scan)?
            && !driver::is_untidy(&self.app.store, self.scan)?;
        if rests || (state == ScanState::Paused && !asked) {
            return Ok(());
        }
        let stale = self.stale_heartbeat()?;
        if stale.is_none() && self.app.store.is_driven(self.key)? {
            return Ok(());
        }
        let executor = match &self.executor {
            Some(executor) => SharedExecutor::clone(executor),
            None => self.executor.insert(engine_of(self.app, self.scan).await?).clone(),
        };
        match self.app.store.acquire(self.scan, self.key, &owner_name(), self.app.clock.now(), stale).await {
            Ok(lease) => {
                let driver = self.driver(executor)?;
                let detach = self.options.detach.clone();
                let (app, store) = (self.app.clone(), self.app.store.clone());
                self.driving = Some(tokio::spawn(async move {
                    let (rest, ()) = tokio::join!(driver.run(&lease, detach.clone()), sweep(&app, &driver, detach));
                    // Best effort: a lease that is not given back is free all the same, for its lock is.
                    drop(store.release(lease).await);
                    rest
                }));
                Ok(())
            }
            Err(LeaseError::Held { .. }) => Ok(()),
            Err(LeaseError::Store(error)) => Err(error.into()),
        }
    }

    /// Returns the heartbeat number that has not changed for the whole of our patience.
    fn stale_heartbeat(&mut self) -> Result<Option<i64>, AppError> {
        let (_, heartbeat) = self.app.store.owner(self.scan)?;
        if self.owner.since.is_none() || heartbeat != self.owner.heartbeat {
            self.owner.heartbeat = heartbeat;
            self.owner.since = Some(Instant::now());
        }
        Ok(self.owner.since.is_some_and(|since| since.elapsed() >= PATIENCE).then_some(heartbeat))
    }

    fn driver(&self, executor: SharedExecutor) -> Result<Driver, AppError> {
        Ok(Driver {
            store: self.app.store.clone(),
            executor,
            clock: self.app.clock.clone(),
            grace: profile_of(self.app, self.scan)?.grace.0,
            engine_timeout: self.app.config.scan.engine_timeout.0,
            actor: self.options.actor.clone(),
        })
    }

    /// Waits for the driver to let go.
    async fn let_go(&mut self) {
        if let Some(driving) = self.driving.take() {
            drop(driving.await);
        }
    }
}

/// Removes what dead processes have left in the engine. It is no part of the scan, so it neither fails it nor holds it up.
async fn sweep(app: &App, driver: &Driver, detach: CancellationToken) {
    let swept = tokio::select! {
        swept = tokio::time::timeout(SWEEP, gc::sweep(app, &driver.executor)) => swept,
        () = detach.cancelled() => return,
    };
    match swept {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "what dead processes have left was not removed"),
        Err(_) => tracing::warn!("what dead processes have left was not removed: the engine takes too long"),
    }
}

/// Returns how this process calls itself as an owner.
fn owner_name() -> String {
    let host = rustix::system::uname();
    format!("{}:{}", host.nodename().to_string_lossy(), std::process::id())
}
