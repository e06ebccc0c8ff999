//! Burp's XML of issues. Requests and answers in it are passed over, and masked whole: they hold sessions and passwords, mostly in base64.

use serde_json::Value;

use super::mask::Redaction;
use super::output::Output;
use super::text::{links, plain};
use super::xml::{Element, lacking, walk};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, net, severity};
use crate::model::finding::Record;

/// The format `burp`.
#[derive(Debug)]
pub(super) struct Burp;

const ROUTES: &[&str] = &["issues@", "issues/issue"];

const OF_EXTENSIONS: &str = "134217728";

static REDACTION: Redaction = Redaction::new(
    &[
        "issues/issue/requestresponse/request",
        "issues/issue/requestresponse/response",
        "issues/issue/requestresponse/responseRedirected",
        "issues/issue/collaboratorEvent/requestresponse/request",
        "issues/issue/collaboratorEvent/requestresponse/response",
        "issues/issue/collaboratorEvent/conversation",
    ],
    |masker, _, value| {
        if let Some(Value::String(traffic)) = value {
            masker.blank_text(traffic);
        }
    },
);

impl Parser for Burp {
    fn name(&self) -> &'static str {
        "burp"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.is_xml_with("issues", "burpVersion")
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, &["issues"], ROUTES, &mut |route, element| match route {
            "issues@" => {
                output.version(element.attribute("burpVersion"));
                Ok(())
            }
            _ if element.at("type").is_none() || element.at("host").is_none() => {
                Err(lacking("burp", "`type` and `host` in an issue"))
            }
            _ if element.text("severity").is_some_and(|word| word.eq_ignore_ascii_case("false positive")) => {
                output.skip("marked as a false positive");
                Ok(())
            }
            _ => output.record(record(&element)),
        })?;
        match output.summary.tool_version {
            Some(_) => Ok(output.summary),
            None => Err(lacking("burp", "`burpVersion`")),
        }
    }
}

fn record(issue: &Element) -> Record {
    let url = format!("{}{}", issue.owned("host").trim_end_matches('/'), issue.owned("path"));
    let native = issue.text("severity");
    let detail = issue.text("issueDetail").or_else(|| issue.text("issueBackground"));
    let classes = issue.owned("vulnerabilityClassifications");
    let mends = issue.text("remediationDetail").or_else(|| issue.text("remediationBackground"));
    let mut references = links(&issue.owned("references"));
    references.extend(links(&classes));
    Record {
        rule: issue.owned("type"),
        title: issue.owned("name"),
        message: detail.map(plain).unwrap_or_default(),
        severity: native.map_or_else(Default::default, severity::burp),
        native_severity: native.map(str::to_owned),
        confidence: issue.text("confidence").and_then(severity::burp_confidence),
        location: net::page(&url, issue.text("location").and_then(parameter)),
        cwe: ids::weaknesses([classes.as_str()]),
        vulnerabilities: ids::vulnerabilities([issue.owned("name").as_str(), classes.as_str()]),
        fix: mends.map(plain),
        references,
        // All that extensions report has one type.
        identity: if issue.text("type") == Some(OF_EXTENSIONS) { issue.owned("name") } else { String::new() },
        ..Record::default()
    }
}

/// `/login.jsp [user parameter]`, `/ [sid cookie]`: the name of what is injected into.
fn parameter(location: &str) -> Option<&str> {
    let inside = location.strip_suffix(']')?.rsplit_once(" [")?.1;
    let (name, kind) = inside.rsplit_once(' ')?;
    ["parameter", "cookie", "header"].contains(&kind).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::finding::Confidence;
    use crate::model::severity::Severity;

    const ISSUE: &str = r#"<issue><serialNumber>1</serialNumber><type>1049088</type><name>SQL injection</name><host ip="192.0.2.7">https://example.com</host>
      <path><![CDATA[/login]]></path><location><![CDATA[/login [user parameter]]]></location><severity>High</severity><confidence>Tentative</confidence>
      <issueDetail><![CDATA[The <b>user</b> parameter.]]></issueDetail><remediationBackground><![CDATA[<p>Bind.</p>]]></remediationBackground>
      <vulnerabilityClassifications><![CDATA[<a href="https://cwe.example/89.html">CWE-89: x</a>]]></vulnerabilityClassifications>
      <requestresponse><request base64="true"><![CDATA[aHVudGVyMg==]]></request></requestresponse></issue>"#;

    fn report(issues: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><!DOCTYPE issues [<!ELEMENT issues (issue*)><!ATTLIST issues burpVersion CDATA "">]><issues burpVersion="2024.1">{issues}</issues>"#
        )
    }

    #[test]
    fn issues_are_records() {
        let (summary, records) = parse("burp", &report(ISSUE)).unwrap();
        assert_eq!((summary.records, summary.tool_version.as_deref()), (1, Some("2024.1")));
        assert_eq!(records[0].location.to_string(), "https://example.com/login (user)");
        assert_eq!((records[0].severity, records[0].confidence), (Severity::High, Some(Confidence::Low)));
        assert_eq!((records[0].message.as_str(), records[0].cwe.as_slice()), ("The user parameter.", &[89][..]));
        assert_eq!(records[0].fix.as_deref(), Some("Bind."));
        assert!(!format!("{records:?}").contains("aHVudGVyMg"));
    }

    #[test]
    fn words_of_the_user_and_nothing_found() {
        let marked = ISSUE.replace(">High<", ">False positive<");
        assert_eq!(parse("burp", &report(&marked)).unwrap().0.skipped["marked as a false positive"], 1);
        let extended = ISSUE.replace("1049088", "134217728");
        assert_eq!(parse("burp", &report(&extended)).unwrap().1[0].identity, "SQL injection");
        let info = ISSUE.replace(">High<", ">Information<");
        assert_eq!(parse("burp", &report(&info)).unwrap().1[0].severity, Severity::Info);
        assert_eq!(parse("burp", &report("")).unwrap().0.records, 0);
    }

    #[test]
    fn issues_of_other_tools_are_refused() {
        assert!(parse("burp", r#"<issues format="6"><issue id="x"/></issues>"#).is_err());
        assert!(parse("burp", r#"<issues format="6"/>"#).is_err());
    }
}
