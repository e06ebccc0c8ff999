//! What the workers of this process do, as it happens. What is stored of them is for other processes, and not as fresh.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::clock::Timestamp;
use crate::model::worker::WorkerOutcome;

/// Bounds of the buckets of durations, in seconds; above the last there is one more.
pub(super) const BOUNDS: [f64; 12] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// What the workers do. Clones are of one thing.
#[derive(Debug, Clone, Default)]
pub struct Vitals(Arc<Mutex<BTreeMap<&'static str, Vital>>>);

/// An activation that begins.
#[derive(Debug, Clone, Copy)]
pub struct Activation {
    /// The worker.
    pub worker: &'static str,
    /// How often it is to be activated.
    pub period: Duration,
    /// When this one begins.
    pub at: Timestamp,
}

/// What a worker does.
#[derive(Debug, Clone)]
pub(super) struct Vital {
    /// How often it is to be activated.
    pub(super) period: Duration,
    /// When the last activation began, for people.
    pub(super) at: Timestamp,
    /// When it began.
    began: Instant,
    /// When the last one that has ended did.
    ended: Option<Instant>,
    /// How the last one that has ended did.
    pub(super) outcome: Option<WorkerOutcome>,
    /// Activations that have done what there was to do.
    pub(super) ok: u64,
    /// Activations that have not.
    pub(super) failed: u64,
    /// How many took so long, by [`BOUNDS`].
    pub(super) took: [u64; BOUNDS.len() + 1],
    /// How long all took together.
    pub(super) took_in_all: Duration,
}

impl Vital {
    /// Returns for how long the worker has given no sign: since its last activation ended, or since the one that goes on began.
    pub(super) fn silent(&self) -> Duration {
        let since = match self.ended {
            Some(ended) if ended >= self.began => ended,
            _ => self.began,
        };
        since.elapsed()
    }
}

impl Vitals {
    /// Notes that a worker is activated.
    pub fn begins(&self, activation: Activation) {
        let Activation { worker, period, at } = activation;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        let new = || Vital {
            period,
            at,
            began,
            ended: None,
            outcome: None,
            ok: 0,
            failed: 0,
            took: [0; BOUNDS.len() + 1],
            took_in_all: Duration::ZERO,
        };
        let vital = all.entry(worker).or_insert_with(new);
        (vital.period, vital.at, vital.began) = (period, at, began);
    }

    /// Notes how the activation of a worker has ended.
    pub fn ended(&self, worker: &'static str, outcome: WorkerOutcome) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(vital) = all.get_mut(worker) else { return };
        let took = vital.began.elapsed();
        vital.ended = Some(Instant::now());
        vital.outcome = Some(outcome);
        match outcome {
            WorkerOutcome::Ok => vital.ok += 1,
            WorkerOutcome::Failed => vital.failed += 1,
        }
        let bucket = BOUNDS.iter().position(|bound| took.as_secs_f64() <= *bound).unwrap_or(BOUNDS.len());
        vital.took[bucket] += 1;
        vital.took_in_all += took;
    }

    /// Returns all workers, by name.
    pub(super) fn all(&self) -> Vec<(&'static str, Vital)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(name, vital)| (*name, vital.clone())).collect()
    }
}
