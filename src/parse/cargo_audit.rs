//! cargo-audit's JSON (`cargo audit --json`): vulnerabilities, and warnings about packages.

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::text::upgrade;
use super::value::{first, owned, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, score, severity};
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// The format `cargo-audit`.
#[derive(Debug)]
pub(super) struct CargoAudit;

const ROUTES: &[&str] = &["vulnerabilities/list/[]", "warnings/*/[]"];

impl Parser for CargoAudit {
    fn name(&self) -> &'static str {
        "cargo-audit"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("database/advisory-count") || outline.has_all(&["lockfile", "vulnerabilities/list"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |_, event| match event {
            Event::Value(value) => output.record(record(&value)),
            Event::End => Ok(()),
        })?
        .require(&["vulnerabilities/list/[]"])?;
        Ok(output.summary)
    }
}

fn record(value: &Value) -> Record {
    let kind = text(value, "/kind");
    let cvss = text(value, "/advisory/cvss").and_then(score::of_vector);
    let id = first(value, &["/advisory/id", "/kind"]).unwrap_or_default().to_owned();
    let aliases = texts(value, "/advisory/aliases");
    let patched = texts(value, "/versions/patched");
    Record {
        title: first(value, &["/advisory/title", "/kind"]).unwrap_or_default().to_owned(),
        message: owned(value, "/advisory/description"),
        severity: match (kind, &cvss) {
            (Some(kind), _) => severity::cargo_warning(kind),
            (None, Some(cvss)) => Severity::from_cvss(cvss.score),
            (None, None) => Severity::Unknown,
        },
        native_severity: kind.map(str::to_owned),
        location: Location::Package {
            name: owned(value, "/package/name"),
            version: owned(value, "/package/version"),
            path: Some("Cargo.lock".to_owned()),
        },
        vulnerabilities: ids::vulnerabilities(std::iter::once(id.as_str()).chain(aliases.iter().map(String::as_str))),
        cvss,
        fix: upgrade(&patched),
        references: texts(value, "/advisory/url").into_iter().chain(texts(value, "/advisory/references")).collect(),
        rule: id,
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn vulnerabilities_and_warnings_are_records() {
        let text = r#"{"database":{"advisory-count":1},"lockfile":{"dependency-count":2},"vulnerabilities":{"found":true,"count":1,"list":[
            {"advisory":{"id":"RUSTSEC-2021-0001","package":"a","title":"overflow","aliases":["CVE-2021-12345"],
              "cvss":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","url":"https://u","references":[]},
             "versions":{"patched":[">=1.2"]},"package":{"name":"a","version":"1.0.0"}}]},
            "warnings":{"yanked":[{"kind":"yanked","package":{"name":"b","version":"2.0.0"},"advisory":null}]}}"#;
        let (_, records) = parse("cargo-audit", text).unwrap();
        assert_eq!(records[0].severity, Severity::Critical);
        assert_eq!(records[0].cvss.as_ref().unwrap().score.to_string(), "9.8");
        assert_eq!(records[0].vulnerabilities, ["RUSTSEC-2021-0001", "CVE-2021-12345"]);
        assert_eq!(records[0].fix.as_deref(), Some("upgrade to >=1.2"));
        assert_eq!((records[1].rule.as_str(), records[1].severity), ("yanked", Severity::Low));
    }
}
