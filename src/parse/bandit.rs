//! bandit's JSON (`bandit -f json`).

use serde_json::Value;

use super::json::Event;
use super::mask::{CLOSE, Masker, OPEN, is_quoting_rule, token_identity};
use super::masked::walk;
use super::output::Output;
use super::text::code_identity;
use super::value::{first, items, number, owned, region, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `bandit`.
#[derive(Debug)]
pub(super) struct Bandit;

const ROUTES: &[&str] = &["results/[]", "errors/[]"];

static REDACTION: Redaction = Redaction::new(&["results/[]"], |masker, _, value| hide(masker, value));

impl Parser for Bandit {
    fn name(&self) -> &'static str {
        "bandit"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["generated_at", "metrics", "errors"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |route, event| match (route, event) {
            ("results/[]", Event::Value(value)) => output.record(record(&value, context)),
            ("errors/[]", Event::Value(value)) => {
                output.error(&format!("{}: {}", owned(&value, "/filename"), owned(&value, "/reason")));
                Ok(())
            }
            _ => Ok(()),
        })?
        .require(&["results/[]"])?;
        Ok(output.summary)
    }
}

/// Passwords are in the code and in the message.
fn hide(masker: &mut Masker<'_>, value: Option<&mut Value>) {
    let Some(value) = value else { return };
    if text(value, "/test_id").is_some_and(is_quoting_rule) {
        let message = masker.quoted(text(value, "/issue_text").unwrap_or_default());
        value["issue_text"] = Value::from(message);
        masker.hide(value, &["/code"]);
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let native = text(value, "/issue_severity");
    let lines = items(value, "/line_range");
    let line = |line: Option<&Value>| line.and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
    let code = owned(value, "/code");
    Record {
        rule: owned(value, "/test_id"),
        title: first(value, &["/test_name", "/test_id"]).unwrap_or_default().replace('_', " "),
        message: owned(value, "/issue_text"),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        confidence: text(value, "/issue_confidence").and_then(severity::confidence),
        location: Location::File {
            path: path::relative(text(value, "/filename").unwrap_or_default(), &context.source_root),
            region: region(
                number(value, "/line_number"),
                line(lines.last()),
                number(value, "/col_offset").map(|column| column.saturating_add(1)),
                number(value, "/end_col_offset").map(|column| column.saturating_add(1)),
            ),
        },
        cwe: number(value, "/issue_cwe/id").into_iter().collect(),
        references: first(value, &["/more_info"]).map(str::to_owned).into_iter().collect(),
        identity: match quoted_token(value) {
            Some(token) => token_identity(token),
            None => code_identity(&without_numbers(&code, number(value, "/line_number"), lines.len())),
        },
        evidence: Some(code).filter(|code| !code.is_empty()),
        ..Record::default()
    }
}

/// The mask of the password that a message quotes. What is masked of the code has the lines around it, and their numbers, in its hash.
fn quoted_token(value: &Value) -> Option<&str> {
    text(value, "/test_id").filter(|rule| is_quoting_rule(rule))?;
    let message = text(value, "/issue_text")?;
    let token = &message[message.find(OPEN)?..];
    token.find(CLOSE).map(|end| &token[..end])
}

/// The reported lines without the numbers before them and the lines around.
fn without_numbers(code: &str, line: Option<u32>, count: usize) -> String {
    let numbered = code.lines().filter_map(|text| {
        let (number, text) = text.trim_start().split_once(' ').unwrap_or_else(|| (text.trim(), ""));
        Some((number.parse::<u32>().ok()?, text))
    });
    let reported = numbered.skip_while(|(number, _)| line.is_some_and(|line| *number < line)).take(count.max(1));
    let kept: Vec<&str> = reported.map(|(_, text)| text).collect();
    if kept.is_empty() { code.to_owned() } else { kept.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use super::*;
    use crate::model::severity::Severity;

    const DOCUMENT: &str = r#"{
      "errors": [{"filename": "bad.py", "reason": "syntax error while parsing AST from file"}],
      "generated_at": "2026-01-01T00:00:00Z", "metrics": {"_totals": {"loc": 3}},
      "results": [{
        "code": "6 import os\n7 password = 'correct horse battery'\n8 x = 1\n", "filename": "/src/app/db.py",
        "issue_confidence": "MEDIUM", "issue_cwe": {"id": 259}, "issue_severity": "LOW",
        "issue_text": "Possible hardcoded password: 'correct horse battery'", "line_number": 7, "line_range": [7],
        "more_info": "https://bandit.readthedocs.io/", "test_id": "B105", "test_name": "hardcoded_password_string"}]}"#;

    #[test]
    fn results_and_errors_are_read_and_passwords_masked() {
        let (summary, records) = parse("bandit", DOCUMENT).unwrap();
        assert_eq!(summary.errors, ["bad.py: syntax error while parsing AST from file"]);
        let [record] = &records[..] else { panic!("{records:?}") };
        assert_eq!((record.severity, record.cwe.as_slice()), (Severity::Low, &[259][..]));
        assert_eq!(record.location.to_string(), "app/db.py:7");
        assert!(record.message.starts_with("Possible hardcoded password: '‹secret:"), "{}", record.message);
        assert!(!format!("{record:?}").contains("horse"));
    }

    #[test]
    fn a_password_is_known_by_itself_wherever_it_moves() {
        let moved = DOCUMENT.replace("6 import os\\n7 password", "8 import re\\n9 password").replace(" 7,", " 9,");
        let identity = |document: &str| parse("bandit", document).unwrap().1.remove(0).identity;
        assert_ne!(moved, DOCUMENT);
        assert_eq!(identity(&moved), identity(DOCUMENT));
        assert_ne!(identity(&DOCUMENT.replace("correct horse", "other horse")), identity(DOCUMENT));
    }

    #[test]
    fn the_identity_is_the_reported_line_alone() {
        assert_eq!(without_numbers("6 import os\n7 x = 1\n8 y\n", Some(7), 1), "x = 1");
        assert_eq!(without_numbers("‹secret:01234567›", Some(7), 1), "‹secret:01234567›");
    }
}
