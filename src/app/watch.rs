//! Watch: a scan's events, live or past, from any process; and driving it when nobody else does.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::drive::{self, Patience};
use super::{App, AppError, engine_of};
use crate::driver::Rest;
use crate::executor::SharedExecutor;
use crate::model::event::Event;
use crate::model::id::{ScanId, ScanKey};
use crate::model::state::ScanState;

/// How often events are looked for.
const POLL: Duration = Duration::from_millis(100);
/// How often a scan that another process drives is looked at.
const OWNER_POLL: Duration = Duration::from_secs(1);
/// Events of one read.
const PAGE: u32 = 1000;

/// Who is to drive a scan that nobody drives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TakeUp {
    /// Somebody else.
    #[default]
    Never,
    /// The watcher, unless a daemon lives that will.
    WithoutDaemon,
    /// The watcher, for it alone has what the scan reads: the files of an import.
    Always,
}

/// How to watch.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// Events after this number.
    pub from: u64,
    /// Who drives the scan when nobody does.
    pub take_up: TakeUp,
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
    let (owner, daemon) = (Patience::default(), Patience::default());
    let mut watcher = Watcher {
        app,
        scan,
        key: app.store.scan(scan)?.id,
        executor,
        options,
        driving: None,
        owner,
        daemon,
        looked: None,
    };
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
    driving: Option<JoinHandle<Result<Rest, AppError>>>,
    /// What is known of the scan's owner, and of the daemon.
    owner: Patience,
    daemon: Patience,
    looked: Option<Instant>,
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
        let due = self.looked.is_none_or(|at| at.elapsed() >= OWNER_POLL);
        if self.options.take_up != TakeUp::Never && self.driving.is_none() && due {
            self.looked = Some(Instant::now());
            self.try_drive().await?;
        }
        Ok(None)
    }

    async fn try_drive(&mut self) -> Result<(), AppError> {
        let (app, scan, key) = (self.app, self.scan, self.key);
        if !drive::needs_driver(app, scan)? || self.is_left_to_daemon()? {
            return Ok(());
        }
        let (_, heartbeat) = app.store.owner(scan)?;
        let stale = self.owner.is_over(heartbeat).then_some(heartbeat);
        if stale.is_none() && app.store.is_driven(key)? {
            return Ok(());
        }
        let executor = match &self.executor {
            Some(executor) => SharedExecutor::clone(executor),
            None => self.executor.insert(engine_of(app, scan).await?).clone(),
        };
        let Some(lease) = drive::take(app, scan, key, stale).await? else { return Ok(()) };
        let (app, actor, detach) = (app.clone(), self.options.actor.clone(), self.options.detach.clone());
        self.driving = Some(tokio::spawn(async move {
            let driving = drive::drive(&app, lease, executor.clone(), &actor, None, detach.clone());
            tokio::join!(driving, drive::sweep_beside(&app, &executor, detach)).0
        }));
        Ok(())
    }

    /// Whether there is a daemon that drives it, or will when its turn comes.
    fn is_left_to_daemon(&mut self) -> Result<bool, AppError> {
        if self.options.take_up == TakeUp::Always {
            return Ok(false);
        }
        Ok(match self.app.store.daemon_heartbeat()? {
            Some(heartbeat) if !self.daemon.is_over(heartbeat) => self.app.store.declined(self.scan)?.is_none(),
            _ => false,
        })
    }

    /// Waits for the driver to let go.
    async fn let_go(&mut self) {
        if let Some(driving) = self.driving.take() {
            drop(driving.await);
        }
    }
}
