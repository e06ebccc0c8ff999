//! Baselines: files of findings that are known already. A report of ours as JSON (`dragnet.report/v1`), or SARIF 2.1.0, of any
//! producer or of ours.
//!
//! A baseline that lacks something makes everything new, or hides what is: so a file that is cut, that is neither, or that says
//! itself that it lists a part, is an error.

mod report;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::Read;

use serde_json::Value;

use super::json::Event;
use super::masked::walk_as;
use super::output::Output;
use super::sarif::{self, Run};
use super::value::{flag, number, text};
use super::{Context, Input, ParseError, Sink, Stop};
use crate::model::asset::Asset;
use crate::model::finding::Record;
use crate::model::severity::Severity;
use crate::model::standing::FindingKey;

const FORMAT: &str = "a baseline";

/// One finding of a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownFinding {
    /// The scanner, as the file calls it: `semgrep`, `Semgrep OSS`.
    pub scanner: Option<String>,
    /// Its name, where the file is a report of ours.
    pub name: Option<FindingKey>,
    /// The record, as far as the file tells it; secrets masked.
    pub record: Record,
}

/// What a baseline says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BaselineFacts {
    /// How many findings it has.
    pub findings: u64,
    /// The target key of the scan that it is a report of, if it says.
    pub target_key: Option<String>,
    /// Whether what made it saw everything, if it says.
    pub complete: Option<bool>,
    /// Versions of scanners by their names, where it tells them.
    pub versions: Vec<(String, String)>,
}

const ROUTES: &[&str] = &[
    "schema",
    "scan",
    "jobs/[]",
    "summary",
    "findings/[]",
    "gone/[]",
    "version",
    "runs/[]/tool/driver/name",
    "runs/[]/tool/driver/version",
    "runs/[]/tool/driver/rules/[]",
    "runs/[]/tool/extensions/[]/rules/[]",
    "runs/[]/results/[]",
    "runs/[]/invocations/[]",
    "runs/[]/properties",
];

/// Takes the findings of a baseline, in the order of the file.
type Take<'t> = dyn FnMut(KnownFinding) -> Result<(), Stop> + 't;

/// Reads a whole baseline.
pub fn baseline(input: &mut dyn Read, context: &Context, take: &mut Take<'_>) -> Result<BaselineFacts, ParseError> {
    let take = RefCell::new(Counted { take, count: 0 });
    let log = Log::default();
    let mut facts = BaselineFacts::default();
    let (mut report, mut version, mut runs) = (report::Report::default(), None, 0_u64);
    let mut sink = LogSink { log: &log, take: &take };
    let mut output = Output::new(&mut sink);
    let mut run = Run::new(context);
    let input = &mut Input::new(input);
    walk_as(FORMAT, super::Parser::redaction(&sarif::Sarif), context, input, ROUTES, &mut |route, event| {
        match (route, event) {
            ("runs/[]/results/[]", Event::Value(value)) => {
                if sarif::no_problem(&value).is_none() {
                    log.beside.borrow_mut().push_back(Beside::of(&value)?);
                }
                run.result(value, &mut output)?;
                if run.has_overflowed() && log.has_names() {
                    return Err(refused("its results stand too far before their rules to be told apart", "runs"));
                }
            }
            ("runs/[]/results", Event::End) => *log.has_results.borrow_mut() = true,
            ("runs/[]/tool/driver/rules/[]", Event::Value(value)) => run.rules.add(&value),
            ("runs/[]/tool/extensions/[]/rules/[]", Event::Value(value)) => run.rules.add_of_extension(&value),
            ("runs/[]/tool/driver/name", Event::Value(value)) => {
                run.named(value.as_str());
                *log.tool.borrow_mut() = value.as_str().map(str::to_owned);
            }
            ("runs/[]/tool/driver/version", Event::Value(value)) => {
                *log.version.borrow_mut() = value.as_str().map(str::to_owned);
            }
            ("runs/[]/tool", Event::End) => run.tool_is_known(&mut output)?,
            ("runs/[]/invocations/[]", Event::Value(value)) => sarif::invocation(&value, &mut output),
            ("runs/[]/properties", Event::Value(value)) => properties(&value, &mut facts)?,
            ("runs/[]", Event::End) => {
                runs += 1;
                run.finish(&mut output)?;
                log.end(&mut facts, runs)?;
            }
            ("version", Event::Value(value)) => version = value.as_str().map(str::to_owned),
            (_, Event::Value(value)) => {
                report.part(route, &value, &mut |finding| take.borrow_mut().take(finding).map_err(ParseError::from))?;
            }
            (_, Event::End) => report.ended(route),
        }
        Ok(())
    })?;
    if runs > 0 {
        sarif::expect_version(version.as_deref())?;
        if !output.summary.errors.is_empty() {
            facts.complete = Some(false);
        }
    } else {
        report.finish(&mut facts)?;
    }
    facts.findings = take.borrow().count;
    Ok(facts)
}

/// What our own SARIF says of its scan.
fn properties(value: &Value, facts: &mut BaselineFacts) -> Result<(), ParseError> {
    if let Some(dragnet) = value.get("dragnet") {
        whole(dragnet)?;
    }
    facts.target_key = text(value, "/dragnet/target_key").map(str::to_owned).or_else(|| facts.target_key.take());
    facts.complete = flag(value, "/dragnet/complete").or(facts.complete);
    Ok(())
}

fn refused(message: &str, place: &str) -> ParseError {
    ParseError::Invalid { format: FORMAT, message: message.to_owned(), place: place.to_owned() }
}

/// Refuses a report of ours that does not list each finding of its scan.
fn whole(facts: &Value) -> Result<(), ParseError> {
    let how = match (text(facts, "/listed"), number(facts, "/merged")) {
        (Some(_), _) => "`--new`",
        (None, Some(1..)) => "`--merge`",
        _ => return Ok(()),
    };
    Err(refused(&format!("it lists only a part of its scan's findings ({how})"), "the whole document"))
}

/// Counts what is taken.
struct Counted<'t, 'u> {
    take: &'t mut Take<'u>,
    count: u64,
}

impl Counted<'_, '_> {
    fn take(&mut self, finding: KnownFinding) -> Result<(), Stop> {
        self.count += 1;
        (self.take)(finding)
    }
}

/// What is known of a run of SARIF beside its records.
#[derive(Default)]
struct Log {
    tool: RefCell<Option<String>>,
    version: RefCell<Option<String>>,
    has_results: RefCell<bool>,
    /// For each result whose record is on its way.
    beside: RefCell<VecDeque<Beside>>,
}

/// What our own reports say of a result, and SARIF has no word for.
#[derive(Default)]
struct Beside {
    name: Option<FindingKey>,
    identity: Option<String>,
    place: Option<Value>,
    severity: Option<Severity>,
}

impl Beside {
    fn of(result: &Value) -> Result<Self, ParseError> {
        let Some(name) = text(result, "/partialFingerprints/dragnet~1v1") else { return Ok(Self::default()) };
        let name = name.parse().map_err(|_| refused("a fingerprint of dragnet's is none", "a result"))?;
        Ok(Self {
            name: Some(name),
            identity: text(result, "/properties/identity").map(str::to_owned),
            place: result.pointer("/properties/location").cloned(),
            severity: text(result, "/properties/severity").and_then(|word| word.parse().ok()),
        })
    }

    fn complete(self, record: &mut Record) -> Option<FindingKey> {
        record.identity = self.identity.unwrap_or_else(|| std::mem::take(&mut record.identity));
        record.severity = self.severity.unwrap_or(record.severity);
        if let Some(place) = self.place {
            record.location = report::location(&place);
        }
        self.name
    }
}

impl Log {
    fn has_names(&self) -> bool {
        self.beside.borrow().iter().any(|beside| beside.name.is_some())
    }

    /// Ends a run. One without a list of results has not said what it found (section 3.14.23): it is not one that found nothing.
    fn end(&self, facts: &mut BaselineFacts, number: u64) -> Result<(), ParseError> {
        if !self.has_results.replace(false) {
            return Err(refused("it has no `results`: what was found is not in this file", &format!("run {number}")));
        }
        if let (Some(tool), Some(version)) = (self.tool.take(), self.version.take()) {
            facts.versions.push((tool, version));
        }
        Ok(())
    }
}

struct LogSink<'l, 't, 'u> {
    log: &'l Log,
    take: &'l RefCell<Counted<'t, 'u>>,
}

impl Sink for LogSink<'_, '_, '_> {
    fn record(&mut self, mut record: Record) -> Result<(), Stop> {
        let beside = self.log.beside.borrow_mut().pop_front().unwrap_or_default();
        let name = beside.complete(&mut record);
        let scanner = self.log.tool.borrow().clone();
        self.take.borrow_mut().take(KnownFinding { scanner, name, record })
    }

    fn asset(&mut self, _: Asset) -> Result<(), Stop> {
        Ok(())
    }
}
