//! Whether the daemon can do its work, in parts.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Shown;
use super::disk::{Disk, Room};
use super::vitals::Vital;
use crate::app::App;
use crate::executor::SharedExecutor;
use crate::model::id::AttemptName;
use crate::model::worker::{DaemonState, WorkerOutcome};
use crate::store::Store;

/// How long an answer is good: whoever asks often does not write, nor call engines, as often.
const GOOD: Duration = Duration::from_secs(1);
/// How long the database may take for one write.
const WRITE: Duration = Duration::from_secs(2);
/// How long an engine may take for one answer.
const ENGINE: Duration = Duration::from_secs(3);
/// How many of its periods a worker may be silent.
const PERIODS: u32 = 3;
/// For how long it may be, however short its period.
const SILENCE: Duration = Duration::from_secs(15);

/// How a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// As it should.
    Ok,
    /// Somebody should look at it; work goes on.
    Degraded,
    /// It does not do its work.
    Failed,
}

/// A part of the daemon, or something that it needs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Component {
    name: String,
    status: Status,
    /// What is so, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Whether the daemon can do its work.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Readiness {
    schema: &'static str,
    /// The worst of the parts.
    pub(super) status: Status,
    components: Vec<Component>,
}

impl Readiness {
    /// Leaves the words out, which name what only those should know who have the token.
    pub(super) fn without_words(mut self) -> Self {
        for component in &mut self.components {
            component.message = None;
        }
        self
    }
}

/// The last answer. Who asks while one is being found waits for it.
#[derive(Clone, Default)]
pub(super) struct Health(Arc<Mutex<Option<(Instant, Readiness)>>>);

impl Health {
    /// Returns whether the daemon can do its work.
    pub(super) async fn readiness(&self, shown: &Shown) -> Readiness {
        let mut last = self.0.lock().await;
        if let Some((_, readiness)) = last.as_ref().filter(|(at, _)| at.elapsed() < GOOD) {
            return readiness.clone();
        }
        let readiness = look(shown).await;
        *last = Some((Instant::now(), readiness.clone()));
        readiness
    }
}

async fn look(shown: &Shown) -> Readiness {
    let app = Arc::clone(&shown.apps.borrow());
    let (database, executors) = tokio::join!(database(&app.store), executors(&app, shown));
    let mut components = vec![database, daemon(&app.store), configuration(&app.store), disk(&app.store)];
    components.extend(executors);
    components.extend(shown.vitals.all().into_iter().map(|(name, vital)| worker(name, &vital)));
    let status = components.iter().map(|component| component.status).max().unwrap_or(Status::Failed);
    Readiness { schema: "dragnet.readiness/v1", status, components }
}

fn component(name: impl Into<String>, status: Status, message: impl Into<String>) -> Component {
    Component { name: name.into(), status, message: Some(message.into()) }
}

async fn database(store: &Store) -> Component {
    let start = Instant::now();
    match timeout(WRITE, store.probe()).await {
        Ok(Ok(())) => component("database", Status::Ok, format!("a write took {} ms", start.elapsed().as_millis())),
        Ok(Err(error)) => component("database", Status::Failed, error.to_string()),
        Err(_) => component("database", Status::Failed, format!("a write takes longer than {} s", WRITE.as_secs())),
    }
}

fn daemon(store: &Store) -> Component {
    match store.daemon() {
        Ok(Some(daemon)) if daemon.state == DaemonState::Running => component("daemon", Status::Ok, "it works"),
        Ok(Some(daemon)) if daemon.state == DaemonState::Draining => {
            component("daemon", Status::Failed, "it drains: it begins nothing, and hands over what it drives")
        }
        Ok(_) => component("daemon", Status::Failed, "it has ended"),
        Err(error) => component("daemon", Status::Failed, error.to_string()),
    }
}

fn configuration(store: &Store) -> Component {
    match store.daemon() {
        Ok(Some(daemon)) => match daemon.config_error {
            None => component("configuration", Status::Ok, "what is in its files is used"),
            Some(error) => {
                component("configuration", Status::Degraded, format!("what is in its files cannot be used: {error}"))
            }
        },
        Ok(None) => component("configuration", Status::Failed, "there is no daemon"),
        Err(error) => component("configuration", Status::Failed, error.to_string()),
    }
}

fn disk(store: &Store) -> Component {
    let disk = match Disk::of(store.dir()) {
        Ok(disk) => disk,
        Err(error) => return component("disk", Status::Failed, error.to_string()),
    };
    let status = match disk.room() {
        Room::Enough => Status::Ok,
        Room::Little => Status::Degraded,
        Room::None => Status::Failed,
    };
    component("disk", status, format!("{} MiB of {} MiB are free", disk.free >> 20, disk.size >> 20))
}

async fn executors(app: &App, shown: &Shown) -> Vec<Component> {
    // An engine that is being connected to holds the list.
    let Ok(mut all) = timeout(ENGINE, shown.engines.connected()).await else {
        return vec![component("executor", Status::Degraded, "one is being connected to, and takes its time")];
    };
    // What imports are given in the place of an engine.
    all.retain(|executor| executor.capabilities().kind != "fake");
    let asked = join_all(all.iter().map(|executor| async move { (executor, ask(app, executor).await) })).await;
    // One that is gone for good does not keep the others from their work.
    let silent = if asked.iter().any(|(_, answer)| answer.is_ok()) { Status::Degraded } else { Status::Failed };
    let mut numbers: HashMap<&'static str, u32> = HashMap::new();
    let told = |(executor, answer): (&SharedExecutor, Result<String, String>)| {
        let kind = executor.capabilities().kind;
        let number = numbers.entry(kind).and_modify(|number| *number += 1).or_insert(1);
        let name = if *number == 1 { format!("executor:{kind}") } else { format!("executor:{kind}:{number}") };
        match answer {
            Ok(words) => component(name, Status::Ok, words),
            Err(words) => component(name, silent, words),
        }
    };
    asked.into_iter().map(told).collect()
}

/// Asks an engine for an attempt that nobody makes: one small call that it cannot answer from memory of ours.
async fn ask(app: &App, executor: &SharedExecutor) -> Result<String, String> {
    let start = Instant::now();
    // Attempts are counted from 1.
    let name = format!("dn-{0}-{0}-none-0-a00", app.store.instance()).parse::<AttemptName>();
    let name = name.map_err(|error| error.to_string())?;
    match timeout(ENGINE, executor.inspect(&name)).await {
        Ok(Ok(_)) => Ok(format!("an answer took {} ms", start.elapsed().as_millis())),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", ENGINE.as_secs())),
    }
}

fn worker(name: &'static str, vital: &Vital) -> Component {
    let (silent, most) = (vital.silent(), (vital.period * PERIODS).max(SILENCE));
    let (status, but) = match vital.outcome {
        _ if silent > most => (Status::Failed, ", too long ago"),
        Some(WorkerOutcome::Failed) => (Status::Degraded, ", and its last activation failed"),
        Some(WorkerOutcome::Ok) | None => (Status::Ok, ""),
    };
    let (silent, period) = (silent.as_secs(), vital.period.as_secs_f64());
    let words = format!("it is activated every {period} s, and gave a sign {silent} s ago{but}");
    component(format!("worker:{name}"), status, words)
}
