//! gosec's JSON (`gosec -fmt json`).

use serde_json::Value;

use super::json::Event;
use super::mask::Masker;
use super::masked::walk;
use super::output::Output;
use super::text::code_identity;
use super::value::{at, first, items, number, owned, region, required, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `gosec`.
#[derive(Debug)]
pub(super) struct Gosec;

const ROUTES: &[&str] = &["Issues/[]", "Golang errors/@/[]", "GosecVersion"];

static REDACTION: Redaction = Redaction::new(&["Issues/[]"], |masker, _, value| hide(masker, value));

impl Parser for Gosec {
    fn name(&self) -> &'static str {
        "gosec"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        // Version 1 has no `Golang errors`.
        outline.has("Issues")
            && (outline.has("Golang errors") || outline.has_all(&["Issues/[]/rule_id", "Issues/[]/details"]))
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let mut file = String::new();
        walk(self, context, input, ROUTES, &mut |route, event| {
            match (route, event) {
                ("Issues/[]", Event::Value(value)) => {
                    let suppressed = suppressed(&value);
                    output.record(Record { suppressed, ..record(self.name(), &value, context)? })?;
                }
                ("Golang errors/@", Event::Value(Value::String(name))) => file = name,
                ("Golang errors/@/[]", Event::Value(value)) => {
                    output.error(&format!("{file}: {}", owned(&value, "/error")));
                }
                ("GosecVersion", Event::Value(value)) => output.version(value.as_str()),
                _ => {}
            }
            Ok(())
        })?
        .require(&["Issues/[]"])?;
        Ok(output.summary)
    }
}

/// Why an issue does not count, if it does not.
fn suppressed(value: &Value) -> Option<String> {
    let justified = items(value, "/suppressions").first().map(|one| owned(one, "/justification"));
    justified.or_else(|| (at(value, "/nosec") == Some(&Value::Bool(true))).then(|| "#nosec".to_owned()))
}

/// G101 shows the credential that it found.
fn hide(masker: &mut Masker<'_>, value: Option<&mut Value>) {
    if let Some(value) = value.filter(|value| text(&**value, "/rule_id") == Some("G101")) {
        masker.hide(value, &["/code"]);
    }
}

fn record(format: &'static str, value: &Value, context: &Context) -> Result<Record, ParseError> {
    let rule = required(format, value, &["/rule_id"])?.to_owned();
    let native = text(value, "/severity");
    let (start, end) = lines(value);
    let code = owned(value, "/code");
    let details = owned(value, "/details");
    Ok(Record {
        title: if details.is_empty() { rule.clone() } else { details.clone() },
        message: details,
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        confidence: text(value, "/confidence").and_then(severity::confidence),
        location: Location::File {
            path: path::relative(&owned(value, "/file"), &context.source_root),
            region: region(start, end, number(value, "/column"), None),
        },
        cwe: number(value, "/cwe/id").or_else(|| number(value, "/cwe/ID")).into_iter().collect(),
        references: first(value, &["/cwe/url", "/cwe/URL"]).map(str::to_owned).into_iter().collect(),
        identity: code_identity(&reported(&code, start, end)),
        fix: text(value, "/autofix").map(str::to_owned),
        evidence: Some(code).filter(|code| !code.is_empty()),
        rule,
        ..Record::default()
    })
}

/// `12`, or `12-14`.
fn lines(value: &Value) -> (Option<u32>, Option<u32>) {
    let Some((start, end)) = text(value, "/line").and_then(|line| line.split_once('-')) else {
        return (number(value, "/line"), None);
    };
    (start.parse().ok(), end.parse().ok())
}

/// The reported lines, of those with their numbers before them that the report shows.
fn reported(code: &str, start: Option<u32>, end: Option<u32>) -> String {
    let wanted = start.unwrap_or_default()..=end.or(start).unwrap_or(u32::MAX);
    let kept: Vec<&str> = code
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(number, _)| number.trim().parse().is_ok_and(|number: u32| wanted.contains(&number)))
        .map(|(_, text)| text)
        .collect();
    if kept.is_empty() { code.to_owned() } else { kept.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{parse, suppressed};
    use super::*;
    use crate::model::severity::Severity;

    const DOCUMENT: &str = r#"{"Golang errors":{"/src/bad.go":[{"line":1,"column":2,"error":"expected 'package'"}]},"Issues":[
        {"severity":"HIGH","confidence":"LOW","cwe":{"id":"798","url":"https://cwe.mitre.org/data/definitions/798.html"},"rule_id":"G101",
         "details":"Potential hardcoded credentials","file":"/src/main.go","code":"6: \n7: password := \"hunter2hunter2\"\n8: \n","line":"7","column":"2","nosec":false,"suppressions":null},
        {"severity":"MEDIUM","confidence":"HIGH","cwe":{"ID":"22","URL":""},"rule_id":"G304","details":"File inclusion","file":"/src/a.go","code":"os.Open(p)","line":"3-4","autofix":"Clean the path."},
        {"rule_id":"G104","nosec":true},{"rule_id":"G104","suppressions":[{"kind":"inSource"}]}],"Stats":{"files":1,"found":2},"GosecVersion":"2.21.4"}"#;

    #[test]
    fn issues_and_errors_are_read_and_credentials_masked() {
        let (summary, records) = parse("gosec", DOCUMENT).unwrap();
        assert_eq!((summary.records, suppressed(&records)), (4, 2));
        assert_eq!(summary.errors, ["/src/bad.go: expected 'package'"]);
        assert_eq!((records[0].severity, records[0].cwe.as_slice()), (Severity::High, &[798][..]));
        assert_eq!(records[1].location.region().unwrap().end_line, Some(4));
        assert_eq!((records[1].cwe.as_slice(), records[1].fix.as_deref()), (&[22][..], Some("Clean the path.")));
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn the_identity_is_the_reported_line_alone() {
        assert_eq!(reported("6: a\n7: x := 1\n8: b\n", Some(7), None), " x := 1");
        assert_eq!(reported("‹secret:01234567›", Some(7), None), "‹secret:01234567›");
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("gosec", r#"{"Golang errors":{},"Issues":[],"Stats":{}}"#).unwrap().0.records, 0);
        assert_eq!(parse("gosec", r#"{"Issues":null}"#).unwrap().0.records, 0);
        assert!(parse("gosec", "{}").is_err());
        assert!(parse("gosec", r#"{"Issues":[{}]}"#).is_err());
    }
}
