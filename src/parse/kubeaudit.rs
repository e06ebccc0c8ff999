//! kubeaudit's JSON lines (`kubeaudit all -p json`).

use serde_json::Value;

use super::json::Event;
use super::log;
use super::masked::walk_all;
use super::output::Output;
use super::value::{at, owned, required, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, severity};
use crate::model::finding::{Location, Record};

/// The format `kubeaudit`.
#[derive(Debug)]
pub(super) struct Kubeaudit;

/// What every line has; the rest is what the check tells of the place: container, capability, annotation.
const COMMON: &[&str] = &[
    "AuditResultName",
    "FilePath",
    "ResourceApiVersion",
    "ResourceKind",
    "ResourceName",
    "ResourceNamespace",
    "level",
    "msg",
    "time",
];

impl Parser for Kubeaudit {
    fn name(&self) -> &'static str {
        "kubeaudit"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("AuditResultName") || outline.has("[]/AuditResultName")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk_all(self, context, input, &["", "[]"], &mut |_, event| {
            let Event::Value(value) = event else { return Ok(()) };
            if at(&value, "/AuditResultName").is_none() && log::took(&value, &mut output) {
                return Ok(());
            }
            output.record(record(self.name(), &value)?)
        })?;
        Ok(output.summary)
    }
}

fn record(format: &'static str, value: &Value) -> Result<Record, ParseError> {
    let rule = required(format, value, &["/AuditResultName"])?.to_owned();
    let native = text(value, "/level");
    let parts = ["/ResourceNamespace", "/ResourceKind", "/ResourceName"].map(|pointer| text(value, pointer));
    let name: Vec<_> = parts.into_iter().flatten().collect();
    Ok(Record {
        title: rule.clone(),
        message: owned(value, "/msg"),
        severity: native.map_or_else(Default::default, severity::hadolint),
        native_severity: native.map(str::to_owned),
        location: if name.is_empty() { Location::Nowhere } else { Location::running(name.join("/")) },
        identity: details(value),
        rule,
        ..Record::default()
    })
}

fn details(value: &Value) -> String {
    let Some(fields) = value.as_object() else { return String::new() };
    let mut told: Vec<_> = fields
        .iter()
        .filter(|(key, _)| !COMMON.contains(&key.as_str()))
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    told.sort();
    told.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const LINES: &str = r#"{"AuditResultName":"CapabilityOrSecurityContextMissing","Container":"web","ResourceApiVersion":"v1","ResourceKind":"Pod","ResourceName":"p","ResourceNamespace":"default","level":"error","msg":"not set","time":"2026-01-01T00:00:00Z"}
{"AuditResultName":"ImageTagMissing","Container":"side","ResourceKind":"Pod","ResourceName":"p","level":"warning","msg":"no tag","time":"t"}
{"level":"info","msg":"Running","time":"t"}
{"level":"fatal","msg":"cannot reach the cluster","time":"t"}
"#;

    #[test]
    fn results_and_lines_of_the_log_are_read() {
        let (summary, records) = parse("kubeaudit", LINES).unwrap();
        assert_eq!((summary.records, summary.skipped["line of the scanner's log"]), (2, 1));
        assert_eq!(summary.errors, ["cannot reach the cluster"]);
        assert_eq!((records[0].severity, records[1].severity), (Severity::High, Severity::Medium));
        assert_eq!(
            (records[0].location.to_string().as_str(), records[0].identity.as_str()),
            ("default/Pod/p", "Container=web")
        );
    }

    #[test]
    fn other_documents_are_refused() {
        assert!(parse("kubeaudit", "{}").is_err());
        assert!(parse("kubeaudit", r#"[{"x":1}]"#).is_err());
        assert!(parse("kubeaudit", "").is_err());
    }
}
