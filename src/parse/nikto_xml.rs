//! nikto's XML, with the scan of each host in an element of its own (2.1.6 on) or not. Each item is a record.
//!
//! nikto grades nothing, so severities are unknown.

use serde_json::Value;

use super::mask::Redaction;
use super::nikto::{Item, conceal};
use super::output::Output;
use super::text::links;
use super::xml::{Element, walk};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, net};

/// The format `nikto-xml`.
#[derive(Debug)]
pub(super) struct NiktoXml;

const ROUTES: &[&str] = &[
    "niktoscan@",
    "niktoscan/niktoscan@",
    "niktoscan/scandetails@",
    "niktoscan/niktoscan/scandetails@",
    "niktoscan/scandetails/item",
    "niktoscan/niktoscan/scandetails/item",
];

static REDACTION: Redaction = Redaction::new(
    &["niktoscan/scandetails/item/description", "niktoscan/niktoscan/scandetails/item/description"],
    |masker, _, value| {
        if let Some(Value::String(message)) = value {
            *message = conceal(masker, message);
        }
    },
);

impl Parser for NiktoXml {
    fn name(&self) -> &'static str {
        "nikto-xml"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.is_xml("niktoscan")
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let mut site = None;
        walk(self, context, input, &["niktoscan"], ROUTES, &mut |route, element| {
            if route.ends_with("/item") {
                return output.record(item(&element, site.as_deref()).record());
            }
            output.version(element.attribute("version"));
            if route.ends_with("scandetails@") {
                site = Some(element.attribute("sitename").unwrap_or_default().to_owned());
            }
            Ok(())
        })?;
        if site.is_none() {
            output.error("no host was scanned");
        }
        Ok(output.summary)
    }
}

fn item(element: &Element, site: Option<&str>) -> Item {
    let path = element.text("uri").unwrap_or("/");
    let site = site.and_then(net::origin);
    // Without a path of its own, nikto writes a link without a host.
    let link = element.text("namelink").filter(|link| net::origin(link).is_some()).map(str::to_owned);
    Item {
        id: element.attribute("id").unwrap_or_default().to_owned(),
        url: link.or_else(|| site.map(|site| format!("{site}{path}"))).unwrap_or_else(|| path.to_owned()),
        method: element.attribute("method").unwrap_or_default().to_owned(),
        message: element.owned("description"),
        references: links(element.text("references").unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;

    const DETAILS: &str = r#"<scandetails targetip="192.0.2.7" targetport="8443" sitename="https://example.com:8443/">
      <ssl ciphers="x"/><item id="999970" osvdbid="0" method="GET"><description><![CDATA[No STS & more]]></description><uri><![CDATA[/]]></uri>
        <namelink><![CDATA[https://example.com:8443/]]></namelink></item>
      <item id="500008" method="GET"><description>favicon</description><uri>/favicon.ico</uri><namelink>http://:/favicon.ico</namelink></item>
      <statistics itemsfound="2"/></scandetails>"#;

    #[test]
    fn every_nesting_is_read() {
        let head = r#"<?xml version="1.0" ?><!DOCTYPE niktoscan SYSTEM "docs/nikto.dtd">"#;
        let flat = format!(r#"{head}<niktoscan version="2.1.5">{DETAILS}</niktoscan>"#);
        let nested = format!(r#"{head}<niktoscan><niktoscan version="2.1.6">{DETAILS}</niktoscan></niktoscan>"#);
        for (text, version) in [(flat, "2.1.5"), (nested, "2.1.6")] {
            let (summary, records) = parse("nikto-xml", &text).unwrap();
            assert_eq!((summary.records, summary.tool_version.as_deref()), (2, Some(version)));
            assert_eq!(records[0].message, "No STS & more");
            assert_eq!(records[1].location.to_string(), "https://example.com:8443/favicon.ico");
        }
    }

    #[test]
    fn no_host_is_an_error_and_other_documents_are_refused() {
        let (summary, _) = parse("nikto-xml", "<niktoscan/>").unwrap();
        assert_eq!(summary.errors, ["no host was scanned"]);
        assert!(parse("nikto-xml", "<nmaprun/>").is_err());
        assert!(parse("nikto-xml", "<niktoscan><scandetails>").is_err());
    }
}
