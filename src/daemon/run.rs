//! The daemon as a whole: becomes the one of its state, lets its workers work, and ends in order.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::drivers::Drivers;
use super::engines::Engines;
use super::front::{self, Front};
use super::life::{self, Order, Orders, Source, Stamps};
use super::sweeper::Sweeper;
use super::worker::{Pulse, Record, activate, work};
use crate::api::{ApiError, Vitals};
use crate::app::{App, AppError, drive};
use crate::store::{DaemonLock, StoreError};

/// How often the daemon says that it lives.
const HEARTBEAT: Duration = Duration::from_secs(4);
/// How often it is looked whether the state has changed.
const LOOK: Duration = Duration::from_millis(200);
/// How often it is looked whether the configuration's files have changed.
const FILES: Duration = Duration::from_secs(2);
/// How long the right to be the daemon is asked for before another process counts as having it: whoever only looks has it for a moment.
const ASK: Duration = Duration::from_secs(1);

/// Why a daemon did not begin, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Another process is the daemon of this state.
    #[error("{owner} is the daemon of this state")]
    Taken {
        /// Host and process, `HOST:PID`.
        owner: String,
    },
    /// The state cannot be used, or a use case failed where nothing could go on.
    #[error(transparent)]
    App(#[from] AppError),
    /// What the configuration wants to be shown over HTTP cannot be.
    #[error(transparent)]
    Api(#[from] ApiError),
}

impl From<StoreError> for DaemonError {
    fn from(error: StoreError) -> Self {
        Self::App(error.into())
    }
}

/// How a daemon ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// In order: what it drove was handed over.
    Drained,
    /// At once, or because handing over took too long: what it drove is taken over when its heartbeat is seen to stand still.
    Aborted,
}

/// The daemon of a state.
pub struct Daemon {
    app: App,
    source: Source,
    lock: DaemonLock,
    draining: bool,
    /// What the files looked like before it waited for its turn: a change since then is one, too.
    stamps: Stamps,
    front: Option<Front>,
}

impl Daemon {
    /// Becomes the daemon of the state. Where another process is it: waits for its end, or refuses.
    pub async fn begin(app: App, source: Source, wait: bool) -> Result<Self, DaemonError> {
        let stamps = Stamps::of(&source.files);
        front::check(&app).await?;
        let (start, owner) = (Instant::now(), drive::owner_name());
        let mut told = false;
        loop {
            if let Some(lock) = app.store.begin_daemon(&owner, env!("CARGO_PKG_VERSION"), app.clock.now()).await? {
                return Ok(Self { app, source, lock, draining: false, stamps, front: None });
            }
            if start.elapsed() >= ASK {
                let other = app.store.daemon()?.map(|daemon| daemon.owner).unwrap_or_default();
                if !wait {
                    return Err(DaemonError::Taken { owner: other });
                }
                if !told {
                    tracing::info!("{other} is the daemon of this state; waiting for its end");
                    told = true;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Does everything that is due once, and drives scans until none is left that could be driven.
    pub async fn once(self, mut orders: Orders) -> Result<Ended, DaemonError> {
        let (engines, pulse) = (Engines::default(), Pulse::default());
        let mut drivers = Drivers::new(engines.clone(), Pulse::clone(&pulse));
        let (mut of_sweeper, mut of_drivers) = (Record::default(), Record::default());
        activate(&mut Sweeper::new(engines), &self.app, &mut of_sweeper).await;
        let mut ended = Ended::Drained;
        let mut beat = interval(HEARTBEAT);
        loop {
            let next = activate(&mut drivers, &self.app, &mut of_drivers).await;
            if drivers.is_idle() {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                () = pulse.notified() => {}
                _ = beat.tick() => self.app.store.daemon_beat(false).await?,
                order = orders.recv() => if matches!(order, Some(Order::Drain | Order::Abort)) {
                    ended = drain(drivers.let_go(), self.app.config.daemon.drain.0, &mut orders).await;
                    break;
                },
            }
        }
        self.end(ended).await
    }

    /// Works until it is told to end.
    pub async fn run(mut self, mut orders: Orders) -> Result<Ended, DaemonError> {
        let (apps, app) = watch::channel(Arc::new(self.app.clone()));
        let (engines, draining) = (Engines::default(), CancellationToken::new());
        let vitals = Vitals::default();
        self.front = match Front::open(app.clone(), &engines, &vitals).await {
            Ok(front) => front,
            Err(error) => {
                self.end(Ended::Drained).await?;
                return Err(error);
            }
        };
        let (sweep, drive) = (Pulse::default(), Pulse::default());
        let mut workers = JoinSet::new();
        let sweeper = Sweeper::new(engines.clone());
        workers.spawn(work(sweeper, app.clone(), Pulse::clone(&sweep), draining.clone(), vitals.clone()));
        let drivers = Drivers::new(engines, Pulse::clone(&drive));
        workers.spawn(work(drivers, app, Pulse::clone(&drive), draining.clone(), vitals));
        life::tell(&[NotifyState::Ready]);
        tracing::info!(state = %self.app.store.dir().display(), "the daemon works");

        let mut changes = self.app.store.changes()?;
        let (mut beat, mut look, mut files) = (ticks(sign_of_life()), ticks(LOOK), ticks(FILES));
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Reload) => self.reload(&apps, &[&sweep, &drive]).await,
                    Some(Order::Drain) | None => break,
                    Some(Order::Abort) => return self.end(Ended::Aborted).await,
                },
                _ = beat.tick() => self.beat().await,
                _ = look.tick() => if changes.has_news()? {
                    drive.notify_one();
                },
                _ = files.tick() => if self.stamps.have_changed(&self.source.files) {
                    self.reload(&apps, &[&sweep, &drive]).await;
                },
            }
        }
        tracing::info!("the daemon drains: it begins nothing more, and hands over what it drives");
        life::tell(&[NotifyState::Stopping]);
        self.draining = true;
        self.beat().await;
        draining.cancel();
        let drained = async { while workers.join_next().await.is_some() {} };
        let ended = drain(drained, apps.borrow().config.daemon.drain.0, &mut orders).await;
        self.end(ended).await
    }

    /// Says that the daemon lives. What cannot be written is said by the lack of it.
    async fn beat(&self) {
        match self.app.store.daemon_beat(self.draining).await {
            Ok(()) => life::tell(&[NotifyState::Watchdog]),
            Err(error) => tracing::error!(%error, "the daemon cannot write to its state"),
        }
    }

    /// Reads the configuration anew. One that cannot be used changes nothing, and is told of.
    async fn reload(&self, apps: &watch::Sender<Arc<App>>, wake: &[&Pulse]) {
        if let Ok(reloading) = NotifyState::monotonic_usec_now() {
            life::tell(&[NotifyState::Reloading, reloading]);
        }
        let read =
            (self.source.read)().and_then(|config| self.app.configured(config).map_err(|error| error.to_string()));
        let read = match (read, &self.front) {
            (Ok(app), Some(front)) => front.admit(&app).await.map(|()| app).map_err(|error| error.to_string()),
            (read, _) => read,
        };
        let error = match read {
            Ok(app) => {
                if front::moves(self.front.as_ref(), &app) {
                    tracing::warn!("[daemon] listen has changed: that takes a restart of the daemon");
                }
                tracing::info!("the configuration was read anew");
                apps.send_replace(Arc::new(app));
                for pulse in wake {
                    pulse.notify_one();
                }
                None
            }
            Err(error) => {
                tracing::error!("the configuration is as before, for what is in its files now cannot be used: {error}");
                Some(error)
            }
        };
        let status =
            error.as_ref().map_or_else(|| "working".to_owned(), |error| format!("configuration refused: {error}"));
        if let Err(error) = self.app.store.daemon_configured(error, self.app.clock.now()).await {
            tracing::error!(%error, "what became of the configuration was not written down");
        }
        life::tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    }

    async fn end(mut self, ended: Ended) -> Result<Ended, DaemonError> {
        if ended == Ended::Drained {
            if let Some(front) = self.front.take() {
                front.close().await;
            }
            self.app.store.end_daemon(self.lock, self.app.clock.now()).await?;
            tracing::info!("the daemon has ended");
        }
        Ok(ended)
    }
}

/// Waits until all is handed over: not for longer than the deadline, nor after a second order.
async fn drain(handing_over: impl Future<Output = ()>, deadline: Duration, orders: &mut Orders) -> Ended {
    let second = async {
        loop {
            match orders.recv().await {
                Some(Order::Reload) => {}
                Some(Order::Drain | Order::Abort) => return,
                None => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        () = handing_over => Ended::Drained,
        () = second => Ended::Aborted,
        () = tokio::time::sleep(deadline) => {
            tracing::warn!("handing over took too long; what was driven is taken over once it is seen that nobody drives it");
            Ended::Aborted
        }
    }
}

/// Returns how often to say that the daemon lives: as often as the service manager wants to hear it, too.
fn sign_of_life() -> Duration {
    life::watchdog().map_or(HEARTBEAT, |wanted| wanted.min(HEARTBEAT)).max(LOOK)
}

fn ticks(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
