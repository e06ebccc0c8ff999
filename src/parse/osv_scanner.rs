//! osv-scanner's JSON (`osv-scanner --format json`), versions 1 and 2: vulnerabilities, and licences that are not allowed.
//!
//! Each advisory is a record of its own, also where `groups` says that several speak of one problem; one that says nothing of how
//! bad it is has the score of its group. Packages without either are
//! listed only when all were asked for, and are counted.

use serde_json::Value;

use super::held::{MAX_HELD, weight};
use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::value::{first, float, owned, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, osv, path};
use crate::model::finding::{Cvss, Location, Record};
use crate::model::severity::Severity;

/// The format `osv-scanner`.
#[derive(Debug)]
pub(super) struct OsvScanner;

const ROUTES: &[&str] = &[
    "results",
    "results/[]/source/path",
    "results/[]/packages/[]/package",
    "results/[]/packages/[]/vulnerabilities/[]",
    "results/[]/packages/[]/groups/[]",
    "results/[]/packages/[]/license_violations/[]",
];

impl Parser for OsvScanner {
    fn name(&self) -> &'static str {
        "osv-scanner"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["results/[]/source", "results/[]/packages"])
            || outline.has_all(&["results", "experimental_config"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader {
            output: Output::new(sink),
            context,
            source: None,
            package: Value::Null,
            before: 0,
            packaged: false,
            unplaced: false,
            waiting: Vec::new(),
            package_bytes: 0,
        };
        walk(self, context, input, ROUTES, &mut |route, event| reader.read(route, event))?.require(&["results"])?;
        Ok(reader.output.summary)
    }
}

struct Reader<'r, 's> {
    output: Output<'s>,
    context: &'r Context,
    source: Option<String>,
    package: Value,
    /// What was counted before the package.
    before: u64,
    packaged: bool,
    unplaced: bool,
    /// What the package has: the groups of its vulnerabilities stand behind them.
    waiting: Vec<Record>,
    package_bytes: usize,
}

impl Reader<'_, '_> {
    fn read(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        match (route, event) {
            ("results", Event::Value(_)) => return Err(self.output.refuse("osv-scanner", "`results` is no array")),
            ("results/[]/source/path", Event::Value(value)) => {
                if std::mem::take(&mut self.unplaced) {
                    self.output.error("packages stand before the file that names them: their places are not known");
                }
                self.source = value.as_str().map(|path| path::relative(path, &self.context.source_root));
            }
            ("results/[]/packages/[]/package", Event::Value(value)) => self.package = value,
            ("results/[]/packages/[]/vulnerabilities/[]", Event::Value(value)) => return self.vulnerability(&value),
            ("results/[]/packages/[]/groups/[]", Event::Value(value)) => self.group(&value),
            ("results/[]/packages/[]/license_violations/[]", Event::Value(value)) => return self.licence(&value),
            ("results/[]/packages", Event::End) => self.packaged = true,
            ("results/[]/packages/[]", Event::End) => {
                self.tell()?;
                if self.output.counted() == self.before {
                    self.output.skip("no known vulnerability");
                }
                self.before = self.output.counted();
                self.package = Value::Null;
            }
            ("results/[]", Event::End) => {
                if self.source.is_none() && !self.packaged {
                    return Err(self.output.refuse("osv-scanner", "a result has no `source` or `packages`"));
                }
                self.packaged = false;
                self.source = None;
                self.unplaced = false;
            }
            _ => {}
        }
        Ok(())
    }

    fn vulnerability(&mut self, value: &Value) -> Result<(), ParseError> {
        self.output.expect("osv-scanner", value, &["/id"])?;
        let fix = osv::fix(value, &owned(&self.package, "/name"));
        let location = self.location()?;
        let record = Record { location, fix, ..osv::record(value) };
        self.wait(record)
    }

    /// Keeps a record until its package ends, or there is no room.
    fn wait(&mut self, record: Record) -> Result<(), ParseError> {
        self.package_bytes += weight(&record);
        self.waiting.push(record);
        if self.package_bytes < MAX_HELD { Ok(()) } else { self.tell() }
    }

    /// Vulnerabilities that are one; the worst score of them stands for those that have none of their own.
    fn group(&mut self, value: &Value) {
        let Some(score) = float(value, "/max_severity") else { return };
        let ids = texts(value, "/ids");
        for record in &mut self.waiting {
            let unrated = record.severity == Severity::Unknown && record.native_severity.is_none();
            if unrated && ids.contains(&record.rule) {
                record.severity = Severity::from_cvss(score);
                record.cvss = Some(Cvss { score, vector: None });
            }
        }
    }

    /// Hands on what waited for the groups of its package.
    fn tell(&mut self) -> Result<(), ParseError> {
        self.package_bytes = 0;
        std::mem::take(&mut self.waiting).into_iter().try_for_each(|record| self.output.record(record))
    }

    fn licence(&mut self, value: &Value) -> Result<(), ParseError> {
        let licence = value.as_str().unwrap_or("unknown");
        let location = self.location()?;
        self.wait(Record {
            rule: "license-violation".to_owned(),
            title: format!("the licence {licence} is not allowed"),
            location,
            identity: licence.to_owned(),
            ..Record::default()
        })
    }

    /// A source without a package is a commit of a repository.
    fn location(&mut self) -> Result<Location, ParseError> {
        if self.package.is_null() {
            return Err(self.output.refuse("osv-scanner", "a vulnerability stands before the package that has it"));
        }
        self.unplaced |= self.source.is_none();
        let name = first(&self.package, &["/name"]).or(self.source.as_deref()).unwrap_or_default().to_owned();
        let version = first(&self.package, &["/version", "/commit"]).unwrap_or_default().to_owned();
        Ok(Location::Package { name, version, path: self.source.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn packages_of_every_source_are_read() {
        let text = r#"{"results":[
          {"source":{"path":"/src/go.mod","type":"lockfile"},"packages":[
            {"package":{"name":"a","version":"1.0","ecosystem":"Go"},"vulnerabilities":[
              {"id":"GO-2024-0001","aliases":["CVE-2024-0001"],"affected":[{"package":{"name":"a"},"ranges":[{"type":"SEMVER","events":[{"fixed":"1.1"}]}]}]},
              {"id":"GHSA-aaaa-bbbb-cccc","database_specific":{"severity":"HIGH"}}],
             "groups":[{"ids":["GO-2024-0001","GHSA-aaaa-bbbb-cccc"],"max_severity":"6.5"}],"license_violations":["GPL-3.0"]},
            {"package":{"name":"b","version":"2"}}]},
          {"source":{"path":"/src/vendor","type":"git"},"packages":[
            {"package":{"name":"","version":"","commit":"abc"},"vulnerabilities":[{"id":"OSV-2023-1"}],"groups":[]}]}],
          "experimental_config":{}}"#;
        let (summary, records) = parse("osv-scanner", text).unwrap();
        assert_eq!((summary.records, summary.skipped["no known vulnerability"]), (4, 1));
        assert_eq!(records[0].location.to_string(), "go.mod: a 1.0");
        assert_eq!((records[0].fix.as_deref(), records[0].severity), (Some("upgrade to 1.1"), Severity::Medium));
        assert_eq!((records[1].severity, records[1].cvss.as_ref()), (Severity::High, None));
        assert_eq!(records[2].rule, "license-violation");
        assert_eq!(records[3].location.to_string(), "vendor: vendor abc");
    }

    #[test]
    fn nothing_found_and_another_document_are_told_apart() {
        assert_eq!(parse("osv-scanner", r#"{"results":[],"experimental_config":{}}"#).unwrap().0.records, 0);
        assert!(parse("osv-scanner", "{}").is_err());
        assert!(parse("osv-scanner", r#"{"results":[{"check_id":"x"}]}"#).is_err());
        let swapped = r#"{"results":[{"packages":[{"vulnerabilities":[{"id":"X"}],"package":{"name":"a"}}]}]}"#;
        assert!(parse("osv-scanner", swapped).unwrap_err().to_string().contains("before the package"));
        let late = r#"{"results":[{"packages":[{"package":{"name":"a"},"vulnerabilities":[{"id":"X"}]}],"source":{"path":"p"}}]}"#;
        assert!(parse("osv-scanner", late).unwrap().0.errors[0].contains("their places"));
    }
}
