//! The text that clamscan and clamdscan print: a line for each file, and a summary with which the lines are compared.
//!
//! A file may match several signatures (`--allmatch`), each with a line; clamscan then counts files, and clamdscan lines.
//! Without its summary (`--no-summary`) a text that breaks off looks like a whole one, so that it is refused.

use super::output::Output;
use super::{Context, Encoding, Input, Outline, ParseError, Parser, Sink, Summary, lines, path};
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// The format `clamav`.
#[derive(Debug)]
pub(super) struct Clamav;

const SUMMARY: &str = "----------- SCAN SUMMARY -----------";
/// All that a summary may have; other lines behind it are of another text.
const KEYS: &[&str] = &[
    "Known viruses",
    "Engine version",
    "Scanned directories",
    "Scanned files",
    "Infected files",
    "Total errors",
    "Not removed",
    "Not moved",
    "Not copied",
    "Data scanned",
    "Data read",
    "Time",
    "Start Date",
    "End Date",
];

impl Parser for Clamav {
    fn name(&self) -> &'static str {
        "clamav"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.begins_with("-----------")
            || [": OK", " FOUND", ": Empty file"].iter().any(|end| outline.first_line_ends_with(end))
    }

    fn encoding(&self, _: &[u8]) -> Encoding {
        Encoding::Lines
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut report = Report {
            output: Output::new(sink),
            context,
            files: 0,
            last: None,
            infected: None,
            summed_up: false,
            timed: false,
        };
        let mut last = 0;
        lines::walk(self, context, input, &mut |number, line| {
            last = number;
            report.read(number, line.trim())
        })?;
        let found = report.output.summary.records;
        match report.infected {
            _ if !report.timed => Err(lines::invalid(self.name(), "it has no whole summary at its end", last)),
            Some(infected) if !(report.files..=found).contains(&infected) => {
                let message = format!("its summary tells of {infected} infected files, and it has {}", report.files);
                Err(lines::invalid(self.name(), &message, last))
            }
            Some(_) => Ok(report.output.summary),
            None => Err(lines::invalid(self.name(), "its summary has no `Infected files`", last)),
        }
    }
}

struct Report<'r, 's> {
    output: Output<'s>,
    context: &'r Context,
    /// Infected files, whose lines stand together.
    files: u64,
    last: Option<String>,
    infected: Option<u64>,
    summed_up: bool,
    timed: bool,
}

impl Report<'_, '_> {
    fn read(&mut self, number: u64, line: &str) -> Result<(), ParseError> {
        if line.is_empty() {
            return Ok(());
        }
        if self.summed_up {
            return self.sum_up(number, line);
        }
        if line == SUMMARY {
            self.summed_up = true;
        } else if let Some((file, signature)) = line.strip_suffix(" FOUND").and_then(|line| line.rsplit_once(": ")) {
            if self.last.as_deref() != Some(file) {
                self.files += 1;
                self.last = Some(file.to_owned());
            }
            return self.output.record(record(file, signature, self.context));
        } else if line.ends_with(" ERROR") || line.starts_with("ERROR: ") || line.starts_with("LibClamAV Error: ") {
            self.output.error(line);
        } else if line.ends_with(": OK") {
            self.output.skip("clean file");
        } else if [": Empty file", ": Excluded", ": Symbolic link"].iter().any(|end| line.ends_with(end)) {
            self.output.skip("file that was not scanned");
        } else if !is_talk(line) {
            self.output.error(&format!("line {number} is not understood: {line}"));
        }
        Ok(())
    }

    fn sum_up(&mut self, number: u64, line: &str) -> Result<(), ParseError> {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.trim();
        match key {
            "Infected files" => self.infected = value.parse().ok(),
            "Time" => self.timed = value.ends_with(')') && value.matches('(').count() == 1,
            "Engine version" => self.output.version(Some(value)),
            _ if KEYS.contains(&key) => {}
            _ => return Err(lines::invalid("clamav", "it goes on after its summary", number)),
        }
        Ok(())
    }
}

/// What is printed on the way.
fn is_talk(line: &str) -> bool {
    const BEGINNINGS: [&str; 6] = ["---", "Scanning ", "Loading: ", "Compiling: ", "WARNING: ", "LibClamAV "];
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
}

fn record(file: &str, signature: &str, context: &Context) -> Record {
    Record {
        rule: signature.to_owned(),
        title: format!("malware: {signature}"),
        severity: Severity::High,
        location: Location::File { path: path::relative(file, &context.source_root), region: None },
        cwe: vec![506],
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;

    const END: &str = "\n----------- SCAN SUMMARY -----------\nKnown viruses: 8\nEngine version: 1.4.1\nScanned directories: 1\nScanned files: 3\n\
        Infected files: 1\nData scanned: 0.00 MB\nTime: 9.501 sec (0 m 9 s)\nStart Date: 2026:01:01 00:00:00\nEnd Date:   2026:01:01 00:00:09\n";

    #[test]
    fn infected_files_are_records() {
        let text = format!(
            "LibClamAV Warning: old\n/src/a b: c.txt: Win.Test.EICAR_HDB-1 FOUND\n/src/b: OK\n/src/c: Empty file\n/src/d: Access denied. ERROR\nodd\n{END}"
        );
        let (summary, records) = parse("clamav", &text).unwrap();
        assert_eq!((summary.skipped["clean file"], summary.skipped["file that was not scanned"]), (1, 1));
        assert_eq!(summary.errors, ["/src/d: Access denied. ERROR", "line 6 is not understood: odd"]);
        assert_eq!(summary.tool_version.as_deref(), Some("1.4.1"));
        assert_eq!(
            (records[0].rule.as_str(), records[0].location.to_string().as_str()),
            ("Win.Test.EICAR_HDB-1", "a b: c.txt")
        );
    }

    #[test]
    fn a_file_may_match_several_signatures() {
        let lines = "/src/a: One FOUND\n/src/a: Two FOUND\n/src/a: Two FOUND\n/src/b: One FOUND\n";
        let end = |infected: u64| END.replace("files: 1", &format!("files: {infected}\nNot moved: 1"));
        for infected in [2, 4] {
            assert_eq!(parse("clamav", &format!("{lines}{}", end(infected))).unwrap().0.records, 4);
        }
        for infected in [1, 5] {
            let error = parse("clamav", &format!("{lines}{}", end(infected))).unwrap_err().to_string();
            assert!(error.contains("and it has 2"), "{error}");
        }
    }

    #[test]
    fn what_breaks_off_or_does_not_agree_is_refused() {
        assert!(parse("clamav", END).unwrap_err().to_string().contains("1 infected files, and it has 0"));
        assert!(parse("clamav", "/src/a: X FOUND\n").unwrap_err().to_string().contains("no whole summary"));
        assert!(
            parse("clamav", &format!("/a: X FOUND\n{END}/b: OK\n"))
                .unwrap_err()
                .to_string()
                .contains("after its summary")
        );
        assert!(parse("clamav", "hello\n").is_err());
        assert_eq!(parse("clamav", &END.replace("files: 1", "files: 0")).unwrap().0.records, 0);
    }
}
