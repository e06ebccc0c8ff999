//! detect-secrets' baseline (`detect-secrets scan`), version 1 and before.
//!
//! A secret is there as its unsalted SHA-1, which a guess can be tested against: it is masked like the secret itself.

use serde_json::Value;

use super::json::Event;
use super::mask::token_identity;
use super::masked::walk;
use super::output::Output;
use super::value::{at, missing, number, owned, region, required, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path};
use crate::model::finding::{Confidence, Location, Record};
use crate::model::severity::Severity;

/// The format `detect-secrets`.
#[derive(Debug)]
pub(super) struct DetectSecrets;

const ROUTES: &[&str] = &["results/@/[]", "version"];
const SECRETS: &[&str] = &["/hashed_secret", "/secret", "/secret_value"];

static REDACTION: Redaction = Redaction::new(&["results/@/[]"], |masker, _, value| {
    if let Some(value) = value {
        masker.hide(value, SECRETS);
    }
});

impl Parser for DetectSecrets {
    fn name(&self) -> &'static str {
        "detect-secrets"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["plugins_used", "results"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let (mut file, mut whole) = (String::new(), false);
        walk(self, context, input, ROUTES, &mut |route, event| {
            match (route, event) {
                ("results/@", Event::Value(Value::String(name))) => file = name,
                ("version", Event::Value(value)) => output.version(value.as_str()),
                ("results/@/[]", Event::Value(value)) => {
                    if at(&value, "/is_secret") == Some(&Value::Bool(false)) {
                        output.skip("audited as no secret");
                    } else {
                        output.record(record(self.name(), &value, &file, context)?)?;
                    }
                }
                ("results", Event::End) => whole = true,
                _ => {}
            }
            Ok(())
        })?;
        if whole { Ok(output.summary) } else { Err(missing(self.name(), "`results`", "the whole document")) }
    }
}

fn record(format: &'static str, value: &Value, file: &str, context: &Context) -> Result<Record, ParseError> {
    let rule = required(format, value, &["/type"])?.to_owned();
    let works = at(value, "/is_verified").and_then(Value::as_bool).unwrap_or_default();
    let secret = owned(value, "/hashed_secret");
    Ok(Record {
        title: rule.clone(),
        severity: if works { Severity::Critical } else { Severity::High },
        confidence: works.then_some(Confidence::High),
        location: Location::File {
            path: path::relative(text(value, "/filename").unwrap_or(file), &context.source_root),
            region: region(number(value, "/line_number"), None, None, None),
        },
        cwe: vec![798],
        identity: token_identity(&secret),
        rule,
        ..Record::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn both_generations_are_read_and_hashes_masked() {
        let new = r#"{"version":"1.5.0","plugins_used":[{"name":"KeywordDetector"}],"filters_used":[],"results":{"conf/a.env":[
            {"type":"Secret Keyword","filename":"conf/a.env","hashed_secret":"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8","is_verified":true,"line_number":4},
            {"type":"Secret Keyword","filename":"conf/a.env","hashed_secret":"aaa","is_verified":false,"line_number":5,"is_secret":false}]}}"#;
        let (summary, records) = parse("detect-secrets", new).unwrap();
        assert_eq!((summary.records, summary.skipped["audited as no secret"]), (1, 1));
        assert_eq!(summary.tool_version.as_deref(), Some("1.5.0"));
        assert_eq!(records[0].severity, Severity::Critical);
        let old = r#"{"exclude":{},"generated_at":"t","plugins_used":[],"results":{"conf/a.env":[
            {"hashed_secret":"5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8","line_number":4,"type":"Secret Keyword"}]},"version":"0.14.3"}"#;
        let (_, earlier) = parse("detect-secrets", old).unwrap();
        assert_eq!(earlier[0].location, records[0].location);
        assert_eq!(earlier[0].identity, records[0].identity);
        assert!(!format!("{records:?}{earlier:?}").contains("5baa61e4"));
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("detect-secrets", r#"{"plugins_used":[],"results":{}}"#).unwrap().0.records, 0);
        assert!(parse("detect-secrets", r#"{"plugins_used":[]}"#).is_err());
        assert!(parse("detect-secrets", r#"{"results":[]}"#).is_err());
        assert!(parse("detect-secrets", r#"{"results":{"a":[{}]}}"#).is_err());
    }
}
