//! A worker, and the loop that activates it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::Vitals;
use crate::app::{App, AppError};
use crate::model::worker::{WorkerOutcome, WorkerView};

/// What an activation that finds nothing to do is written down for at the latest.
const RECORD: Duration = Duration::from_secs(30);
/// How long a worker that was woken waits for more to happen: many changes make one activation.
const GATHER: Duration = Duration::from_millis(50);

/// What an activation has come to.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// What it did, in words; empty when there was nothing to do.
    pub(super) did: String,
    /// What it could not do, in words: the activation counts as failed.
    pub(super) failed: Option<String>,
    /// When it should be activated next, if that is before its period is over.
    pub(super) again: Option<Duration>,
}

impl Done {
    const fn outcome(&self) -> WorkerOutcome {
        if self.failed.is_some() { WorkerOutcome::Failed } else { WorkerOutcome::Ok }
    }
}

/// Looks at store and engines, acts, and tells what it did.
#[async_trait]
pub(super) trait Worker: Send {
    /// Its name, as people see it.
    fn name(&self) -> &'static str;

    /// How often it is activated when nothing wakes it.
    fn period(&self, app: &App) -> Duration;

    /// Looks and acts once, with the configuration as it is now. Repeats nothing: the next activation looks anew.
    async fn activate(&mut self, app: &App) -> Result<Done, AppError>;

    /// Hands over what it holds, for the daemon ends.
    async fn drain(&mut self) {}
}

/// Wakes a worker.
pub(super) type Pulse = Arc<Notify>;

/// What a worker's loop is given.
pub(super) struct Shift {
    /// The configuration as it is now, and all that goes with it.
    pub(super) apps: watch::Receiver<Arc<App>>,
    /// Wakes the worker.
    pub(super) pulse: Pulse,
    /// Cancelled when the daemon drains.
    pub(super) drain: CancellationToken,
    /// Where it is noted that the worker works.
    pub(super) vitals: Vitals,
}

/// Activates a worker until the daemon drains.
pub(super) async fn work(mut worker: impl Worker, shift: Shift) {
    let Shift { apps, pulse, drain, vitals } = shift;
    let mut record = Record { vitals, ..Record::default() };
    while !drain.is_cancelled() {
        let app = Arc::clone(&apps.borrow());
        let next = activate(&mut worker, &app, &mut record).await;
        tokio::select! {
            () = drain.cancelled() => {}
            () = tokio::time::sleep(next) => {}
            () = pulse.notified() => tokio::time::sleep(GATHER).await,
        }
    }
    worker.drain().await;
}

/// Activates a worker once; returns when it is due again.
pub(super) async fn activate(worker: &mut impl Worker, app: &App, record: &mut Record) -> Duration {
    let (began, start) = (app.clock.now(), Instant::now());
    record.vitals.begins(worker.name(), worker.period(app));
    let done =
        worker.activate(app).await.unwrap_or_else(|error| Done { failed: Some(chain(&error)), ..Done::default() });
    let period = worker.period(app);
    let next = done.again.map_or(period, |again| again.min(period));
    let name = worker.name();
    record.vitals.ended(name, done.outcome());
    match &done.failed {
        Some(why) => tracing::warn!(worker = name, "{why}"),
        None if !done.did.is_empty() => tracing::info!(worker = name, "{}", done.did),
        None => {}
    }
    let took_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    let next_at = app.clock.now().plus_ms(i64::try_from(next.as_millis()).unwrap_or(i64::MAX));
    if let Some(view) = record.note(
        done,
        WorkerView {
            name: name.to_owned(),
            runs: 0,
            failures: 0,
            started_at: began,
            took_ms,
            outcome: WorkerOutcome::Ok,
            message: String::new(),
            next_at,
        },
    ) && let Err(error) = app.store.record_worker(view).await
    {
        tracing::warn!(worker = name, %error, "what the worker did was not written down");
    }
    next
}

/// An error with what it comes from.
fn chain(error: &dyn std::error::Error) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// What a worker did so far.
#[derive(Debug, Default)]
pub(super) struct Record {
    runs: u64,
    failures: u64,
    last: Option<(Instant, WorkerOutcome, String)>,
    /// Where this process sees it, too.
    vitals: Vitals,
}

impl Record {
    /// Counts an activation; returns what is to be written down, unless it is no news: an idle daemon does not write all the time.
    fn note(&mut self, done: Done, view: WorkerView) -> Option<WorkerView> {
        let outcome = done.outcome();
        self.runs += 1;
        self.failures += u64::from(outcome == WorkerOutcome::Failed);
        // What failed as it did before is no news: a change of the state would wake workers, which fail again.
        let again = done.failed.as_ref().is_some_and(|why| self.last.as_ref().is_some_and(|(_, _, last)| last == why));
        let news = !done.did.is_empty() || outcome == WorkerOutcome::Failed && !again;
        let old = self.last.as_ref().is_none_or(|(at, last, _)| at.elapsed() >= RECORD || *last != outcome);
        if !news && !old {
            return None;
        }
        let message = done.failed.unwrap_or(done.did);
        self.last = Some((Instant::now(), outcome, message.clone()));
        Some(WorkerView { runs: self.runs, failures: self.failures, outcome, message, ..view })
    }
}
