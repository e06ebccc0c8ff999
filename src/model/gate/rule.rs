//! A rule of the gate: which findings it is about, and what follows from them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::exploit::Dataset;
use super::super::severity::Severity;
use super::patterns::{Names, Paths};

/// A rule over single findings. All its conditions must hold of a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RuleForm", into = "RuleForm")]
#[schemars(with = "RuleForm", rename = "GateRule")]
pub struct Rule {
    /// What it is called in reports.
    pub name: Option<String>,
    /// What follows.
    pub action: Action,
    /// Which findings it is about.
    pub when: When,
}

/// What follows from the findings that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The gate fails if there are more than this.
    Fail {
        /// How many there may be.
        max: u64,
    },
    /// They do not count, in no rule and no threshold.
    Ignore,
}

/// Conditions on a finding; those that are none always hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct When {
    /// Its scanner's name.
    pub scanner: Option<Names>,
    /// The scanner's id of the rule.
    pub rule: Option<Names>,
    /// The file that it is in.
    pub path: Option<Paths>,
    /// It is as severe as this, or worse.
    pub severity: Option<Severity>,
    /// It is less severe than this.
    pub severity_below: Option<Severity>,
    /// Whether it is new or reopened; without anything to compare with, all is.
    pub new: Option<bool>,
    /// Whether a fix is known. It is false of vulnerabilities and packages alone: that a scanner of source code offers no fix says nothing.
    pub fixable: Option<bool>,
    /// The least EPSS score.
    pub epss: Option<Probability>,
    /// The EPSS score that it must not reach.
    pub epss_below: Option<Probability>,
    /// Whether it is in the KEV catalogue.
    pub kev: Option<bool>,
}

impl When {
    /// Whether one of the conditions needs this dataset.
    pub const fn asks(&self, dataset: Dataset) -> bool {
        match dataset {
            Dataset::Epss => self.epss.is_some() || self.epss_below.is_some(),
            Dataset::Kev => self.kev.is_some(),
        }
    }
}

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64", extend("minimum" = 0, "maximum" = 1))]
pub struct Probability(f64);

impl Probability {
    /// Returns the number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = InvalidRule;

    fn try_from(number: f64) -> Result<Self, InvalidRule> {
        if (0.0..=1.0).contains(&number) { Ok(Self(number)) } else { Err(InvalidRule::Probability(number)) }
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> Self {
        probability.0
    }
}

/// A rule that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidRule {
    /// A score is outside its range.
    #[error("{0} is no score: they go from 0 to 1")]
    Probability(f64),
    /// A rule would ignore everything.
    #[error("a rule with `action = \"ignore\"` needs a condition: without one nothing would count")]
    IgnoresAll,
    /// What is ignored is not counted.
    #[error("`max` is for rules with `action = \"fail\"`")]
    MaxOfIgnored,
    /// Nothing is less severe.
    #[error("no severity is below `{0}`")]
    NothingBelow(Severity),
    /// No finding can be both.
    #[error("no finding can meet both `{0}` and `{1}`")]
    Contradiction(&'static str, &'static str),
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Word {
    /// The gate fails if more than `max` findings meet the conditions.
    #[default]
    Fail,
    /// Findings that meet the conditions do not count, in no rule and no threshold.
    Ignore,
}

/// `[[gate.rules]]`: a rule of the gate.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleForm {
    /// What it is called in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// `fail`, or `ignore`: then what it is about counts nowhere in the gate.
    #[serde(default)]
    action: Word,
    /// How many findings it may be about before it fails; 0 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max: Option<u64>,
    /// Globs: the scanner's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scanner: Option<Names>,
    /// Globs: the scanner's id of the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rule: Option<Names>,
    /// Patterns as in `.gitignore`: the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Paths>,
    /// This severity or worse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity: Option<Severity>,
    /// Less severe than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity_below: Option<Severity>,
    /// Whether it is new or reopened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
    /// Whether a fix is known; `false` is about vulnerabilities and packages alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fixable: Option<bool>,
    /// Least EPSS score, from 0 to 1; needs `data.epss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epss: Option<Probability>,
    /// EPSS score that is not reached; needs `data.epss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    epss_below: Option<Probability>,
    /// Whether it is in the KEV catalogue; needs `data.kev`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kev: Option<bool>,
}

impl TryFrom<RuleForm> for Rule {
    type Error = InvalidRule;

    fn try_from(form: RuleForm) -> Result<Self, InvalidRule> {
        let when = When {
            scanner: form.scanner,
            rule: form.rule,
            path: form.path,
            severity: form.severity,
            severity_below: form.severity_below,
            new: form.new,
            fixable: form.fixable,
            epss: form.epss,
            epss_below: form.epss_below,
            kev: form.kev,
        };
        if let Some(least) = when.severity_below.filter(|severity| *severity >= Severity::Info) {
            return Err(InvalidRule::NothingBelow(least));
        }
        if when.severity.zip(when.severity_below).is_some_and(|(least, below)| least <= below) {
            return Err(InvalidRule::Contradiction("severity", "severity_below"));
        }
        if when.epss.zip(when.epss_below).is_some_and(|(least, below)| least >= below) {
            return Err(InvalidRule::Contradiction("epss", "epss_below"));
        }
        let action = match (form.action, form.max) {
            (Word::Fail, max) => Action::Fail { max: max.unwrap_or(0) },
            (Word::Ignore, Some(_)) => return Err(InvalidRule::MaxOfIgnored),
            (Word::Ignore, None) if when == When::default() => return Err(InvalidRule::IgnoresAll),
            (Word::Ignore, None) => Action::Ignore,
        };
        Ok(Self { name: form.name, action, when })
    }
}

impl From<Rule> for RuleForm {
    fn from(rule: Rule) -> Self {
        let (action, max) = match rule.action {
            Action::Fail { max } => (Word::Fail, Some(max).filter(|max| *max > 0)),
            Action::Ignore => (Word::Ignore, None),
        };
        let When { scanner, rule: id, path, severity, severity_below, new, fixable, epss, epss_below, kev } = rule.when;
        Self {
            name: rule.name,
            action,
            max,
            scanner,
            rule: id,
            path,
            severity,
            severity_below,
            new,
            fixable,
            epss,
            epss_below,
            kev,
        }
    }
}

impl fmt::Display for When {
    /// The conditions in words; `anything` if there are none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let listed = |what: &str, texts: &[String]| format!("{what} {}", texts.join(" or "));
        let either = |truth: bool, yes: &'static str, no: &'static str| if truth { yes } else { no }.to_owned();
        let parts = [
            self.new.map(|new| either(new, "new", "there before")),
            self.severity.map(|severity| format!("{severity} or worse")),
            self.severity_below.map(|severity| format!("below {severity}")),
            self.scanner.as_ref().map(|names| listed("by", names.texts())),
            self.rule.as_ref().map(|names| listed("of rule", names.texts())),
            self.path.as_ref().map(|paths| listed("in", paths.texts())),
            self.fixable.map(|fixable| either(fixable, "with a fix", "without a fix")),
            self.epss.map(|least| format!("EPSS {} or more", least.get())),
            self.epss_below.map(|below| format!("EPSS below {}", below.get())),
            self.kev.map(|kev| either(kev, "known to be exploited", "not known to be exploited")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(&if parts.is_empty() { "anything".to_owned() } else { parts.join(", ") })
    }
}

impl fmt::Display for Rule {
    /// What it does, in words: `fail on more than 3: high or worse, in src/`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.action {
            Action::Fail { max: 0 } => write!(f, "fail on {}", self.when),
            Action::Fail { max } => write!(f, "fail on more than {max}: {}", self.when),
            Action::Ignore => write!(f, "ignore {}", self.when),
        }?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Rule, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        for json in [
            r#"{"action":"fail"}"#,
            r#"{"name":"kev","action":"fail","max":3,"kev":true}"#,
            r#"{"action":"ignore","scanner":["trivy","grype"],"rule":"CVE-*","path":"tests/","severity":"low","new":false,"fixable":false,"epss_below":0.01}"#,
        ] {
            assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
        }
    }

    #[test]
    fn rules_say_what_they_ask() {
        let said = |json| read(json).unwrap().to_string();
        assert_eq!(
            said(r#"{"max":3,"severity":"high","path":["src/","lib/"],"name":"code"}"#),
            "fail on more than 3: high or worse, in src/ or lib/ (code)"
        );
        assert_eq!(said(r#"{"kev":true,"new":true}"#), "fail on new, known to be exploited");
        assert_eq!(
            said(r#"{"action":"ignore","fixable":false,"epss_below":0.1}"#),
            "ignore without a fix, EPSS below 0.1"
        );
        assert_eq!(said("{}"), "fail on anything");
    }

    #[test]
    fn rules_that_cannot_be_are_refused() {
        for (json, why) in [
            (r#"{"action":"ignore"}"#, "needs a condition"),
            (r#"{"action":"ignore","kev":false,"max":1}"#, "`max` is for rules"),
            (r#"{"epss":1.5}"#, "1.5 is no score"),
            (r#"{"epss":-0.1}"#, "-0.1 is no score"),
            (r#"{"severity":"high","severity_below":"high"}"#, "no finding can meet both"),
            (r#"{"epss":0.5,"epss_below":0.5}"#, "no finding can meet both"),
            (r#"{"severity_below":"info"}"#, "no severity is below `info`"),
            (r#"{"path":[]}"#, "a list of patterns is not empty"),
            (r#"{"sevrity":"high"}"#, "unknown field"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(why), "{json}: {error}");
        }
        assert!(read(r#"{"severity":"medium","severity_below":"critical"}"#).is_ok());
    }
}
