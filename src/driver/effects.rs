//! Performing effects: each on a task of its own, each repeatable, each answering with an input.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::compare::compare;
use super::error::DriverError;
use super::ingest::{Ingest, IngestError};
use super::input::{Effect, Input, Ticket};
use super::run::Driver;
use super::trust::Trust;
use super::view::View;
use crate::executor::{ExecutorError, Sealed, SharedExecutor};
use crate::failpoint;
use crate::model::clock::Clock;
use crate::model::coverage::Coverage;
use crate::model::id::{AttemptId, AttemptName, ScanId, Sha256};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::retry::mix;
use crate::model::spec::Launch;
use crate::model::suppress::Suppressions;
use crate::store::{Expansion, Lease, Loaded, Store};

/// Passing errors of the engine (not silence) that a single call is repeated for.
const BUSY_TRIES: u32 = 6;
/// How long a container that the engine does not know is waited for: a create of a process that died may still be on its way.
const TOMBSTONE: Duration = Duration::from_millis(300);
/// How long after an engine's refusal a question or a stop is repeated: an attempt that nobody asks about would never end.
const INSIST: Duration = Duration::from_millis(500);

/// What tasks tell the loop.
#[derive(Debug)]
pub(super) enum Message {
    /// Something happened.
    Input(Input),
    /// The driver cannot go on.
    Fatal(DriverError),
}

/// An attempt that has a row.
#[derive(Debug, Clone)]
pub(super) struct Attempted {
    pub(super) launch: Arc<Launch>,
    pub(super) id: AttemptId,
    /// Whether an earlier driver has launched it, and may have left batches of its results.
    pub(super) inherited: bool,
}

/// All that the tasks share.
struct Shared {
    store: Store,
    executor: SharedExecutor,
    clock: Clock,
    grace: Duration,
    scan: ScanId,
    fence: u64,
    trust: Arc<Trust>,
    sender: mpsc::Sender<Message>,
    /// Trees that this process has given to the engine.
    trees: Mutex<Vec<Sha256>>,
}

/// The tasks of one driver; dropped, they end where they are.
pub(super) struct Effects {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    known: HashMap<Ticket, Attempted>,
    names: HashMap<AttemptName, Ticket>,
    sealed: Arc<std::sync::Mutex<HashMap<Ticket, Sealed>>>,
    stops: HashMap<Ticket, CancellationToken>,
    max_results: Option<u64>,
    suppressions: Arc<Suppressions>,
}

impl Effects {
    pub(super) fn new(
        driver: &Driver,
        lease: &Lease,
        loaded: &Loaded,
        trust: Arc<Trust>,
        sender: mpsc::Sender<Message>,
    ) -> Self {
        let shared = Shared {
            store: driver.store.clone(),
            executor: Arc::clone(&driver.executor),
            clock: driver.clock.clone(),
            grace: driver.grace,
            scan: lease.scan,
            fence: lease.fence,
            trust,
            sender,
            trees: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
            tasks: JoinSet::new(),
            known: HashMap::new(),
            names: HashMap::new(),
            sealed: Arc::default(),
            stops: HashMap::new(),
            max_results: loaded.scan.plan.options.max_results,
            suppressions: Arc::new(loaded.scan.plan.options.suppressions.clone()),
        }
    }

    /// Takes note of an attempt that has a row.
    pub(super) fn know(&mut self, ticket: Ticket, attempted: Attempted) {
        self.names.insert(attempted.launch.name.clone(), ticket);
        self.known.insert(ticket, attempted);
    }

    /// Forgets an attempt of which nothing is left.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        if let Some(attempted) = self.known.remove(&ticket) {
            self.names.remove(&attempted.launch.name);
        }
        self.stops.remove(&ticket);
    }

    /// Returns the attempt of a name.
    pub(super) fn ticket(&self, name: &AttemptName) -> Option<Ticket> {
        self.names.get(name).copied()
    }

    /// Begins an effect.
    pub(super) fn perform(&mut self, effect: &Effect, view: &View) {
        while self.tasks.try_join_next().is_some() {}
        match *effect {
            Effect::Expand { feed, step } => {
                let expansion =
                    view.expansion(self.shared.scan, self.shared.fence, self.shared.clock.now(), feed, step);
                self.expand(expansion);
            }
            Effect::Compare => self.compare(view.sights()),
            Effect::Launch(ticket) => {
                let stop = self.stops.entry(ticket).or_default().clone();
                self.spawn(ticket, move |shared, attempted| async move {
                    launch(&shared, ticket, &attempted.launch, stop).await
                });
            }
            Effect::Inspect(ticket) => {
                self.spawn(ticket, move |shared, attempted| async move {
                    inspect(&shared, ticket, &attempted.launch.name).await
                });
            }
            Effect::Forgo(ticket) => self.stops.entry(ticket).or_default().cancel(),
            Effect::Collect(ticket) => {
                // It has been started, or it would not have ended: a launch that has lost its answer need not ask again.
                self.stops.entry(ticket).or_default().cancel();
                let sealed = Arc::clone(&self.sealed);
                self.spawn(ticket, move |shared, attempted| async move {
                    let collected = collect(&shared, &attempted.launch).await?;
                    let result = collected.map(|collected| {
                        let manifest = Box::new(collected.manifest.clone());
                        sealed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(ticket, collected);
                        manifest
                    });
                    Ok(Input::Collected(ticket, result))
                });
            }
            Effect::Ingest(ticket) => self.ingest(ticket, view.is_stopping(ticket)),
            Effect::Stop(ticket) => {
                self.stops.entry(ticket).or_default().cancel();
                self.spawn(ticket, move |shared, attempted| async move {
                    stop(&shared, ticket, &attempted.launch.name).await
                });
            }
            Effect::Freeze(ticket, frozen) => {
                self.spawn(ticket, move |shared, attempted| async move {
                    if let Err(error) = shared.executor.freeze(&attempted.launch.name, frozen).await {
                        tracing::warn!(attempt = %attempted.launch.name, %error, frozen, "the attempt was not frozen or thawed");
                    }
                    Ok(Input::Tick)
                });
            }
            Effect::Remove(ticket) => {
                let lost = view.has_lost(ticket);
                self.spawn(ticket, move |shared, attempted| async move {
                    // An ingest that a crash has cut short may have left batches that nobody will ever see.
                    while lost
                        && attempted.inherited
                        && shared.store.discard(shared.scan, shared.fence, attempted.id, 500).await?
                    {
                    }
                    remove(&shared, ticket, &attempted.launch.name).await
                });
            }
        }
    }

    fn ingest(&mut self, ticket: Ticket, stopping: bool) {
        let sealed = self.sealed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&ticket);
        let Some(sealed) = sealed else { return };
        let (max_results, suppressions) = (self.max_results, Arc::clone(&self.suppressions));
        self.spawn(ticket, move |shared, attempted| async move {
            let ingest = Ingest {
                store: &shared.store,
                scan: shared.scan,
                fence: shared.fence,
                attempt: attempted.id,
                launch: &attempted.launch,
                max_results,
                suppressions,
                now: shared.clock.now(),
                stopping,
                inherited: attempted.inherited,
            };
            let dir = spool(&shared.store, &attempted.launch.name);
            match ingest.run(sealed, &dir).await {
                Ok(harvest) => Ok(Input::Ingested(ticket, Ok(harvest))),
                Err(IngestError::Attempt(failure)) => Ok(Input::Ingested(ticket, Err(failure))),
                Err(IngestError::Driver(error)) => Err(error),
            }
        });
    }

    fn expand(&mut self, expansion: Expansion) {
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            let answer = shared.store.expand(expansion).await;
            shared.answer(answer.map(Input::Expanded).map_err(DriverError::from)).await;
        });
    }

    fn compare(&mut self, scanners: Vec<(String, Coverage)>) {
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            let compared = compare(&shared.store, shared.scan, shared.fence, scanners).await;
            shared.answer(compared.map(|()| Input::Compared)).await;
        });
    }

    /// Runs work on a known attempt, after a look at whether we may still act.
    fn spawn<F>(&mut self, ticket: Ticket, work: impl FnOnce(Arc<Shared>, Attempted) -> F + Send + 'static)
    where
        F: Future<Output = Result<Input, DriverError>> + Send,
    {
        let Some(attempted) = self.known.get(&ticket).cloned() else { return };
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            let answer = match shared.trust.check().await {
                Ok(()) => work(Arc::clone(&shared), attempted).await,
                Err(error) => Err(error.into()),
            };
            shared.answer(answer).await;
        });
    }
}

impl Shared {
    async fn answer(&self, answer: Result<Input, DriverError>) {
        let message = match answer {
            Ok(input) => Message::Input(input),
            Err(error) => Message::Fatal(error),
        };
        // The loop has ended when nobody listens; what was done will be seen by the next driver.
        drop(self.sender.send(message).await);
    }
}

/// Repeats a call: while the engine is silent without end, for passing errors a few times.
async fn persist<T, F>(stop: Option<&CancellationToken>, mut call: impl FnMut() -> F) -> Result<T, ExecutorError>
where
    F: Future<Output = Result<T, ExecutorError>>,
{
    let (mut busy, mut tries) = (0, 0_u32);
    loop {
        let error = match call().await {
            Err(error) if error.is_transient() => error,
            other => return other,
        };
        busy += u32::from(matches!(error, ExecutorError::Busy(_)));
        if busy >= BUSY_TRIES {
            return Err(error);
        }
        tries += 1;
        let pause = tokio::time::sleep(backoff(tries));
        match stop {
            None => pause.await,
            Some(stop) => tokio::select! {
                () = pause => {}
                () = stop.cancelled() => return Err(error),
            },
        }
    }
}

fn backoff(tries: u32) -> Duration {
    let bound = 50_u64 << tries.min(7);
    Duration::from_millis(bound / 2 + mix(u64::from(tries)) % (bound / 2))
}

async fn launch(
    shared: &Shared,
    ticket: Ticket,
    launch: &Launch,
    stop: CancellationToken,
) -> Result<Input, DriverError> {
    failpoint::hit("launch.before");
    shared.provide(launch).await?;
    let launched = persist(Some(&stop), || async {
        // Each try is a new effect: the process may have been stopped since the last.
        match shared.trust.check().await {
            Ok(()) => shared.executor.launch(launch).await.map(Ok),
            Err(error) => Ok(Err(error)),
        }
    })
    .await;
    failpoint::hit("launch.after");
    let launched = launched.map_or_else(|error| Ok(Err(error)), |answer| answer.map(Ok))?;
    Ok(Input::Launched(ticket, launched.map(|launched| launched.engine_id).map_err(|error| error.to_failure())))
}

impl Shared {
    /// Gives the engine the trees that a launch reads, once for each process.
    async fn provide(&self, launch: &Launch) -> Result<(), DriverError> {
        let artifacts = self.store.dir().join("artifacts");
        let trees = launch.spec.source.into_iter().chain(launch.spec.data.iter().map(|data| data.sha256));
        for sha256 in trees {
            let tree = crate::artifact::tree(&artifacts, sha256);
            let mut provided = self.trees.lock().await;
            if !provided.contains(&sha256) {
                self.provide_one(sha256, &tree).await?;
                provided.push(sha256);
            }
        }
        Ok(())
    }

    async fn provide_one(&self, sha256: Sha256, tree: &Path) -> Result<(), DriverError> {
        persist(None, || self.executor.provide_tree(sha256, tree)).await.map_err(|error| DriverError::Local {
            action: format!("give {} to the engine", tree.display()),
            message: error.to_string(),
            full: matches!(error, ExecutorError::Resource(_)),
        })
    }
}

async fn inspect(shared: &Shared, ticket: Ticket, name: &AttemptName) -> Result<Input, DriverError> {
    for last in [false, true] {
        match persist(None, || shared.executor.inspect(name)).await {
            Ok(Some(observed)) => return Ok(Input::Observed(ticket, observed)),
            Ok(None) if last => return Ok(Input::Gone(ticket)),
            Ok(None) => tokio::time::sleep(TOMBSTONE).await,
            Err(error) => {
                tracing::warn!(attempt = %name, %error, "the engine does not say how the attempt stands");
                tokio::time::sleep(INSIST).await;
                return Ok(Input::Missing(ticket));
            }
        }
    }
    Ok(Input::Tick)
}

/// Where an attempt's results are worked on.
fn spool(store: &Store, name: &AttemptName) -> PathBuf {
    store.dir().join("spool").join(format!("{name}.in"))
}

async fn collect(shared: &Shared, launch: &Launch) -> Result<Result<Sealed, Failure>, DriverError> {
    let into = spool(&shared.store, &launch.name);
    std::fs::create_dir_all(&into).map_err(|error| DriverError::local("make", &into, &error))?;
    failpoint::hit("collect.before");
    let sealed = match persist(None, || shared.executor.fetch(launch, &into)).await {
        Ok(sealed) => sealed,
        Err(ExecutorError::Local { action, message, full }) => {
            return Err(DriverError::Local { action, message, full });
        }
        Err(error) => return Ok(Err(error.to_failure())),
    };
    failpoint::hit("collect.fetched");
    if sealed.manifest.spec != launch.spec_sha256 || sealed.manifest.name != launch.name {
        let message = "the manifest is of another attempt or specification";
        return Ok(Err(Failure::new(FailureReason::Corrupt, message)));
    }
    Ok(Ok(sealed))
}

async fn stop(shared: &Shared, ticket: Ticket, name: &AttemptName) -> Result<Input, DriverError> {
    failpoint::hit("stop.before");
    match persist(None, || shared.executor.stop(name, shared.grace)).await {
        Ok(()) | Err(ExecutorError::NotFound(_)) => Ok(Input::Tick),
        Err(error) => {
            tracing::warn!(attempt = %name, %error, "the attempt was not stopped");
            tokio::time::sleep(INSIST).await;
            Ok(Input::Unstopped(ticket))
        }
    }
}

async fn remove(shared: &Shared, ticket: Ticket, name: &AttemptName) -> Result<Input, DriverError> {
    failpoint::hit("remove.before");
    let removed = persist(None, || shared.executor.remove(name)).await;
    failpoint::hit("remove.after");
    if let Err(error) = removed {
        tracing::warn!(attempt = %name, %error, "the engine still holds something of the attempt; `dragnet gc` removes it");
        return Ok(Input::Abandoned(ticket));
    }
    let dir = spool(&shared.store, name);
    // Most are empty: nothing was sealed.
    match std::fs::remove_dir(&dir).or_else(|_| std::fs::remove_dir_all(&dir)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(DriverError::local("remove", &dir, &error)),
        _ => Ok(Input::Removed(ticket)),
    }
}
