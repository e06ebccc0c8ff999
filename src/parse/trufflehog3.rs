//! trufflehog3's JSON: an array of issues, and what its first versions took over from truffleHog 2 (the strings of one commit
//! together).

use serde_json::Value;

use super::json::Event;
use super::mask::token_identity;
use super::masked::walk;
use super::output::Output;
use super::trufflehog::of_strings;
use super::value::{at, first, number, owned, region, required, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `trufflehog3`.
#[derive(Debug)]
pub(super) struct Trufflehog3;

const ROUTES: &[&str] = &["[]"];
/// The id is a plain hash over the secret too, which a guess can be tested against.
const SECRETS: &[&str] = &["/secret", "/context", "/id", "/stringsFound", "/diff", "/printDiff"];

static REDACTION: Redaction = Redaction::new(ROUTES, |masker, _, value| {
    if let Some(value) = value {
        masker.hide(value, SECRETS);
    }
});

impl Parser for Trufflehog3 {
    fn name(&self) -> &'static str {
        "trufflehog3"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["[]/rule/pattern", "[]/secret"]) || outline.has_all(&["[]/stringsFound", "[]/reason"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |_, event| {
            let Event::Value(value) = event else { return Ok(()) };
            output.record(match at(&value, "/stringsFound") {
                Some(_) => of_strings(self.name(), &value, context)?,
                None => record(self.name(), &value, context)?,
            })
        })?;
        Ok(output.summary)
    }
}

fn record(format: &'static str, value: &Value, context: &Context) -> Result<Record, ParseError> {
    let rule = required(format, value, &["/rule/id"])?.to_owned();
    let native = text(value, "/rule/severity");
    let secret = owned(value, "/secret");
    let place = path::relative(&owned(value, "/path"), &context.source_root);
    Ok(Record {
        title: first(value, &["/rule/message", "/rule/id"]).unwrap_or_default().to_owned(),
        message: text(value, "/commit").map(|commit| format!("in commit {commit}")).unwrap_or_default(),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        location: Location::File { path: place, region: region(number(value, "/line"), None, None, None) },
        cwe: vec![798],
        identity: token_identity(&secret),
        evidence: Some(secret).filter(|secret| !secret.is_empty()),
        rule,
        ..Record::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn both_generations_are_read_and_masked() {
        let text = r#"[{"rule":{"id":"generic.secret","message":"Generic Secret","pattern":"p","severity":"MEDIUM"},"path":"/src/a.py","line":"7",
            "secret":"hunter2hunter2","context":{"6":"x","7":"key='hunter2hunter2'"},"id":"a1b2c3","branch":null,"commit":null},
            {"reason":"High entropy","path":"b.py","commitHash":"c0ffee","stringsFound":["+ 'hunter2hunter2'"]}]"#;
        let (_, records) = parse("trufflehog3", text).unwrap();
        assert_eq!(records[0].location.to_string(), "a.py:7");
        assert_eq!((records[0].severity, records[1].severity), (Severity::Medium, Severity::High));
        assert!(!format!("{records:?}").contains("hunter2"));
        assert_eq!(parse("trufflehog3", "[]").unwrap().0.records, 0);
        assert!(parse("trufflehog3", "{}").is_err());
        assert!(parse("trufflehog3", "[{}]").is_err());
    }
}
