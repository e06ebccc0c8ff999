//! pip-audit's JSON (`pip-audit -f json`): an object with `dependencies`, and the bare array of versions before 2.5.
//!
//! Each vulnerability of a package is a record; packages without any are counted. What could not be audited is an error: nobody
//! knows what is in it.

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::text::upgrade;
use super::value::{at, items, owned, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids};
use crate::model::finding::{Location, Record};

/// The format `pip-audit`.
#[derive(Debug)]
pub(super) struct PipAudit;

const ROUTES: &[&str] = &["dependencies/[]", "[]"];

impl Parser for PipAudit {
    fn name(&self) -> &'static str {
        "pip-audit"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        let any = ["dependencies/[]/vulns", "dependencies/[]/skip_reason", "[]/vulns", "[]/skip_reason"];
        any.iter().any(|path| outline.has(path)) || outline.has_all(&["dependencies", "fixes"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |_, event| match event {
            Event::Value(value) => package(&mut output, &value),
            Event::End => Ok(()),
        })?
        .require(ROUTES)?;
        Ok(output.summary)
    }
}

fn package(output: &mut Output<'_>, value: &Value) -> Result<(), ParseError> {
    output.expect("pip-audit", value, &["/vulns", "/skip_reason"])?;
    if at(value, "/vulns").is_none() {
        output.error(&owned(value, "/skip_reason"));
        output.skip("could not be audited");
    } else if items(value, "/vulns").is_empty() {
        output.skip("no known vulnerability");
    }
    items(value, "/vulns").iter().try_for_each(|vulnerability| output.record(record(value, vulnerability)))
}

fn record(package: &Value, value: &Value) -> Record {
    let name = owned(package, "/name");
    let id = owned(value, "/id");
    let aliases = texts(value, "/aliases");
    Record {
        title: format!("{id} in {name}"),
        message: text(value, "/description").unwrap_or_default().to_owned(),
        location: Location::Package { name, version: owned(package, "/version"), path: None },
        vulnerabilities: ids::vulnerabilities(std::iter::once(id.as_str()).chain(aliases.iter().map(String::as_str))),
        fix: upgrade(&texts(value, "/fix_versions")),
        rule: id,
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const ARRAY: &str = r#"[{"name":"django","version":"3.2.9","vulns":[{"id":"PYSEC-2021-439","fix_versions":["3.1.14","3.2.10"],
        "aliases":["CVE-2021-44420"],"description":"bypass"}]},{"name":"a","version":"1","vulns":[]},
        {"name":"b","skip_reason":"Dependency not found on PyPI and could not be audited: b (1)"}]"#;

    #[test]
    fn both_generations_are_read() {
        for text in [ARRAY.to_owned(), format!(r#"{{"dependencies":{ARRAY},"fixes":[]}}"#)] {
            let (summary, records) = parse("pip-audit", &text).unwrap();
            assert_eq!((summary.records, summary.skipped.values().sum::<u64>()), (1, 2));
            assert_eq!(summary.errors, ["Dependency not found on PyPI and could not be audited: b (1)"]);
            assert_eq!(records[0].location.to_string(), "django 3.2.9");
            assert_eq!(records[0].fix.as_deref(), Some("upgrade to 3.1.14 or 3.2.10"));
            assert_eq!(records[0].vulnerabilities, ["PYSEC-2021-439", "CVE-2021-44420"]);
            assert_eq!(records[0].severity, Severity::Unknown);
        }
    }

    #[test]
    fn nothing_found_and_another_document_are_told_apart() {
        assert_eq!(parse("pip-audit", "[]").unwrap().0.records, 0);
        assert_eq!(parse("pip-audit", r#"{"dependencies":[]}"#).unwrap().0.records, 0);
        assert!(parse("pip-audit", "{}").is_err());
        assert!(parse("pip-audit", r#"[{"name":"a"}]"#).is_err());
    }
}
