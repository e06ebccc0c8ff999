//! trivy's JSON, schema 2 and the bare array before it: vulnerabilities, misconfigurations, secrets, licences.
//!
//! A report over a cluster (`trivy k8s`) has the same results below each resource: in `Resources`, in `Findings` when it is a
//! summary, and in `Vulnerabilities` and `Misconfigurations` before those.

use serde_json::Value;

use super::json::Event;
use super::mask::token_identity;
use super::masked::walk;
use super::output::Output;
use super::value::{first, float, number, owned, region, text, texts};
use super::{Context, Input, Outline, ParseError, Parser, Redaction, Sink, Summary, ids, path, severity};
use crate::model::finding::{Cvss, Location, Record};

/// The format `trivy`.
#[derive(Debug)]
pub(super) struct Trivy;

/// The routes of results, wherever a list of them stands, beside others.
macro_rules! routes {
    ([$($other:literal),* $(,)?] $($list:literal),* $(,)?) => {
        &[$($other,)* $(
            concat!($list, "[]/Target"),
            concat!($list, "[]/Class"),
            concat!($list, "[]/Vulnerabilities/[]"),
            concat!($list, "[]/Misconfigurations/[]"),
            concat!($list, "[]/Secrets/[]"),
            concat!($list, "[]/Licenses/[]"),
        )*]
    };
}

const ROUTES: &[&str] = routes!(
    [
        "SchemaVersion",
        "Trivy/Version",
        "ClusterName",
        "Resources/[]/Namespace",
        "Resources/[]/Kind",
        "Resources/[]/Name",
        "Resources/[]/Error",
        "Findings/[]/Namespace",
        "Findings/[]/Kind",
        "Findings/[]/Name",
        "Findings/[]/Error",
        "Vulnerabilities/[]/Namespace",
        "Vulnerabilities/[]/Kind",
        "Vulnerabilities/[]/Name",
        "Misconfigurations/[]/Namespace",
        "Misconfigurations/[]/Kind",
        "Misconfigurations/[]/Name",
    ]
    "",
    "Results/",
    "Resources/[]/Results/",
    "Findings/[]/Results/",
    "Vulnerabilities/[]/Results/",
    "Misconfigurations/[]/Results/",
);
const SECRETS: &[&str] = &["/Match", "/Code"];

static REDACTION: Redaction = Redaction::new(
    &[
        "[]/Secrets/[]",
        "Results/[]/Secrets/[]",
        "Resources/[]/Results/[]/Secrets/[]",
        "Findings/[]/Results/[]/Secrets/[]",
        "Vulnerabilities/[]/Results/[]/Secrets/[]",
        "Misconfigurations/[]/Results/[]/Secrets/[]",
    ],
    |masker, _, value| {
        if let Some(value) = value {
            masker.hide(value, SECRETS);
        }
    },
);

impl Parser for Trivy {
    fn name(&self) -> &'static str {
        "trivy"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        let lists = ["Resources", "Findings", "Vulnerabilities", "Misconfigurations"];
        outline.has_all(&["SchemaVersion", "ArtifactName"])
            || outline.has_all(&["[]/Target", "[]/Vulnerabilities"])
            || outline.has("ClusterName") && lists.iter().any(|list| outline.has(list))
    }

    fn redaction(&self) -> Option<&'static Redaction> {
        Some(&REDACTION)
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut reader = Reader { output: Output::new(sink), context, target: Target::default(), resource: Vec::new() };
        let seen = walk(self, context, input, ROUTES, &mut |route, event| reader.read(route, event))?;
        // Old versions wrote `null` for "nothing found".
        if !seen.is_null() {
            seen.require(&["SchemaVersion", "ClusterName", "Results/[]/Target", "[]/Target"])?;
        }
        Ok(reader.output.summary)
    }
}

/// The entry of `Results` that the walk is in.
#[derive(Default)]
struct Target {
    name: String,
    class: String,
}

struct Reader<'r, 's> {
    output: Output<'s>,
    context: &'r Context,
    target: Target,
    /// The resource of a cluster that the walk is in: namespace, kind and name.
    resource: Vec<String>,
}

impl Reader<'_, '_> {
    fn read(&mut self, route: &'static str, event: Event) -> Result<(), ParseError> {
        let route = route.split_once("Results/").map_or(route, |(_, below)| below);
        let value = match event {
            Event::Value(value) => value,
            Event::End => {
                match route {
                    "[]" => self.target = Target::default(),
                    "Resources/[]" | "Findings/[]" | "Vulnerabilities/[]" | "Misconfigurations/[]" => {
                        self.resource.clear();
                    }
                    _ => {}
                }
                return Ok(());
            }
        };
        let record = match route {
            "[]/Vulnerabilities/[]" => self.vulnerability(&value),
            "[]/Misconfigurations/[]" => match text(&value, "/Status") {
                Some("FAIL") | None => self.misconfiguration(&value),
                Some(status) => {
                    self.output.skip(&format!("status {status}"));
                    return Ok(());
                }
            },
            "[]/Secrets/[]" => self.secret(&value),
            "[]/Licenses/[]" => self.licence(&value),
            other => {
                self.note(other, &value);
                return Ok(());
            }
        };
        let place = [record.identity.as_str(), &self.resource()].join(" ").trim().to_owned();
        self.output.record(Record { identity: place, ..record })
    }

    fn note(&mut self, route: &str, value: &Value) {
        let text = value.as_str().unwrap_or_default();
        match route.rsplit('/').next().unwrap_or_default() {
            "Target" => text.clone_into(&mut self.target.name),
            "Class" => text.clone_into(&mut self.target.class),
            "Namespace" | "Kind" | "Name" if !text.is_empty() => self.resource.push(text.to_owned()),
            "Error" if !text.is_empty() => self.output.error(&format!("{}: {text}", self.resource())),
            "Version" => self.output.version(value.as_str()),
            _ => {}
        }
    }

    fn resource(&self) -> String {
        self.resource.join("/")
    }

    /// The target as a path; targets of system packages name an image.
    fn path(&self) -> String {
        path::relative(&self.target.name, &self.context.source_root)
    }

    fn package(&self, value: &Value) -> Location {
        let own = first(value, &["/PkgPath", "/FilePath"]).map(|path| path::relative(path, &self.context.source_root));
        let listed = (self.target.class == "lang-pkgs").then(|| self.path());
        Location::Package {
            name: owned(value, "/PkgName"),
            version: owned(value, "/InstalledVersion"),
            path: own.or(listed),
        }
    }

    fn vulnerability(&self, value: &Value) -> Record {
        let id = owned(value, "/VulnerabilityID");
        let fixed = text(value, "/FixedVersion");
        Record {
            title: first(value, &["/Title", "/VulnerabilityID"]).unwrap_or_default().to_owned(),
            message: owned(value, "/Description"),
            location: self.package(value),
            cwe: ids::weaknesses(texts(value, "/CweIDs").iter().map(String::as_str)),
            vulnerabilities: ids::vulnerabilities([id.as_str()]),
            cvss: cvss(value),
            fix: fixed.map(|version| format!("upgrade to {version}")),
            rule: id,
            ..common(value)
        }
    }

    fn misconfiguration(&self, value: &Value) -> Record {
        let region =
            region(number(value, "/CauseMetadata/StartLine"), number(value, "/CauseMetadata/EndLine"), None, None);
        let path = self.path();
        let resource = text(value, "/CauseMetadata/Resource");
        Record {
            rule: first(value, &["/ID", "/AVDID"]).unwrap_or_default().to_owned(),
            title: owned(value, "/Title"),
            message: first(value, &["/Message", "/Description"]).unwrap_or_default().to_owned(),
            location: match resource {
                _ if !self.resource.is_empty() => Location::running(self.resource()),
                Some(name) => Location::Resource { name: name.to_owned(), path, region },
                None => Location::File { path, region },
            },
            fix: text(value, "/Resolution").map(str::to_owned),
            ..common(value)
        }
    }

    fn secret(&self, value: &Value) -> Record {
        let secret = owned(value, "/Match");
        Record {
            rule: owned(value, "/RuleID"),
            title: owned(value, "/Title"),
            message: owned(value, "/Category"),
            location: Location::File {
                path: self.path(),
                region: region(number(value, "/StartLine"), number(value, "/EndLine"), None, None),
            },
            cwe: vec![798],
            identity: token_identity(&secret),
            evidence: Some(secret).filter(|secret| !secret.is_empty()),
            ..common(value)
        }
    }

    fn licence(&self, value: &Value) -> Record {
        let name = owned(value, "/Name");
        Record {
            title: format!("licence {name}"),
            message: owned(value, "/Category"),
            location: match text(value, "/PkgName") {
                Some(_) => self.package(value),
                None => Location::File {
                    path: path::relative(text(value, "/FilePath").unwrap_or_default(), &self.context.source_root),
                    region: None,
                },
            },
            rule: name,
            ..common(value)
        }
    }
}

fn common(value: &Value) -> Record {
    let native = text(value, "/Severity");
    let mut references: Vec<String> = first(value, &["/PrimaryURL", "/Link"]).map(str::to_owned).into_iter().collect();
    references.extend(texts(value, "/References"));
    references.dedup();
    Record {
        severity: native.map_or_else(Default::default, severity::word),
        native_severity: native.map(str::to_owned),
        references,
        ..Record::default()
    }
}

/// The score of the vendor that the severity is of, else of the first that has one; newer versions of CVSS first.
fn cvss(value: &Value) -> Option<Cvss> {
    let scores = value.get("CVSS")?.as_object()?;
    let preferred = text(value, "/SeveritySource").and_then(|source| scores.get(source));
    preferred.into_iter().chain(scores.values()).find_map(|vendor| {
        ["V40", "V3", "V2"].iter().find_map(|version| {
            let score = float(vendor, &format!("/{version}Score"))?;
            let vector = text(vendor, &format!("/{version}Vector")).map(str::to_owned);
            Some(Cvss { score, vector })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;
    use crate::model::severity::Severity;

    const DOCUMENT: &str = r#"{"SchemaVersion":2,"ArtifactName":"/src","Results":[
        {"Target":"requirements.txt","Class":"lang-pkgs","Vulnerabilities":[{"VulnerabilityID":"CVE-2023-37920","PkgName":"certifi",
          "InstalledVersion":"2022.5.18.1","FixedVersion":"2023.7.22","SeveritySource":"ghsa","Title":"root certificate","Severity":"HIGH",
          "CweIDs":["CWE-345"],"CVSS":{"aaa":{"V2Score":1.0},"ghsa":{"V3Vector":"CVSS:3.1/AV:N","V3Score":7.5}},"PrimaryURL":"https://p","References":["https://p","https://q"]}]},
        {"Target":"Dockerfile","Class":"config","Misconfigurations":[{"ID":"DS002","Title":"root","Message":"Specify USER","Severity":"HIGH","Status":"FAIL","CauseMetadata":{"StartLine":3,"EndLine":3}},
          {"ID":"DS001","Status":"PASS"}]},
        {"Target":"/src/.env","Class":"secret","Secrets":[{"RuleID":"aws","Category":"AWS","Severity":"CRITICAL","Title":"AWS","StartLine":1,"EndLine":1,
          "Code":{"Lines":[{"Number":1,"Content":"k=AKIAIOSFODNN7EXAMPLE"}]},"Match":"k=AKIAIOSFODNN7EXAMPLE"}]}]}"#;

    #[test]
    fn every_kind_of_result_is_read() {
        let (summary, records) = parse("trivy", DOCUMENT).unwrap();
        assert_eq!((summary.records, summary.skipped["status PASS"]), (3, 1));
        assert_eq!(records[0].location.to_string(), "requirements.txt: certifi 2022.5.18.1");
        assert_eq!(records[0].cvss.as_ref().unwrap().score.to_string(), "7.5");
        assert_eq!(records[0].references, ["https://p", "https://q"]);
        assert_eq!(records[1].location.to_string(), "Dockerfile:3");
        assert_eq!((records[2].severity, records[2].location.to_string()), (Severity::Critical, ".env:1".to_owned()));
        assert!(!format!("{records:?}").contains("AKIA"));
    }

    #[test]
    fn every_report_over_a_cluster_is_read() {
        let resource = r#"{"Namespace":"default","Kind":"Pod","Name":"web","Error":"","Results":[
            {"Target":"Pod/web","Class":"config","Misconfigurations":[{"ID":"KSV116","Title":"root","Severity":"LOW","Status":"FAIL","CauseMetadata":{"Resource":"x"}}]},
            {"Target":"web:1 (debian 12)","Class":"os-pkgs","Vulnerabilities":[{"VulnerabilityID":"CVE-2023-37920","PkgName":"certifi","InstalledVersion":"1"}]},
            {"Target":"/k.pem","Class":"secret","Secrets":[{"RuleID":"aws","Title":"AWS","Match":"k=AKIAIOSFODNN7EXAMPLE"}]}]},
            {"Kind":"Node","Name":"n","Error":"no such image"}"#;
        for list in ["Resources", "Findings"] {
            let (summary, records) =
                parse("trivy", &format!(r#"{{"ClusterName":"c","{list}":[{resource}]}}"#)).unwrap();
            assert_eq!(summary.errors, ["Node/n: no such image"]);
            assert_eq!(records[0].location.to_string(), "default/Pod/web");
            assert_eq!(
                (records[1].location.to_string().as_str(), records[1].identity.as_str()),
                ("certifi 1", "default/Pod/web")
            );
            assert!(records[2].identity.ends_with(" default/Pod/web"), "{}", records[2].identity);
            assert!(!format!("{records:?}").contains("AKIA"));
        }
        let early = format!(r#"{{"ClusterName":"c","Vulnerabilities":[{resource}],"Misconfigurations":[{resource}]}}"#);
        assert_eq!(parse("trivy", &early).unwrap().0.records, 6);
    }

    #[test]
    fn nothing_found_and_another_format_are_told_apart() {
        assert_eq!(parse("trivy", "null").unwrap().0.records, 0);
        assert_eq!(parse("trivy", r#"{"SchemaVersion":2}"#).unwrap().0.records, 0);
        assert_eq!(parse("trivy", r#"{"ClusterName":"x","Resources":[]}"#).unwrap().0.records, 0);
        assert!(parse("trivy", r#"{"Resources":[]}"#).is_err());
        assert!(parse("trivy", "[]").is_err());
    }
}
