//! flawfinder's table (`flawfinder --csv`).

use super::output::Output;
use super::table::{Row, walk};
use super::text::code_identity;
use super::{Context, Encoding, Input, Outline, ParseError, Parser, Sink, Summary, ids, path, severity, value};
use crate::model::finding::{Location, Record};

/// The format `flawfinder`.
#[derive(Debug)]
pub(super) struct Flawfinder;

const REQUIRED: &[&str] = &["File", "Line", "Level", "Category", "Name"];

impl Parser for Flawfinder {
    fn name(&self) -> &'static str {
        "flawfinder"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_columns(',', REQUIRED) && outline.has_columns(',', &["CWEs"])
    }

    fn encoding(&self, _: &[u8]) -> Encoding {
        Encoding::Table(b',')
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        walk(self, context, input, (b',', REQUIRED), &mut output, &mut |row, output| {
            output.version(row.get("ToolVersion"));
            output.record(record(row, context))
        })?;
        Ok(output.summary)
    }
}

fn record(row: &Row<'_>, context: &Context) -> Record {
    let number = |column: &str| row.get(column)?.parse().ok();
    let (category, name) = (row.owned("Category"), row.owned("Name"));
    let level = row.get("Level");
    let code = row.owned("Context");
    Record {
        rule: row.get("RuleId").map_or_else(|| format!("{category}/{name}"), str::to_owned),
        title: format!("{category}: {name}"),
        message: row.owned("Warning"),
        severity: level.map_or_else(Default::default, severity::flawfinder),
        native_severity: level.map(str::to_owned),
        location: Location::File {
            path: path::relative(&row.owned("File"), &context.source_root),
            region: value::region(number("Line"), None, number("Column"), None),
        },
        cwe: ids::weaknesses(row.get("CWEs")),
        fix: row.get("Suggestion").map(str::to_owned),
        references: row.get("HelpUri").map(str::to_owned).into_iter().collect(),
        identity: code_identity(&format!("{name} {code}")),
        evidence: Some(code).filter(|code| !code.is_empty()),
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const HEAD: &str = "File,Line,Column,DefaultLevel,Level,Category,Name,Warning,Suggestion,Note,CWEs,Context,Fingerprint,ToolVersion,RuleId,HelpUri";

    #[test]
    fn both_generations_are_read() {
        let row = "./a.c,7,3,4,5,buffer,strcpy,No check,\"Use strlcpy, or so\",,\"CWE-120, CWE-20\",\"  strcpy(a, b);\",f00,2.0.19,FF1001,https://cwe";
        let (summary, records) = parse("flawfinder", &format!("{HEAD}\n{row}\n")).unwrap();
        assert_eq!((summary.records, summary.tool_version.as_deref()), (1, Some("2.0.19")));
        assert_eq!((records[0].rule.as_str(), records[0].location.to_string().as_str()), ("FF1001", "a.c:7"));
        assert_eq!((records[0].severity, records[0].cwe.as_slice()), (Severity::High, &[120, 20][..]));
        let old = "File,Line,Column,Level,Category,Name,Warning,Suggestion,Note,CWEs,Context,Fingerprint\na.c,1,1,1,buffer,read,w,s,n,CWE-20,c,f\n";
        let (_, records) = parse("flawfinder", old).unwrap();
        assert_eq!((records[0].rule.as_str(), records[0].severity), ("buffer/read", Severity::Low));
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("flawfinder", &format!("{HEAD}\n")).unwrap().0.records, 0);
        assert!(parse("flawfinder", "a,b\n1,2\n").is_err());
    }
}
