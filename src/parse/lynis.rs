//! lynis' report (`lynis-report.dat`): lines of key and value; warnings, suggestions and vulnerable packages are the results.
//!
//! A report that lynis did not finish has no `finish=true` at its end.

use super::output::Output;
use super::{Context, Encoding, Input, Outline, ParseError, Parser, Sink, Summary, lines};
use crate::model::finding::{Location, Record};
use crate::model::severity::Severity;

/// The format `lynis`.
#[derive(Debug)]
pub(super) struct Lynis;

impl Parser for Lynis {
    fn name(&self) -> &'static str {
        "lynis"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.begins_with("# Lynis Report")
    }

    fn encoding(&self, _: &[u8]) -> Encoding {
        Encoding::Lines
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut report = Report { output: Output::new(sink), host: String::new(), begun: false, finished: false };
        let mut last = 0;
        lines::walk(self, context, input, &mut |number, line| {
            last = number;
            report.read(number, line)
        })?;
        if !report.begun {
            return Err(lines::invalid(self.name(), "it has no `report_version_major`", last));
        }
        if !report.finished {
            return Err(lines::invalid(self.name(), "it breaks off before `finish=true`", last));
        }
        Ok(report.output.summary)
    }
}

struct Report<'s> {
    output: Output<'s>,
    host: String,
    begun: bool,
    finished: bool,
}

impl Report<'_> {
    fn read(&mut self, number: u64, line: &str) -> Result<(), ParseError> {
        let Some((key, value)) = line.split_once('=') else {
            // Values may go on over several lines, until the end.
            let stray = self.finished && !line.trim().is_empty();
            return if stray { Err(lines::invalid("lynis", "it goes on after its end", number)) } else { Ok(()) };
        };
        match key {
            "report_version_major" => self.begun = true,
            "lynis_version" => self.output.version(Some(value)),
            "hostname" => value.clone_into(&mut self.host),
            "warning[]" => return self.tell(value, Severity::Medium, "warning"),
            "suggestion[]" => return self.tell(value, Severity::Low, "suggestion"),
            "vulnerable_package[]" => return self.package(value),
            // A test met what it did not expect; its other results stand.
            "exception_event[]" => self.output.skip("exception inside a test"),
            "finish" if value.trim() == "true" => self.finished = true,
            "finish" => return Err(lines::invalid("lynis", "`finish` is not `true`", number)),
            _ => {}
        }
        Ok(())
    }

    /// Test, text, details and solution; a hyphen stands for none.
    fn tell(&mut self, value: &str, severity: Severity, native: &str) -> Result<(), ParseError> {
        let mut parts = value.split('|').map(|part| Some(part.trim()).filter(|part| !matches!(*part, "" | "-")));
        let mut next = || parts.next().flatten();
        let (test, text, details, solution) = (next(), next(), next(), next());
        let test = test.unwrap_or_default();
        let address = solution.and_then(|solution| solution.strip_prefix("url:"));
        let is_listed =
            test.split_once('-').is_some_and(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
        let control = is_listed.then(|| format!("https://cisofy.com/lynis/controls/{test}/"));
        self.output.record(Record {
            rule: test.to_owned(),
            title: text.unwrap_or(test).to_owned(),
            message: details.unwrap_or_default().to_owned(),
            severity,
            native_severity: Some(native.to_owned()),
            location: self.location(),
            fix: solution.filter(|_| address.is_none()).map(|text| text.trim_start_matches("text:").to_owned()),
            references: control.into_iter().chain(address.map(str::to_owned)).collect(),
            // One test may tell of several settings, each in its details.
            identity: details.unwrap_or_default().to_owned(),
            ..Record::default()
        })
    }

    fn package(&mut self, value: &str) -> Result<(), ParseError> {
        let mut parts = value.split('|').map(str::trim);
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let (name, version) = (next(), next());
        self.output.record(Record {
            rule: "vulnerable-package".to_owned(),
            title: format!("vulnerable package {name}"),
            fix: Some("update the package".to_owned()),
            location: Location::Package { name, version, path: None },
            ..Record::default()
        })
    }

    fn location(&self) -> Location {
        if self.host.is_empty() {
            return Location::Nowhere;
        }
        Location::Host { host: self.host.clone(), port: None, protocol: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const REPORT: &str = "# Lynis Report\nreport_version_major=1\nlynis_version=3.1.4\nhostname=web1\nexception_event[]=X|y|\n\
        warning[]=PKGS-7392|Found one or more vulnerable packages.|-|-|\n\
        suggestion[]=SSH-7408|Consider hardening SSH configuration|AllowTcpForwarding (set YES to NO)|-|\n\
        suggestion[]=BOOT-5122|Set a password on GRUB|-|text:grub-mkpasswd|\nsuggestion[]=CUST-0280|Old shape|\n\
        vulnerable_package[]=openssl\ncompilers[]=/usr/bin/cc\nfinish=true\n";

    #[test]
    fn warnings_suggestions_and_packages_are_read() {
        let (summary, records) = parse("lynis", REPORT).unwrap();
        assert_eq!((summary.records, summary.skipped["exception inside a test"]), (5, 1));
        assert_eq!(summary.tool_version.as_deref(), Some("3.1.4"));
        assert_eq!((records[0].severity, records[0].location.to_string().as_str()), (Severity::Medium, "web1"));
        assert_eq!(records[1].identity, "AllowTcpForwarding (set YES to NO)");
        assert_eq!((records[2].fix.as_deref(), records[2].severity), (Some("grub-mkpasswd"), Severity::Low));
        assert_eq!(records[4].location.to_string(), "openssl ");
    }

    #[test]
    fn what_breaks_off_or_is_another_text_is_refused() {
        assert!(parse("lynis", "a=b\nfinish=true\n").unwrap_err().to_string().contains("report_version_major"));
        assert!(parse("lynis", "report_version_major=1\n").unwrap_err().to_string().contains("breaks off"));
        assert!(parse("lynis", &format!("{REPORT}more\n")).unwrap_err().to_string().contains("after its end"));
        assert!(parse("lynis", "").is_err());
    }
}
