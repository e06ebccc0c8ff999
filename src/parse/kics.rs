//! KICS' JSON (`kics scan --report-formats json`). A query has the places where it hit, one record each.

use serde_json::Value;

use super::json::Event;
use super::mask::Masker;
use super::masked::walk;
use super::output::Output;
use super::value::{first, items, number, owned, region, required, text};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `kics`.
#[derive(Debug)]
pub(super) struct Kics;

const ROUTES: &[&str] = &[
    "kics_version",
    "files_failed_to_scan",
    "queries_failed_to_execute",
    "queries_failed_to_compute_similarity_id",
    "queries/[]",
    "bill_of_materials/[]",
];
const SECRETS: &[&str] =
    &["/search_key", "/search_value", "/value", "/vulnerable_lines", "/actual_value", "/expected_value"];

static REDACTION: Redaction = Redaction::new(&["queries/[]"], |masker, _, value| hide(masker, value));

impl Parser for Kics {
    fn name(&self) -> &'static str {
        "kics"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["files_scanned", "queries_total"])
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROUTES, &mut |route, event| {
            let Event::Value(value) = event else { return Ok(()) };
            match route {
                "queries/[]" => {
                    let common = common(self.name(), &value)?;
                    let hits = items(&value, "/files");
                    let told = !is_about_secrets(&value);
                    hits.iter().try_for_each(|hit| output.record(record(common.clone(), hit, told, context)))?;
                }
                "bill_of_materials/[]" => {
                    output.skip_several("part of the bill of materials", items(&value, "/files").len() as u64);
                }
                "kics_version" => output.version(value.as_str()),
                failed => {
                    if let Some(count) = value.as_u64().filter(|count| *count > 0) {
                        output.error(&format!("{}: {count}", failed.replace('_', " ")));
                    }
                }
            }
            Ok(())
        })?
        .require(&["queries/[]"])?;
        Ok(output.summary)
    }
}

/// Queries for secrets may show what they found in the names and values that they searched for.
fn hide(masker: &mut Masker<'_>, value: Option<&mut Value>) {
    if let Some(value) = value.filter(|value| is_about_secrets(value)) {
        masker.hide_in_each(value, "/files", SECRETS);
    }
}

fn is_about_secrets(value: &Value) -> bool {
    text(value, "/category") == Some("Secret Management")
        || text(value, "/query_name").is_some_and(|name| name.starts_with("Passwords And Secrets"))
}

fn common(format: &'static str, value: &Value) -> Result<Record, ParseError> {
    let name = required(format, value, &["/query_name"])?;
    let native = text(value, "/severity");
    Ok(Record {
        rule: first(value, &["/query_id", "/query_name"]).unwrap_or_default().to_owned(),
        title: name.to_owned(),
        message: owned(value, "/description"),
        severity: native.map_or_else(Default::default, severity::kics),
        native_severity: native.map(str::to_owned),
        cwe: number(value, "/cwe").into_iter().collect(),
        references: text(value, "/query_url").map(str::to_owned).into_iter().collect(),
        ..Record::default()
    })
}

/// A hit of a query; `told` says whether the values that it compared are shown.
fn record(common: Record, hit: &Value, told: bool, context: &Context) -> Record {
    let place = path::relative(&from_root(&owned(hit, "/file_name")), &context.source_root);
    let region = region(number(hit, "/line"), None, None, None);
    let actual = text(hit, "/actual_value").filter(|_| told);
    Record {
        message: actual.map_or_else(|| common.message.clone(), |actual| format!("{}\n{actual}", common.message)),
        location: match resource(hit) {
            Some(name) => Location::Resource { name, path: place, region },
            None => Location::File { path: place, region },
        },
        fix: text(hit, "/expected_value").filter(|_| told).map(str::to_owned),
        // Where the hit is in the document, in its own terms.
        identity: [owned(hit, "/search_key"), owned(hit, "/search_value")].join(" ").trim().to_owned(),
        ..common
    }
}

/// Names of files lead from where KICS stands up to the root, and down again.
fn from_root(name: &str) -> String {
    let below = name.trim_start_matches("../");
    if below.len() == name.len() { name.to_owned() } else { format!("/{below}") }
}

fn resource(hit: &Value) -> Option<String> {
    let named = |pointer| text(hit, pointer).filter(|name| !matches!(*name, "n/a" | "unknown"));
    Some(format!("{}.{}", named("/resource_type")?, named("/resource_name")?))
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const DOCUMENT: &str = r#"{"kics_version":"v2.1.3","files_scanned":2,"files_failed_to_scan":1,"queries_total":9,"queries_failed_to_execute":0,"queries":[
        {"query_name":"S3 Bucket Public","query_id":"1df37f4b","query_url":"https://docs","severity":"CRITICAL","platform":"Terraform","cwe":"732",
         "category":"Access Control","description":"No.","files":[
          {"file_name":"../../src/s3.tf","similarity_id":"x","line":43,"resource_type":"aws_s3_bucket","resource_name":"b","search_key":"aws_s3_bucket[b].acl","expected_value":"private","actual_value":"public"},
          {"file_name":"t.tf","line":1,"resource_type":"n/a","resource_name":"n/a","search_key":"aws_s3_bucket[c].acl"}]},
        {"query_name":"Passwords And Secrets - Generic","query_id":"487f4be7","severity":"TRACE","category":"Secret Management","files":[
          {"file_name":"D","line":2,"search_key":"ENV={{PASSWORD=hunter2hunter2}}","actual_value":"ENV={{PASSWORD=hunter2hunter2}} is set"}]}],
       "bill_of_materials":[{"query_name":"BOM","files":[{},{}]}],"total_counter":3}"#;

    #[test]
    fn every_hit_is_a_record() {
        let (summary, records) = parse("kics", DOCUMENT).unwrap();
        assert_eq!((summary.records, summary.skipped["part of the bill of materials"]), (3, 2));
        assert_eq!(summary.errors, ["files failed to scan: 1"]);
        assert_eq!(records[0].location.to_string(), "s3.tf:43 (aws_s3_bucket.b)");
        assert_eq!((records[0].severity, records[0].cwe.as_slice()), (Severity::Critical, &[732][..]));
        assert_eq!((records[1].location.to_string().as_str(), records[2].severity), ("t.tf:1", Severity::Info));
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("kics", r#"{"files_scanned":1,"queries":[]}"#).unwrap().0.records, 0);
        assert!(parse("kics", "{}").is_err());
        assert!(parse("kics", r#"{"queries":[{}]}"#).is_err());
    }
}
