//! openvas' CSV (Greenbone): each row is a record, read as the results of its XML are.

use super::openvas::Found;
use super::output::Output;
use super::table::{Row, walk};
use super::{Context, Encoding, Input, Outline, ParseError, Parser, Sink, Summary};

/// The format `openvas-csv`.
#[derive(Debug)]
pub(super) struct OpenvasCsv;

const COLUMNS: &[&str] = &["IP", "Port", "Severity", "NVT Name", "NVT OID"];

impl Parser for OpenvasCsv {
    fn name(&self) -> &'static str {
        "openvas-csv"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_columns(',', COLUMNS)
    }

    fn encoding(&self, _: &[u8]) -> Encoding {
        Encoding::Table(b',')
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, (b',', COLUMNS), &mut output, &mut |row, output| found(row).tell(output))?;
        Ok(output.summary)
    }
}

fn found(row: &Row<'_>) -> Found {
    Found {
        oid: row.owned("NVT OID"),
        name: row.owned("NVT Name"),
        host: row.first(&["IP", "Hostname"]).unwrap_or_default().to_owned(),
        port: format!("{}/{}", row.get("Port").unwrap_or("general"), row.get("Port Protocol").unwrap_or("tcp")),
        threat: row.owned("Severity"),
        score: row.get("CVSS").and_then(|score| score.parse().ok()),
        references: [row.owned("CVEs"), row.owned("Other References")].join(" "),
        summary: row.owned("Summary"),
        solution: row.owned("Solution"),
        specific: row.owned("Specific Result"),
        quality: row.get("QoD").and_then(|quality| quality.trim_end_matches('%').trim().parse().ok()),
        ..Found::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const HEADER: &str = "IP,Hostname,Port,Port Protocol,CVSS,Severity,Solution Type,NVT Name,Summary,Specific Result,NVT OID,CVEs,Solution,Other References";

    #[test]
    fn rows_are_records() {
        let text = format!(
            "{HEADER}\n192.0.2.7,web,9200,tcp,4.3,Medium,Mitigation,\"Old TLS\",\"It is\nold.\",seen,1.3.6.1,\"CVE-2011-3389,CVE-2015-0204\",Upgrade,https://example.com/a\n192.0.2.7,,,,2.6,Low,,TCP timestamps,s,,1.3.6.2,,,\n"
        );
        let (summary, records) = parse("openvas-csv", &text).unwrap();
        assert_eq!(summary.records, 2);
        assert_eq!(
            (records[0].severity, records[0].location.to_string().as_str()),
            (Severity::Medium, "192.0.2.7:9200")
        );
        assert_eq!((records[0].vulnerabilities.len(), records[0].fix.as_deref()), (2, Some("Upgrade")));
        assert_eq!((records[0].message.as_str(), records[0].evidence.as_deref()), ("It is\nold.", Some("seen")));
        assert_eq!(records[1].location.to_string(), "192.0.2.7");
    }

    #[test]
    fn nothing_found_and_other_tables() {
        assert_eq!(parse("openvas-csv", &format!("{HEADER}\n")).unwrap().0.records, 0);
        assert!(parse("openvas-csv", HEADER).is_err());
        assert!(parse("openvas-csv", "IP,Port\n1,2\n").is_err());
    }
}
