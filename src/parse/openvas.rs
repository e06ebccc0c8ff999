//! openvas' XML (Greenbone): the report alone, in its wrapper, or in an answer of the management protocol. Each result is a record.
//!
//! What checks for passwords found is left out: it is the passwords.

use super::output::Output;
use super::text::links;
use super::xml::{Element, lacking, walk};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, net, severity};
use crate::model::finding::{Confidence, Cvss, Record};
use crate::model::severity::Severity;

/// The format `openvas`.
#[derive(Debug)]
pub(super) struct Openvas;

const ROUTES: &[&str] = &[
    "report/results@",
    "report/results/result",
    "report/errors/error",
    "report/scan_run_status",
    "report/report/results@",
    "report/report/results/result",
    "report/report/errors/error",
    "report/report/scan_run_status",
    "get_reports_response/report/report/results@",
    "get_reports_response/report/report/results/result",
    "get_reports_response/report/report/errors/error",
    "get_reports_response/report/report/scan_run_status",
];

impl Parser for Openvas {
    fn name(&self) -> &'static str {
        "openvas"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        let report = outline.is_xml_with("report", "format_id") || outline.is_xml_with("report", "content_type");
        report || outline.is_xml("get_reports_response")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let mut results = false;
        walk(self, context, input, &["report", "get_reports_response"], ROUTES, &mut |route, element| {
            match route.rsplit('/').next() {
                Some("results@") => results = true,
                Some("error") => output.error(&problem(&element)),
                Some("scan_run_status") => {
                    let status = element.own_text().unwrap_or("Done");
                    if !["Done", "Container"].contains(&status) {
                        output.error(&format!("the scan's status is {status}"));
                    }
                }
                _ => return found(&element).tell(&mut output),
            }
            Ok(())
        })?;
        if results { Ok(output.summary) } else { Err(lacking(self.name(), "`results`")) }
    }
}

fn problem(error: &Element) -> String {
    let host = error.text("host").unwrap_or("a host");
    format!("{host}: {}", error.text("description").unwrap_or("an error"))
}

fn found(result: &Element) -> Found {
    let nvt = result.at("nvt");
    let of_nvt = |path: &str| nvt.and_then(|nvt| nvt.text(path)).unwrap_or_default().to_owned();
    let refs = nvt.map(|nvt| nvt.all("refs/ref")).unwrap_or_default();
    let ids_of_refs = refs.iter().filter_map(|reference| reference.attribute("id"));
    Found {
        oid: nvt.and_then(|nvt| nvt.attribute("oid")).unwrap_or_default().to_owned(),
        name: result.text("name").map_or_else(|| of_nvt("name"), str::to_owned),
        host: result.owned("host"),
        port: result.owned("port"),
        threat: result.owned("threat"),
        score: result.number("severity").or_else(|| nvt?.number("cvss_base")),
        tags: of_nvt("tags"),
        references: [of_nvt("cve"), of_nvt("xref"), ids_of_refs.collect::<Vec<_>>().join(" ")].join(" "),
        specific: result.owned("description"),
        quality: result.number("qod/value"),
        ..Found::default()
    }
}

/// One result of a report, of either format.
#[derive(Default)]
pub(super) struct Found {
    pub(super) oid: String,
    pub(super) name: String,
    pub(super) host: String,
    /// `443/tcp`, `general/tcp`, in old reports `https (443/tcp)`.
    pub(super) port: String,
    pub(super) threat: String,
    pub(super) score: Option<f64>,
    /// `summary=…|solution=…|cvss_base_vector=…`.
    pub(super) tags: String,
    pub(super) references: String,
    pub(super) summary: String,
    pub(super) solution: String,
    /// What was seen at this place.
    pub(super) specific: String,
    /// Quality of detection, a percentage.
    pub(super) quality: Option<u32>,
}

impl Found {
    pub(super) fn tell(self, output: &mut Output<'_>) -> Result<(), ParseError> {
        match self.threat.to_ascii_lowercase().as_str() {
            "false positive" => output.skip("marked as a false positive"),
            "error" => {
                output.skip("an error of the scanner");
                output.error(&format!("{}: {} {}", self.host, self.name, self.specific));
            }
            _ => return output.record(self.record()),
        }
        Ok(())
    }

    fn record(self) -> Record {
        let tag = |key: &str| {
            let value = self.tags.split('|').find_map(|tag| tag.trim_start().strip_prefix(key)?.strip_prefix('='));
            value.map(str::trim).filter(|value| !value.is_empty() && *value != "N/A")
        };
        let fallback = |own: &str, key: &str| {
            Some(own.to_owned()).filter(|own| !own.is_empty()).or_else(|| tag(key).map(str::to_owned))
        };
        let (port, protocol) = port(&self.port);
        let score = self.score.filter(|score| *score > 0.0);
        let specific = Some(self.specific.clone()).filter(|text| !text.is_empty() && !finds_passwords(&self.name));
        Record {
            rule: self.oid.clone(),
            title: self.name.clone(),
            message: fallback(&self.summary, "summary").or_else(|| specific.clone()).unwrap_or_default(),
            severity: match severity::openvas(&self.threat) {
                Severity::Unknown => score.map_or(Severity::Unknown, Severity::from_cvss),
                known => known,
            },
            native_severity: Some(self.threat.clone()).filter(|threat| !threat.is_empty()),
            confidence: self.quality.map(confidence),
            location: net::service(&self.host, port, protocol),
            vulnerabilities: ids::vulnerabilities([self.references.as_str(), self.oid.as_str()]),
            cvss: score.map(|score| Cvss { score, vector: tag("cvss_base_vector").map(str::to_owned) }),
            fix: fallback(&self.solution, "solution"),
            references: links(&self.references),
            evidence: specific,
            ..Record::default()
        }
    }
}

/// By the scale of Greenbone: from 95 an exploit or the package's own version, from 70 what is shown without asking.
fn confidence(quality: u32) -> Confidence {
    match quality {
        95.. => Confidence::High,
        70.. => Confidence::Medium,
        _ => Confidence::Low,
    }
}

fn port(text: &str) -> (Option<u16>, Option<&str>) {
    let inside = text.rsplit_once('(').map_or(text, |(_, inside)| inside.trim_end_matches(')'));
    let (number, protocol) = inside.split_once('/').unwrap_or((inside, "tcp"));
    (number.trim().parse().ok(), Some(protocol.trim()))
}

fn finds_passwords(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["credential", "password", "brute force", "default account", "login"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::finding::Confidence;
    use crate::model::severity::Severity;

    fn result(threat: &str, score: &str, name: &str) -> String {
        format!(
            r#"<result id="1"><name>{name}</name><host>192.0.2.7<asset asset_id=""/><hostname>web</hostname></host><port>443/tcp</port>
            <nvt oid="1.3.6.1.4.1.25623.1.0.1"><name>{name}</name><cvss_base>5.0</cvss_base><tags>cvss_base_vector=AV:N|summary=It is old.|solution=Upgrade.</tags>
            <refs><ref id="CVE-2023-4573" type="cve"/><ref id="https://example.com/a" type="url"/></refs></nvt>
            <threat>{threat}</threat><severity>{score}</severity><qod><value>97</value></qod><description>Installed: 1</description></result>"#
        )
    }

    fn report(inner: &str) -> String {
        format!(
            r#"<report id="a" format_id="b" content_type="text/xml"><report id="c"><scan_run_status>Done</scan_run_status>{inner}</report></report>"#
        )
    }

    #[test]
    fn results_are_records() {
        let results = format!(
            "<results>{}{}{}{}</results>",
            result("High", "10.0", "Old"),
            result("Log", "0.0", "Seen"),
            result("", "5.0", "Mid"),
            result("False Positive", "-1.0", "Not")
        );
        let (summary, records) = parse("openvas", &report(&results)).unwrap();
        assert_eq!((summary.records, summary.skipped["marked as a false positive"]), (3, 1));
        let severities: Vec<_> = records.iter().map(|record| record.severity).collect();
        assert_eq!(severities, [Severity::High, Severity::Info, Severity::Medium]);
        let first = &records[0];
        assert_eq!((first.location.to_string().as_str(), first.confidence), ("192.0.2.7:443", Some(Confidence::High)));
        assert_eq!((first.message.as_str(), first.fix.as_deref()), ("It is old.", Some("Upgrade.")));
        assert_eq!(
            (first.vulnerabilities.len(), first.references.as_slice()),
            (1, &["https://example.com/a".to_owned()][..])
        );
        assert_eq!(records[1].cvss, None);
    }

    #[test]
    fn older_reports_errors_and_passwords() {
        let old = r#"<report><results><result><host>192.0.2.7</host><port>https (443/tcp)</port><nvt oid="1.2"><name>Old</name><cve>CVE-2010-1234, CVE-2010-1235</cve></nvt>
          <threat>Medium</threat><description>d</description></result></results><scan_run_status>Stopped</scan_run_status>
          <errors><error><host>192.0.2.8</host><description>Timeout</description></error></errors></report>"#;
        let (summary, records) = parse("openvas", old).unwrap();
        assert_eq!((records[0].title.as_str(), records[0].vulnerabilities.len()), ("Old", 2));
        assert_eq!(records[0].location.to_string(), "192.0.2.7:443");
        assert_eq!(summary.errors, ["the scan's status is Stopped", "192.0.2.8: Timeout"]);
        let found = result("High", "9.0", "SSH Brute Force Logins").replace("Installed: 1", "root:hunter2");
        let (_, records) = parse("openvas", &report(&format!("<results>{found}</results>"))).unwrap();
        assert!(!format!("{records:?}").contains("hunter2"));
    }

    #[test]
    fn nothing_found_and_other_documents() {
        assert_eq!(parse("openvas", &report("<results/>")).unwrap().0.records, 0);
        assert!(parse("openvas", &report("")).is_err());
        assert!(parse("openvas", r#"<report type="security"/>"#).is_err());
    }
}
