//! kubescape's JSON: format version 2 (results by resource) and version 1 (results by framework and control).
//!
//! One record for each control that a resource fails; in version 1, for each answer of a control's rule. Version 2 has how bad
//! a control is in its summary, which stands before the results; a control that is not in it has an unknown severity. So it is
//! with the files that resources are from, of which some versions tell in the results.

use serde_json::Value;
use std::collections::BTreeMap;

use super::held::Table;
use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::value::{at, first, float, items, missing, owned, required, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `kubescape`.
#[derive(Debug)]
pub(super) struct Kubescape;

const ROUTES: &[&str] = &[
    "summaryDetails/controls/@",
    "resources/[]/resourceID",
    "resources/[]/source/relativePath",
    "results/[]",
    "frameworks/[]/controlReports/[]",
    "[]/controlReports/[]",
    "metadata/scanMetadata/kubescapeVersion",
];
/// What the objects are set to, value by value, of which no record shows anything.
static REDACTION: Redaction = Redaction::new(&["resources/[]/object", "results/[]"], |masker, route, value| {
    if let Some(value) = value {
        masker.blank(value, &[if route == "results/[]" { "/rawResource/object" } else { "" }]);
    }
});

/// kubescape knows some hundreds.
const MAX_CONTROLS: usize = 10_000;

impl Parser for Kubescape {
    fn name(&self) -> &'static str {
        "kubescape"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("summaryDetails") || outline.has("[]/controlReports") || outline.has("frameworks/[]/controlReports")
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader {
            output: Output::new(sink),
            context,
            scores: BTreeMap::new(),
            control: String::new(),
            failed: 0,
            files: Table::default(),
            resource: String::new(),
        };
        let mut summarised = false;
        let seen = walk(self, context, input, ROUTES, &mut |route, event| {
            match (route, event) {
                ("summaryDetails", Event::End) => summarised = true,
                ("summaryDetails/controls/@", Event::Value(Value::String(id))) => reader.control = id,
                ("summaryDetails/controls/@", Event::Value(value)) => reader.score(&value),
                ("resources/[]/resourceID", Event::Value(Value::String(id))) => reader.resource = id,
                ("resources/[]/source/relativePath", Event::Value(Value::String(path))) => reader.file(path),
                ("metadata/scanMetadata/kubescapeVersion", Event::Value(value)) => {
                    reader.output.version(value.as_str());
                }
                ("results/[]", Event::Value(value)) => return reader.resource(&value),
                (route, Event::Value(_)) if route.starts_with("resources") => {}
                (_, Event::Value(value)) => return reader.report(&value),
                (_, Event::End) => {}
            }
            Ok(())
        })?;
        if !summarised {
            seen.require(&["frameworks/[]/controlReports/[]", "[]/controlReports/[]"])?;
        }
        if reader.failed > 0 && reader.output.counted() == 0 {
            let message = format!("its summary tells of {} failed controls, and it has no results", reader.failed);
            reader.output.error(&message);
        }
        if reader.files.is_full() {
            reader.output.error("there are more resources than fit: some records lack their files");
        }
        Ok(reader.output.summary)
    }
}

struct Reader<'r, 's> {
    output: Output<'s>,
    context: &'r Context,
    scores: BTreeMap<String, f64>,
    control: String,
    /// Controls that failed, as the summary has it.
    failed: u64,
    /// Files by the ids of the resources that are from them.
    files: Table<String>,
    resource: String,
}

impl Reader<'_, '_> {
    fn score(&mut self, value: &Value) {
        self.failed += u64::from(first(value, &["/statusInfo/status", "/status"]) == Some("failed"));
        let Some(score) = float(value, "/scoreFactor") else { return };
        if self.scores.len() < MAX_CONTROLS {
            self.scores.insert(std::mem::take(&mut self.control), score);
        } else {
            self.output.error("the severities of more than 10000 controls are not kept");
        }
    }

    fn file(&mut self, path: String) {
        if !path.is_empty() {
            let bytes = path.len();
            self.files.insert(std::mem::take(&mut self.resource), path, bytes);
        }
    }

    fn resource(&mut self, value: &Value) -> Result<(), ParseError> {
        let id = required("kubescape", value, &["/resourceID"])?;
        // A file's resources have a hash of its name before their own.
        let name = id.split_once('/').filter(|(first, _)| first.starts_with("path=")).map_or(id, |(_, rest)| rest);
        let name = name.trim_matches('/');
        let file = first(value, &["/rawResource/source/relativePath", "/source/relativePath"])
            .or_else(|| self.files.get(id).map(String::as_str));
        let location = match file {
            Some(file) => Location::Resource {
                name: name.to_owned(),
                path: path::relative(file, &self.context.source_root),
                region: None,
            },
            None => Location::running(name),
        };
        items(value, "/controls").iter().try_for_each(|control| match status(control) {
            Some("failed") => self.output.record(Record { location: location.clone(), ..self.failed(control)? }),
            Some(status) => {
                self.output.skip(&format!("status {status}"));
                Ok(())
            }
            None if items(control, "/rules").is_empty() => {
                self.output.skip("no rule of the control was run");
                Ok(())
            }
            None => Err(missing("kubescape", "`status`", "a control of a resource")),
        })
    }

    fn failed(&self, control: &Value) -> Result<Record, ParseError> {
        let rule = required("kubescape", control, &["/controlID"])?;
        let (mut evidence, mut fix) = (Vec::new(), Vec::new());
        for path in items(control, "/rules").iter().flat_map(|rule| items(rule, "/paths")) {
            evidence.extend(first(path, &["/failedPath", "/reviewPath", "/deletePath"]));
            if let Some(place) = text(path, "/fixPath/path") {
                fix.push(format!("{place}: {}", owned(path, "/fixPath/value")));
            }
        }
        evidence.dedup();
        Ok(Record {
            rule: rule.to_owned(),
            title: owned(control, "/name"),
            references: vec![format!("https://hub.armosec.io/docs/{}", rule.to_lowercase())],
            evidence: Some(evidence.join("\n")).filter(|text| !text.is_empty()),
            fix: Some(fix.join("\n")).filter(|text| !text.is_empty()),
            ..scored(self.scores.get(rule).copied())
        })
    }

    /// A control of version 1, with the answers of its rules.
    fn report(&mut self, control: &Value) -> Result<(), ParseError> {
        let name = required("kubescape", control, &["/name"])?;
        let common = Record {
            rule: first(control, &["/controlID", "/id", "/name"]).unwrap_or_default().to_owned(),
            title: name.to_owned(),
            fix: text(control, "/remediation").map(str::to_owned),
            ..scored(float(control, "/baseScore"))
        };
        for rule in items(control, "/ruleReports") {
            let answers = items(rule, "/ruleResponses");
            if answers.is_empty() {
                self.output.skip(&format!("status {}", text(rule, "/ruleStatus/status").unwrap_or("unknown")));
            }
            for answer in answers {
                self.output.record(Record {
                    message: owned(answer, "/alertMessage"),
                    location: object(answer),
                    identity: owned(rule, "/name"),
                    ..common.clone()
                })?;
            }
        }
        Ok(())
    }
}

/// The status of a control, or of its rules where it has none of its own.
fn status(control: &Value) -> Option<&str> {
    let rules = items(control, "/rules");
    let worst = ["failed", "skipped", "passed"]
        .into_iter()
        .find(|status| rules.iter().any(|rule| text(rule, "/status") == Some(status)));
    first(control, &["/status/status", "/status"]).or(worst)
}

fn scored(score: Option<f64>) -> Record {
    Record {
        severity: score.map_or_else(Default::default, severity::kubescape),
        native_severity: score.map(|score| score.to_string()),
        ..Record::default()
    }
}

fn object(answer: &Value) -> Location {
    let Some(object) = at(answer, "/alertObject/k8sApiObjects/0") else { return Location::Nowhere };
    let parts = [["/metadata/namespace", "/namespace"], ["/kind", "/kind"], ["/metadata/name", "/name"]];
    let parts: Vec<_> = parts.iter().filter_map(|pointers| first(object, pointers)).collect();
    Location::running(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::mask;
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn results_by_resource_are_read() {
        let text = r#"{"clusterName":"c","summaryDetails":{"controls":{"C-0034":{"controlID":"C-0034","name":"Automatic mapping","scoreFactor":6},
              "C-0016":{"scoreFactor":9}},"status":"failed"},
            "results":[{"resourceID":"apps/v1/default/Deployment/web","controls":[
               {"controlID":"C-0034","name":"Automatic mapping","status":{"status":"failed"},"rules":[{"name":"r","status":"failed",
                 "paths":[{"failedPath":"spec.x","fixPath":{"path":"","value":""}},{"failedPath":"","fixPath":{"path":"spec.y","value":"false"}}]}]},
               {"controlID":"C-0016","name":"Escalation","rules":[{"name":"r","status":"failed"}]},
               {"controlID":"C-0017","name":"Passed","status":{"status":"passed"}},{"controlID":"C-0018","name":"Not run"}]},
              {"resourceID":"path=123//v1/default/Pod/p","rawResource":{"source":{"relativePath":"k8s/p.yaml"}},"controls":[
               {"controlID":"C-0099","name":"New","status":{"status":"failed"}}]}],"resources":[]}"#;
        let (summary, records) = parse("kubescape", text).unwrap();
        assert_eq!((summary.records, summary.skipped["status passed"]), (3, 1));
        assert_eq!(summary.skipped["no rule of the control was run"], 1);
        let severities: Vec<_> = records.iter().map(|record| record.severity).collect();
        assert_eq!(severities, [Severity::Medium, Severity::Critical, Severity::Unknown]);
        assert_eq!(records[0].location.to_string(), "apps/v1/default/Deployment/web");
        assert_eq!(
            (records[0].evidence.as_deref(), records[0].fix.as_deref()),
            (Some("spec.x"), Some("spec.y: false"))
        );
        assert_eq!(records[2].location.to_string(), "k8s/p.yaml (v1/default/Pod/p)");
    }

    #[test]
    fn resources_tell_of_files_and_metadata_of_the_version() {
        let text = r#"{"summaryDetails":{"controls":{"C-1":{"scoreFactor":6}}},
            "resources":[{"resourceID":"path=9/api=apps/v1//Deployment/a","object":{"kind":"Deployment"},"source":{"path":"/src","relativePath":"k8s/a.yaml"}},
              {"resourceID":"b","object":{},"source":{"relativePath":""}}],"attributes":null,
            "results":[{"resourceID":"path=9/api=apps/v1//Deployment/a","controls":[{"controlID":"C-1","name":"n","status":{"status":"failed"}}]},
              {"resourceID":"b","controls":[{"controlID":"C-1","name":"n","status":{"status":"failed"}}]}],
            "metadata":{"scanMetadata":{"kubescapeVersion":"v3.0.3"}}}"#;
        let (summary, records) = parse("kubescape", text).unwrap();
        assert_eq!(records[0].location.to_string(), "k8s/a.yaml (api=apps/v1//Deployment/a)");
        assert_eq!(records[1].location.to_string(), "b");
        assert_eq!(summary.tool_version.as_deref(), Some("v3.0.3"));
    }

    #[test]
    fn objects_are_masked_in_the_kept_file() {
        let object = r#"{"kind":"Pod","spec":{"containers":[{"env":[{"name":"DB","value":"hunter2"}]}]}}"#;
        let text = format!(
            r#"{{"summaryDetails":{{}},"resources":[{{"resourceID":"a","object":{object},"source":{{"relativePath":"a.yaml"}}}}],
            "results":[{{"resourceID":"a","rawResource":{{"object":{object}}},"controls":[{{"controlID":"C-1","name":"n","status":{{"status":"failed"}}}}]}}]}}"#
        );
        let mut masked = Vec::new();
        mask("kubescape", &mut text.as_bytes(), &mut masked, b"key").unwrap();
        let masked = String::from_utf8(masked).unwrap();
        assert!(!masked.contains("hunter2"), "{masked}");
        assert_eq!(parse("kubescape", &masked).unwrap(), parse("kubescape", &text).unwrap());
        assert_eq!(parse("kubescape", &text).unwrap().1[0].location.to_string(), "a.yaml (a)");
    }

    #[test]
    fn results_by_control_are_read() {
        let text = r#"[{"name":"NSA","controlReports":[{"id":"C-0005","name":"Insecure port","baseScore":4,"remediation":"close it","ruleReports":[
            {"name":"insecure-port","ruleStatus":{"status":"failed"},"ruleResponses":[{"alertMessage":"open","alertObject":{"k8sApiObjects":[
              {"kind":"Pod","metadata":{"name":"p","namespace":"kube-system"}}]}}]},{"name":"other","ruleStatus":{"status":"success"},"ruleResponses":null}]}]}]"#;
        let (summary, records) = parse("kubescape", text).unwrap();
        assert_eq!((summary.records, summary.skipped["status success"]), (1, 1));
        assert_eq!(
            (records[0].rule.as_str(), records[0].location.to_string().as_str()),
            ("C-0005", "kube-system/Pod/p")
        );
        assert_eq!(parse("kubescape", &format!(r#"{{"frameworks":{text}}}"#)).unwrap().0.records, 1);
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("kubescape", r#"{"summaryDetails":{"controls":{}},"results":null}"#).unwrap().0.records, 0);
        let summary = r#"{"summaryDetails":{"controls":{"C-1":{"statusInfo":{"status":"failed"},"scoreFactor":6},"C-2":{"status":"passed"}}}}"#;
        assert!(parse("kubescape", summary).unwrap().0.errors[0].contains("1 failed controls"));
        assert!(parse("kubescape", "{}").is_err());
        assert!(parse("kubescape", "[]").is_err());
        assert!(parse("kubescape", r#"{"summaryDetails":{},"results":[{"check_id":1}]}"#).is_err());
    }
}
