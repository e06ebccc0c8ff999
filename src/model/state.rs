//! The three state machines. Each refuses what is illegal; nothing else in the program changes a state.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A move that a state machine does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {machine} cannot go from {from} to {to}")]
pub struct IllegalTransition {
    /// Which machine.
    pub machine: &'static str,
    /// The state it is in.
    pub from: &'static str,
    /// The state it was asked to enter.
    pub to: &'static str,
}

macro_rules! states {
    ($(#[$doc:meta])* $name:ident as $machine:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal => [$($to:ident),*]),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
        }

        impl $name {
            /// Every state, in the order of a life without trouble.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the state's name, as it is stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// Returns the states that may follow this one.
            pub const fn successors(self) -> &'static [Self] {
                match self { $(Self::$variant => &[$(Self::$to),*],)+ }
            }

            /// Moves to `to`, or refuses.
            pub fn enter(self, to: Self) -> Result<Self, IllegalTransition> {
                if self.successors().contains(&to) {
                    return Ok(to);
                }
                Err(IllegalTransition { machine: $machine, from: self.as_str(), to: to.as_str() })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = super::id::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(super::id::InvalidId { text: text.to_owned(), expected: concat!("a state of a ", $machine) }),
                }
            }
        }
    };
}

states! {
    /// Where a scan stands.
    ScanState as "scan" {
        /// Its rows exist.
        Created = "created" => [Queued, Cancelled],
        /// It waits for a driver.
        Queued = "queued" => [Running, Paused, Cancelling, Cancelled, Failed],
        /// A driver dispatches its jobs.
        Running = "running" => [Pausing, Cancelling, Completed, Failed],
        /// No new dispatch; live attempts finish.
        Pausing = "pausing" => [Paused, Running, Cancelling, Completed, Failed],
        /// No dispatch and nothing live.
        Paused = "paused" => [Running, Queued, Cancelling, Cancelled, Failed],
        /// Live attempts are being stopped.
        Cancelling = "cancelling" => [Cancelled],
        /// Every job succeeded or was skipped, with full or accepted coverage.
        Completed = "completed" => [],
        /// It ended and did not see all of its target.
        Failed = "failed" => [],
        /// It was stopped on request.
        Cancelled = "cancelled" => [],
    }
}

states! {
    /// Where a job stands.
    JobState as "job" {
        /// Its needs or its chunk are not complete.
        Pending = "pending" => [Ready, Skipped, Cancelled],
        /// It waits for a slot.
        Ready = "ready" => [Running, Skipped, Cancelled],
        /// An attempt is live.
        Running = "running" => [Succeeded, Failed, Backoff, Cancelled, Quarantined],
        /// It waits before its next attempt.
        Backoff = "backoff" => [Ready, Cancelled, Failed],
        /// An attempt's sealed results were stored.
        Succeeded = "succeeded" => [],
        /// No attempt brought results, and none will be made.
        Failed = "failed" => [],
        /// It was not run, for a stated reason.
        Skipped = "skipped" => [],
        /// It was stopped on request.
        Cancelled = "cancelled" => [],
        /// It failed in the same way until its retries were used up.
        Quarantined = "quarantined" => [],
    }
}

states! {
    /// Where an attempt stands. `lost`, `failed` and `cancelled` are ends too; what they left in the engine is removed.
    AttemptState as "attempt" {
        /// Its name and frozen specification are committed; the engine may or may not know it.
        Intent = "intent" => [Created, Running, Exited, Unknown, Cancelling, Lost, Failed, Cancelled],
        /// The engine holds the object.
        Created = "created" => [Running, Exited, Sealed, Unknown, Cancelling, Lost, Failed],
        /// The scanner runs.
        Running = "running" => [Exited, Sealed, Unknown, Cancelling, Lost, Failed],
        /// The scanner ended; results are not verified yet.
        Exited = "exited" => [Sealed, Unknown, Cancelling, Lost, Failed, Cancelled],
        /// The sealed results are here and verified.
        Sealed = "sealed" => [Ingested, Failed, Cancelled],
        /// The records are visible.
        Ingested = "ingested" => [Acked],
        /// The engine may forget the results.
        Acked = "acked" => [Cleaned],
        /// Nothing is left in the engine.
        Cleaned = "cleaned" => [],
        /// The engine cannot be asked.
        Unknown = "unknown" => [Created, Running, Exited, Sealed, Cancelling, Lost, Failed],
        /// A stop was requested.
        Cancelling = "cancelling" => [Exited, Sealed, Cancelled, Lost, Failed],
        /// It vanished, or was killed by nobody we know.
        Lost = "lost" => [],
        /// It ended without results that can be trusted.
        Failed = "failed" => [],
        /// It was stopped on request.
        Cancelled = "cancelled" => [],
    }
}

impl ScanState {
    /// Whether the scan has ended.
    pub const fn is_terminal(self) -> bool {
        self.successors().is_empty()
    }
}

impl JobState {
    /// Whether the job has ended.
    pub const fn is_terminal(self) -> bool {
        self.successors().is_empty()
    }
}

impl AttemptState {
    /// Whether the attempt holds a slot: it may still run, or its results are not stored.
    pub const fn is_live(self) -> bool {
        matches!(
            self,
            Self::Intent
                | Self::Created
                | Self::Running
                | Self::Exited
                | Self::Sealed
                | Self::Unknown
                | Self::Cancelling
        )
    }

    /// Whether nothing more is expected of the attempt but the removal of its engine objects.
    pub const fn is_over(self) -> bool {
        !self.is_live()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for &state in ScanState::ALL {
            assert_eq!(state.as_str().parse::<ScanState>(), Ok(state));
        }
        for &state in JobState::ALL {
            assert_eq!(state.as_str().parse::<JobState>(), Ok(state));
        }
        for &state in AttemptState::ALL {
            assert_eq!(state.as_str().parse::<AttemptState>(), Ok(state));
        }
    }

    #[test]
    fn from_every_state_an_end_can_be_reached() {
        fn ends<S: Copy + PartialEq + 'static>(start: S, next: impl Fn(S) -> &'static [S]) -> bool {
            let (mut seen, mut open) = (vec![start], vec![start]);
            while let Some(state) = open.pop() {
                if next(state).is_empty() {
                    return true;
                }
                for &s in next(state) {
                    if !seen.contains(&s) {
                        seen.push(s);
                        open.push(s);
                    }
                }
            }
            false
        }
        assert!(ScanState::ALL.iter().all(|&s| ends(s, ScanState::successors)));
        assert!(JobState::ALL.iter().all(|&s| ends(s, JobState::successors)));
        assert!(AttemptState::ALL.iter().all(|&s| ends(s, AttemptState::successors)));
    }

    #[test]
    fn an_illegal_move_names_both_states() {
        let error = JobState::Succeeded.enter(JobState::Running).unwrap_err();
        assert_eq!(error.to_string(), "a job cannot go from succeeded to running");
    }
}
