//! testssl.sh's JSON: flat (`--jsonfile`), one row for each finding, or by sections (`--jsonfile-pretty`), one object for each host.
//!
//! Rows that are `OK` or `INFO` are counted and not handed on. `WARN` is a check that could not be made and `FATAL` a scan that
//! could not: both are errors of the report, but for the note about the local OpenSSL that every run of a distribution has.

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::value::{first, number, owned, text};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, net, severity};
use crate::model::finding::Record;

/// The format `testssl`.
#[derive(Debug)]
pub(super) struct Testssl;

const ROUTES: &[&str] =
    &["[]", "version", "scanTime", "scanResult/[]", "clientProblem/[]", "clientProblem1/[]", "clientProblem2/[]"];

impl Parser for Testssl {
    fn name(&self) -> &'static str {
        "testssl"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["[]/id", "[]/severity", "[]/finding"]) || outline.has_all(&["Invocation", "scanResult"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let mut rows = 0_u64;
        let seen = walk(self, context, input, ROUTES, &mut |route, event| {
            let Event::Value(value) = event else { return Ok(()) };
            match route {
                // Packages have a `from` behind it, with nothing or an address.
                "version" => output.version(value.as_str().and_then(|version| version.split_whitespace().next())),
                "scanTime" => {
                    // A number of seconds, else words.
                    if let Some(words) = value.as_str().filter(|words| words.parse::<u64>().is_err()) {
                        output.error(words);
                    }
                }
                "scanResult/[]" if value.get("id").is_none() => rows += host(&mut output, &value)?,
                _ => {
                    rows += 1;
                    row(&value, "").tell(&mut output)?;
                }
            }
            Ok(())
        })?;
        seen.require(&["[]", "scanResult/[]"])?;
        if rows == 0 {
            output.error("it has no row: the scan did not begin");
        }
        Ok(output.summary)
    }
}

/// All rows of all sections of a host; returns how many.
fn host(output: &mut Output<'_>, value: &Value) -> Result<u64, ParseError> {
    let name = first(value, &["/targetHost", "/hostname", "/ip"]).unwrap_or_default();
    let mut rows = 0;
    let sections = value.as_object().into_iter().flatten().filter_map(|(_, section)| section.as_array());
    for finding in sections.flatten() {
        rows += 1;
        let port = text(value, "/port").map(str::to_owned);
        Row { port, ..row(finding, name) }.tell(output)?;
    }
    Ok(rows)
}

fn row(value: &Value, host: &str) -> Row {
    Row {
        id: owned(value, "/id"),
        host: text(value, "/ip").or_else(|| text(value, "/fqdn~1ip")).unwrap_or(host).to_owned(),
        port: text(value, "/port").map(str::to_owned).or_else(|| number(value, "/port").map(|port| port.to_string())),
        severity: owned(value, "/severity"),
        finding: owned(value, "/finding"),
        cve: owned(value, "/cve"),
        cwe: owned(value, "/cwe"),
        hint: owned(value, "/hint"),
    }
}

/// One row, of either format.
#[derive(Default)]
pub(super) struct Row {
    pub(super) id: String,
    /// `name/address`, or either.
    pub(super) host: String,
    pub(super) port: Option<String>,
    pub(super) severity: String,
    pub(super) finding: String,
    pub(super) cve: String,
    pub(super) cwe: String,
    pub(super) hint: String,
}

impl Row {
    pub(super) fn tell(self, output: &mut Output<'_>) -> Result<(), ParseError> {
        let problem = format!("{}: {}", self.id, self.finding);
        match self.severity.as_str() {
            "OK" => output.skip("severity OK: passed"),
            "INFO" => output.skip("severity INFO: an observation"),
            "DEBUG" => output.skip("severity DEBUG"),
            "WARN" if self.id == "engine_problem" => output.skip("a note about the local OpenSSL"),
            "WARN" => {
                output.skip("severity WARN: a check that could not be made");
                output.error(&problem);
            }
            "FATAL" => {
                output.skip("severity FATAL: a scan that could not be made");
                output.error(&problem);
            }
            _ => return output.record(self.record()),
        }
        Ok(())
    }

    fn record(self) -> Record {
        let (name, address) = self.host.split_once('/').unwrap_or((&self.host, ""));
        let host = if name.is_empty() { address } else { name };
        // With several certificates, which one follows the id: `cert_trust <hostCert#1>`.
        let (id, certificate) = self.id.split_once(' ').unwrap_or((&self.id, ""));
        Record {
            rule: id.to_owned(),
            title: format!("{id}: {}", self.finding),
            severity: severity::word(&self.severity),
            native_severity: Some(self.severity).filter(|word| !word.is_empty()),
            location: net::service(host, self.port.and_then(|port| port.parse().ok()), Some("tcp")),
            cwe: ids::weaknesses([self.cwe.as_str()]),
            vulnerabilities: ids::vulnerabilities([self.cve.as_str()]),
            fix: Some(self.hint).filter(|hint| !hint.is_empty()),
            identity: certificate.to_owned(),
            message: self.finding,
            ..Record::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn flat_rows_are_read() {
        let text = r#"[{"id":"engine_problem","ip":"/","port":"443","severity":"WARN","finding":"No engine"},
          {"id":"SSLv3","ip":"Example.com/192.0.2.7","port":"8443","severity":"HIGH","finding":"offered"},
          {"id":"cert_trust <hostCert#1>","ip":"/192.0.2.7","port":"443","severity":"OK","finding":"x"},
          {"id":"LUCKY13","ip":"example.com/192.0.2.7","port":"443","severity":"LOW","cve":"CVE-2013-0169","cwe":"CWE-310","finding":"potentially vulnerable"},
          {"id":"ROBOT","ip":"example.com/192.0.2.7","port":"443","severity":"WARN","finding":"could not test"}]"#;
        let (summary, records) = parse("testssl", text).unwrap();
        assert_eq!((summary.records, summary.skipped.values().sum::<u64>()), (2, 3));
        assert_eq!(summary.errors, ["ROBOT: could not test"]);
        assert_eq!(
            (records[0].severity, records[0].location.to_string().as_str()),
            (Severity::High, "example.com:8443")
        );
        assert_eq!(
            (records[1].vulnerabilities.as_slice(), records[1].cwe.as_slice()),
            (&["CVE-2013-0169".to_owned()][..], &[310][..])
        );
    }

    #[test]
    fn sections_are_read_whatever_they_are_called() {
        let text = r#"{"clientProblem1":[{"id":"engine_problem","severity":"WARN","finding":"x"}],"Invocation":"testssl","version":"3.2",
          "scanResult":[{"targetHost":"example.com","ip":"192.0.2.7","port":"443","rDNS":"","protocols":[{"id":"TLS1","severity":"LOW","finding":"offered"}],
            "news":[{"id":"cert_trust <hostCert#2>","severity":"HIGH","finding":"no match"}]}],"scanTime":31}"#;
        let (summary, records) = parse("testssl", text).unwrap();
        assert_eq!((summary.records, summary.tool_version.as_deref()), (2, Some("3.2")));
        assert_eq!(records[0].location.to_string(), "example.com:443");
        let cert = records.iter().find(|record| record.rule == "cert_trust").unwrap();
        assert_eq!(cert.identity, "<hostCert#2>");
    }

    #[test]
    fn scans_that_failed_are_errors_and_other_documents_are_refused() {
        let text = r#"{"Invocation":"x","scanResult":[{"id":"scanProblem","severity":"FATAL","finding":"Can't connect"}],"scanTime":"Scan interrupted"}"#;
        assert_eq!(parse("testssl", text).unwrap().0.errors, ["scanProblem: Can't connect", "Scan interrupted"]);
        assert_eq!(parse("testssl", "[]").unwrap().0.errors.len(), 1);
        assert!(parse("testssl", "{}").is_err());
        assert!(parse("testssl", r#"[{"id":"x"#).is_err());
    }
}
