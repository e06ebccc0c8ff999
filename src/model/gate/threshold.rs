//! Thresholds of severity: `high`, `new:high`, `medium=10`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::severity::Severity;

/// A threshold: `high` fails on every finding that is high or worse, `new:high` on those that are new or reopened, `high=10` if there are
/// more than ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct FailOn {
    /// Whether findings that were there before do not count.
    pub only_new: bool,
    /// The least severity that counts.
    pub severity: Severity,
    /// How many there may be.
    pub max: u64,
}

/// What comes before the severity where only new findings count.
const NEW: &str = "new:";

impl FailOn {
    /// A threshold for everything that reaches a severity.
    pub const fn all(severity: Severity) -> Self {
        Self { only_new: false, severity, max: 0 }
    }

    /// A threshold for what is new and reaches a severity.
    pub const fn new(severity: Severity) -> Self {
        Self { only_new: true, severity, max: 0 }
    }

    /// What it counts, in words: `new high or worse`.
    pub fn counted(&self) -> String {
        format!("{}{} or worse", if self.only_new { "new " } else { "" }, self.severity)
    }

    /// When it fails, in words: `fail on more than 10 new high or worse`.
    pub fn in_words(&self) -> String {
        match self.max {
            0 => format!("fail on {}", self.counted()),
            max => format!("fail on more than {max} {}", self.counted()),
        }
    }
}

impl fmt::Display for FailOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.only_new { NEW } else { "" }, self.severity)?;
        if self.max > 0 { write!(f, "={}", self.max) } else { Ok(()) }
    }
}

/// A text that is no gate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no gate: a severity ({names}), `new:` before it for new findings alone, `=N` behind it to allow N", names = names())]
pub struct InvalidGate(String);

fn names() -> String {
    Severity::ALL.map(Severity::as_str).join(", ")
}

impl FromStr for FailOn {
    type Err = InvalidGate;

    fn from_str(text: &str) -> Result<Self, InvalidGate> {
        let invalid = || InvalidGate(text.to_owned());
        let (only_new, rest) = text.strip_prefix(NEW).map_or((false, text), |rest| (true, rest));
        let (word, max) = match rest.split_once('=') {
            // A sign or a blank is no part of a count, though `parse` takes the first.
            Some((word, max)) if max.bytes().all(|c| c.is_ascii_digit()) => (word, max.parse().map_err(|_| invalid())?),
            Some(_) => return Err(invalid()),
            None => (rest, 0),
        };
        let severity = Severity::ALL.into_iter().find(|severity| severity.as_str() == word).ok_or_else(invalid)?;
        Ok(Self { only_new, severity, max })
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

/// Thresholds that all must hold; one is written as a text, several as a list or with commas between them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "OneOrMany", into = "OneOrMany")]
#[schemars(with = "OneOrMany")]
pub struct Thresholds(pub Vec<FailOn>);

impl Thresholds {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Thresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(FailOn::to_string).collect();
        f.write_str(&texts.join(","))
    }
}

impl From<FailOn> for Thresholds {
    fn from(one: FailOn) -> Self {
        Self(vec![one])
    }
}

/// A text or a list of texts.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a text or a list of texts")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<Vec<String>> for OneOrMany {
    fn from(mut texts: Vec<String>) -> Self {
        match (texts.len(), texts.pop()) {
            (1, Some(one)) => Self::One(one),
            (_, last) => Self::Many({
                texts.extend(last);
                texts
            }),
        }
    }
}

impl From<OneOrMany> for Vec<String> {
    fn from(form: OneOrMany) -> Self {
        match form {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        }
    }
}

impl TryFrom<OneOrMany> for Thresholds {
    type Error = InvalidGate;

    fn try_from(form: OneOrMany) -> Result<Self, InvalidGate> {
        let texts: Vec<String> = match form {
            OneOrMany::One(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            OneOrMany::Many(texts) => texts,
        };
        Ok(Self(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?))
    }
}

impl From<Thresholds> for OneOrMany {
    fn from(thresholds: Thresholds) -> Self {
        thresholds.0.iter().map(FailOn::to_string).collect::<Vec<_>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_read_as_they_are_written() {
        for text in ["high", "new:medium", "unknown", "new:info", "low=10", "new:high=3"] {
            assert_eq!(text.parse::<FailOn>().unwrap().to_string(), text);
        }
        for text in ["", "new:", "bad", "old:high", "HIGH", "high=", "high=+1", "high=-1", "high= 1", "high=1=2", "=3"]
        {
            assert!(text.parse::<FailOn>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_is_a_text_and_several_a_list() {
        let read = |json: &str| serde_json::from_str::<Thresholds>(json);
        for (json, written) in [
            (r#""high""#, r#""high""#),
            (r#"["high"]"#, r#""high""#),
            (r#""critical, medium=3""#, r#"["critical","medium=3"]"#),
            (r#"["critical","new:low"]"#, r#"["critical","new:low"]"#),
            ("[]", "[]"),
        ] {
            assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), written);
        }
        assert!(read(r#""high,""#).is_err());
        assert!(read("1").unwrap_err().to_string().contains("a text or a list of texts"));
    }
}
