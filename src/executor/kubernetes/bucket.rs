//! A bucket of tokens in front of the cluster: no more requests than the cluster was promised.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Tokens that come at a constant rate, up to as many as fit.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: f64,
    size: f64,
    level: Mutex<(f64, Instant)>,
    taken: AtomicU64,
}

impl Bucket {
    /// Makes a full bucket of `burst` tokens that gets `qps` a second.
    pub(super) fn new(qps: u32, burst: u32) -> Self {
        let (rate, size) = (f64::from(qps.max(1)), f64::from(burst.max(1)));
        Self { rate, size, level: Mutex::new((size, Instant::now())), taken: AtomicU64::new(0) }
    }

    /// Takes a token, waiting for it if need be; who comes first is served first.
    pub(super) async fn take(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        let wait = self.reserve(Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Returns how many tokens were taken so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    fn reserve(&self, now: Instant) -> Duration {
        let mut level = self.level.lock().unwrap_or_else(PoisonError::into_inner);
        let came = now.saturating_duration_since(level.1).as_secs_f64() * self.rate;
        let left = (level.0 + came).min(self.size) - 1.0;
        *level = (left, now.max(level.1));
        drop(level);
        Duration::from_secs_f64((-left / self.rate).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let bucket = Bucket::new(10, 3);
        let now = Instant::now();
        let waits: Vec<_> = (0..5).map(|_| bucket.reserve(now).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
        assert_eq!(bucket.reserve(now + Duration::from_mins(1)).as_millis(), 0);
    }
}
