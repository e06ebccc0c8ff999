//! wapiti's XML, version 3. Each entry of a category is a record. What the category means stands before its entries, so one
//! category is held at a time.

use serde_json::Value;

use super::mask::Redaction;
use super::output::Output;
use super::text::cut;
use super::wapiti::{Class, Entry, MAX_REFERENCES, MAX_TEXT, command, conceal, site};
use super::xml::{Element, lacking, walk};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, net};

/// The format `wapiti-xml`.
#[derive(Debug)]
pub(super) struct WapitiXml;

const ROUTES: &[&str] = &[
    "report/report_infos/info",
    "report/vulnerabilities/vulnerability",
    "report/anomalies/anomaly",
    "report/additionals/additional",
];

static REDACTION: Redaction = Redaction::new(
    &[
        "report/*/*/entries/entry/info",
        "report/*/*/entries/entry/http_request",
        "report/*/*/entries/entry/curl_command",
        "report/*/*/entries/entry/detail",
    ],
    |masker, route, value| {
        let Some(Value::String(text)) = value else { return };
        match route.rsplit('/').next() {
            Some("info") => *text = conceal(masker, text.trim()),
            Some("curl_command") => *text = command(masker, text.trim()),
            _ => masker.blank_text(text),
        }
    },
);

impl Parser for WapitiXml {
    fn name(&self) -> &'static str {
        "wapiti-xml"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.is_xml_with("report", "type") && !outline.is_xml_with("report", "format_id")
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let (mut generator, mut target) = (None, None);
        walk(self, context, input, &["report"], ROUTES, &mut |route, element| {
            if route == "report/report_infos/info" {
                let text = element.own_text();
                match element.attribute("name") {
                    Some("generatorName") => generator = text.map(str::to_owned),
                    Some("generatorVersion") => output.version(text),
                    Some("target") => target = text.and_then(net::origin),
                    _ => {}
                }
                return Ok(());
            }
            let class = class(&element);
            let name = cut(element.attribute("name").unwrap_or_default(), MAX_TEXT);
            element.all("entries/entry").into_iter().try_for_each(|entry| {
                let entry = read(entry, &name, target.as_deref());
                output.record(entry.record(class.clone()))
            })?;
            if let Some(count) = element.attribute("suppressed").filter(|count| *count != "0") {
                output.error(&format!("{count} findings of {name} were left out by the tool"));
            }
            Ok(())
        })?;
        match generator.as_deref() {
            Some("wapiti") => Ok(output.summary),
            _ => Err(lacking(self.name(), "generator `wapiti`")),
        }
    }
}

fn class(category: &Element) -> Class {
    let references = category.all("references/reference").into_iter().take(MAX_REFERENCES);
    Class {
        description: cut(&category.owned("description"), MAX_TEXT),
        solution: cut(&category.owned("solution"), MAX_TEXT),
        references: references.map(|reference| (reference.owned("title"), reference.owned("url"))).collect(),
    }
}

fn read(entry: &Element, category: &str, target: Option<&str>) -> Entry {
    Entry {
        category: category.to_owned(),
        method: entry.owned("method"),
        site: entry.text("curl_command").and_then(site).or_else(|| target.map(str::to_owned)),
        path: entry.owned("path"),
        parameter: entry.text("parameter").map(str::to_owned),
        info: entry.owned("info"),
        level: entry.number("level"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    fn report(entries: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><report type="security"><report_infos><info name="generatorName">wapiti</info><info name="generatorVersion">Wapiti 3.0.4</info>
            <info name="target">https://example.com/app</info></report_infos><vulnerabilities><vulnerability name="Secure Flag cookie"><description><![CDATA[A cookie.]]></description>
            <solution>Set it.</solution><references><reference><title>CWE-614: x</title><url>https://cwe.example/614</url></reference></references>
            <entries>{entries}</entries></vulnerability></vulnerabilities><anomalies/></report>"#
        )
    }

    #[test]
    fn entries_are_records() {
        let entry = |cookie: &str| {
            format!(
                "<entry><method>GET</method><path>/</path><level>1</level><parameter/><info>Secure flag is not set in the cookie : {cookie}</info><http_request>GET hunter2</http_request></entry>"
            )
        };
        let (summary, records) = parse("wapiti-xml", &report(&(entry("a") + &entry("b")))).unwrap();
        assert_eq!((summary.records, summary.tool_version.as_deref()), (2, Some("Wapiti 3.0.4")));
        assert_eq!(
            (records[0].severity, records[0].location.to_string().as_str()),
            (Severity::Low, "https://example.com/")
        );
        assert_eq!((records[0].identity.as_str(), records[1].identity.as_str()), ("GET a", "GET b"));
        assert_eq!(records[0].cwe, [614]);
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn passwords_that_were_guessed_are_masked() {
        let entry = "<entry><path>/login</path><level>3</level><info>Credentials found for URL /login : admin / hunter2</info></entry>";
        let (_, records) = parse("wapiti-xml", &report(entry)).unwrap();
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn nothing_found_and_other_documents() {
        assert_eq!(parse("wapiti-xml", &report("")).unwrap().0.records, 0);
        assert!(parse("wapiti-xml", r#"<report type="security"/>"#).is_err());
        assert!(parse("wapiti-xml", r#"<report id="1"><results/></report>"#).is_err());
    }
}
