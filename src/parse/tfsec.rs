//! tfsec's JSON (`tfsec -f json`), of version 1 and before. Passed and ignored checks are there on request, and skipped.

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::value::{at, first, number, owned, region, required, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, path, severity};
use crate::model::finding::{Location, Record};

/// The format `tfsec`.
#[derive(Debug)]
pub(super) struct Tfsec;

impl Parser for Tfsec {
    fn name(&self) -> &'static str {
        "tfsec"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["results/[]/rule_id", "results/[]/rule_provider"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, &["results/[]"], &mut |_, event| {
            let Event::Value(value) = event else { return Ok(()) };
            let record = record(self.name(), &value, context)?;
            let passed = at(&value, "/passed") == Some(&Value::Bool(true));
            match number(&value, "/status") {
                Some(1) => output.skip("passed"),
                Some(2) => output.record(Record { suppressed: Some("ignored in the source".to_owned()), ..record })?,
                _ if passed => output.skip("passed"),
                _ => output.record(record)?,
            }
            Ok(())
        })?
        .require(&["results/[]"])?;
        Ok(output.summary)
    }
}

fn record(format: &'static str, value: &Value, context: &Context) -> Result<Record, ParseError> {
    let rule = required(format, value, &["/rule_id", "/long_id"])?.to_owned();
    let native = text(value, "/severity");
    let path = path::relative(&owned(value, "/location/filename"), &context.source_root);
    let region = region(number(value, "/location/start_line"), number(value, "/location/end_line"), None, None);
    Ok(Record {
        rule,
        title: first(value, &["/rule_description", "/description"]).unwrap_or_default().to_owned(),
        message: owned(value, "/description"),
        severity: native.map_or_else(Default::default, severity::semgrep),
        native_severity: native.map(str::to_owned),
        location: match text(value, "/resource") {
            Some(name) => Location::Resource { name: name.to_owned(), path, region },
            None => Location::File { path, region },
        },
        fix: text(value, "/resolution").map(str::to_owned),
        references: texts(value, "/links").into_iter().chain(text(value, "/link").and_then(address)).collect(),
        ..Record::default()
    })
}

/// The address in `See https://… for more information.`
fn address(text: &str) -> Option<String> {
    text.split_whitespace().find(|word| word.starts_with("https://")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{parse, suppressed};
    use crate::model::severity::Severity;

    #[test]
    fn both_generations_are_read() {
        let new = r#"{"results":[{"rule_id":"AVD-AWS-0086","long_id":"aws-s3-block-public-acls","rule_description":"S3 Access block","rule_provider":"aws",
            "rule_service":"s3","impact":"i","resolution":"Block","links":["https://a","https://b"],"description":"No block","severity":"HIGH","warning":false,
            "status":0,"resource":"aws_s3_bucket.b","location":{"filename":"/src/s3.tf","start_line":3,"end_line":9}},
            {"rule_id":"AVD-AWS-0087","status":1},{"rule_id":"AVD-AWS-0088","status":2}]}"#;
        let (summary, records) = parse("tfsec", new).unwrap();
        assert_eq!((summary.records, suppressed(&records), summary.skipped["passed"]), (2, 1, 1));
        assert_eq!(records[0].location.to_string(), "s3.tf:3 (aws_s3_bucket.b)");
        assert_eq!((records[0].severity, records[0].references.len()), (Severity::High, 2));
        let old = r#"{"results":[{"rule_id":"GCP008","rule_description":"Legacy","rule_provider":"google","link":"See https://t/ for more information.",
            "location":{"filename":"c.tf","start_line":1,"end_line":2},"description":"d","severity":"ERROR","passed":false},{"rule_id":"GCP009","passed":true}]}"#;
        let (summary, records) = parse("tfsec", old).unwrap();
        assert_eq!((summary.records, summary.skipped["passed"]), (1, 1));
        assert_eq!(
            (records[0].severity, records[0].references.as_slice()),
            (Severity::High, &["https://t/".to_owned()][..])
        );
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("tfsec", r#"{"results": null}"#).unwrap().0.records, 0);
        assert!(parse("tfsec", "{}").is_err());
        assert!(parse("tfsec", r#"{"results":[{"check_id":"x"}]}"#).is_err());
    }
}
