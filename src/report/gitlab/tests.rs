use serde_json::Value;

use super::super::testing::{
    findings, finished, hostile, job, muted, places, render, render_noted, troubled, unfinished,
};
use crate::model::triage::Decision;
use crate::model::view::ScanView;

fn document(format: &str, scan: &ScanView, findings: Vec<crate::model::view::FindingView>) -> Value {
    serde_json::from_str(&render(format, scan, &[job("bandit", "bandit", [0; 6])], findings, 80)).unwrap()
}

#[test]
fn a_report_on_code_looks_like_this() {
    let text = render("gitlab-sast", &finished(), &[], findings()[..1].to_vec(), 80);
    insta::assert_snapshot!(text, @r#"
{"version":"15.2.1","schema":"https://gitlab.com/gitlab-org/security-products/security-report-schemas/-/raw/v15.2.1/dist/sast-report-format.json",
"vulnerabilities":[
{"id":"1c6b509d-c403-811b-b07b-b6547e035ce2","name":"SQL built from strings","description":"SQL built from strings, at length","severity":"Critical","identifiers":[{"type":"bandit_rule","name":"B608","value":"B608"},{"type":"cwe","name":"CWE-89","value":"89","url":"https://cwe.mitre.org/data/definitions/89.html"}],"links":[{"url":"https://example.org/rule"}],"details":{"cvss":{"name":"CVSS","type":"text","value":"9.8"},"fingerprint":{"name":"Fingerprint","type":"text","value":"v1:0000000000000000000000000000000c"},"scanner":{"name":"Scanner","type":"text","value":"bandit"},"standing":{"name":"Since the last scan","type":"text","value":"new"}},"location":{"file":"shop/db.py","start_line":12,"end_line":12}}],
"scan":{"analyzer":{"id":"dragnet","name":"dragnet","version":"0.1.0","vendor":{"name":"dragnet"}},"scanner":{"id":"dragnet","name":"dragnet","version":"0.1.0","vendor":{"name":"dragnet"}},"type":"sast","status":"success","start_time":"2026-11-21T03:55:46","end_time":"2026-11-21T03:56:58"}}
"#);
}

#[test]
fn packages_have_reports_of_their_own() {
    let dependencies = document("gitlab-dependency-scanning", &finished(), places());
    let told: Vec<&Value> =
        dependencies["vulnerabilities"].as_array().unwrap().iter().map(|one| &one["location"]).collect();
    assert_eq!(
        serde_json::to_value(told).unwrap(),
        serde_json::json!([
            { "file": "pom.xml", "dependency": { "package": { "name": "log4j" }, "version": "2.0" } },
            { "file": "unknown", "dependency": { "package": { "name": "openssl" }, "version": "3.0.1" } },
        ])
    );
    let image = ScanView { target: "image:alpine:3".parse().unwrap(), ..finished() };
    let containers = document("gitlab-container-scanning", &image, places());
    assert_eq!(containers["vulnerabilities"][1]["location"]["image"], "alpine:3");
    assert_eq!(containers["vulnerabilities"].as_array().unwrap().len(), 2);
}

#[test]
fn what_is_not_listed_is_told() {
    let mut all = places();
    all.extend([muted(Decision::Accepted), muted(Decision::FalsePositive)]);
    let (text, notes) = render_noted("gitlab-sast", &unfinished(), &troubled(), all);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["scan"]["status"], "failure");
    let told: Vec<&str> =
        document["scan"]["messages"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    let expected = [
        "INCOMPLETE: the scan did not see all of its target; more may be there than is listed",
        "semgrep: timed_out: stopped after 10m (after 2 attempts)",
        "trivy: its report tells of errors; its database is older than allowed",
        "5 findings are not listed: no GitLab report of a source tree or image has a place for them",
        "2 findings are not listed here but in gitlab-dependency-scanning",
        "1 finding is not listed: suppressed or accepted",
    ];
    assert_eq!(told, expected);
    assert_eq!(notes, expected[3..]);
    let listed = document["vulnerabilities"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[1]["flags"][0]["description"], "only a test");
}

#[test]
fn hostile_words_are_inert_and_fit_the_schema() {
    let mut view = hostile();
    view.record.title = "x".repeat(300);
    view.record.rule = "\u{1b}[2J".to_owned();
    view.record.vulnerabilities = (0..30).map(|number| format!("CVE-2026-{number}")).collect();
    let (text, notes) = render_noted("gitlab-sast", &finished(), &[], vec![view]);
    let document: Value = serde_json::from_str(&text).unwrap();
    let one = &document["vulnerabilities"][0];
    assert_eq!(one["name"].as_str().unwrap().chars().count(), 255);
    assert_eq!((one["identifiers"].as_array().unwrap().len(), &one["identifiers"][0]["value"]), (20, &"rule".into()));
    assert!(!one["description"].as_str().unwrap().contains(['\u{1b}', '\u{0}']));
    assert!(one["description"].as_str().unwrap().contains("\\<img src=x"));
    assert!(one.get("links").is_none(), "none of them is an address");
    assert_eq!(notes, ["2 texts are cut to the lengths of GitLab's schema"]);
}
