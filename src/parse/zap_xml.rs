//! ZAP's XML, the traditional report with or without requests and answers.
//!
//! An alert lists the places where it was seen as instances of their own, so each instance is a record. Reports before 2.5 have
//! the one place in the alert itself.

use serde_json::Value;

use super::mask::Redaction;
use super::output::Output;
use super::xml::{Element, walk};
use super::zap::{Alert, Instance, SECRET_ALERTS};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary};

/// The format `zap-xml`.
#[derive(Debug)]
pub(super) struct ZapXml;

const ROUTES: &[&str] = &["OWASPZAPReport@", "OWASPZAPReport/site/alerts/alertitem", "OWASPZAPReport/afPlanErrors/*"];

static REDACTION: Redaction = Redaction::new(
    &[
        "OWASPZAPReport/site/alerts/alertitem",
        "OWASPZAPReport/site/alerts/alertitem/pluginid",
        "OWASPZAPReport/site/alerts/alertitem/otherinfo",
        "OWASPZAPReport/site/alerts/alertitem/evidence",
        "OWASPZAPReport/site/alerts/alertitem/requestheader",
        "OWASPZAPReport/site/alerts/alertitem/requestbody",
        "OWASPZAPReport/site/alerts/alertitem/responseheader",
        "OWASPZAPReport/site/alerts/alertitem/responsebody",
        "OWASPZAPReport/site/alerts/alertitem/instances/instance/otherinfo",
        "OWASPZAPReport/site/alerts/alertitem/instances/instance/evidence",
        "OWASPZAPReport/site/alerts/alertitem/instances/instance/requestheader",
        "OWASPZAPReport/site/alerts/alertitem/instances/instance/requestbody",
        "OWASPZAPReport/site/alerts/alertitem/instances/instance/responseheader",
        "OWASPZAPReport/site/alerts/alertitem/instances/instance/responsebody",
    ],
    |masker, route, value| {
        let Some(Value::String(text)) = value else { return };
        match route.rsplit('/').next() {
            Some("alertitem") => masker.tool = None,
            // It stands before all that may be secret.
            Some("pluginid") => masker.tool = Some(text.trim().to_owned()),
            Some("evidence" | "otherinfo") => {
                if masker.tool.as_deref().is_some_and(|plugin| SECRET_ALERTS.contains(&plugin)) {
                    masker.blank_text(text);
                }
            }
            _ => masker.blank_text(text),
        }
    },
);

impl Parser for ZapXml {
    fn name(&self) -> &'static str {
        "zap-xml"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.is_xml("OWASPZAPReport")
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, &["OWASPZAPReport"], ROUTES, &mut |route, element| match route {
            "OWASPZAPReport@" => {
                output.version(element.attribute("version"));
                Ok(())
            }
            "OWASPZAPReport/afPlanErrors/*" => {
                output.error(element.own_text().unwrap_or("the plan had an error"));
                Ok(())
            }
            _ => alert(&element).records(&mut output),
        })?;
        Ok(output.summary)
    }
}

fn alert(element: &Element) -> Alert {
    let mut instances: Vec<Instance> = element.all("instances/instance").into_iter().map(instance).collect();
    if element.at("uri").is_some() {
        instances.push(instance(element));
    }
    Alert {
        plugin: element.owned("pluginid"),
        variant: element.text("alertRef").map(str::to_owned),
        name: element.text("name").or_else(|| element.text("alert")).unwrap_or_default().to_owned(),
        risk: element.owned("riskcode"),
        risk_words: element.owned("riskdesc"),
        confidence: element.text("confidence").or_else(|| element.text("reliability")).unwrap_or_default().to_owned(),
        description: element.owned("desc"),
        solution: element.owned("solution"),
        reference: element.owned("reference"),
        cwe: element.number("cweid"),
        count: element.number("count"),
        instances,
    }
}

fn instance(element: &Element) -> Instance {
    Instance {
        uri: element.owned("uri"),
        method: element.owned("method"),
        parameter: element.text("param").map(str::to_owned),
        attack: element.owned("attack"),
        evidence: element.owned("evidence"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    fn report(alerts: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><OWASPZAPReport version="2.10.0"><site name="https://example.com"><alerts>{alerts}</alerts></site></OWASPZAPReport>"#
        )
    }

    #[test]
    fn each_instance_is_a_record() {
        let text = report(
            r"<alertitem><pluginid>10011</pluginid><alert>Cookie</alert><name>Cookie without Secure</name><riskcode>1</riskcode><confidence>2</confidence>
              <riskdesc>Low (Medium)</riskdesc><desc>&lt;p&gt;A cookie.&lt;/p&gt;</desc><instances>
              <instance><uri>https://example.com/</uri><method>GET</method><param>sid</param><evidence>Set-Cookie: sid</evidence><requestheader>GET / secret</requestheader></instance>
              <instance><uri>https://example.com/b</uri><method>GET</method><param>sid</param></instance></instances>
              <solution>&lt;p&gt;Set it.&lt;/p&gt;</solution><reference>&lt;p&gt;https://r&lt;/p&gt;</reference><cweid>614</cweid></alertitem>",
        );
        let (summary, records) = parse("zap-xml", &text).unwrap();
        assert_eq!((summary.records, summary.tool_version.as_deref()), (2, Some("2.10.0")));
        assert_eq!(records[1].location.to_string(), "https://example.com/b (sid)");
        assert_eq!((records[0].severity, records[0].native_severity.as_deref()), (Severity::Low, Some("Low (Medium)")));
        assert_eq!((records[0].message.as_str(), records[0].cwe.as_slice()), ("A cookie.", &[614][..]));
        assert!(!format!("{records:?}").contains("secret"));
    }

    #[test]
    fn the_older_generation_has_its_place_in_the_alert() {
        let text = report(
            "<alertitem><pluginid>1</pluginid><alert>a</alert><riskcode>0</riskcode><reliability>1</reliability><uri>http://example.com/x</uri><cweid>-1</cweid></alertitem>",
        );
        let (_, records) = parse("zap-xml", &text).unwrap();
        assert_eq!(
            (records[0].title.as_str(), records[0].location.to_string().as_str()),
            ("a", "http://example.com/x")
        );
        assert!(records[0].cwe.is_empty());
    }

    #[test]
    fn nothing_found_and_other_documents() {
        assert_eq!(parse("zap-xml", &report("")).unwrap().0.records, 0);
        assert!(parse("zap-xml", "<report/>").is_err());
    }
}
