//! What fails a gate.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::severity::Severity;

/// A gate: `high` fails on every finding that is high or worse, `new:high` on those that are new or reopened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct FailOn {
    /// Whether findings that were there before do not count.
    pub only_new: bool,
    /// The least severity that counts.
    pub severity: Severity,
}

/// What comes before the severity where only new findings count.
const NEW: &str = "new:";

impl FailOn {
    /// A gate on everything that reaches a severity.
    pub const fn all(severity: Severity) -> Self {
        Self { only_new: false, severity }
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.only_new { NEW } else { "" }, self.severity)
    }
}

/// A text that is no gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no gate: a severity ({names}), or `new:` and a severity", names = names())]
pub struct InvalidGate(String);

fn names() -> String {
    Severity::ALL.map(Severity::as_str).join(", ")
}

impl FromStr for FailOn {
    type Err = InvalidGate;

    fn from_str(text: &str) -> Result<Self, InvalidGate> {
        let (only_new, word) = text.strip_prefix(NEW).map_or((false, text), |word| (true, word));
        let severity = Severity::ALL.into_iter().find(|severity| severity.as_str() == word);
        severity.map(|severity| Self { only_new, severity }).ok_or_else(|| InvalidGate(text.to_owned()))
    }
}

impl TryFrom<String> for FailOn {
    type Error = InvalidGate;

    fn try_from(text: String) -> Result<Self, InvalidGate> {
        text.parse()
    }
}

impl From<FailOn> for String {
    fn from(gate: FailOn) -> Self {
        gate.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_read_as_they_are_written() {
        for text in ["high", "new:medium", "unknown", "new:info"] {
            assert_eq!(text.parse::<FailOn>().unwrap().to_string(), text);
        }
        for text in ["", "new:", "bad", "old:high", "HIGH"] {
            assert!(text.parse::<FailOn>().is_err(), "{text}");
        }
    }
}
