//! clair's results: of clair-scanner (a list, also as GitLab's old container report), of klar (lists by severity), and of Clair 4
//! itself (tables, of which the last one says what belongs together; what waits for it is bounded).

use serde_json::Value;

use super::held::{Table, weight};
use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::text::upgrade;
use super::value::{first, owned, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, severity};
use crate::model::finding::{Location, Record};

/// The format `clair`.
#[derive(Debug)]
pub(super) struct Clair;

const ROUTES: &[&str] = &[
    "vulnerabilities/[]",
    "Vulnerabilities/*/[]",
    "LayerCount",
    "manifest_hash",
    "packages/*",
    "vulnerabilities/*",
    "package_vulnerabilities",
    "err",
];

impl Parser for Clair {
    fn name(&self) -> &'static str {
        "clair"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has_all(&["unapproved", "vulnerabilities"])
            || outline.has("vulnerabilities/[]/featurename")
            || outline.has_all(&["LayerCount", "Vulnerabilities"])
            || outline.has_all(&["manifest_hash", "packages"])
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader { output: Output::new(sink), packages: Table::default(), problems: Table::default() };
        let seen = walk(self, context, input, ROUTES, &mut |route, event| reader.read(route, event))?;
        // Clair 4 has index reports too, which name packages and no vulnerability.
        seen.require(&["vulnerabilities/[]", "LayerCount", "package_vulnerabilities"])?;
        if reader.packages.is_full() || reader.problems.is_full() {
            reader.output.error("there are more packages or vulnerabilities than fit together: some records lack them");
        }
        Ok(reader.output.summary)
    }
}

struct Reader<'s> {
    output: Output<'s>,
    /// Names and versions of Clair 4's packages.
    packages: Table<(String, String)>,
    /// Clair 4's vulnerabilities, still without a package.
    problems: Table<Record>,
}

impl Reader<'_> {
    fn read(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        let Event::Value(value) = event else { return Ok(()) };
        match route {
            "vulnerabilities/[]" => {
                self.output.expect("clair", &value, &["/vulnerability"])?;
                self.output.record(listed(&value))
            }
            "Vulnerabilities/*/[]" => {
                self.output.expect("clair", &value, &["/Name"])?;
                self.output.record(grouped(&value))
            }
            "packages/*" => {
                let package = (owned(&value, "/name"), owned(&value, "/version"));
                let bytes = package.0.len() + package.1.len();
                self.packages.insert(owned(&value, "/id"), package, bytes);
                Ok(())
            }
            "vulnerabilities/*" => {
                let record = problem(&value);
                let bytes = weight(&record);
                self.problems.insert(owned(&value, "/id"), record, bytes);
                Ok(())
            }
            "package_vulnerabilities" => self.join(&value),
            "err" => {
                if let Some(error) = value.as_str().filter(|error| !error.is_empty()) {
                    self.output.error(error);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn join(&mut self, value: &Value) -> Result<(), ParseError> {
        let Some(packages) = value.as_object() else { return Ok(()) };
        for (package, problems) in packages {
            let (name, version) =
                self.packages.get(package).cloned().unwrap_or_else(|| (package.clone(), String::new()));
            for problem in problems.as_array().into_iter().flatten().filter_map(Value::as_str) {
                let unknown = || Record { rule: problem.to_owned(), ..Record::default() };
                let record = self.problems.get(problem).cloned().unwrap_or_else(unknown);
                let location = Location::Package { name: name.clone(), version: version.clone(), path: None };
                self.output.record(Record { location, ..record })?;
            }
        }
        Ok(())
    }
}

/// A row of clair-scanner.
fn listed(value: &Value) -> Record {
    let fixed = texts(value, "/fixedby");
    record(value, ["/vulnerability", "/description", "/severity", "/link"], &fixed, ["/featurename", "/featureversion"])
}

/// A row of klar.
fn grouped(value: &Value) -> Record {
    let fixed = texts(value, "/FixedBy");
    record(value, ["/Name", "/Description", "/Severity", "/Link"], &fixed, ["/FeatureName", "/FeatureVersion"])
}

/// A vulnerability of Clair 4, which goes with several packages.
fn problem(value: &Value) -> Record {
    let fixed = texts(value, "/fixed_in_version");
    let place = ["/package/name", "/package/version"];
    record(value, ["/name", "/description", "/normalized_severity", "/links"], &fixed, place)
}

fn record(value: &Value, [id, message, severity, link]: [&str; 4], fixed: &[String], package: [&str; 2]) -> Record {
    let [name, version] = package.map(|pointer| owned(value, pointer));
    let id = owned(value, id);
    let native = text(value, severity);
    let fixed: Vec<String> = fixed.iter().filter(|version| !version.trim().is_empty()).cloned().collect();
    let link = first(value, &[link]).unwrap_or_default();
    Record {
        title: if name.is_empty() { id.clone() } else { format!("{id} in {name}") },
        message: owned(value, message),
        severity: native.map_or_else(Default::default, severity::clair),
        native_severity: native.map(str::to_owned),
        location: Location::Package { name, version, path: None },
        vulnerabilities: ids::vulnerabilities([id.as_str(), link]),
        fix: upgrade(&fixed),
        references: link.split_whitespace().map(str::to_owned).collect(),
        rule: id,
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    #[test]
    fn lists_are_read() {
        let scanner = r#"{"image":"a","unapproved":["CVE-2024-0001"],"vulnerabilities":[{"featurename":"libc","featureversion":"2","vulnerability":"CVE-2024-0001",
            "namespace":"debian:12","description":"d","link":"https://l","severity":"Negligible","fixedby":"3"}]}"#;
        let klar = r#"{"LayerCount":9,"Vulnerabilities":{"Defcon1":[{"Name":"CVE-2024-0001","Description":"d","Link":"https://l","Severity":"Defcon1",
            "FixedBy":"3","FeatureName":"libc","FeatureVersion":"2"}]}}"#;
        for (text, severity) in [(scanner, Severity::Info), (klar, Severity::Critical)] {
            let record = &parse("clair", text).unwrap().1[0];
            assert_eq!((record.severity, record.location.to_string().as_str()), (severity, "libc 2"));
            assert_eq!((record.rule.as_str(), record.fix.as_deref()), ("CVE-2024-0001", Some("upgrade to 3")));
            assert_eq!(record.references, ["https://l"]);
        }
    }

    #[test]
    fn tables_are_joined() {
        let text = r#"{"manifest_hash":"sha256:1","packages":{"10":{"id":"10","name":"libc","version":"2"}},"vulnerabilities":{
            "7":{"id":"7","name":"CVE-2024-0001","description":"d","links":"https://a https://b","normalized_severity":"High","package":{"name":"glibc"},"fixed_in_version":""}},
            "package_vulnerabilities":{"10":["7"],"11":["8"]}}"#;
        let (summary, records) = parse("clair", text).unwrap();
        assert_eq!(summary.records, 2);
        assert_eq!((records[0].location.to_string().as_str(), records[0].severity), ("libc 2", Severity::High));
        assert_eq!((records[0].references.len(), records[0].fix.as_deref()), (2, None));
        assert_eq!((records[1].rule.as_str(), records[1].severity), ("8", Severity::Unknown));
    }

    #[test]
    fn an_index_report_is_refused_and_an_error_told() {
        let index = r#"{"manifest_hash":"sha256:1","state":"IndexError","packages":{},"distributions":{},"success":false,"err":"no layer"}"#;
        assert!(parse("clair", index).unwrap_err().to_string().contains("package_vulnerabilities"));
        let report = index.replace(r#""state""#, r#""vulnerabilities":{},"package_vulnerabilities":{},"state""#);
        assert_eq!(parse("clair", &report).unwrap().0.errors, ["no layer"]);
        assert!(parse("clair", &report.replace("no layer", "")).unwrap().0.errors.is_empty());
    }

    #[test]
    fn nothing_found_and_another_document_are_told_apart() {
        assert_eq!(parse("clair", r#"{"image":"a","unapproved":[],"vulnerabilities":[]}"#).unwrap().0.records, 0);
        assert_eq!(parse("clair", r#"{"LayerCount":1,"Vulnerabilities":{}}"#).unwrap().0.records, 0);
        assert!(parse("clair", "{}").is_err());
        assert!(parse("clair", r#"{"vulnerabilities":[{"id":"SNYK"}]}"#).is_err());
    }
}
