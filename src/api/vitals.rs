//! What the workers of this process do, as it happens. What is stored of them is for other processes, and not as fresh.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::worker::WorkerOutcome;

/// Bounds of the buckets of durations, in seconds; above the last there is one more.
pub(super) const BOUNDS: [f64; 12] = [0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// What the workers do. Clones are of one thing.
#[derive(Debug, Clone, Default)]
pub struct Vitals(Arc<Mutex<BTreeMap<&'static str, Vital>>>);

/// What a worker does.
#[derive(Debug, Clone)]
pub(super) struct Vital {
    /// How often it is to be activated.
    pub(super) period: Duration,
    /// When the last activation began.
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
    fn new(period: Duration) -> Self {
        Self {
            period,
            began: Instant::now(),
            ended: None,
            outcome: None,
            ok: 0,
            failed: 0,
            took: [0; BOUNDS.len() + 1],
            took_in_all: Duration::ZERO,
        }
    }

    fn begin(&mut self, period: Duration) {
        (self.period, self.began) = (period, Instant::now());
    }

    fn end(&mut self, outcome: WorkerOutcome) {
        let took = self.began.elapsed();
        self.ended = Some(Instant::now());
        self.outcome = Some(outcome);
        match outcome {
            WorkerOutcome::Ok => self.ok += 1,
            WorkerOutcome::Failed => self.failed += 1,
        }
        let bucket = BOUNDS.iter().position(|bound| took.as_secs_f64() <= *bound).unwrap_or(BOUNDS.len());
        self.took[bucket] += 1;
        self.took_in_all += took;
    }

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
    /// Notes that a worker is activated, which is to happen every `period`.
    pub fn begins(&self, worker: &'static str, period: Duration) {
        self.locked().entry(worker).or_insert_with(|| Vital::new(period)).begin(period);
    }

    /// Notes how the activation of a worker has ended.
    pub fn ended(&self, worker: &'static str, outcome: WorkerOutcome) {
        self.locked().entry(worker).and_modify(|vital| vital.end(outcome));
    }

    /// Returns all workers, by name.
    pub(super) fn all(&self) -> Vec<(&'static str, Vital)> {
        self.locked().iter().map(|(name, vital)| (*name, vital.clone())).collect()
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<&'static str, Vital>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_last_sign() {
        let vitals = Vitals::default();
        let begins = || vitals.begins("w", Duration::from_secs(2));
        let silent = || vitals.all()[0].1.silent().as_secs();
        begins();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(silent(), 5, "it goes on");
        vitals.ended("w", WorkerOutcome::Failed);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!(silent(), 3);
        begins();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(silent(), 1);
        vitals.ended("w", WorkerOutcome::Ok);
        let vital = &vitals.all()[0].1;
        assert_eq!((vital.ok, vital.failed, vital.outcome), (1, 1, Some(WorkerOutcome::Ok)));
        assert_eq!((vital.took_in_all, vital.took.iter().sum::<u64>()), (Duration::from_secs(6), 2));
        assert_eq!((vital.took[5], vital.took[7]), (1, 1), "up to a second, and up to five");
    }
}
