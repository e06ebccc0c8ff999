//! brakeman's JSON (`brakeman -f json`).
//!
//! A rule has the id that brakeman's SARIF gives it, made of the number of the warning.

use serde_json::Value;

use super::json::Event;
use super::mask::{Masker, is_secret_rule};
use super::masked::walk;
use super::output::Output;
use super::text::code_identity;
use super::value::{items, number, owned, region, required, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `brakeman`.
#[derive(Debug)]
pub(super) struct Brakeman;

const ROUTES: &[&str] = &["warnings/[]", "ignored_warnings/[]", "errors/[]", "scan_info/brakeman_version"];

static REDACTION: Redaction =
    Redaction::new(&["warnings/[]", "ignored_warnings/[]"], |masker, _, value| hide(masker, value));

impl Parser for Brakeman {
    fn name(&self) -> &'static str {
        "brakeman"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("scan_info") && (outline.has("scan_info/security_warnings") || outline.has("warnings"))
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |route, event| {
            let Event::Value(value) = event else { return Ok(()) };
            match route {
                "warnings/[]" => {
                    output.record(record(self.name(), &value, context)?)?;
                }
                "ignored_warnings/[]" => {
                    let suppressed = Some(owned(&value, "/note"));
                    output.record(Record { suppressed, ..record(self.name(), &value, context)? })?;
                }
                "errors/[]" => output.error(&format!("{} {}", owned(&value, "/error"), owned(&value, "/location"))),
                _ => output.version(value.as_str()),
            }
            Ok(())
        })?
        .require(&["warnings/[]"])?;
        Ok(output.summary)
    }
}

/// Warnings about passwords and session secrets show the code that has them.
fn hide(masker: &mut Masker<'_>, value: Option<&mut Value>) {
    let about =
        |value: &Value| [text(value, "/message"), text(value, "/warning_type")].into_iter().flatten().any(tells);
    if let Some(value) = value.filter(|value| about(value)) {
        masker.hide(value, &["/code", "/user_input"]);
    }
}

fn tells(words: &str) -> bool {
    is_secret_rule(words) || words == "Basic Auth"
}

fn record(format: &'static str, value: &Value, context: &Context) -> Result<Record, ParseError> {
    let kind = required(format, value, &["/warning_type"])?;
    let code = owned(value, "/code");
    Ok(Record {
        rule: number(value, "/warning_code").map_or_else(|| kind.to_owned(), |code| format!("BRAKE{code:04}")),
        title: kind.to_owned(),
        message: owned(value, "/message"),
        confidence: text(value, "/confidence").and_then(severity::confidence),
        location: Location::File {
            path: path::relative(&owned(value, "/file"), &context.source_root),
            region: region(number(value, "/line"), None, None, None),
        },
        cwe: items(value, "/cwe_id").iter().filter_map(Value::as_u64).filter_map(|id| id.try_into().ok()).collect(),
        references: text(value, "/link").map(str::to_owned).into_iter().collect(),
        identity: code_identity(&code),
        evidence: Some(code).filter(|code| !code.is_empty()),
        ..Record::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{parse, suppressed};
    use crate::model::finding::Confidence;
    use crate::model::severity::Severity;

    const DOCUMENT: &str = r#"{"scan_info":{"app_path":"/src","rails_version":"7.0","security_warnings":2,"brakeman_version":"6.1.2"},
        "warnings":[{"warning_type":"SQL Injection","warning_code":0,"fingerprint":"f","check_name":"SQL","message":"Possible SQL injection",
          "file":"app/models/user.rb","line":12,"link":"https://brakemanscanner.org/docs/warning_types/sql_injection/","code":"User.where(\"id = #{x}\")",
          "location":{"type":"method","class":"User","method":"find"},"user_input":"x","confidence":"Weak","cwe_id":[89]},
         {"warning_type":"Basic Auth","message":"Basic authentication password stored in source code","file":"/src/app/a.rb","line":3,
          "code":"http_basic_authenticate_with(:password => \"hunter2hunter2\")","confidence":"High"}],
        "ignored_warnings":[{"warning_type":"Redirect"}],"errors":[{"error":"Could not parse","location":"app/b.rb:1"}],"obsolete":[]}"#;

    #[test]
    fn warnings_and_errors_are_read_and_passwords_masked() {
        let (summary, records) = parse("brakeman", DOCUMENT).unwrap();
        assert_eq!((summary.records, suppressed(&records)), (3, 1));
        assert_eq!(summary.errors, ["Could not parse app/b.rb:1"]);
        assert_eq!(summary.tool_version.as_deref(), Some("6.1.2"));
        assert_eq!((records[0].rule.as_str(), records[1].rule.as_str()), ("BRAKE0000", "Basic Auth"));
        assert_eq!((records[0].severity, records[0].confidence), (Severity::Unknown, Some(Confidence::Low)));
        assert_eq!(
            (records[0].location.to_string().as_str(), records[0].cwe.as_slice()),
            ("app/models/user.rb:12", &[89][..])
        );
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("brakeman", r#"{"scan_info":{},"warnings":[]}"#).unwrap().0.records, 0);
        assert!(parse("brakeman", "{}").is_err());
        assert!(parse("brakeman", r#"{"warnings":[{"message":"x"}]}"#).is_err());
    }
}
