//! Findings that do not count because somebody described them: rules of the configuration and of the target's `.dragnet/`, VEX
//! documents, comments in the source. Layer 1, pure: texts in, rules and decisions out.
//!
//! A rule that names one finding by its fingerprint is none of this module's: a finding is known by that name however it drifts,
//! so it is looked up when the scan is read (see `store`).

mod comment;
mod file;
mod pattern;
mod vex;

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::clock::Timestamp;
use crate::model::finding::{Location, Record};
use crate::model::gate::{InvalidPattern, Paths};
use crate::model::suppress::{InvalidRule, Said, Suppression};
use crate::model::triage::Muting;
use crate::parse::purl;

pub use comment::{Comment, MARK, comments};
pub use file::{FileError, read_rules};
use pattern::Wildcard;
pub use vex::{VexError, read_vex};

/// The directory of a target with its rules.
pub const DIRECTORY: &str = ".dragnet";
/// The file in it with rules.
pub const RULES: &str = "suppress.toml";
/// What the names of its VEX documents end with.
pub const VEX: &str = ".vex.json";

/// Reads the comments of a file of the source, by its path in it; none when the file is not there or cannot be read.
pub type ReadComments = Box<dyn FnMut(&str) -> Vec<Comment> + Send>;

/// Decides for each record of a scanner whether somebody has said that it does not count.
pub struct Suppressor {
    rules: Vec<Compiled>,
    now: Timestamp,
    comments: Option<(ReadComments, HashMap<String, Vec<Comment>>)>,
    said: Arc<Said>,
}

/// Files of which the comments are remembered at once.
const FILES: usize = 1024;

struct Compiled {
    suppression: Suppression,
    rule: Option<Wildcard>,
    path: Option<Paths>,
    package: Option<Package>,
}

impl Suppressor {
    /// Takes the rules that are about a scanner and still hold.
    pub fn new(
        scanner: &str,
        rules: &[Suppression],
        now: Timestamp,
        comments: Option<ReadComments>,
    ) -> Result<Self, InvalidRule> {
        let about = |suppression: &&Suppression| {
            let rule = &suppression.rule;
            rule.fingerprint.is_none()
                && rule.scanner.as_deref().is_none_or(|name| name == scanner)
                && !suppression.is_over(now)
        };
        let rules = rules.iter().filter(about).map(Compiled::new).collect::<Result<_, _>>()?;
        Ok(Self { rules, now, comments: comments.map(|read| (read, HashMap::new())), said: Arc::default() })
    }

    /// Takes what comments said when the source was there.
    #[must_use]
    pub fn with_said(self, said: Arc<Said>) -> Self {
        Self { said, ..self }
    }

    /// Says why a record does not count; the first rule that is about it, else a comment.
    pub fn muting(&mut self, record: &Record) -> Option<Muting> {
        let rule = self.rules.iter().find(|rule| rule.is_about(record));
        rule.map(|rule| rule.suppression.muting()).or_else(|| self.commented(record)).or_else(|| self.said(record))
    }

    fn said(&self, record: &Record) -> Option<Muting> {
        if self.said.is_empty() {
            return None;
        }
        self.said.get(&(record.rule.clone(), record.location.clone())).cloned()
    }

    fn commented(&mut self, record: &Record) -> Option<Muting> {
        let (read, known) = self.comments.as_mut()?;
        let (path, region) = (record.location.path()?, record.location.region()?);
        if matches!(record.location, Location::Image { .. }) {
            return None;
        }
        if !known.contains_key(path) {
            if known.len() >= FILES {
                known.clear();
            }
            known.insert(path.to_owned(), read(path));
        }
        let lines = [region.start_line, region.end_line.unwrap_or(region.start_line)];
        let about = |comment: &&Comment| {
            lines.contains(&comment.line) && comment.is_about(&record.rule) && !comment.is_over(self.now)
        };
        known.get(path)?.iter().find(about).map(Comment::muting)
    }
}

impl Compiled {
    fn new(suppression: &Suppression) -> Result<Self, InvalidRule> {
        suppression.rule.check()?;
        let rule = &suppression.rule;
        Ok(Self {
            rule: rule.rule.as_deref().map(Wildcard::new),
            path: rule.path.as_deref().map(paths).transpose()?,
            package: rule.package.as_deref().map(Package::parse),
            suppression: suppression.clone(),
        })
    }

    fn is_about(&self, record: &Record) -> bool {
        let path = || record.location.path().unwrap_or_default();
        self.rule.as_ref().is_none_or(|pattern| pattern.matches(&record.rule))
            && self.path.as_ref().is_none_or(|paths| paths.contain(path()).unwrap_or(false))
            && self.suppression.rule.vulnerability.as_ref().is_none_or(|wanted| names(record, wanted))
            && self.package.as_ref().is_none_or(|package| package.is_at(&record.location))
    }
}

/// Whether a record is about a vulnerability, under any of its names.
fn names(record: &Record, vulnerability: &str) -> bool {
    let mut ids = record.vulnerabilities.iter().chain(std::iter::once(&record.rule));
    ids.any(|id| id.eq_ignore_ascii_case(vulnerability))
}

fn paths(pattern: &str) -> Result<Paths, InvalidRule> {
    Paths::one(pattern).map_err(|error| match error {
        InvalidPattern::Glob { text, message } => InvalidRule::Pattern { pattern: text, message },
        InvalidPattern::Empty => InvalidRule::Pattern { pattern: pattern.to_owned(), message: error.to_string() },
    })
}

/// Checks rules as their user will.
pub fn check(suppression: &Suppression) -> Result<(), InvalidRule> {
    Compiled::new(suppression).map(drop)
}

/// A package, and its version if only that is meant.
struct Package {
    name: String,
    version: Option<String>,
}

impl Package {
    fn parse(text: &str) -> Self {
        let version = |version: String| Some(version).filter(|version| !version.is_empty());
        if let Some((name, number)) = purl::package(text) {
            return Self { name, version: version(number) };
        }
        // The `@` of a scope is the first character.
        match text.rsplit_once('@').filter(|(name, _)| !name.is_empty()) {
            Some((name, number)) => Self { name: name.to_owned(), version: version(number.to_owned()) },
            None => Self { name: text.to_owned(), version: None },
        }
    }

    fn is_at(&self, location: &Location) -> bool {
        let Location::Package { name, version, .. } = location else { return false };
        let bare = |version: &str| version.trim_start_matches('v').to_owned();
        *name == self.name && self.version.as_ref().is_none_or(|wanted| bare(wanted) == bare(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Region;
    use crate::model::suppress::SuppressRule;
    use crate::model::triage::{Decision, Origin};

    fn rule(text: &str) -> Suppression {
        let rule: SuppressRule = toml::from_str(&format!("{text}\nreason = 'so'")).unwrap();
        Suppression { rule, origin: Origin::Config, file: "dragnet.toml".to_owned() }
    }

    fn at(rule: &str, path: &str, line: u32) -> Record {
        let region = Some(Region { start_line: line, ..Region::default() });
        let location = Location::File { path: path.to_owned(), region };
        Record { rule: rule.to_owned(), location, ..Record::default() }
    }

    fn package(name: &str, version: &str, ids: &[&str]) -> Record {
        let location = Location::Package { name: name.to_owned(), version: version.to_owned(), path: None };
        let vulnerabilities = ids.iter().map(|&id| id.to_owned()).collect();
        Record { rule: ids[0].to_owned(), location, vulnerabilities, ..Record::default() }
    }

    fn mutes(text: &str, record: &Record) -> bool {
        Suppressor::new("bandit", &[rule(text)], Timestamp(0), None).unwrap().muting(record).is_some()
    }

    #[test]
    fn all_conditions_of_a_rule_must_hold() {
        let record = at("B101", "tests/unit/a.py", 3);
        for (text, expected) in [
            ("rule = 'B101'", true),
            ("rule = 'B1*'", true),
            ("rule = 'B102'", false),
            ("path = 'tests/'", true),
            ("path = 'tests/**/*.py'", true),
            ("path = '*.py'", true),
            ("path = 'a.py'", true),
            ("path = '/a.py'", false),
            ("path = 'tests/*.py'", false),
            ("path = 'unit'", true),
            ("rule = 'B101'\npath = 'src/'", false),
            ("rule = 'B101'\nscanner = 'bandit'", true),
            ("rule = 'B101'\nscanner = 'semgrep'", false),
            ("rule = 'B101'\nuntil = '1970-01-01'", true),
        ] {
            assert_eq!(mutes(text, &record), expected, "{text}");
        }
    }

    #[test]
    fn a_rule_that_is_over_holds_no_more() {
        let rules = [rule("rule = 'B101'\nuntil = '1970-01-01'")];
        let mut late = Suppressor::new("bandit", &rules, Timestamp(24 * 60 * 60 * 1000), None).unwrap();
        assert_eq!(late.muting(&at("B101", "a.py", 1)), None);
    }

    #[test]
    fn packages_and_vulnerabilities_are_known_by_all_their_names() {
        let record = package("lodash", "4.17.20", &["CVE-2021-23337", "GHSA-35jh-r3h4-6jhm"]);
        for (text, expected) in [
            ("vulnerability = 'ghsa-35jh-r3h4-6jhm'", true),
            ("vulnerability = 'CVE-2021-23338'", false),
            ("package = 'lodash'", true),
            ("package = 'lodash@4.17.20'", true),
            ("package = 'lodash@4.17.21'", false),
            ("package = 'pkg:npm/lodash@4.17.20'", true),
            ("package = 'pkg:npm/%40types/lodash'", false),
            ("vulnerability = 'CVE-2021-23337'\npackage = 'other'", false),
        ] {
            assert_eq!(mutes(text, &record), expected, "{text}");
        }
        assert!(mutes("package = '@types/node'", &package("@types/node", "1", &["X"])));
        assert!(mutes("package = 'golang.org/x/net@0.1.0'", &package("golang.org/x/net", "v0.1.0", &["X"])));
        assert!(!mutes("package = 'lodash'", &at("B1", "lodash", 1)));
    }

    #[test]
    fn comments_are_read_once_for_each_file_and_count_for_their_line() {
        let (read, told) = std::sync::mpsc::channel();
        let source = move |path: &str| {
            read.send(path.to_owned()).unwrap();
            comments(b"x\nx # dragnet:ignore B101 -- mine\n")
        };
        let mut suppressor = Suppressor::new("bandit", &[], Timestamp(0), Some(Box::new(source))).unwrap();
        let muting = suppressor.muting(&at("B101", "a.py", 2)).unwrap();
        assert_eq!((muting.origin, muting.reason.as_deref()), (Origin::Comment, Some("mine")));
        assert_eq!(muting.decision, Decision::Suppressed);
        assert_eq!(suppressor.muting(&at("B102", "a.py", 2)), None);
        assert_eq!(suppressor.muting(&at("B101", "a.py", 3)), None);
        let mut long = at("B101", "b.py", 1);
        if let Location::File { region: Some(region), .. } = &mut long.location {
            region.end_line = Some(2);
        }
        assert!(suppressor.muting(&long).is_some(), "it may stand at the end");
        drop(suppressor);
        assert_eq!(told.iter().collect::<Vec<_>>(), ["a.py", "b.py"]);
    }

    #[test]
    fn patterns_that_cannot_be_are_told() {
        let error = check(&rule("path = 'a[b'")).unwrap_err().to_string();
        assert!(error.starts_with("`a[b` is not a pattern: "), "{error}");
    }
}
