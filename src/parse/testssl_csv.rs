//! testssl.sh's CSV (`--csvfile`): one row for each finding, read as those of its JSON are.

use super::output::Output;
use super::table::walk;
use super::testssl::Row;
use super::{Context, Encoding, Input, Outline, ParseError, Parser, Sink, Summary};

/// The format `testssl-csv`.
#[derive(Debug)]
pub(super) struct TestsslCsv;

const COLUMNS: &[&str] = &["id", "fqdn/ip", "port", "severity", "finding"];

impl Parser for TestsslCsv {
    fn name(&self) -> &'static str {
        "testssl-csv"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_columns(',', COLUMNS)
    }

    fn encoding(&self, _: &[u8]) -> Encoding {
        Encoding::Table(b',')
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, (b',', COLUMNS), &mut output, &mut |row, output| {
            let row = Row {
                id: row.owned("id"),
                host: row.owned("fqdn/ip"),
                port: row.get("port").map(str::to_owned),
                severity: row.owned("severity"),
                finding: row.owned("finding"),
                cve: row.owned("cve"),
                cwe: row.owned("cwe"),
                hint: row.owned("hint"),
            };
            row.tell(output)
        })?;
        if output.summary.records == 0 && output.summary.skipped.is_empty() {
            output.error("it has no row: the scan did not begin");
        }
        Ok(output.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const HEADER: &str = r#""id","fqdn/ip","port","severity","finding","cve","cwe""#;

    #[test]
    fn rows_are_records() {
        let text = format!(
            "{HEADER}\n\"DROWN\",\"example.com/192.0.2.7\",\"443\",\"HIGH\",\"vulnerable\",\"CVE-2016-0800 CVE-2016-0703\",\"CWE-310\"\n\"FS\",\"example.com/192.0.2.7\",\"443\",\"OK\",\"offered\",\"\",\"\"\n"
        );
        let (summary, records) = parse("testssl-csv", &text).unwrap();
        assert_eq!((summary.records, summary.skipped["severity OK: passed"]), (1, 1));
        assert_eq!(
            (records[0].severity, records[0].location.to_string().as_str()),
            (Severity::High, "example.com:443")
        );
        assert_eq!(records[0].vulnerabilities, ["CVE-2016-0800", "CVE-2016-0703"]);
    }

    #[test]
    fn no_row_is_no_clean_scan_and_other_tables_are_refused() {
        assert_eq!(parse("testssl-csv", HEADER).unwrap().0.errors.len(), 1);
        assert!(parse("testssl-csv", "id,severity\n1,LOW\n").is_err());
    }
}
