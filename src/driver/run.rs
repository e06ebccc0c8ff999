//! The loop that owns a scan: inputs in, one transaction, effects out.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::effects::{Attempted, Effects, Message};
use super::error::DriverError;
use super::input::{Decisions, Input, Ticket};
use super::settle::settle;
use super::slots::{Place, Seat, Slots};
use super::tidy::tidy;
use super::transition::transition;
use super::trust::Trust;
use super::view::View;
use crate::executor::{Observation, Observer, SharedExecutor};
use crate::failpoint;
use crate::model::clock::Clock;
use crate::model::spec::{JobSpec, Launch};
use crate::store::{Commit, Lease, Loaded, Store, StoreError};

/// Most inputs that one transaction decides on.
const BATCH: usize = 512;
/// How often intents of other processes are looked for.
const INTENT_POLL: Duration = Duration::from_millis(200);
/// How often a driver says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(4);

/// What a driver works with.
#[derive(Clone)]
pub struct Driver {
    /// The state.
    pub store: Store,
    /// The engine.
    pub executor: SharedExecutor,
    /// The time.
    pub clock: Clock,
    /// How long a scanner has between being asked to stop and being killed.
    pub grace: Duration,
    /// How long the engine may be silent before a driver gives up.
    pub engine_timeout: Duration,
    /// Who drives, for the event log.
    pub actor: String,
    /// What its attempts may use beside those of other scans.
    pub slots: Option<(Slots, Place)>,
    /// The watch of the engine that it shares with other drivers; one of its own, if none.
    pub observer: Option<Observer>,
}

/// Why a driver stopped without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// The scan has ended, and the engine holds nothing of it.
    Ended,
    /// The scan is paused.
    Paused,
    /// The engine could not be asked for too long. The scan can be taken up again.
    EngineLost,
    /// Another process drives the scan.
    LostOwnership,
    /// It was told to let go.
    Detached,
}

impl Driver {
    /// Drives a scan until it ends or rests, or `detach` is cancelled.
    pub async fn run(&self, lease: &Lease, detach: CancellationToken) -> Result<Rest, DriverError> {
        let driven = self.drive(lease, detach).await;
        // Whoever has taken the scan also removes the files that this process was reading: then its errors mean nothing.
        if driven.is_err() && self.has_lost(lease).await {
            return Ok(Rest::LostOwnership);
        }
        match driven? {
            Rest::Ended => tidy(&self.store, &self.executor, lease.scan).await.map(|()| Rest::Ended),
            rest => Ok(rest),
        }
    }

    async fn has_lost(&self, lease: &Lease) -> bool {
        matches!(self.store.heartbeat(lease.scan, lease.fence).await, Err(StoreError::FenceLost))
    }

    async fn drive(&self, lease: &Lease, detach: CancellationToken) -> Result<Rest, DriverError> {
        let mut session = Session::new(self, lease, &self.store.load(lease.scan)?)?;
        session.view.recover(&mut session.decisions)?;
        loop {
            if let Some(rest) = session.step().await? {
                return Ok(rest);
            }
            tokio::select! {
                // Of a scan that has ended there is nothing to hand over: what is left of it is removed first.
                () = detach.cancelled(), if !session.view.state().is_terminal() => return Ok(Rest::Detached),
                rest = session.wait() => if let Some(rest) = rest? {
                    return Ok(rest);
                },
            }
        }
    }
}

/// Waits until there may be room for what a seat was refused.
async fn freed(seat: &mut Option<Seat>) {
    match seat.as_mut().filter(|seat| seat.waits()) {
        Some(seat) => seat.freed().await,
        None => std::future::pending().await,
    }
}

/// One driver's work on one scan.
struct Session<'a> {
    driver: &'a Driver,
    lease: &'a Lease,
    view: View,
    decisions: Decisions,
    effects: Effects,
    messages: mpsc::Receiver<Message>,
    observations: BoxStream<'static, Observation>,
    trust: Arc<Trust>,
    seat: Option<Seat>,
    engine_lost_since: Option<Instant>,
    intents_seen: i64,
    next_intents: Instant,
    next_heartbeat: Instant,
}

impl<'a> Session<'a> {
    fn new(driver: &'a Driver, lease: &'a Lease, loaded: &Loaded) -> Result<Self, DriverError> {
        let view = View::new(driver.store.instance(), loaded);
        let (sender, messages) = mpsc::channel(4096);
        let trust = Arc::new(Trust::new(driver.store.clone(), lease.scan, lease.fence));
        let effects = Effects::new(driver, lease, loaded, Arc::clone(&trust), sender);
        let mut session = Self {
            driver,
            lease,
            view,
            decisions: Decisions::default(),
            effects,
            messages,
            observations: match &driver.observer {
                Some(observer) => observer.follow(loaded.scan.key),
                None => driver.executor.observe(driver.store.instance()),
            },
            trust,
            seat: driver.slots.as_ref().map(|(slots, place)| slots.seat(place.clone())),
            engine_lost_since: None,
            intents_seen: 0,
            next_intents: Instant::now(),
            next_heartbeat: Instant::now() + HEARTBEAT,
        };
        session.adopt(loaded)?;
        Ok(session)
    }

    /// Makes known to the effects what an earlier driver has launched.
    fn adopt(&mut self, loaded: &Loaded) -> Result<(), DriverError> {
        for row in &loaded.attempts {
            let Some(job) = loaded.jobs.iter().position(|job| job.id == row.job) else { continue };
            let ticket = Ticket { job, attempt: row.number };
            // The identity is the one that was written down, whatever this version would write.
            let launch = Launch { spec_sha256: row.spec_sha256, ..self.launch(ticket)? };
            if let Some(seat) = self.seat.as_ref().filter(|_| self.view.is_live(ticket)) {
                seat.hold(ticket, &launch.spec);
            }
            self.effects.know(ticket, Attempted { launch: Arc::new(launch), id: row.id, inherited: true });
        }
        Ok(())
    }

    fn launch(&self, ticket: Ticket) -> Result<Launch, DriverError> {
        let (_, step, chunk) = self.view.job_place(ticket.job);
        let spec = self.view.step_spec(step);
        let assets: Arc<[String]> = match self.view.chunk_size(step) {
            Some(size) => self.driver.store.chunk_assets(self.lease.scan, step, chunk, size)?.into(),
            None => Arc::new([]),
        };
        let (instance, scan) = (self.driver.store.instance(), self.view.key());
        Ok(Launch::new(instance, scan, self.view.job_name(ticket.job), ticket.attempt, Arc::clone(spec), assets))
    }

    /// Settles, commits and acts until nothing more follows.
    async fn step(&mut self) -> Result<Option<Rest>, DriverError> {
        loop {
            self.take_intents()?;
            let now = self.driver.clock.now();
            settle(&mut self.view, now, &mut self.decisions)?;
            let launches = self.dispatch()?;
            let more = self.commit(launches).await?;
            if self.view.is_done() {
                return Ok(Some(Rest::Ended));
            }
            if self.view.is_resting() {
                return Ok(Some(Rest::Paused));
            }
            if !more {
                return Ok(None);
            }
        }
    }

    fn dispatch(&mut self) -> Result<Vec<(Ticket, Arc<Launch>)>, DriverError> {
        let mut launches = Vec::new();
        let (view, everything) = (&self.view, |_: Ticket, _: &JobSpec| true);
        let chosen = match &mut self.seat {
            None => view.choose(everything),
            Some(seat) => seat.round(view.priority(), |ticket| view.is_live(ticket), |may| view.choose(may)),
        };
        for ticket in chosen {
            let launch = Arc::new(self.launch(ticket)?);
            self.view.dispatched(ticket, launch.spec_sha256, &mut self.decisions)?;
            launches.push((ticket, launch));
        }
        Ok(launches)
    }

    /// Writes what was decided, then acts on it. Returns whether the commit itself has made something to decide on.
    async fn commit(&mut self, launches: Vec<(Ticket, Arc<Launch>)>) -> Result<bool, DriverError> {
        let decisions = std::mem::take(&mut self.decisions);
        let mut more = false;
        if !decisions.is_silent() {
            let commit = Commit {
                scan: self.lease.scan,
                fence: self.lease.fence,
                at: self.driver.clock.now(),
                actor: self.driver.actor.clone(),
                changes: decisions.changes,
                events: decisions.events,
            };
            let asked = Instant::now();
            let made = self.driver.store.commit(commit).await?;
            failpoint::hit("driver.committed");
            self.trust.renewed(asked);
            for ((ticket, launch), id) in launches.into_iter().zip(made.attempts) {
                self.effects.know(ticket, Attempted { launch, id, inherited: false });
            }
            more = !made.feeds.is_empty();
            self.view.add_feeds(made.feeds);
        }
        for effect in &decisions.effects {
            self.effects.perform(effect, &self.view);
        }
        Ok(more)
    }

    fn take_intents(&mut self) -> Result<(), DriverError> {
        if Instant::now() < self.next_intents {
            return Ok(());
        }
        self.next_intents = Instant::now() + INTENT_POLL;
        let now = self.driver.clock.now();
        for intent in self.driver.store.open_intents(self.lease.scan)? {
            if intent.id > self.intents_seen {
                self.intents_seen = intent.id;
                let input = Input::Asked { id: intent.id, verb: intent.verb };
                transition(&mut self.view, input, now, &mut self.decisions)?;
            }
        }
        Ok(())
    }

    /// Waits for something to happen, and decides on all that has.
    async fn wait(&mut self) -> Result<Option<Rest>, DriverError> {
        let until = self.due();
        tokio::select! {
            biased;
            message = self.messages.recv() => if let Some(message) = message {
                self.take(message)?;
            },
            observation = self.observations.next() => if let Some(observation) = observation {
                self.observed(observation)?;
            },
            () = freed(&mut self.seat) => {}
            () = tokio::time::sleep_until(until) => {}
        }
        self.drain()?;
        self.beat().await?;
        let lost = self.engine_lost_since.is_some_and(|since| since.elapsed() >= self.driver.engine_timeout);
        Ok(lost.then_some(Rest::EngineLost))
    }

    /// When to look up even though nothing happens.
    fn due(&self) -> Instant {
        let now = self.driver.clock.now();
        let wait = self.view.next_due().map(|at| Duration::from_millis(at.since(now).max(0).cast_unsigned()));
        let retry = wait.map(|wait| Instant::now() + wait);
        [Some(self.next_intents), Some(self.next_heartbeat), retry]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(self.next_intents)
    }

    /// Takes what else has come meanwhile, without waiting, up to a batch.
    fn drain(&mut self) -> Result<(), DriverError> {
        for _ in 0..BATCH {
            let Ok(message) = self.messages.try_recv() else { break };
            self.take(message)?;
        }
        for _ in 0..BATCH {
            let Some(observation) = futures::FutureExt::now_or_never(self.observations.next()).flatten() else { break };
            self.observed(observation)?;
        }
        Ok(())
    }

    fn take(&mut self, message: Message) -> Result<(), DriverError> {
        match message {
            Message::Input(input) => {
                if let Input::Removed(ticket) | Input::Abandoned(ticket) = &input {
                    self.effects.forget(*ticket);
                }
                self.decide(input)
            }
            Message::Fatal(error) => Err(error),
        }
    }

    fn decide(&mut self, input: Input) -> Result<(), DriverError> {
        Ok(transition(&mut self.view, input, self.driver.clock.now(), &mut self.decisions)?)
    }

    fn observed(&mut self, observation: Observation) -> Result<(), DriverError> {
        match observation {
            Observation::Unreachable(message) => {
                if self.engine_lost_since.is_none() {
                    tracing::warn!(message, "the engine cannot be reached");
                    self.engine_lost_since = Some(Instant::now());
                }
                self.decide(Input::EngineLost)
            }
            Observation::Listing(all) => {
                self.engine_lost_since = None;
                let listed: std::collections::HashMap<_, _> = all.into_iter().collect();
                let tickets: Vec<Ticket> = self.view.live_tickets().collect();
                for ticket in tickets {
                    let input = match listed.get(&self.view.attempt_name(ticket)) {
                        Some(observed) => Input::Observed(ticket, observed.clone()),
                        None => Input::Missing(ticket),
                    };
                    self.decide(input)?;
                }
                self.decide(Input::EngineFound)
            }
            Observation::Changed(name, observed) => match self.effects.ticket(&name) {
                Some(ticket) => self.decide(Input::Observed(ticket, observed)),
                None => Ok(()),
            },
            Observation::Waiting(name, wait) => match self.effects.ticket(&name) {
                Some(ticket) => self.decide(Input::Waiting(ticket, wait)),
                None => Ok(()),
            },
            Observation::Gone(name) => match self.effects.ticket(&name) {
                Some(ticket) => self.decide(Input::Vanished(ticket)),
                None => Ok(()),
            },
        }
    }

    async fn beat(&mut self) -> Result<(), DriverError> {
        if Instant::now() >= self.next_heartbeat {
            self.next_heartbeat = Instant::now() + HEARTBEAT;
            self.trust.confirm().await?;
        }
        Ok(())
    }
}
