//! What `audit` of the JavaScript package managers prints as JSON: npm 7 and later (`vulnerabilities`), npm before 7, pnpm and
//! yarn 2 and 3 (`advisories`), yarn 1 (an event a line) and yarn 4 (a tree a line).
//!
//! npm 7 lists packages with what makes them vulnerable in `via`: an advisory there is a record, and a name there stands for a
//! package that is listed itself and is counted. Elsewhere there is one record for each version of an advisory's package; yarn 1
//! lists each way that leads to it on its own, and so do we.

mod yarn;

use serde_json::Value;

use self::yarn::Ends;
use super::json::Event;
use super::masked::walk_all;
use super::output::Output;
use super::text::upgrade;
use super::value::{at, first, float, items, owned, scalar, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, path, score, severity};
use crate::model::finding::{Location, Record};

/// The format `npm-audit`.
#[derive(Debug)]
pub(super) struct NpmAudit;

const ROUTES: &[&str] = &[
    "auditReportVersion",
    "metadata/vulnerabilities",
    "vulnerabilities/*",
    "advisories/*",
    "muted/[]",
    "error",
    "type",
    "data",
    "value",
    "children",
];

impl Parser for NpmAudit {
    fn name(&self) -> &'static str {
        "npm-audit"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["advisories", "metadata"])
            || outline.has_all(&["advisories", "actions"])
            || outline.has_all(&["auditReportVersion", "vulnerabilities"])
            || outline.has("data/resolution")
            || outline.has_all(&["type", "data/vulnerabilities"])
            || outline.has_all(&["value", "children/Severity"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader { output: Output::new(sink), line: Line::default(), ends: Ends::default() };
        let seen = walk_all(self, context, input, ROUTES, &mut |route, event| reader.read(route, event))?;
        seen.require(&["metadata/vulnerabilities", "auditReportVersion", "error", "data", "children"])?;
        reader.ends.check(&reader.output)?;
        Ok(reader.output.summary)
    }
}

/// What the document or line that is being read has.
#[derive(Default)]
struct Line {
    kind: Option<String>,
    value: Option<String>,
    body: Option<Value>,
}

struct Reader<'s> {
    output: Output<'s>,
    line: Line,
    ends: Ends,
}

impl Reader<'_> {
    fn read(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        match (route, event) {
            ("vulnerabilities/*", Event::Value(value)) => self.package(&value),
            ("advisories/*", Event::Value(value)) => self.advisory(&value),
            ("muted/[]", Event::Value(_)) => {
                self.output.skip("muted");
                Ok(())
            }
            ("error", Event::Value(value)) => {
                let message = value.as_str().or_else(|| first(&value, &["/summary", "/message", "/detail", "/code"]));
                self.output.error(message.unwrap_or("the audit failed"));
                Ok(())
            }
            ("type", Event::Value(value)) => {
                self.line.kind = value.as_str().map(str::to_owned);
                Ok(())
            }
            ("value", Event::Value(value)) => {
                self.line.value = value.as_str().map(str::to_owned);
                Ok(())
            }
            ("data" | "children", Event::Value(value)) => {
                self.line.body = Some(value);
                Ok(())
            }
            ("", Event::End) => self.end(),
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Result<(), ParseError> {
        match std::mem::take(&mut self.line) {
            Line { kind: Some(kind), body, .. } => self.event(&kind, &body.unwrap_or_default()),
            Line { value: Some(name), body: Some(tree), .. } => self.tree(&name, &tree),
            _ => {
                self.ends.documents += 1;
                Ok(())
            }
        }
    }

    /// A package of npm 7.
    fn package(&mut self, value: &Value) -> Result<(), ParseError> {
        self.output.expect("npm-audit", value, &["/via"])?;
        // npm does not order the places.
        let place = texts(value, "/nodes").into_iter().min();
        for via in items(value, "/via") {
            if via.is_string() {
                self.output.skip("depends on a vulnerable package, which is listed itself");
                continue;
            }
            let range = text(via, "/range").map(|range| format!("affected versions: {range}"));
            let location = Location::Package {
                name: first(value, &["/name"]).or_else(|| text(via, "/name")).unwrap_or_default().to_owned(),
                version: String::new(),
                path: place.as_deref().map(|place| path::relative(place, "")),
            };
            self.output.record(Record {
                message: range.unwrap_or_default(),
                location,
                fix: fix_available(value),
                ..common(via)
            })?;
        }
        Ok(())
    }

    /// An advisory of npm before 7, with the versions that were found.
    fn advisory(&mut self, value: &Value) -> Result<(), ParseError> {
        self.output.expect("npm-audit", value, &["/module_name", "/findings"])?;
        let findings = items(value, "/findings");
        if findings.is_empty() {
            return self.output.record(installed(value, String::new()));
        }
        findings.iter().try_for_each(|finding| {
            let mut ways = texts(finding, "/paths");
            ways.sort();
            let evidence = (!ways.is_empty()).then(|| ways.join("\n"));
            let identity = ways.into_iter().next().unwrap_or_default();
            self.output.record(Record { evidence, identity, ..installed(value, owned(finding, "/version")) })
        })
    }
}

/// What the advisories of all generations say. Their numbers change; GitHub's ids, where there is one, do not.
fn common(value: &Value) -> Record {
    let native = text(value, "/severity");
    let cvss = score::given(float(value, "/cvss/score"), text(value, "/cvss/vectorString"));
    let named = texts(value, "/cves");
    let sources = first(value, &["/github_advisory_id"]).into_iter().chain(text(value, "/url"));
    let vulnerabilities = ids::vulnerabilities(sources.chain(named.iter().map(String::as_str)));
    let stable = vulnerabilities.iter().find(|id| id.starts_with("GHSA-")).cloned();
    let links =
        text(value, "/references").unwrap_or_default().split(|c: char| c.is_whitespace() || "()[]<>".contains(c));
    let links = links.filter(|link| link.starts_with("https://") || link.starts_with("http://"));
    let mut references: Vec<String> = text(value, "/url").into_iter().chain(links).map(str::to_owned).collect();
    references.dedup();
    Record {
        rule: stable.or_else(|| scalar(value, "/id")).or_else(|| scalar(value, "/source")).unwrap_or_default(),
        title: owned(value, "/title"),
        severity: severity::rated(native, cvss.as_ref()),
        native_severity: native.map(str::to_owned),
        cwe: ids::weaknesses(texts(value, "/cwe").iter().map(String::as_str)),
        vulnerabilities,
        cvss,
        references,
        ..Record::default()
    }
}

fn installed(value: &Value, version: String) -> Record {
    // `<0.0.0` says that no version is mended.
    let patched = text(value, "/patched_versions").filter(|range| *range != "<0.0.0");
    Record {
        message: owned(value, "/overview"),
        location: Location::Package { name: owned(value, "/module_name"), version, path: None },
        fix: upgrade(&patched.map(str::to_owned).into_iter().collect::<Vec<_>>()),
        ..common(value)
    }
}

fn fix_available(value: &Value) -> Option<String> {
    match at(value, "/fixAvailable")? {
        Value::Bool(true) => Some("run `npm audit fix`".to_owned()),
        fix => Some(format!("upgrade {} to {}", text(fix, "/name")?, text(fix, "/version")?)),
    }
}

#[cfg(test)]
mod tests;
