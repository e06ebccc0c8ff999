//! SPDX 2 in JSON and as tags with values, and the packages of SPDX 3 (JSON-LD): lists of packages.
//!
//! A package is counted, as it is no problem; an advisory that the document has for it (`SECURITY advisory`) is a record. What the
//! security profile of SPDX 3 says is not read, and an error says so.

mod tags;

use serde_json::Value;

use super::json::Event;
use super::masked::walk;
use super::output::{INVENTORY, Output};
use super::value::{first, items, owned, text};
use super::{Context, Encoding, Input, Outline, ParseError, Parser, Sink, Summary, ids};
use crate::model::finding::{Location, Record};

/// The format `spdx`.
#[derive(Debug)]
pub(super) struct Spdx;

const ROUTES: &[&str] = &["spdxVersion", "packages/[]", "@context", "@graph/[]"];

impl Parser for Spdx {
    fn name(&self) -> &'static str {
        "spdx"
    }

    fn recognises(&self, outline: &Outline) -> bool {
        outline.has("spdxVersion") || outline.has_all(&["@context", "@graph"]) || outline.begins_with("SPDXVersion:")
    }

    fn encoding(&self, head: &[u8]) -> Encoding {
        if head.starts_with(b"{") || head.starts_with(b"[") { Encoding::Json } else { Encoding::Lines }
    }

    fn parse(&self, input: &mut Input<'_>, context: &Context, sink: &mut dyn Sink) -> Result<Summary, ParseError> {
        let mut output = Output::new(sink);
        let first = input.first_byte()?;
        if first == Some(b'{') || first == Some(b'[') {
            json(input, context, &mut output)?;
        } else {
            tags::read(input, context, &mut output)?;
        }
        Ok(output.summary)
    }
}

/// A package with the advisories that the document has for it.
#[derive(Default)]
struct Package {
    name: String,
    version: String,
    advisories: Vec<String>,
}

impl Package {
    fn tell(self, output: &mut Output<'_>) -> Result<(), ParseError> {
        if self.advisories.is_empty() {
            output.skip(INVENTORY);
        }
        let location = Location::Package { name: self.name, version: self.version, path: None };
        self.advisories.into_iter().try_for_each(|advisory| output.record(record(advisory, location.clone())))
    }
}

fn record(advisory: String, location: Location) -> Record {
    let vulnerabilities = ids::vulnerabilities([advisory.as_str()]);
    let rule = vulnerabilities.first().unwrap_or(&advisory).clone();
    Record {
        title: format!("advisory {rule}"),
        message: "the document refers to an advisory for this package".to_owned(),
        rule,
        location,
        vulnerabilities,
        references: vec![advisory],
        ..Record::default()
    }
}

fn json(input: &mut Input<'_>, context: &Context, output: &mut Output<'_>) -> Result<(), ParseError> {
    let mut profile = false;
    walk(&Spdx, context, input, ROUTES, &mut |route, event| match (route, event) {
        ("packages/[]", Event::Value(value)) => {
            output.expect("spdx", &value, &["/SPDXID", "/name"])?;
            package(&value).tell(output)
        }
        ("@graph/[]", Event::Value(value)) => {
            let kind = first(&value, &["/type", "/@type"]).unwrap_or_default();
            if kind.contains("security_") && !std::mem::replace(&mut profile, true) {
                output.error("the security profile of SPDX 3 is not read");
            }
            if kind.ends_with("software_Package") {
                output.skip(INVENTORY);
            }
            Ok(())
        }
        _ => Ok(()),
    })?
    .require(&["spdxVersion", "@graph/[]"])
}

fn package(value: &Value) -> Package {
    let references = items(value, "/externalRefs").iter();
    let advisories = references.filter(|reference| text(*reference, "/referenceType") == Some("advisory"));
    Package {
        name: owned(value, "/name"),
        version: owned(value, "/versionInfo"),
        advisories: advisories.map(|reference| owned(reference, "/referenceLocator")).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::parse;

    const JSON: &str = r#"{"spdxVersion":"SPDX-2.3","SPDXID":"SPDXRef-DOCUMENT","packages":[
        {"SPDXID":"a","name":"a","versionInfo":"1","externalRefs":[{"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:a"},
          {"referenceCategory":"SECURITY","referenceType":"advisory","referenceLocator":"https://x/CVE-2024-10001"}]},
        {"SPDXID":"b","name":"b","versionInfo":"2"}]}"#;
    const TAGS: &str = "# made by hand\nSPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\n\
        PackageDescription: <text>two\nlines: of it</text>\nExternalRef: SECURITY cpe23Type cpe:2.3:a\nExternalRef: SECURITY advisory https://x/CVE-2024-10001\n\
        PackageName: b\nPackageVersion: 2\nFileName: ./x\nRelationship: a CONTAINS b\n";

    #[test]
    fn both_encodings_are_the_same_records() {
        let (summary, records) = parse("spdx", JSON).unwrap();
        assert_eq!((summary.records, summary.skipped["inventory, no problem"]), (1, 1));
        assert_eq!((records[0].rule.as_str(), records[0].location.to_string().as_str()), ("CVE-2024-10001", "a 1"));
        assert_eq!(parse("spdx", TAGS).unwrap(), (summary, records));
    }

    #[test]
    fn version_3_is_counted_and_says_what_is_not_read() {
        let text = r#"{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[{"type":"software_Package","name":"a"},
            {"type":"security_Vulnerability"},{"type":"security_VexAffectedVulnAssessmentRelationship"},{"type":"Relationship"}]}"#;
        let summary = parse("spdx", text).unwrap().0;
        assert_eq!((summary.skipped["inventory, no problem"], summary.errors.len()), (1, 1));
    }

    #[test]
    fn broken_and_other_documents_are_refused() {
        assert_eq!(parse("spdx", r#"{"spdxVersion":"SPDX-2.2"}"#).unwrap().0.records, 0);
        assert_eq!(parse("spdx", "SPDXVersion: SPDX-2.2\n").unwrap().0.records, 0);
        assert_eq!(parse("spdx", TAGS.trim_end()).unwrap().0.errors.len(), 1);
        let open = "SPDXVersion: SPDX-2.3\nPackageName: a\nPackageComment: <text>no end\n";
        for other in ["{}", "", "hello", "PackageName: a\n", "SPDXVersion: SPDX-2.3\nno tag\n", open] {
            assert!(parse("spdx", other).is_err(), "{other}");
        }
    }
}
