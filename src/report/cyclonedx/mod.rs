//! CycloneDX 1.6, JSON: findings as `vulnerabilities`, decisions about them as VEX `analysis`.
//!
//! The components are the packages that a finding is about, no inventory: a composition says so. What the scan did not see is
//! an annotation, and `dragnet:complete` a property of the metadata. Findings are read twice, for the components come first;
//! only a hash of each package is held.

mod model;

use std::collections::BTreeSet;
use std::io::Write;

use super::json::Array;
use super::source::for_each;
use super::words::uuid;
use super::{RenderError, Renderer, ReportData, unseen};
use crate::model::id::Sha256;
use crate::model::view::FindingView;
use model::{Annotation, Component, Metadata, TARGET, Vulnerability, reference};

/// The format `cyclonedx`.
#[derive(Debug)]
pub(super) struct CycloneDx;

const SCHEMA: &str = "http://cyclonedx.org/schema/bom-1.6.schema.json";

impl Renderer for CycloneDx {
    fn name(&self) -> &'static str {
        "cyclonedx"
    }

    fn render(&self, data: &mut ReportData<'_>, out: &mut dyn Write) -> Result<(), RenderError> {
        let scan = data.scan;
        let number = uuid(&["cyclonedx", &scan.id.to_string(), &scan.plan_sha256.to_string()]);
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"")?;
        write!(out, ",\"serialNumber\":\"urn:uuid:{number}\",\"version\":1,\n\"metadata\":")?;
        serde_json::to_writer(&mut *out, &Metadata::new(scan, data.jobs))?;
        write!(out, ",\n\"components\":")?;
        let mut components = Array::open(out)?;
        let mut seen = BTreeSet::new();
        for_each::<FindingView, RenderError>(data.findings, |finding| {
            let location = &finding.record.location;
            if let Some(component) = Component::of_package(location)
                && seen.insert(Sha256::of(reference(location)))
            {
                components.item(&component)?;
            }
            Ok(true)
        })?;
        components.close()?;
        drop(seen);
        write!(out, ",\n\"vulnerabilities\":")?;
        let mut vulnerabilities = Array::open(out)?;
        for_each::<FindingView, RenderError>(data.findings, |finding| {
            vulnerabilities.item(&Vulnerability::new(&finding)).map(|()| true)
        })?;
        vulnerabilities.close()?;
        write!(out, ",\n\"compositions\":[{{\"aggregate\":\"incomplete\",\"assemblies\":[\"{TARGET}\"]}}]")?;
        let unseen = unseen::lines(data);
        if !unseen.is_empty() {
            write!(out, ",\n\"annotations\":")?;
            serde_json::to_writer(&mut *out, &[Annotation::new(scan, unseen.join("\n"))])?;
        }
        Ok(writeln!(out, "}}")?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::testing::{findings, finished, hostile, job, muted, places, render, troubled, unfinished};
    use super::model::Analysis;
    use crate::model::triage::Decision;

    fn document(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_document_looks_like_this() {
        let jobs = [job("bandit", "bandit", [1, 0, 0, 0, 0, 0])];
        insta::assert_snapshot!(render("cyclonedx", &finished(), &jobs, findings()[..1].to_vec(), 80), @r#"
{"$schema":"http://cyclonedx.org/schema/bom-1.6.schema.json","bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:a197d357-7751-8289-867f-97129e8c958e","version":1,
"metadata":{"timestamp":"2026-11-21T03:56:58Z","tools":{"components":[{"type":"application","name":"dragnet","version":"0.1.0"},{"type":"application","name":"bandit","version":"1.9.4"}]},"component":{"type":"application","bom-ref":"target","name":"dir:.","version":"1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"},"properties":[{"name":"dragnet:scan","value":"28t5cy4t"},{"name":"dragnet:complete","value":"true"}]},
"components":[],
"vulnerabilities":[
{"bom-ref":"finding:83a67eb0-72ad-8676-bb9b-2bbafd44c716","id":"B608","source":{"name":"bandit"},"ratings":[{"source":{"name":"bandit"},"score":9.8,"severity":"critical"}],"cwes":[89],"description":"SQL built from strings","detail":"SQL built from strings, at length","advisories":[{"url":"https://example.org/rule"}],"affects":[{"ref":"target"}],"properties":[{"name":"dragnet:fingerprint","value":"v1:0000000000000000000000000000000c"},{"name":"dragnet:job","value":"bandit"},{"name":"dragnet:rule","value":"B608"},{"name":"dragnet:location","value":"shop/db.py:12"},{"name":"dragnet:standing","value":"new"}]}],
"compositions":[{"aggregate":"incomplete","assemblies":["target"]}]}
"#);
    }

    #[test]
    fn a_package_is_one_component_that_its_findings_refer_to() {
        let mut all = places();
        all.push(all[0].clone());
        let document = document(&render("cyclonedx", &finished(), &[], all, 80));
        let components = document["components"].as_array().unwrap();
        assert_eq!(components.len(), 2);
        let affected = |at: usize| &document["vulnerabilities"][at]["affects"][0]["ref"];
        assert_eq!((affected(0), affected(8)), (&components[0]["bom-ref"], &components[0]["bom-ref"]));
        assert_eq!(affected(2), "target");
    }

    #[test]
    fn decisions_are_an_analysis() {
        let analysis = |decision| Analysis::new(&muted(decision).muting.unwrap());
        let told = |decision| serde_json::to_string(&analysis(decision)).unwrap();
        assert_eq!(
            told(Decision::Accepted),
            r#"{"state":"exploitable","response":["will_not_fix"],"detail":"accepted by ada: only a test"}"#
        );
        assert_eq!(
            told(Decision::FalsePositive),
            r#"{"state":"false_positive","detail":"false positive by ada: only a test"}"#
        );
        assert_eq!(
            told(Decision::Suppressed),
            r#"{"response":["will_not_fix"],"detail":"suppressed by ada: only a test"}"#
        );
    }

    #[test]
    fn what_was_not_seen_is_annotated() {
        let incomplete = document(&render("cyclonedx", &unfinished(), &troubled(), Vec::new(), 80));
        assert!(incomplete["annotations"][0]["text"].as_str().unwrap().contains("semgrep: timed_out"));
        let complete = document(&render("cyclonedx", &finished(), &[], Vec::new(), 80));
        assert_eq!(
            (complete.get("annotations"), &complete["metadata"]["properties"][1]["value"]),
            (None, &"true".into())
        );
    }

    #[test]
    fn hostile_words_are_strings() {
        let text = render("cyclonedx", &finished(), &[], vec![hostile()], 80);
        let one = &document(&text)["vulnerabilities"][0];
        assert!(one.get("advisories").is_none() && one["ratings"][0].get("score").is_none());
        assert!(!text.contains('\u{1b}'));
    }
}
