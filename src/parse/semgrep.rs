//! semgrep's JSON (`semgrep scan --json`).

use serde_json::Value;

use super::json::Event;
use super::mask::{Masker, is_secret_rule};
use super::masked::walk;
use super::output::Output;
use super::text::code_identity;
use super::value::{first, number, owned, region, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, path, severity};
use crate::model::finding::{Location, Record};

/// The format `semgrep`.
#[derive(Debug)]
pub(super) struct Semgrep;

const ROUTES: &[&str] = &["results/[]", "errors/[]", "version"];
const SECRETS: &[&str] =
    &["/extra/lines", "/extra/metavars", "/extra/dataflow_trace", "/extra/fix", "/extra/rendered_fix"];
/// Written in the place of code and fingerprints by those who are not logged in.
const PLACEHOLDER: &str = "requires login";

static REDACTION: Redaction = Redaction::new(&["results/[]"], |masker, _, value| hide(masker, value));

impl Parser for Semgrep {
    fn name(&self) -> &'static str {
        "semgrep"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["results/[]/check_id", "results/[]/extra"])
            || (outline.has_all(&["results", "errors", "paths"]) && !outline.has("results/[]/test_id"))
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |route, event| {
            let Event::Value(value) = event else { return Ok(()) };
            match route {
                "results/[]" => {
                    output.record(record(&value, context))?;
                }
                "errors/[]" => error(&value, &mut output),
                _ => output.version(value.as_str()),
            }
            Ok(())
        })?
        .require(&["results/[]"])?;
        Ok(output.summary)
    }
}

/// Warnings (a file of which a part did not parse) cost coverage no less than errors do; notes do not.
fn error(value: &Value, output: &mut Output<'_>) {
    if text(value, "/level") != Some("info") {
        let message = first(value, &["/message", "/long_msg", "/short_msg"]).unwrap_or("an error without a message");
        output.error(&match text(value, "/path") {
            Some(path) => format!("{path}: {message}"),
            None => message.to_owned(),
        });
    }
}

fn hide(masker: &mut Masker<'_>, value: Option<&mut Value>) {
    if let Some(value) = value.filter(|value| is_secret(value)) {
        masker.hide(value, SECRETS);
    }
}

fn is_secret(value: &Value) -> bool {
    text(value, "/check_id").is_some_and(is_secret_rule)
        || text(value, "/extra/metadata/category") == Some("secrets")
        || texts(value, "/extra/metadata/cwe")
            .iter()
            .any(|cwe| matches!(ids::weaknesses([cwe.as_str()])[..], [798 | 259 | 321]))
}

fn record(value: &Value, context: &Context) -> Record {
    let native = text(value, "/extra/severity");
    let lines = text(value, "/extra/lines").filter(|lines| *lines != PLACEHOLDER);
    let cwe = texts(value, "/extra/metadata/cwe");
    let named: Vec<&str> = ["/extra/sca_info/sca_finding_schema", "/extra/metadata/sca-vuln-database-identifier"]
        .iter()
        .filter_map(|pointer| text(value, pointer))
        .collect();
    let rule = owned(value, "/check_id");
    let message = owned(value, "/extra/message");
    Record {
        suppressed: (value["extra"]["is_ignored"] == true).then(|| "nosemgrep".to_owned()),
        title: rule.rsplit('.').next().unwrap_or_default().replace(['-', '_'], " "),
        rule,
        message,
        severity: native.map_or_else(Default::default, severity::semgrep),
        native_severity: native.map(str::to_owned),
        confidence: text(value, "/extra/metadata/confidence").and_then(severity::confidence),
        location: Location::File {
            path: path::relative(text(value, "/path").unwrap_or_default(), &context.source_root),
            region: region(
                number(value, "/start/line"),
                number(value, "/end/line"),
                number(value, "/start/col"),
                number(value, "/end/col"),
            ),
        },
        cwe: ids::weaknesses(cwe.iter().map(String::as_str)),
        vulnerabilities: ids::vulnerabilities(named),
        fix: first(value, &["/extra/fix"]).map(str::to_owned),
        references: references(value),
        identity: code_identity(&lines.map_or_else(|| bindings(value), str::to_owned)),
        evidence: lines.map(str::to_owned),
        ..Record::default()
    }
}

fn references(value: &Value) -> Vec<String> {
    let mut references = texts(value, "/extra/metadata/references");
    references.extend(texts(value, "/extra/metadata/source"));
    references
}

/// What the rule's variables matched: the best identity when the code itself is withheld.
fn bindings(value: &Value) -> String {
    let variables = value.pointer("/extra/metavars").and_then(Value::as_object);
    variables
        .into_iter()
        .flatten()
        .filter_map(|(_, bound)| text(bound, "/abstract_content"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const DOCUMENT: &str = r#"{"version":"1.100.0","results":[
        {"check_id":"python.sqli","path":"/src/a.py","start":{"line":3,"col":1},"end":{"line":4,"col":9},"extra":{"message":"SQL",
          "severity":"ERROR","lines":"q = 'x' + y","metadata":{"cwe":["CWE-89: SQL Injection"],"confidence":"HIGH","references":["https://r"]}}},
        {"check_id":"generic.secrets.aws","path":"b.py","start":{"line":1,"col":1},"end":{"line":1,"col":9},"extra":{"message":"key AKIAIOSFODNN7EXAMPLE",
          "severity":"WARNING","lines":"k = 'AKIAIOSFODNN7EXAMPLE'","metadata":{"cwe":"CWE-798: Hard-coded"}}},
        {"check_id":"x","path":"c.py","extra":{"is_ignored":true}}],
        "errors":[{"level":"warn","message":"timeout","path":"big.js"},{"level":"info","message":"fyi"}],"paths":{"scanned":[]}}"#;

    #[test]
    fn results_errors_and_suppressions_are_counted() {
        let (summary, records) = parse("semgrep", DOCUMENT).unwrap();
        assert_eq!((summary.records, summary.skipped.len()), (3, 0));
        assert_eq!(records.iter().filter(|record| record.suppressed.is_some()).count(), 1);
        assert_eq!(summary.errors, ["big.js: timeout"]);
        assert_eq!((records[0].severity, records[0].cwe.as_slice()), (Severity::High, &[89][..]));
        assert_eq!(records[0].location.to_string(), "a.py:3");
        assert!(!format!("{records:?}").contains("AKIA"), "{records:?}");
    }

    #[test]
    fn another_document_of_semgrep_is_refused() {
        assert!(parse("semgrep", r#"{"vulns":[{"title":"x"}]}"#).is_err());
    }
}
