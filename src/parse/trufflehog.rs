//! trufflehog's JSON, one result a line (version 3), and that of version 2, which shares its shape with [`super::trufflehog3`].
//!
//! Version 3 has written `Raw` in Base64 and as it is; what is in it is masked either way.

use serde_json::Value;

use super::json::Event;
use super::log;
use super::mask::{Masker, token_identity};
use super::masked::walk_all;
use super::output::Output;
use super::text::code_identity;
use super::value::{at, first, number, owned, region, required, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path};
use crate::model::finding::{Confidence, Location, Record};
use crate::model::severity::Severity;

/// The format `trufflehog`.
#[derive(Debug)]
pub(super) struct Trufflehog;

const ROUTES: &[&str] = &["", "[]"];
const SECRETS: &[&str] = &["/Raw", "/RawV2", "/Redacted", "/stringsFound", "/diff", "/printDiff"];
/// What a secret opens is as telling as the secret.
const DETAILS: &[&str] = &["/ExtraData", "/StructuredData", "/AnalysisInfo", "/SecretParts"];

static REDACTION: Redaction = Redaction::new(ROUTES, |masker, _, value| {
    if let Some(value) = value {
        hide(masker, value);
    }
});

impl Parser for Trufflehog {
    fn name(&self) -> &'static str {
        "trufflehog"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["SourceMetadata", "DetectorType"])
            || outline.has_all(&["[]/SourceMetadata", "[]/DetectorType"])
            || outline.has_all(&["stringsFound", "reason"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk_all(self, context, input, ROUTES, &mut |_, event| {
            let Event::Value(value) = event else { return Ok(()) };
            if at(&value, "/stringsFound").is_some() {
                return output.record(of_strings(self.name(), &value, context)?);
            }
            if at(&value, "/DetectorType").is_none() && log::took(&value, &mut output) {
                return Ok(());
            }
            output.record(record(self.name(), &value, context)?)
        })?;
        Ok(output.summary)
    }
}

/// Words as plain as `type` stand in the details: they are hidden where they are and not looked for elsewhere.
fn hide(masker: &mut Masker<'_>, value: &mut Value) {
    for pointer in DETAILS {
        if let Some(details) = value.pointer_mut(pointer) {
            masker.hide(details, &[""]);
        }
    }
    masker.hide(value, SECRETS);
}

fn record(format: &'static str, value: &Value, context: &Context) -> Result<Record, ParseError> {
    let detector = required(format, value, &["/DetectorName"])?.to_owned();
    let secret = first(value, &["/RawV2", "/Raw", "/Redacted"]).unwrap_or_default();
    let works = at(value, "/Verified").and_then(Value::as_bool).unwrap_or_default();
    let source = source(value);
    let part = |name: &str| source.and_then(|source| text(source, &format!("/{name}")));
    let mut message = vec![if works { "verified to work" } else { "not verified" }.to_owned()];
    message.extend(part("commit").map(|commit| format!("in commit {commit}")));
    message.extend(text(value, "/DetectorDescription").map(str::to_owned));
    Ok(Record {
        title: format!("{detector} secret"),
        message: message.join("; "),
        severity: if works { Severity::Critical } else { Severity::High },
        confidence: works.then_some(Confidence::High),
        location: location(source, context),
        cwe: vec![798],
        references: part("link").map(str::to_owned).into_iter().collect(),
        evidence: Some(secret.to_owned()).filter(|secret| !secret.is_empty()),
        identity: token_identity(secret),
        rule: detector,
        ..Record::default()
    })
}

/// What is known of the place; it stands under the name of the kind of source.
fn source(value: &Value) -> Option<&Value> {
    at(value, "/SourceMetadata/Data")?.as_object()?.values().find(|source| source.is_object())
}

fn location(source: Option<&Value>, context: &Context) -> Location {
    let Some(source) = source else { return Location::Nowhere };
    let link = || Some(Location::Url { url: text(source, "/link")?.to_owned(), parameter: None });
    let Some(file) = first(source, &["/file", "/path"]) else { return link().unwrap_or_default() };
    let path = path::relative(file, &context.source_root);
    match text(source, "/layer") {
        Some(layer) => Location::Image { layer: layer.to_owned(), path },
        None => Location::File { path, region: region(number(source, "/line"), None, None, None) },
    }
}

/// A result of the oldest versions: a rule, a file of a commit, and the strings found in it, which are one record.
pub(super) fn of_strings(format: &'static str, value: &Value, context: &Context) -> Result<Record, ParseError> {
    let rule = required(format, value, &["/reason"])?.to_owned();
    let found = texts(value, "/stringsFound");
    let commit = text(value, "/commitHash");
    Ok(Record {
        title: rule.clone(),
        message: commit.map(|commit| format!("in commit {commit}")).unwrap_or_default(),
        severity: Severity::High,
        location: Location::File { path: path::relative(&owned(value, "/path"), &context.source_root), region: None },
        cwe: vec![798],
        identity: code_identity(&found.join(" ")),
        evidence: Some(found.join("\n")).filter(|found| !found.is_empty()),
        rule,
        ..Record::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const LINES: &str = r#"{"SourceMetadata":{"Data":{"Git":{"commit":"c0ffee","file":"conf/a.env","line":3}}},"DetectorType":2,"DetectorName":"AWS","Verified":true,"Raw":"AKIAIOSFODNN7EXAMPLE","RawV2":"AKIAIOSFODNN7EXAMPLE:secretsecret","Redacted":"AKIAIOSFODNN7EXAMPLE","ExtraData":{"arn":"arn:aws:iam::1:user/conf"}}
{"level":"error","ts":"2026-01-01T00:00:00Z","logger":"trufflehog","msg":"cannot open b"}
{"level":"info-0","msg":"finished scanning"}
{"SourceMetadata":{"Data":{"Docker":{"file":"/app/k.pem","image":"x","layer":"sha256:1","tag":"latest"}}},"DetectorType":15,"DetectorName":"PrivateKey","Verified":false,"Raw":"LS0tLS1CRUdJTg==","Redacted":"-----BEGIN"}
"#;

    #[test]
    fn results_and_lines_of_the_log_are_read() {
        let (summary, records) = parse("trufflehog", LINES).unwrap();
        assert_eq!((summary.records, summary.skipped["line of the scanner's log"]), (2, 1));
        assert_eq!(summary.errors, ["cannot open b"]);
        assert_eq!(records[0].location.to_string(), "conf/a.env:3");
        assert_eq!((records[0].severity, records[1].severity), (Severity::Critical, Severity::High));
        assert_eq!(records[1].location.to_string(), "app/k.pem in sha256:1");
        let all = format!("{records:?}");
        assert!(!["AKIA", "BEGIN", "LS0t", "secretsecret"].iter().any(|secret| all.contains(secret)), "{all}");
    }

    #[test]
    fn version_2_and_arrays_are_read() {
        let old = r#"{"branch":"main","commit":"m","commitHash":"c0ffee","date":"d","diff":"+ key = 'hunter2hunter2'","path":"a.py",
            "printDiff":"x","reason":"Generic Secret","stringsFound":["hunter2hunter2"]}"#;
        let (_, records) = parse("trufflehog", &format!("{old}\n{old}\n")).unwrap();
        assert_eq!((records.len(), records[0].rule.as_str()), (2, "Generic Secret"));
        assert_eq!(records[0].identity, records[1].identity);
        assert!(!format!("{records:?}").contains("hunter2"));
        assert_eq!(parse("trufflehog", "[]").unwrap().0.records, 0);
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(parse("trufflehog", "{}").unwrap_err().to_string().contains("`DetectorName`"));
        assert!(parse("trufflehog", r#"{"results":[]}"#).is_err());
        assert!(parse("trufflehog", "").is_err());
    }
}
