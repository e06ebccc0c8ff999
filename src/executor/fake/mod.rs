//! An engine in memory: scripted outcomes, delays and faults. It shows what real engines will not show on demand, and is what
//! scale tests run on. It keeps every rule of the contract; `operations` tells what was really done.

#![expect(clippy::significant_drop_tightening, reason = "each call holds the one world for its whole length")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

use super::types::{
    Capabilities, ImageInfo, Keeping, Launched, LogChunk, Observation, Observed, Owned, OwnedKind, Sealed, Unmet,
};
use super::{Executor, ExecutorError};
use crate::model::clock::{Clock, Timestamp};
use crate::model::id::{AttemptName, InstanceKey, Sha256};
use crate::model::manifest::{Exit, ExitCause, LogLine, LogStream};
use crate::model::spec::{JobSpec, Launch, ShimJob};
use crate::model::wait::Wait;

mod results;

pub use results::Content;
use results::{LOG, seal};

/// What becomes of an attempt once it is started. A file called `log` is no result: its lines are the attempt's log.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It ends by itself.
    Ends {
        /// After so long.
        after: Duration,
        /// With this exit code.
        code: i32,
        /// Leaving these files: `stdout`, `work/…`.
        files: Vec<(String, Content)>,
    },
    /// It runs until it is stopped; then it leaves these files.
    Hangs {
        /// What it has found by then.
        files: Vec<(String, Content)>,
    },
    /// Its container is removed by somebody else while it runs.
    Vanishes,
    /// Its shim is killed, and nothing was sealed.
    Killed,
    /// The engine takes it and does not begin it, for this reason, until [`FakeExecutor::begin`] lets it.
    Waits {
        /// Why.
        wait: Wait,
        /// What becomes of it then.
        then: Box<Self>,
    },
}

impl Outcome {
    fn files(&self) -> &[(String, Content)] {
        match self {
            Self::Ends { files, .. } | Self::Hangs { files } => files,
            Self::Vanishes | Self::Killed => &[],
            Self::Waits { then, .. } => then.files(),
        }
    }

    fn log(&self) -> &[u8] {
        self.files().iter().find(|(path, _)| path == LOG).map_or(&[], |(_, content)| content.in_memory())
    }

    /// Ends at once with exit code 0 and these files.
    pub fn success(files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Self {
        let files = files.into_iter().map(|(path, content)| (path.to_owned(), content.into())).collect();
        Self::Ends { after: Duration::ZERO, code: 0, files }
    }
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request never arrives.
    Lost,
    /// It is done, and the answer never arrives.
    AnswerLost,
    /// The engine refuses it for good.
    Refused,
}

/// The calls that can fail, and that are noted when they have an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// A container was created.
    Create,
    /// A container was started.
    Start,
    /// Results were read.
    Fetch,
    /// A container was asked to stop.
    Stop,
    /// A container was removed.
    Remove,
    /// A container was looked at.
    Inspect,
}

type Script = dyn Fn(&Launch) -> Outcome + Send + Sync;
type Faults = dyn Fn(Operation, &AttemptName) -> Option<Fault> + Send + Sync;

struct Container {
    spec_sha256: Sha256,
    state: Observed,
    /// Why it was started and does not begin.
    wait: Option<Wait>,
    outcome: Outcome,
    manifest_of: ShimJob,
    exit: Option<Exit>,
    instance: InstanceKey,
    created_at: Timestamp,
}

#[derive(Default)]
struct World {
    containers: BTreeMap<AttemptName, Container>,
    watchers: Vec<mpsc::UnboundedSender<Observation>>,
    operations: Vec<(Operation, AttemptName)>,
    /// Whether nothing is noted, so that a hundred thousand attempts leave nothing in memory.
    forgetful: bool,
    trees: std::collections::BTreeSet<Sha256>,
}

/// The engine. Clones share one world, so that a second driver sees what the first has done.
#[derive(Clone)]
pub struct FakeExecutor {
    world: Arc<Mutex<World>>,
    script: Arc<Script>,
    faults: Arc<Faults>,
    clock: Clock,
    capabilities: Arc<Capabilities>,
    timers: Option<Handle>,
    /// Permits for launches that wait, if they do.
    gate: Option<Arc<Semaphore>>,
}

impl FakeExecutor {
    /// Makes an engine whose attempts end as `script` says.
    pub fn new(script: impl Fn(&Launch) -> Outcome + Send + Sync + 'static) -> Self {
        Self {
            world: Arc::default(),
            script: Arc::new(script),
            faults: Arc::new(|_, _| None),
            clock: Clock::System,
            capabilities: Arc::new(Capabilities {
                kind: "fake",
                version: "fake".to_owned(),
                platform: "linux/amd64".to_owned(),
                freeze: true,
                transport: "memory",
                pulls_for_us: false,
                keeping: Keeping::Object,
                hardening: Vec::new(),
            }),
            timers: None,
            gate: None,
        }
    }

    /// Lets launches take their time: each waits for a permit before it makes anything, and is not answered before its container
    /// begins, as where that has to be brought something.
    #[must_use]
    pub fn with_gate(self, gate: Arc<Semaphore>) -> Self {
        Self { gate: Some(gate), ..self }
    }

    /// Lets attempts end by the timers of this runtime: they run on when the runtime of a driver is gone.
    #[must_use]
    pub fn with_timers(self, runtime: Handle) -> Self {
        Self { timers: Some(runtime), ..self }
    }

    /// Lets calls fail as `faults` says.
    #[must_use]
    pub fn with_faults(
        self,
        faults: impl Fn(Operation, &AttemptName) -> Option<Fault> + Send + Sync + 'static,
    ) -> Self {
        Self { faults: Arc::new(faults), ..self }
    }

    /// Notes nothing from now on: [`Self::operations`] stays as it is.
    #[must_use]
    pub fn forgetful(self) -> Self {
        self.world().forgetful = true;
        self
    }

    /// Returns what was really done, in order.
    pub fn operations(&self) -> Vec<(Operation, AttemptName)> {
        self.world().operations.clone()
    }

    /// Returns how many containers exist.
    pub fn containers(&self) -> usize {
        self.world().containers.len()
    }

    /// Breaks all watches, as a restart of the engine does.
    pub fn cut_watches(&self) {
        let watchers = std::mem::take(&mut self.world().watchers);
        for watcher in watchers {
            drop(watcher.send(Observation::Unreachable("the fake engine was restarted".to_owned())));
        }
    }

    /// Kills a container's processes behind everybody's back.
    pub fn kill(&self, name: &AttemptName) {
        let now = self.clock.now();
        self.world().end(name, ExitCause::ShimKilled, None, now);
    }

    /// Removes a container behind everybody's back.
    pub fn vanish(&self, name: &AttemptName) {
        let mut world = self.world();
        if world.containers.remove(name).is_some() {
            world.tell(&Observation::Gone(name.clone()));
        }
    }

    /// Says why a container that waits does so now.
    pub fn wait(&self, name: &AttemptName, wait: &Wait) {
        let mut world = self.world();
        if let Some(container) = world.containers.get_mut(name).filter(|container| container.wait.is_some()) {
            container.wait = Some(wait.clone());
            world.tell(&Observation::Waiting(name.clone(), wait.clone()));
        }
    }

    /// Begins a container that waits.
    pub fn begin(&self, name: &AttemptName) {
        let mut world = self.world();
        let Some(container) = world.containers.get_mut(name) else { return };
        if container.wait.take().is_none() {
            return;
        }
        if let Outcome::Waits { then, .. } = &container.outcome {
            container.outcome = Outcome::clone(then);
        }
        self.run(&mut world, name);
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Applies a fault around `act`.
    fn faulty<T>(
        &self,
        operation: Operation,
        name: &AttemptName,
        act: impl FnOnce() -> Result<T, ExecutorError>,
    ) -> Result<T, ExecutorError> {
        match (self.faults)(operation, name) {
            None => act(),
            Some(Fault::Lost) => Err(ExecutorError::Unreachable("the request was lost".to_owned())),
            Some(Fault::AnswerLost) => {
                act()?;
                Err(ExecutorError::Unreachable("the answer was lost".to_owned()))
            }
            Some(Fault::Refused) => Err(ExecutorError::Refused("the fake engine refuses".to_owned())),
        }
    }

    fn create(&self, launch: &Launch) -> Result<bool, ExecutorError> {
        let mut world = self.world();
        if let Some(existing) = world.containers.get(&launch.name) {
            if existing.spec_sha256 == launch.spec_sha256 && existing.instance == launch.instance {
                return Ok(true);
            }
            return Err(ExecutorError::Conflict {
                name: launch.name.to_string(),
                message: "its specification hash differs".to_owned(),
            });
        }
        let container = Container {
            spec_sha256: launch.spec_sha256,
            state: Observed::Created,
            wait: None,
            outcome: (self.script)(launch),
            manifest_of: ShimJob::of(launch, 0),
            exit: None,
            instance: launch.instance,
            created_at: self.clock.now(),
        };
        world.containers.insert(launch.name.clone(), container);
        world.note(Operation::Create, &launch.name);
        Ok(false)
    }

    /// Starts what was never started.
    fn start(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        let mut world = self.world();
        let container = world.containers.get_mut(name).ok_or_else(|| ExecutorError::NotFound(name.to_string()))?;
        if container.state != Observed::Created || container.wait.is_some() {
            return Ok(());
        }
        world.note(Operation::Start, name);
        self.run(&mut world, name);
        Ok(())
    }

    /// Lets happen what the script says.
    fn run(&self, world: &mut World, name: &AttemptName) {
        let Some(container) = world.containers.get_mut(name) else { return };
        container.state = Observed::Running;
        match container.outcome.clone() {
            Outcome::Waits { wait, .. } => {
                (container.state, container.wait) = (Observed::Created, Some(wait.clone()));
                world.tell(&Observation::Changed(name.clone(), Observed::Created));
                world.tell(&Observation::Waiting(name.clone(), wait));
            }
            Outcome::Ends { after, code, .. } if after.is_zero() => {
                world.end(name, ExitCause::Ended, Some(code), self.clock.now());
            }
            Outcome::Ends { after, code, .. } => {
                world.tell(&Observation::Changed(name.clone(), Observed::Running));
                let (fake, name) = (self.clone(), name.clone());
                self.timers.clone().unwrap_or_else(Handle::current).spawn(async move {
                    tokio::time::sleep(after).await;
                    let now = fake.clock.now();
                    fake.world().end(&name, ExitCause::Ended, Some(code), now);
                });
            }
            Outcome::Hangs { .. } => world.tell(&Observation::Changed(name.clone(), Observed::Running)),
            Outcome::Vanishes => {
                world.containers.remove(name);
                world.tell(&Observation::Gone(name.clone()));
            }
            Outcome::Killed => world.end(name, ExitCause::ShimKilled, None, self.clock.now()),
        }
    }
}

impl World {
    fn note(&mut self, operation: Operation, name: &AttemptName) {
        if !self.forgetful {
            self.operations.push((operation, name.clone()));
        }
    }

    fn tell(&mut self, observation: &Observation) {
        self.watchers.retain(|watcher| watcher.send(observation.clone()).is_ok());
    }

    fn end(&mut self, name: &AttemptName, cause: ExitCause, code: Option<i32>, now: Timestamp) {
        let live = |c: &&mut Container| c.state == Observed::Running || c.wait.is_some();
        let Some(container) = self.containers.get_mut(name).filter(live) else { return };
        container.wait = None;
        container.exit = Some(Exit {
            cause,
            code,
            signal: None,
            oom_kills: 0,
            started_at: now,
            finished_at: now,
            cpu_ms: 0,
            max_rss: 0,
        });
        let status =
            if container.exit.as_ref().is_some_and(|exit| exit.cause == ExitCause::ShimKilled) { 137 } else { 0 };
        let exited = Observed::Exited { code: Some(status), out_of_memory: false, error: None };
        container.state = exited.clone();
        self.tell(&Observation::Changed(name.clone(), exited));
    }
}

#[async_trait]
impl Executor for FakeExecutor {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn server_identity(&self) -> Result<String, ExecutorError> {
        Ok("fake".to_owned())
    }

    async fn resolve_image(
        &self,
        reference: &str,
        _pull: bool,
        _progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<ImageInfo, ExecutorError> {
        let id = format!("sha256:{}", Sha256::of(reference));
        Ok(ImageInfo { id, digest: None, size: 0, platform: "linux/amd64".to_owned() })
    }

    async fn export_image(&self, reference: &str, into: &Path) -> Result<(), ExecutorError> {
        std::fs::write(into, reference)
            .map_err(|error| ExecutorError::local(format!("write {}", into.display()), &error))
    }

    async fn validate(&self, _spec: &JobSpec) -> Result<Vec<Unmet>, ExecutorError> {
        Ok(Vec::new())
    }

    async fn provide_tree(&self, sha256: Sha256, _tree: &Path) -> Result<(), ExecutorError> {
        self.world().trees.insert(sha256);
        Ok(())
    }

    async fn withdraw_tree(&self, _instance: InstanceKey, sha256: Sha256) -> Result<(), ExecutorError> {
        self.world().trees.remove(&sha256);
        Ok(())
    }

    async fn launch(&self, launch: &Launch) -> Result<Launched, ExecutorError> {
        if let Some(gate) = &self.gate {
            gate.acquire().await.map_err(ExecutorError::bug)?.forget();
        }
        let adopted = self.faulty(Operation::Create, &launch.name, || self.create(launch))?;
        self.faulty(Operation::Start, &launch.name, || self.start(&launch.name))?;
        while self.gate.is_some() && self.world().containers.get(&launch.name).is_some_and(|one| one.wait.is_some()) {
            tokio::task::yield_now().await;
        }
        Ok(Launched { engine_id: format!("fake-{}", launch.name), adopted })
    }

    fn observe(&self, _instance: InstanceKey) -> BoxStream<'static, Observation> {
        let fake = self.clone();
        let subscribe = move || {
            let (sender, receiver) = mpsc::unbounded_channel();
            let mut world = fake.world();
            let all = world.containers.iter().map(|(name, c)| (name.clone(), c.state.clone())).collect();
            drop(sender.send(Observation::Listing(all)));
            for (name, container) in &world.containers {
                if let Some(wait) = &container.wait {
                    drop(sender.send(Observation::Waiting(name.clone(), wait.clone())));
                }
            }
            world.watchers.push(sender);
            receiver
        };
        // A cut watch is opened again, and begins with a new listing.
        let watches = futures::stream::repeat_with(subscribe);
        watches.flat_map(|mut receiver| futures::stream::poll_fn(move |context| receiver.poll_recv(context))).boxed()
    }

    async fn inspect(&self, name: &AttemptName) -> Result<Option<Observed>, ExecutorError> {
        self.faulty(Operation::Inspect, name, || Ok(self.world().containers.get(name).map(|c| c.state.clone())))
    }

    async fn logs(&self, name: &AttemptName, from_seq: u64) -> Result<LogChunk, ExecutorError> {
        let world = self.world();
        let container = world.containers.get(name).ok_or_else(|| ExecutorError::NotFound(name.to_string()))?;
        if container.state == Observed::Created {
            return Ok(LogChunk::default());
        }
        let line = |(index, bytes): (usize, &[u8])| LogLine {
            seq: index as u64 + 1,
            at: self.clock.now(),
            stream: LogStream::Stdout,
            partial: false,
            bytes: bytes.to_vec(),
        };
        let log = container.outcome.log();
        let lines = log.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).enumerate().map(line);
        let lines = lines.filter(|line| line.seq >= from_seq).collect();
        Ok(LogChunk { lines, end: container.exit.is_some() })
    }

    async fn fetch(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        let (job, exit, files) = self.faulty(Operation::Fetch, &launch.name, || {
            let mut world = self.world();
            let name = launch.name.to_string();
            let container = world.containers.get(&launch.name).ok_or_else(|| ExecutorError::NotFound(name.clone()))?;
            let exit = container.exit.clone().ok_or_else(|| ExecutorError::Busy(format!("{name} has not ended")))?;
            let files = container.outcome.files().to_vec();
            let job = container.manifest_of.clone();
            world.note(Operation::Fetch, &launch.name);
            Ok((job, exit, files))
        })?;
        seal(&job, exit, &files, into)
            .map_err(|error| ExecutorError::local(format!("seal in {}", into.display()), &error))
    }

    async fn stop(&self, name: &AttemptName, _grace: Duration) -> Result<(), ExecutorError> {
        self.faulty(Operation::Stop, name, || {
            let mut world = self.world();
            world.note(Operation::Stop, name);
            world.end(name, ExitCause::Stopped, None, self.clock.now());
            Ok(())
        })
    }

    async fn freeze(&self, _name: &AttemptName, _frozen: bool) -> Result<(), ExecutorError> {
        Ok(())
    }

    async fn remove(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        self.faulty(Operation::Remove, name, || {
            let mut world = self.world();
            if world.containers.remove(name).is_some() {
                world.note(Operation::Remove, name);
                world.tell(&Observation::Gone(name.clone()));
            }
            Ok(())
        })
    }

    async fn list_owned(&self, instance: InstanceKey) -> Result<Vec<Owned>, ExecutorError> {
        let world = self.world();
        let owned = world.containers.iter().filter(|(_, container)| container.instance == instance);
        Ok(owned.map(|(name, container)| describe(name, container)).collect())
    }

    async fn list_foreign(&self) -> Result<Vec<Owned>, ExecutorError> {
        Ok(self.world().containers.iter().map(|(name, container)| describe(name, container)).collect())
    }

    async fn remove_owned(&self, owned: &Owned) -> Result<(), ExecutorError> {
        match &owned.attempt {
            Some(name) => self.remove(name).await,
            None => Ok(()),
        }
    }
}

fn describe(name: &AttemptName, container: &Container) -> Owned {
    Owned {
        kind: OwnedKind::Container,
        name: name.to_string(),
        id: format!("fake-{name}"),
        instance: container.instance.to_string(),
        attempt: Some(name.clone()),
        role: "scan".to_owned(),
        created_at: Some(container.created_at),
    }
}
