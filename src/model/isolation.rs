//! How sure it is that an engine keeps a scanner that declares no network from every network.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::clock::Timestamp;

/// What is known of an engine that is only asked to isolate: a cluster takes network policies, whether its network heeds them or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Isolation {
    /// Asked for; nobody has tried.
    Requested,
    /// A pod that such a policy held was cut off.
    Enforced {
        /// When that was seen.
        at: Timestamp,
    },
    /// A pod that such a policy held went on reaching another.
    NotEnforced {
        /// When that was seen.
        at: Timestamp,
    },
}

impl fmt::Display for Isolation {
    /// The words that are shown, with the day in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("requested (unproven)"),
            Self::Enforced { at } => write!(f, "enforced (proven {:.10})", at.to_string()),
            Self::NotEnforced { at } => write!(f, "NOT enforced ({:.10})", at.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_has_its_day() {
        let at = Timestamp(1_700_000_000_000);
        assert_eq!(Isolation::Requested.to_string(), "requested (unproven)");
        assert_eq!(Isolation::Enforced { at }.to_string(), "enforced (proven 2023-11-14)");
        assert_eq!(Isolation::NotEnforced { at }.to_string(), "NOT enforced (2023-11-14)");
    }
}
