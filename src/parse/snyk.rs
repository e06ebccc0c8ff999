//! snyk's JSON (`snyk test --json`, `snyk container test --json`, `snyk iac test --json`): one project, or an array of all.
//!
//! snyk lists a vulnerability once for each way that leads to its package, and so do we. The file that a project is of is named
//! behind its results: they wait for it, up to a bound.

use serde_json::Value;

use super::held::Held;
use super::json::Event;
use super::masked::walk;
use super::output::Output;
use super::text::{cut, upgrade};
use super::value::{each, first, float, number, owned, region, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Sink, Summary, ids, path, score, severity};
use crate::model::finding::{Location, Record};

/// The format `snyk`.
#[derive(Debug)]
pub(super) struct Snyk;

/// What a project has, wherever projects stand.
macro_rules! below {
    ($($project:literal),*) => {
        &[$(
            concat!($project, "vulnerabilities/[]"),
            concat!($project, "infrastructureAsCodeIssues/[]"),
            concat!($project, "filtered/ignore/[]"),
            concat!($project, "filtered/patch/[]"),
            concat!($project, "displayTargetFile"),
            concat!($project, "targetFile"),
            concat!($project, "error"),
        )*]
    };
}

const ROUTES: &[&str] = below!("", "[]/", "applications/[]/", "[]/applications/[]/");

/// More of a description is not kept while it waits: it comes again with each way.
const MAX_KEPT: usize = 2 << 10;

impl Parser for Snyk {
    fn name(&self) -> &'static str {
        "snyk"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        let alike = |prefix: &str| {
            outline.has(&format!("{prefix}vulnerabilities/[]/from"))
                || outline.has(&format!("{prefix}vulnerabilities/[]/semver"))
                || outline.has(&format!("{prefix}infrastructureAsCodeIssues"))
                || (outline.has(&format!("{prefix}ok")) && outline.has(&format!("{prefix}dependencyCount")))
        };
        alike("") || alike("[]/")
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader { output: Output::new(sink), context, projects: Default::default() };
        walk(self, context, input, ROUTES, &mut |route, event| reader.read(route, event))?.require(ROUTES)?;
        Ok(reader.output.summary)
    }
}

/// A project whose end has not come.
#[derive(Default)]
struct Project {
    held: Held,
    shown: Option<String>,
    file: Option<String>,
}

struct Reader<'r, 's> {
    output: Output<'s>,
    context: &'r Context,
    /// The project that the walk is in, and the application in it.
    projects: [Project; 2],
}

impl Reader<'_, '_> {
    fn read(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        let application = route.contains("applications/[]");
        let [outer, inner] = &mut self.projects;
        let project = if application { inner } else { outer };
        let field = route.trim_start_matches("[]/").trim_start_matches("applications/[]/");
        match (field, event) {
            ("vulnerabilities/[]", Event::Value(value)) => {
                self.output.expect("snyk", &value, &["/id"])?;
                self.hold(application, vulnerability(&value))
            }
            ("infrastructureAsCodeIssues/[]", Event::Value(value)) => {
                self.output.expect("snyk", &value, &["/id"])?;
                self.hold(application, issue(&value))
            }
            ("filtered/ignore/[]" | "filtered/patch/[]", Event::Value(value)) => {
                self.output.expect("snyk", &value, &["/id"])?;
                let reason =
                    first(&value, &["/filtered/ignored/0/reason"]).unwrap_or("filtered by the project's policy");
                self.hold(application, Record { suppressed: Some(reason.to_owned()), ..vulnerability(&value) })
            }
            ("displayTargetFile", Event::Value(value)) => {
                project.shown = value.as_str().map(str::to_owned);
                Ok(())
            }
            ("targetFile", Event::Value(value)) => {
                project.file = value.as_str().map(str::to_owned);
                Ok(())
            }
            ("error", Event::Value(value)) => {
                let message = value.as_str().or_else(|| first(&value, &["/message", "/code"]));
                self.output.error(message.unwrap_or("snyk could not test a project"));
                Ok(())
            }
            ("" | "[]" | "applications/[]", Event::End) => self.end(application),
            _ => Ok(()),
        }
    }

    fn hold(&mut self, application: bool, record: Record) -> Result<(), ParseError> {
        let [outer, inner] = &mut self.projects;
        let project = if application { inner } else { outer };
        if project.held.push(record) {
            return Ok(());
        }
        if project.shown.is_none() {
            self.output.error("a project has more results than can wait for its file, which is named behind them");
        }
        self.release(application)
    }

    fn release(&mut self, application: bool) -> Result<(), ParseError> {
        let [outer, inner] = &mut self.projects;
        let project = if application { inner } else { outer };
        let file = project.shown.as_deref().or(project.file.as_deref());
        let file = file.filter(|file| !file.is_empty()).map(|file| path::relative(file, &self.context.source_root));
        for mut record in project.held.take() {
            match (&mut record.location, &file) {
                (Location::Package { path, .. }, file) => path.clone_from(file),
                (Location::File { path, .. } | Location::Resource { path, .. }, Some(file)) => path.clone_from(file),
                _ => {}
            }
            self.output.record(record)?;
        }
        Ok(())
    }

    fn end(&mut self, application: bool) -> Result<(), ParseError> {
        self.release(application)?;
        let [outer, inner] = &mut self.projects;
        *(if application { inner } else { outer }) = Project::default();
        Ok(())
    }
}

fn vulnerability(value: &Value) -> Record {
    let native = first(value, &["/severityWithCritical", "/severity"]);
    let mut named = texts(value, "/identifiers/CVE");
    named.extend(texts(value, "/identifiers/GHSA"));
    let mut fixed = texts(value, "/fixedIn");
    if fixed.is_empty() {
        fixed = texts(value, "/nearestFixedInVersion");
    }
    let ways = texts(value, "/from");
    Record {
        rule: owned(value, "/id"),
        title: owned(value, "/title"),
        message: cut(text(value, "/description").unwrap_or_default(), MAX_KEPT),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        location: Location::Package {
            name: first(value, &["/packageName", "/moduleName", "/name"]).unwrap_or_default().to_owned(),
            version: owned(value, "/version"),
            path: None,
        },
        cwe: ids::weaknesses(texts(value, "/identifiers/CWE").iter().map(String::as_str)),
        vulnerabilities: ids::vulnerabilities(named.iter().map(String::as_str)),
        cvss: score::given(float(value, "/cvssScore"), text(value, "/CVSSv3")),
        fix: upgrade(&fixed),
        references: each(value, "/references", "/url"),
        identity: ways.iter().skip(1).map(|step| without_version(step)).collect::<Vec<_>>().join(">"),
        evidence: Some(ways.join(" > ")).filter(|text| !text.is_empty()),
        ..Record::default()
    }
}

/// A misconfiguration.
fn issue(value: &Value) -> Record {
    let native = text(value, "/severity");
    let resource = texts(value, "/path").join(".");
    let location = region(number(value, "/lineNumber"), None, None, None);
    Record {
        rule: first(value, &["/publicId", "/id"]).unwrap_or_default().to_owned(),
        title: owned(value, "/title"),
        message: first(value, &["/iacDescription/issue", "/issue", "/msg"]).unwrap_or_default().to_owned(),
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        location: match resource.as_str() {
            "" => Location::File { path: ".".to_owned(), region: location },
            _ => Location::Resource { name: resource, path: ".".to_owned(), region: location },
        },
        fix: first(value, &["/iacDescription/resolve", "/resolve"]).map(str::to_owned),
        references: texts(value, "/references"),
        ..Record::default()
    }
}

/// `a@1.0` without the version: an upgrade of what lies between is no other way.
fn without_version(step: &str) -> &str {
    step.rsplit_once('@').map(|(name, _)| name).filter(|name| !name.is_empty()).unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const PROJECT: &str = r#"{"vulnerabilities":[{"id":"SNYK-JS-A-1","title":"bad","description":"very","severity":"high","severityWithCritical":"critical",
        "CVSSv3":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","cvssScore":9.8,"identifiers":{"CVE":["CVE-2024-0001"],"CWE":["CWE-79"],"GHSA":["GHSA-aaaa-bbbb-cccc"]},
        "references":[{"title":"r","url":"https://r"}],"fixedIn":["1.2"],"from":["me@1.0.0","@b/c@2.0.0","a@1.0"],"packageName":"a","version":"1.0"}],
        "ok":false,"dependencyCount":2,"filtered":{"ignore":[{"id":"SNYK-JS-B-1","title":"old","severity":"low","packageName":"b","version":"2",
        "filtered":{"ignored":[{"reason":"not reached","source":"cli"}]}}],"patch":[]},"displayTargetFile":"web\\package-lock.json","path":"C:\\work"}"#;

    #[test]
    fn one_project_and_all_are_read() {
        let (summary, records) = parse("snyk", PROJECT).unwrap();
        assert_eq!((summary.records, records[1].suppressed.as_deref()), (2, Some("not reached")));
        let record = &records[0];
        assert_eq!(record.location.to_string(), "web/package-lock.json: a 1.0");
        assert_eq!((record.severity, record.identity.as_str()), (Severity::Critical, "@b/c>a"));
        assert_eq!(record.vulnerabilities, ["CVE-2024-0001", "GHSA-aaaa-bbbb-cccc"]);
        let all = format!(r#"[{PROJECT},{{"ok":false,"error":"no lock file","path":"/src/x"}},{PROJECT}]"#);
        let (summary, _) = parse("snyk", &all).unwrap();
        assert_eq!((summary.records, summary.errors), (4, vec!["no lock file".to_owned()]));
    }

    #[test]
    fn applications_in_an_image_keep_their_own_files() {
        let application = PROJECT.replace("web\\\\package-lock.json", "/app/package.json");
        let image = format!(
            r#"{{"vulnerabilities":[{{"id":"SNYK-DEBIAN-1","name":"libc","version":"2"}}],"applications":[{application}],"path":"image"}}"#
        );
        let places: Vec<_> =
            parse("snyk", &image).unwrap().1.iter().map(|record| record.location.to_string()).collect();
        assert_eq!(places, ["app/package.json: a 1.0", "app/package.json: b 2", "libc 2"]);
    }

    #[test]
    fn misconfigurations_are_read() {
        let text = r#"{"infrastructureAsCodeIssues":[{"id":"SNYK-CC-TF-1","title":"open","severity":"medium","path":["resource","a"],
            "lineNumber":3,"iacDescription":{"issue":"i","resolve":"close it"}}],"targetFile":"main.tf"}"#;
        assert_eq!(parse("snyk", text).unwrap().1[0].location.to_string(), "main.tf:3 (resource.a)");
    }

    #[test]
    fn nothing_found_and_another_document_are_told_apart() {
        assert_eq!(parse("snyk", r#"{"vulnerabilities":[],"ok":true}"#).unwrap().0.records, 0);
        for other in
            ["{}", "[]", r#"{"results":[]}"#, r#"{"vulnerabilities":{}}"#, r#"{"vulnerabilities":[{"name":"x"}]}"#]
        {
            assert!(parse("snyk", other).is_err(), "{other}");
        }
    }
}
