//! kingfisher's JSON (`kingfisher scan --format json`).

use serde_json::Value;

use super::json::Event;
use super::mask::token_identity;
use super::masked::walk;
use super::output::Output;
use super::value::{first, number, owned, region, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// The format `kingfisher`.
#[derive(Debug)]
pub(super) struct Kingfisher;

const ROUTES: &[&str] = &["findings/[]", "audit/summary"];
/// What a checked secret opens is as telling as the secret; it is not read, and masked in the raw file.
const SECRET_ROUTES: &[&str] = &["findings/[]", "access_map"];
const SECRETS: &[&str] = &["/finding/snippet", "/finding/validation/response"];

static REDACTION: Redaction = Redaction::new(SECRET_ROUTES, |masker, route, value| match value {
    Some(value) if route == "access_map" => masker.hide(value, &[""]),
    Some(value) => masker.hide(value, SECRETS),
    None => {}
});

impl Parser for Kingfisher {
    fn name(&self) -> &'static str {
        "kingfisher"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["findings/[]/rule", "findings/[]/finding"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |route, event| match event {
            Event::Value(value) if route == "audit/summary" => {
                audit(&value, &mut output);
                Ok(())
            }
            Event::Value(value) => output.record(record(&value, context)),
            Event::End => Ok(()),
        })?
        .require(&["findings/[]"])?;
        Ok(output.summary)
    }
}

/// What kingfisher itself says that it could not look at.
fn audit(summary: &Value, output: &mut Output<'_>) {
    for (count, what) in
        [("/fetch_failed", "not fetched"), ("/scan_failed", "not scanned"), ("/scan_partial", "scanned in part")]
    {
        if let Some(number) = number(summary, count).filter(|number| *number > 0) {
            output.error(&format!("sources {what}: {number}"));
        }
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let status = text(value, "/finding/validation/status");
    let live = status.is_some_and(|status| status.to_ascii_lowercase().starts_with("active"));
    let secret = owned(value, "/finding/snippet");
    Record {
        rule: owned(value, "/rule/id"),
        title: first(value, &["/rule/description", "/rule/name"]).unwrap_or_default().to_owned(),
        message: status.map(|status| format!("validation: {status}")).unwrap_or_default(),
        severity: if live { Severity::Critical } else { Severity::High },
        confidence: text(value, "/finding/confidence").and_then(severity::confidence),
        location: Location::File {
            path: path::relative(text(value, "/finding/path").unwrap_or_default(), &context.source_root),
            region: region(
                number(value, "/finding/line"),
                None,
                number(value, "/finding/column_start"),
                number(value, "/finding/column_end"),
            ),
        },
        cwe: vec![798],
        identity: token_identity(&secret),
        evidence: Some(secret).filter(|secret| !secret.is_empty()),
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn a_working_secret_is_critical_and_hidden() {
        let text = r#"{"findings":[{"rule":{"name":"AWS","id":"kf.aws.1"},"finding":{"snippet":"wJalrXUtnFEMI0K7MDENG","fingerprint":"1",
            "confidence":"high","entropy":"4.1","validation":{"status":"Active Credential","response":"arn:1"},"language":"ini",
            "line":4,"column_start":3,"column_end":9,"path":"/src/a.ini","validate_command":"v --x 'wJalrXUtnFEMI0K7MDENG'"}}]}"#;
        let (_, records) = parse("kingfisher", text).unwrap();
        assert_eq!(records[0].severity, Severity::Critical);
        assert_eq!(records[0].location.to_string(), "a.ini:4");
        assert!(!format!("{records:?}").contains("wJalr"));
        assert!(parse("kingfisher", "{}").is_err());
        let partial = r#"{"findings":[],"audit":{"summary":{"scan_failed":0,"scan_partial":2}}}"#;
        assert_eq!(parse("kingfisher", partial).unwrap().0.errors, ["sources scanned in part: 2"]);
    }
}
