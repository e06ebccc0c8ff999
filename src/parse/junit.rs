//! `JUnit`'s XML, which some scanners print for pipelines: failures and errors of test cases are the results.
//!
//! What a failure contains is not kept: it may be a whole request and its answer, secrets and all.

use super::output::Output;
use super::value::region;
use super::xml::{Element, walk};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, path, severity};
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// The format `junit`.
#[derive(Debug)]
pub(super) struct Junit;

const ROOTS: &[&str] = &["testsuites", "testsuite"];
/// Suites may be in suites.
const ROUTES: &[&str] = &[
    "testsuites/testcase",
    "testsuites/testsuite/testcase",
    "testsuites/testsuite/testsuite/testcase",
    "testsuites/testsuite/testsuite/testsuite/testcase",
    "testsuite/testcase",
    "testsuite/testsuite/testcase",
    "testsuite/testsuite/testsuite/testcase",
    TOO_DEEP[0],
    TOO_DEEP[1],
];
const TOO_DEEP: [&str; 2] =
    ["testsuites/testsuite/testsuite/testsuite/testsuite@", "testsuite/testsuite/testsuite/testsuite@"];

impl Parser for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        ROOTS.iter().any(|root| outline.is_xml(root))
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, ROOTS, ROUTES, &mut |route, element| {
            if TOO_DEEP.contains(&route) {
                output.error("suites of tests are nested too deeply: the innermost are not read");
                return Ok(());
            }
            tell(&element, context, &mut output)
        })?;
        Ok(output.summary)
    }
}

fn tell(case: &Element, context: &Context, output: &mut Output<'_>) -> Result<(), ParseError> {
    let results: Vec<_> = case.all("failure").into_iter().chain(case.all("error")).collect();
    if results.is_empty() {
        output.skip(if case.at("skipped").is_some() { "skipped test" } else { "passed test" });
    }
    results.into_iter().try_for_each(|result| output.record(record(case, result, context)))
}

fn record(case: &Element, result: &Element, context: &Context) -> Record {
    let (word, name) = bracketed(case.attribute("name").unwrap_or_default());
    let class = case.attribute("classname").unwrap_or_default();
    let message = result.attribute("message").unwrap_or_default();
    let line = case.attribute("line").and_then(|line| line.parse().ok());
    Record {
        rule: if name.is_empty() { class.to_owned() } else { name.to_owned() },
        title: name.to_owned(),
        message: message.to_owned(),
        severity: word.map_or_else(Severity::default, severity::word),
        native_severity: Some(word.unwrap_or(&result.name).to_owned()),
        location: match case.attribute("file") {
            Some(file) => Location::File {
                path: path::relative(file, &context.source_root),
                region: region(line, None, None, None),
            },
            None => Location::Nowhere,
        },
        cwe: ids::weaknesses([name, message]),
        vulnerabilities: ids::vulnerabilities([name, message]),
        identity: class.to_owned(),
        ..Record::default()
    }
}

/// The severity in `[HIGH] CVE-…`, and the name behind it.
fn bracketed(name: &str) -> (Option<&str>, &str) {
    let parts = name.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match parts.filter(|(word, _)| severity::word(word) != Severity::Unknown) {
        Some((word, rest)) => (Some(word), rest.trim_start()),
        None => (None, name),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn failures_and_errors_are_records() {
        let text = r#"<?xml version="1.0"?><testsuites><testsuite name="s">
            <testcase classname="openssl-1.1" name="[HIGH] CVE-2022-0778"><failure message="openssl: loop" type="description">GET / HTTP/1.1 Authorization: x</failure></testcase>
            <testcase classname="/main.tf.aws" name="CKV_1" file="/src/main.tf" line="7"><error message="e1"/><failure message="f1"/></testcase>
            <testcase classname="c" name="fine"/><testcase classname="c" name="later"><skipped/></testcase>
            <testsuite><testsuite><testcase name="deep"><failure/></testcase><testsuite/></testsuite></testsuite></testsuite></testsuites>"#;
        let (summary, records) = parse("junit", text).unwrap();
        assert_eq!((summary.records, summary.skipped["passed test"], summary.skipped["skipped test"]), (4, 1, 1));
        assert_eq!(summary.errors.len(), 1);
        assert_eq!(
            (records[0].severity, records[0].vulnerabilities.as_slice()),
            (Severity::High, &["CVE-2022-0778".to_owned()][..])
        );
        assert_eq!(records[0].rule, "CVE-2022-0778");
        assert_eq!((records[1].severity, records[1].location.to_string().as_str()), (Severity::Unknown, "main.tf:7"));
        assert!(!format!("{records:?}").contains("Authorization"));
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("junit", r#"<testsuite tests="0"/>"#).unwrap().0.records, 0);
        assert!(parse("junit", "<report/>").is_err());
        assert!(parse("junit", "<testsuites><testsuite>").is_err());
    }
}
