//! The daemon as a whole: becomes the one of its state, lets its workers work, and ends in order.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::cleaner::Cleaner;
use super::drivers::Drivers;
use super::engines::Engines;
use super::front::{self, Front};
use super::life::{self, Order, Orders, Source};
use super::notifier::Notifier;
use super::scheduler::Scheduler;
use super::sweeper::Sweeper;
use super::worker::{Pulse, Record, Shift, activate, work};
use crate::api::{ApiError, Vitals};
use crate::app::{App, AppError, drive};
use crate::executor::SharedExecutor;
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

/// What wakes the workers.
#[derive(Default)]
struct Pulses {
    sweep: Pulse,
    clean: Pulse,
    schedule: Pulse,
    drive: Pulse,
    tell: Pulse,
}

impl Pulses {
    const fn all(&self) -> [&Pulse; 5] {
        [&self.sweep, &self.clean, &self.schedule, &self.drive, &self.tell]
    }
}

/// The daemon of a state.
pub struct Daemon {
    app: App,
    source: Source,
    lock: DaemonLock,
    engines: Engines,
    draining: bool,
    front: Option<Front>,
}

impl Daemon {
    /// Becomes the daemon of the state. Where another process is it: waits for its end, or refuses. `None` when an order to end comes
    /// while it waits; one that comes later is left for who works.
    pub async fn begin(app: App, source: Source, wait: bool, orders: &mut Orders) -> Result<Option<Self>, DaemonError> {
        front::check(&app).await?;
        let (start, owner) = (Instant::now(), drive::owner_name());
        let mut told = false;
        loop {
            if let Some(lock) = app.store.begin_daemon(&owner, env!("CARGO_PKG_VERSION"), app.clock.now()).await? {
                return Ok(Some(Self { app, source, lock, engines: Engines::default(), draining: false, front: None }));
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
            tokio::select! {
                () = told_to_end(orders) => return Ok(None),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// Has the engine of the configuration be this one, which is connected to already.
    pub async fn with_engine(self, executor: SharedExecutor) -> Result<Self, DaemonError> {
        self.engines.know(&self.app, executor).await?;
        Ok(self)
    }

    /// Does everything that is due once, and drives scans until none is left that could be driven.
    pub async fn once(self, mut orders: Orders) -> Result<Ended, DaemonError> {
        let (engines, pulse) = (self.engines.clone(), Pulse::default());
        let mut drivers = Drivers::new(engines.clone(), Pulse::clone(&pulse));
        let (mut of_sweeper, mut of_drivers) = (Record::default(), Record::default());
        activate(&mut Sweeper::new(engines), &self.app, &mut of_sweeper).await;
        activate(&mut Scheduler, &self.app, &mut Record::default()).await;
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
        if ended == Ended::Drained {
            activate(&mut Cleaner, &self.app, &mut Record::default()).await;
            self.notify_once().await;
        }
        self.end(ended).await
    }

    /// Tells what there is to tell, as far as receivers take it now.
    async fn notify_once(&self) {
        let (mut notifier, mut record) = (Notifier::new(Pulse::default()), Record::default());
        loop {
            activate(&mut notifier, &self.app, &mut record).await;
            if !notifier.settle().await {
                break;
            }
        }
    }

    /// Works until it is told to end.
    pub async fn run(mut self, mut orders: Orders) -> Result<Ended, DaemonError> {
        let (apps, app) = watch::channel(Arc::new(self.app.clone()));
        let (engines, draining) = (self.engines.clone(), CancellationToken::new());
        let vitals = Vitals::default();
        self.front = match Front::open(app.clone(), &engines, &vitals).await {
            Ok(front) => front,
            Err(error) => {
                self.end(Ended::Drained).await?;
                return Err(error);
            }
        };
        let pulses = Pulses::default();
        let mut workers = JoinSet::new();
        let shift = |pulse: &Pulse| Shift {
            apps: app.clone(),
            pulse: Pulse::clone(pulse),
            drain: draining.clone(),
            vitals: vitals.clone(),
        };
        workers.spawn(work(Sweeper::new(engines.clone()), shift(&pulses.sweep)));
        workers.spawn(work(Scheduler, shift(&pulses.schedule)));
        workers.spawn(work(Cleaner, shift(&pulses.clean)));
        let drivers = Drivers::new(engines, Pulse::clone(&pulses.drive));
        workers.spawn(work(drivers, shift(&pulses.drive)));
        workers.spawn(work(Notifier::new(Pulse::clone(&pulses.tell)), shift(&pulses.tell)));
        life::tell(&[NotifyState::Ready]);
        tracing::info!(state = %self.app.store.dir().display(), "the daemon works");

        let mut changes = self.app.store.changes()?;
        let (mut beat, mut look, mut files) = (ticks(sign_of_life()), ticks(LOOK), ticks(FILES));
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Reload) => {
                        // What is read now has not changed since.
                        self.source.look();
                        self.reload(&apps, &pulses).await;
                    }
                    Some(Order::Drain) | None => break,
                    Some(Order::Abort) => return self.end(Ended::Aborted).await,
                },
                _ = beat.tick() => self.beat().await,
                _ = look.tick() => if changes.has_news()? {
                    pulses.drive.notify_one();
                    pulses.tell.notify_one();
                },
                _ = files.tick() => if self.source.look() {
                    self.reload(&apps, &pulses).await;
                },
            }
        }
        tracing::info!("the daemon drains: it begins nothing more, and hands over what it drives");
        life::tell(&[NotifyState::Stopping]);
        self.draining = true;
        self.beat().await;
        draining.cancel();
        let drained = async { while workers.join_next().await.is_some() {} };
        let deadline = apps.borrow().config.daemon.drain.0;
        let ended = drain(drained, deadline, &mut orders).await;
        self.end(ended).await
    }

    /// Says that the daemon lives. What cannot be written is said by the lack of it.
    async fn beat(&self) {
        match self.app.store.daemon_beat(self.draining).await {
            Ok(()) => life::tell(&[NotifyState::Watchdog]),
            Err(error) => tracing::error!(%error, "the daemon cannot write to its state"),
        }
    }

    /// Reads the configuration, and applies what is no worker's once all of it can be used.
    async fn read_anew(&self) -> Result<App, String> {
        let app = self.app.configured(self.source.read()?).map_err(|error| error.to_string())?;
        if let Some(front) = &self.front {
            front.admit(&app).await.map_err(|error| error.to_string())?;
        }
        self.source.apply(&app.config).map(|()| app)
    }

    /// Reads the configuration anew. One that cannot be used changes nothing, and is told of.
    async fn reload(&self, apps: &watch::Sender<Arc<App>>, wake: &Pulses) {
        if let Ok(reloading) = NotifyState::monotonic_usec_now() {
            life::tell(&[NotifyState::Reloading, reloading]);
        }
        let read = self.read_anew().await;
        let error = match read {
            Ok(app) => {
                if front::moves(self.front.as_ref(), &app) {
                    tracing::warn!("[daemon] listen has changed: that takes a restart of the daemon");
                }
                tracing::info!("the configuration was read anew");
                apps.send_replace(Arc::new(app));
                for pulse in wake.all() {
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
    tokio::select! {
        () = handing_over => Ended::Drained,
        () = told_to_end(orders) => Ended::Aborted,
        () = tokio::time::sleep(deadline) => {
            tracing::warn!("handing over took too long; what was driven is taken over once it is seen that nobody drives it");
            Ended::Aborted
        }
    }
}

/// Waits for an order to end.
async fn told_to_end(orders: &mut Orders) {
    loop {
        match orders.recv().await {
            Some(Order::Reload) => {}
            Some(Order::Drain | Order::Abort) => return,
            None => std::future::pending().await,
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
