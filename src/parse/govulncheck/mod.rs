//! govulncheck's JSON (`govulncheck -format json`): a stream of messages since 1.0, also when somebody has put them into an array,
//! and the single document and messages of the versions before.
//!
//! It tells of one vulnerability several times: that a module is required, that a package is imported, and each way to a function
//! that is called. One record is made of it for each module and version, of the message that says most, and the others are
//! counted. How far it got is the confidence: called = high, imported = medium, required = low. Records come at the end of the
//! file; what waits for it is bounded.

mod old;

use serde_json::Value;
use std::collections::HashMap;

use super::held::{MAX_HELD, Table, weight};
use super::json::Event;
use super::masked::walk_all;
use super::output::Output;
use super::text::cut;
use super::value::{items, number, owned, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, osv};
use crate::model::finding::{Confidence, Location, Record};

/// The format `govulncheck`.
#[derive(Debug)]
pub(super) struct Govulncheck;

const ROUTES: &[&str] = &[
    "config",
    "osv",
    "finding",
    "[]/config",
    "[]/osv",
    "[]/finding",
    "vulnerability",
    "Requires/Modules/*",
    "Vulns/[]",
];
/// More of a description is not kept while it waits, nor more of a way.
const MAX_KEPT: usize = 4 << 10;

impl Parser for Govulncheck {
    fn name(&self) -> &'static str {
        "govulncheck"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("config/protocol_version")
            || outline.has("[]/config/protocol_version")
            || outline.has_all(&["Calls", "Imports", "Requires"])
            || outline.has_all(&["Vulns/[]/OSV", "Vulns/[]/Modules"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader {
            output: Output::new(sink),
            advisories: Table::default(),
            modules: Table::default(),
            known: HashMap::new(),
            found: Vec::new(),
            bytes: 0,
        };
        let seen = walk_all(self, context, input, ROUTES, &mut |route, event| reader.read(route, event))?;
        seen.require(&["config", "[]/config", "Vulns/[]"])?;
        reader.finish()?;
        Ok(reader.output.summary)
    }
}

/// A vulnerability in a version of a module.
struct Found {
    id: String,
    module: String,
    version: String,
    fix: Option<String>,
    reached: Reached,
    way: String,
}

/// How far govulncheck got, least first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Required,
    Imported,
    Called,
}

struct Reader<'s> {
    output: Output<'s>,
    advisories: Table<Record>,
    /// Versions of modules by the number that old documents give them.
    modules: Table<String>,
    known: HashMap<(String, String, String), usize>,
    found: Vec<Found>,
    bytes: usize,
}

impl Reader<'_> {
    fn read(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        let Event::Value(value) = event else { return Ok(()) };
        match route.trim_start_matches("[]/") {
            "config" => self.output.version(text(&value, "/scanner_version")),
            "osv" => self.advisory(&value),
            "finding" => return self.finding(&value),
            "vulnerability" | "Vulns/[]" => return self.old(&value),
            "Requires/Modules/*" => self.module(&value),
            _ => {}
        }
        Ok(())
    }

    fn advisory(&mut self, value: &Value) {
        let mut record = osv::record(value);
        record.message = cut(&record.message, MAX_KEPT);
        record.references.truncate(20);
        let bytes = weight(&record);
        self.advisories.insert(record.rule.clone(), record, bytes);
    }

    fn finding(&mut self, value: &Value) -> Result<(), ParseError> {
        self.output.expect("govulncheck", value, &["/osv"])?;
        let reached = match (text(value, "/trace/0/function"), text(value, "/trace/0/package")) {
            (Some(_), _) => Reached::Called,
            (None, Some(_)) => Reached::Imported,
            _ => Reached::Required,
        };
        self.keep(Found {
            id: owned(value, "/osv"),
            module: owned(value, "/trace/0/module"),
            version: owned(value, "/trace/0/version"),
            fix: text(value, "/fixed_version").map(|version| format!("upgrade to {version}")),
            reached,
            way: way(items(value, "/trace")),
        })
    }

    fn keep(&mut self, found: Found) -> Result<(), ParseError> {
        let key = (found.id.clone(), found.module.clone(), found.version.clone());
        if let Some(known) = self.known.get(&key).and_then(|at| self.found.get_mut(*at)) {
            if found.reached > known.reached {
                *known = found;
            }
            self.output.skip("another way to the same vulnerability");
            return Ok(());
        }
        self.bytes += 3 * (key.0.len() + key.1.len() + key.2.len()) + found.way.len();
        if self.bytes > MAX_HELD {
            self.output.error("there are more vulnerabilities than fit together: some are told several times");
            return self.tell(found);
        }
        self.known.insert(key, self.found.len());
        self.found.push(found);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ParseError> {
        if self.advisories.is_full() || self.modules.is_full() {
            self.output.error("there are more advisories than fit together: some records lack their description");
        }
        std::mem::take(&mut self.found).into_iter().try_for_each(|found| self.tell(found))
    }

    fn tell(&mut self, found: Found) -> Result<(), ParseError> {
        let advisory = self.advisories.get(&found.id).cloned().unwrap_or_default();
        self.output.record(Record {
            confidence: Some(match found.reached {
                Reached::Called => Confidence::High,
                Reached::Imported => Confidence::Medium,
                Reached::Required => Confidence::Low,
            }),
            location: Location::Package { name: found.module, version: found.version, path: None },
            fix: found.fix,
            evidence: Some(found.way).filter(|way| !way.is_empty()),
            rule: found.id,
            ..advisory
        })
    }
}

/// The calls that lead to the function, ours first.
fn way(trace: &[Value]) -> String {
    let step = |frame: &Value| {
        let name: Vec<String> = ["/package", "/receiver", "/function"].iter().map(|part| owned(frame, part)).collect();
        let name = name.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        match (text(frame, "/position/filename"), number(frame, "/position/line")) {
            (Some(file), Some(line)) => format!("{name} ({file}:{line})"),
            _ => name,
        }
    };
    let steps: Vec<String> = trace.iter().rev().map(step).filter(|step| !step.is_empty()).collect();
    cut(&steps.join("\n"), MAX_KEPT)
}

#[cfg(test)]
mod tests;
