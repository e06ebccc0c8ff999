use super::super::testing::{finding, findings, finished, job, render, render_noted, troubled, unfinished};
use super::too_many;
use crate::model::severity::Severity;
use serde_json::Value;

#[test]
fn each_scanner_is_a_run_and_tells_whether_it_saw_all() {
    let document: Value = serde_json::from_str(&render("sarif", &unfinished(), &troubled(), findings(), 80)).unwrap();
    let runs = document["runs"].as_array().unwrap();
    let told: Vec<(&str, bool, usize)> = runs
        .iter()
        .map(|run| {
            let successful = run["invocations"][0]["executionSuccessful"].as_bool().unwrap();
            (run["tool"]["driver"]["name"].as_str().unwrap(), successful, run["results"].as_array().unwrap().len())
        })
        .collect();
    assert_eq!(told, [("bandit", true, 2), ("semgrep", false, 0), ("trivy", false, 1)]);
    let notification = &runs[1]["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(notification["level"], "error");
    assert_eq!(notification["message"]["text"], "semgrep: timed_out: stopped after 10m (after 2 attempts)");
}

#[test]
fn a_run_looks_like_this() {
    let text =
        render("sarif", &finished(), &[job("bandit", "bandit", [1, 0, 0, 0, 0, 0])], findings()[..1].to_vec(), 80);
    insta::assert_snapshot!(text, @r#"
{"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json","version":"2.1.0","runs":[
{"tool":{"driver":{"name":"bandit","version":"1.9.4","rules":[{"id":"B608","shortDescription":{"text":"SQL built from strings"},"helpUri":"https://example.org/rule","defaultConfiguration":{"level":"error"},"properties":{"security-severity":"9.5","tags":["security","external/cwe/cwe-089"]}}]}},"automationDetails":{"id":"dragnet/bandit/28t5cy4t"},"properties":{"dragnet":{"target_key":"git:example.org/shop","line":"main","complete":true}},"invocations":[{"executionSuccessful":true,"startTimeUtc":"2026-11-21T03:55:46.500Z","endTimeUtc":"2026-11-21T03:56:58.500Z"}],"columnKind":"unicodeCodePoints","results":[
{"ruleId":"B608","ruleIndex":0,"level":"error","message":{"text":"SQL built from strings, at length"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"shop/db.py","uriBaseId":"%SRCROOT%"},"region":{"startLine":12}}}],"partialFingerprints":{"dragnet/v1":"v1:0000000000000000000000000000000c"},"baselineState":"new","properties":{"severity":"critical"}}]}],
"properties":{"dragnet/gate":{"fail_on":"high","failed":true,"decided":true,"reaching":1,"ignored":0,"explanation":["fail on high or worse: FAILED","1 critical reach it"],"rules":[{"name":null,"asks":"fail on high or worse","result":"failed","max":0,"matched":1,"by_severity":{"critical":1,"high":0,"info":0,"low":0,"medium":0,"unknown":0},"untold":0,"examples":[]}],"missing":[],"data":[]}}}
"#);
}

#[test]
fn rules_have_the_worst_severity_of_their_results_and_paths_are_relative() {
    let both = vec![
        finding(Severity::High, "s", "r", "t", "/etc/a b.py", 1),
        finding(Severity::Low, "s", "r", "t", "c:d.py", 2),
    ];
    let document: Value = serde_json::from_str(&render("sarif", &finished(), &[], both, 80)).unwrap();
    let run = &document["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["properties"]["security-severity"], "8.0");
    let uri =
        |i: usize| run["results"][i]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert_eq!((uri(0), uri(1)), ("etc/a%20b.py", "c%3Ad.py"));
}

#[test]
fn what_github_refuses_is_told() {
    assert_eq!(too_many("s", 25_000, 25_000), None);
    let told = too_many("s", 25_001, 1).unwrap();
    assert_eq!(told, "GitHub's code scanning refuses a run of more than 25,000 results; s has 25,001");
    let scanners = (0..21).map(|number| job("j", &format!("s{number}"), [0; 6])).collect::<Vec<_>>();
    assert!(render_noted("sarif", &finished(), &scanners[..20], Vec::new()).1.is_empty());
    assert_eq!(render_noted("sarif", &finished(), &scanners, Vec::new()).1.len(), 1);
}
