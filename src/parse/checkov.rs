//! checkov's JSON: one object, or an array with one object for each framework.

use serde_json::Value;

use super::json::Event;
use super::mask::Masker;
use super::masked::walk;
use super::output::Output;
use super::text::code_identity;
use super::value::{first, items, owned, region, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, path, severity};
use crate::model::finding::{Location, Record};

/// The format `checkov`.
#[derive(Debug)]
pub(super) struct Checkov;

/// `resource_count` alone is the whole report when checkov found nothing that it could check.
const ROUTES: &[&str] = &[
    "results/failed_checks/[]",
    "results/skipped_checks/[]",
    "results/parsing_errors/[]",
    "summary/checkov_version",
    "checkov_version",
    "resource_count",
    "[]/results/failed_checks/[]",
    "[]/results/skipped_checks/[]",
    "[]/results/parsing_errors/[]",
    "[]/summary/checkov_version",
];

static REDACTION: Redaction = Redaction::new(
    &[
        "results/failed_checks/[]",
        "results/skipped_checks/[]",
        "results/passed_checks/[]",
        "[]/results/failed_checks/[]",
        "[]/results/skipped_checks/[]",
        "[]/results/passed_checks/[]",
    ],
    |masker, _, value| hide(masker, value),
);

/// What the resource is set to, value by value, of which no record shows anything.
const SETTINGS: &[&str] = &["/check_result/entity", "/check_result/results_configuration", "/fixed_definition"];

impl Parser for Checkov {
    fn name(&self) -> &'static str {
        "checkov"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("check_type") || outline.has("[]/check_type") || outline.has("checkov_version")
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let seen = walk(self, context, input, ROUTES, &mut |route, event| {
            let Event::Value(value) = event else { return Ok(()) };
            match route.trim_start_matches("[]/") {
                "results/failed_checks/[]" => {
                    output.record(record(&value, context))?;
                }
                "results/skipped_checks/[]" => {
                    let why = owned(&value, "/check_result/suppress_comment");
                    output.record(Record { suppressed: Some(why), ..record(&value, context) })?;
                }
                "results/parsing_errors/[]" => {
                    output.error(&format!("cannot parse {}", value.as_str().unwrap_or("a file")));
                }
                "resource_count" => {}
                _ => output.version(value.as_str()),
            }
            Ok(())
        })?;
        seen.require(&[
            "results/failed_checks/[]",
            "[]/results/failed_checks/[]",
            "resource_count",
            "checkov_version",
        ])?;
        Ok(output.summary)
    }
}

fn is_secret(value: &Value) -> bool {
    text(value, "/check_id").is_some_and(|id| id.starts_with("CKV_SECRET"))
}

fn hide(masker: &mut Masker<'_>, value: Option<&mut Value>) {
    let Some(value) = value else { return };
    masker.blank(value, SETTINGS);
    if is_secret(value) {
        masker.hide(value, &["/code_block", "/check_result/evaluated_keys"]);
    }
}

fn record(value: &Value, context: &Context) -> Record {
    let native = text(value, "/severity");
    let lines = items(value, "/file_line_range");
    let line = |at: usize| lines.get(at).and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
    let code: String = items(value, "/code_block").iter().filter_map(|line| line.get(1)?.as_str()).collect();
    let place =
        path::relative(first(value, &["/repo_file_path", "/file_path"]).unwrap_or_default(), &context.source_root);
    let region = region(line(0), line(1), None, None);
    Record {
        rule: owned(value, "/check_id"),
        title: owned(value, "/check_name"),
        message: first(value, &["/short_description", "/description"]).unwrap_or_default().to_owned(),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        vulnerabilities: ids::vulnerabilities(text(value, "/vulnerability_details/id")),
        cwe: ids::weaknesses(text(value, "/vulnerability_details/cwe")),
        references: texts(value, "/guideline"),
        fix: text(value, "/fixed_definition").map(str::to_owned),
        identity: if is_secret(value) { code_identity(&code) } else { String::new() },
        location: match text(value, "/resource") {
            // The secrets framework names a secret by the hash of its value, which a guess can be tested against.
            Some(name) if !is_secret(value) => Location::Resource { name: name.to_owned(), path: place, region },
            _ => Location::File { path: place, region },
        },
        evidence: Some(code).filter(|code| !code.is_empty()),
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const ONE: &str = r#"{"check_type":"terraform","results":{"passed_checks":[{"check_id":"CKV_1"}],"failed_checks":[
        {"check_id":"CKV_GCP_29","check_name":"Uniform access","file_path":"/gcs.tf","repo_file_path":"/src/gcs.tf","file_line_range":[1,19],
         "resource":"google_storage_bucket.a","severity":"MEDIUM","guideline":"https://docs","code_block":[[1,"resource {\n"],[2,"}\n"]]}],
        "skipped_checks":[{}],"parsing_errors":["/bad.tf"]},"summary":{"checkov_version":"3.2.1"}}"#;

    #[test]
    fn objects_and_arrays_of_objects_are_read() {
        let (summary, records) = parse("checkov", ONE).unwrap();
        assert_eq!((summary.records, records[1].suppressed.is_some()), (2, true));
        assert_eq!(summary.errors, ["cannot parse /bad.tf"]);
        assert_eq!(summary.tool_version.as_deref(), Some("3.2.1"));
        assert_eq!(records[0].location.to_string(), "gcs.tf:1 (google_storage_bucket.a)");
        assert_eq!(records[0].severity, Severity::Medium);
        assert_eq!(parse("checkov", &format!("[{ONE},{ONE}]")).unwrap().0.records, 4);
    }

    #[test]
    fn nothing_to_check_is_no_error() {
        let text =
            r#"{"passed":0,"failed":0,"skipped":0,"parsing_errors":0,"resource_count":0,"checkov_version":"3.2.1"}"#;
        assert_eq!(parse("checkov", text).unwrap().0.records, 0);
        assert!(parse("checkov", "{}").is_err());
        assert!(parse("checkov", "[]").is_err());
    }
}
