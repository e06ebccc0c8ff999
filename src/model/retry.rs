//! When a failed job is tried again: by class of failure, with exponential backoff and seeded full jitter.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outcome::{Failure, FailureClass, FailureReason};

/// A step's own rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// How many attempts may fail by the job's own fault before it is given up; at least 1.
    pub max_attempts: u32,
    /// First upper bound of the wait, in milliseconds; doubled with each attempt.
    pub base_ms: u64,
    /// Greatest wait, in milliseconds.
    pub cap_ms: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 2, base_ms: 1_000, cap_ms: 60_000 }
    }
}

/// Attempts that may fail by the engine's fault, beyond the job's own.
pub const TRANSIENT_BUDGET: u32 = 8;

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after this wait.
    Retry(Duration),
    /// Give up: another try would end the same way.
    Fail,
    /// Give up: it failed until its tries were used up.
    Quarantine,
}

impl RetryPolicy {
    /// Decides after a failure, when `own` attempts failed by the job's fault and `foreign` by the engine's, this one
    /// included. `seed` makes the jitter repeatable.
    pub fn decide(&self, failure: &Failure, own: u32, foreign: u32, seed: u64) -> Decision {
        let again = match failure.reason.class() {
            FailureClass::Permanent | FailureClass::Timeout => return Decision::Fail,
            FailureClass::Transient => foreign <= TRANSIENT_BUDGET,
            FailureClass::Resource | FailureClass::Lost | FailureClass::Tool => own < self.max_attempts,
        };
        if !again {
            return if self.max_attempts > 1 { Decision::Quarantine } else { Decision::Fail };
        }
        Decision::Retry(self.wait(own + foreign, seed))
    }

    /// How long to wait after so many failures, from 1. Full jitter: between nothing and min(cap, base · 2ⁿ⁻¹).
    pub fn wait(&self, failed: u32, seed: u64) -> Duration {
        let doubled = self.base_ms.saturating_mul(1 << failed.saturating_sub(1).min(20));
        let bound = doubled.min(self.cap_ms);
        Duration::from_millis(mix(seed ^ u64::from(failed)) % (bound + 1))
    }
}

/// Whether a failure counts against the job's own budget.
pub const fn is_own_fault(reason: FailureReason) -> bool {
    !matches!(reason.class(), FailureClass::Transient)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): spreads a seed over all 64 bits.
pub const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(reason: FailureReason) -> Failure {
        Failure::new(reason, "")
    }

    #[test]
    fn a_permanent_failure_is_never_retried() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.decide(&failure(FailureReason::ImageUnavailable), 1, 0, 7), Decision::Fail);
    }

    #[test]
    fn the_engines_faults_do_not_use_the_jobs_budget() {
        let policy = RetryPolicy { max_attempts: 1, ..RetryPolicy::default() };
        let engine = failure(FailureReason::EngineError);
        assert!(matches!(policy.decide(&engine, 0, TRANSIENT_BUDGET, 7), Decision::Retry(_)));
        assert_eq!(policy.decide(&engine, 0, TRANSIENT_BUDGET + 1, 7), Decision::Fail);
        assert_eq!(policy.decide(&failure(FailureReason::ExitCode), 1, 0, 7), Decision::Fail);
    }

    #[test]
    fn a_job_that_keeps_failing_is_quarantined() {
        let policy = RetryPolicy::default();
        assert!(matches!(policy.decide(&failure(FailureReason::ExitCode), 1, 0, 7), Decision::Retry(_)));
        assert_eq!(policy.decide(&failure(FailureReason::ExitCode), 2, 0, 7), Decision::Quarantine);
    }

    proptest::proptest! {
        #[test]
        fn waits_are_bounded_and_repeatable(seed: u64, failed in 1_u32..100) {
            let policy = RetryPolicy::default();
            let wait = policy.wait(failed, seed);
            proptest::prop_assert!(wait <= Duration::from_millis(policy.cap_ms));
            proptest::prop_assert_eq!(wait, policy.wait(failed, seed));
        }
    }
}
