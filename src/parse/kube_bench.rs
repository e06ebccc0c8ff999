//! kube-bench's JSON: one object with all controls, and the array or the objects after one another that older versions wrote.
//! It names no node: where it ran is the target.

use serde_json::Value;

use super::json::Event;
use super::masked::walk_all;
use super::output::Output;
use super::value::{first, owned, required, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, severity};
use crate::model::finding::{Location, Record};

/// The format `kube-bench`.
#[derive(Debug)]
pub(super) struct KubeBench;

const ROUTES: &[&str] = &[
    "Controls/[]/node_type",
    "Controls/[]/tests/[]/results/[]",
    "[]/node_type",
    "[]/tests/[]/results/[]",
    "node_type",
    "tests/[]/results/[]",
    "Totals/total_pass",
];

impl Parser for KubeBench {
    fn name(&self) -> &'static str {
        "kube-bench"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["Controls/[]/tests", "Controls/[]/node_type"])
            || outline.has_all(&["[]/tests", "[]/node_type"])
            || outline.has_all(&["tests", "node_type"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let (mut node, mut checks) = (String::new(), 0_u64);
        let seen = walk_all(self, context, input, ROUTES, &mut |route, event| {
            let Event::Value(value) = event else { return Ok(()) };
            if route.ends_with("node_type") {
                value.as_str().unwrap_or_default().clone_into(&mut node);
                return Ok(());
            }
            if !route.ends_with("results/[]") {
                return Ok(());
            }
            checks += 1;
            match required(self.name(), &value, &["/status"])? {
                "FAIL" | "WARN" => output.record(record(self.name(), &value, &node)?),
                status => {
                    output.skip(&format!("status {status}"));
                    Ok(())
                }
            }
        })?;
        seen.require(&[
            "Controls/[]/tests/[]/results/[]",
            "[]/tests/[]/results/[]",
            "tests/[]/results/[]",
            "Totals/total_pass",
        ])?;
        if checks == 0 {
            output.error("it ran no check");
        }
        Ok(output.summary)
    }
}

fn record(format: &'static str, value: &Value, node: &str) -> Result<Record, ParseError> {
    let native = text(value, "/status");
    Ok(Record {
        rule: required(format, value, &["/test_number"])?.to_owned(),
        title: owned(value, "/test_desc"),
        message: first(value, &["/reason", "/expected_result"]).unwrap_or_default().to_owned(),
        severity: native.map_or_else(Default::default, severity::kube_bench),
        native_severity: native.map(str::to_owned),
        location: if node.is_empty() { Location::Nowhere } else { Location::running(node) },
        fix: text(value, "/remediation").map(str::to_owned),
        evidence: text(value, "/actual_value").map(str::to_owned),
        ..Record::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const CONTROLS: &str = r#"{"id":"1","version":"cis-1.8","detected_version":"1.28","text":"Control plane","node_type":"master","tests":[{"section":"1.1","desc":"Files",
        "results":[{"test_number":"1.1.1","test_desc":"Ensure permissions","remediation":"chmod 600","status":"FAIL","actual_value":"permissions=644","scored":true},
          {"test_number":"1.1.2","test_desc":"Ensure ownership","status":"PASS"},{"test_number":"1.1.9","test_desc":"CNI","status":"WARN"}]}],"total_pass":1}"#;

    #[test]
    fn every_generation_is_read() {
        let all = format!(r#"{{"Controls":[{CONTROLS}],"Totals":{{"total_pass":1}}}}"#);
        for (text, times) in [(all, 1), (format!("[{CONTROLS}]"), 1), (format!("{CONTROLS}\n{CONTROLS}"), 2)] {
            let (summary, records) = parse("kube-bench", &text).unwrap();
            assert_eq!((summary.records, summary.skipped["status PASS"]), (2 * times, times));
            assert_eq!((records[0].severity, records[1].severity), (Severity::High, Severity::Medium));
            assert_eq!((records[0].rule.as_str(), records[0].location.to_string().as_str()), ("1.1.1", "master"));
        }
    }

    #[test]
    fn nothing_checked_and_another_format_are_told_apart() {
        let (summary, _) = parse("kube-bench", r#"{"Controls":[],"Totals":{"total_pass":0}}"#).unwrap();
        assert_eq!(summary.errors, ["it ran no check"]);
        assert!(parse("kube-bench", "{}").is_err());
        assert!(parse("kube-bench", "[]").is_err());
        assert!(parse("kube-bench", r#"{"tests":[{"results":[{}]}]}"#).is_err());
    }
}
