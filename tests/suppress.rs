//! Suppressions through the program: rules of the configuration and the target, VEX documents, what of them a report tells.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and is written for its reader")]

use std::process::Output;

use assert_cmd::Command;
use serde_json::{Value, json};

/// A project with a report, a state, no engine.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(".dragnet")).unwrap();
        Self(dir)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::cargo_bin("dragnet").unwrap();
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.0.path().join("home")).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command.current_dir(self.0.path()).args(args).output().unwrap()
    }

    /// Imports results of `mine`, which fail a gate at low.
    fn import(&self, results: &Value) -> (Option<i32>, Value) {
        let log = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "mine"}}, "results": results}]});
        self.write("results.sarif", &log.to_string());
        let args =
            ["import", "--scanner", "mine", "--as", "sarif", "results.sarif", "--fail-on", "low", "--format", "json"];
        let output = self.run(&args);
        let report = serde_json::from_slice(&output.stdout);
        assert!(report.is_ok(), "{output:?}");
        (output.status.code(), report.unwrap())
    }
}

fn result(rule: &str, file: &str, line: u32, code: &str) -> Value {
    json!({"ruleId": rule, "level": "error", "message": {"text": "bad"}, "locations": [{"physicalLocation":
        {"artifactLocation": {"uri": file}, "region": {"startLine": line, "snippet": {"text": code}}}}]})
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn rules_of_the_target_and_of_the_configuration_suppress() {
    let project = Project::new();
    let results = json!([result("R1", "tests/a.py", 1, "assert x"), result("R2", "app.py", 2, "eval(x)")]);
    assert_eq!(project.import(&results).0, Some(1));
    project.write(".dragnet/suppress.toml", "[[rules]]\npath = 'tests/'\nreason = 'tests assert'\nauthor = 'Ada'\n");
    let (code, report) = project.import(&results);
    assert_eq!((code, &report["summary"]["muted"]), (Some(1), &json!({"file": 1})));
    project.write(
        "dragnet.toml",
        "[[suppress.rules]]\nrule = 'R2'\nreason = 'ours'\ndecision = 'accepted'\nuntil = '2999-12-31'\n",
    );
    let refused = project.run(&["plan", ".", "--no-engine"]);
    assert!(said(&refused).contains("`suppress.rules` is for trusted files only"), "{}", said(&refused));
    assert!(project.run(&["config", "trust", "dragnet.toml"]).status.success());
    let (code, report) = project.import(&results);
    assert_eq!((code, &report["summary"]["muted"]), (Some(0), &json!({"config": 1, "file": 1})));
    let muting = |index: usize| report["findings"][index]["muting"].clone();
    assert_eq!(
        muting(0),
        json!({"decision": "suppressed", "origin": "file", "reason": "tests assert", "author": "Ada"})
    );
    assert_eq!((&muting(1)["decision"], &muting(1)["origin"]), (&json!("accepted"), &json!("config")));

    let table = String::from_utf8(project.run(&["report", "--fail-on", "low"]).stdout).unwrap();
    assert!(table.contains("suppressed by a rule in the target's .dragnet/"), "{table}");
    let sarif: Value = serde_json::from_slice(&project.run(&["report", "--format", "sarif"]).stdout).unwrap();
    let suppression = &sarif["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!((&suppression["kind"], &suppression["justification"]), (&json!("external"), &json!("tests assert")));
}

#[test]
fn a_finding_that_a_rule_names_is_known_wherever_it_moves() {
    let project = Project::new();
    let code = "result = evaluate(expression, context, limits)";
    let first = project.import(&json!([result("R1", "app.py", 10, code), result("R1", "app.py", 20, code)])).1;
    let name = first["findings"][0]["fingerprint"].as_str().unwrap();
    project.write(".dragnet/suppress.toml", &format!("[[rules]]\nfingerprint = '{name}'\nreason = 'ours'\n"));
    // Both are equal in all but their place; the name is that of both, with a number of one.
    let again = json!([result("R1", "app.py", 11, code), result("R1", "app.py", 21, code)]);
    let (code_of_both, report) = project.import(&again);
    assert_eq!((code_of_both, &report["summary"]["muted"]), (Some(0), &json!({"file": 2})));
    project.write(".dragnet/suppress.toml", &format!("[[rules]]\nfingerprint = '{name}#2'\nreason = 'ours'\n"));
    let (code_of_one, report) = project.import(&again);
    assert_eq!((code_of_one, &report["summary"]["muted"]), (Some(1), &json!({"file": 1})));
    assert_eq!(report["findings"][1]["muting"]["origin"], "file");

    // In a renamed file it is the same finding under another fingerprint.
    project.write(".dragnet/suppress.toml", &format!("[[rules]]\nfingerprint = '{name}'\nreason = 'ours'\n"));
    let moved = json!([result("R1", "lib/app.py", 11, code), result("R1", "lib/app.py", 21, code)]);
    let (code, report) = project.import(&moved);
    assert_eq!(report["findings"][0]["fingerprint"].as_str(), Some(name), "{report}");
    assert_eq!((code, &report["summary"]["muted"]), (Some(0), &json!({"file": 2})));
}

#[test]
fn comments_of_the_source_suppress_what_is_imported() {
    let project = Project::new();
    project.write("app.py", "import x\neval(x)  # dragnet:ignore R1 -- constant\neval(x)\n");
    let results = json!([result("R1", "app.py", 2, "eval(x)")]);
    let (code, report) = project.import(&results);
    assert_eq!((code, &report["summary"]["muted"]), (Some(0), &json!({"comment": 1})));
    let muting = &report["findings"][0]["muting"];
    assert_eq!((&muting["origin"], &muting["reason"]), (&json!("comment"), &json!("constant")));
    // What was said holds when the results are read again, though the source says something else now.
    project.write("app.py", "import x\neval(x)\n");
    assert_eq!(project.run(&["findings", "reparse"]).status.code(), Some(0));
    let report: Value = serde_json::from_slice(&project.run(&["report", "--format", "json"]).stdout).unwrap();
    assert_eq!(report["summary"]["muted"], json!({"comment": 1}));

    project.write("app.py", "import x\neval(x)  # dragnet:ignore R1 -- constant\n");
    project.write("dragnet.toml", "[suppress]\ncomments = false\n");
    assert!(project.run(&["config", "trust", "dragnet.toml"]).status.success());
    assert_eq!(project.import(&results).0, Some(1));
}

#[test]
fn vex_documents_suppress_vulnerabilities_of_packages() {
    let project = Project::new();
    let trivy = json!({"SchemaVersion": 2, "ArtifactName": ".", "Results": [{"Target": "package-lock.json", "Class": "lang-pkgs",
        "Type": "npm", "Vulnerabilities": [
            {"VulnerabilityID": "CVE-2021-23337", "PkgName": "lodash", "InstalledVersion": "4.17.20", "Severity": "HIGH"},
            {"VulnerabilityID": "CVE-2020-28500", "PkgName": "lodash", "InstalledVersion": "4.17.20", "Severity": "MEDIUM"}]}]});
    project.write("trivy.json", &trivy.to_string());
    let import = || {
        let output =
            project.run(&["import", "--scanner", "trivy-fs", "trivy.json", "--fail-on", "high", "--format", "json"]);
        let report = serde_json::from_slice::<Value>(&output.stdout);
        assert!(report.is_ok(), "{output:?}");
        (output.status.code(), report.unwrap())
    };
    assert_eq!(import().0, Some(1));
    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex", "author": "Ada", "statements": [
        {"vulnerability": {"name": "CVE-2021-23337"}, "products": [{"@id": "pkg:npm/lodash@4.17.20"}], "status": "not_affected",
         "justification": "vulnerable_code_not_in_execute_path"}]});
    project.write(".dragnet/app.vex.json", &vex.to_string());
    let (code, report) = import();
    assert_eq!((code, &report["summary"]["muted"]), (Some(0), &json!({"vex": 1})));
    let muted = &report["findings"][0]["muting"];
    assert_eq!(muted["reason"], "not_affected: vulnerable_code_not_in_execute_path");
}

#[test]
fn rules_that_cannot_be_used_are_refused() {
    let project = Project::new();
    project.write("results.sarif", "{}");
    let import = ["import", "--scanner", "mine", "--as", "sarif", "results.sarif"];
    for (name, text, expected) in [
        ("suppress.toml", "[[rules]]\nrule = 'R1'\n", ".dragnet/suppress.toml: line 1: missing field `reason`"),
        ("suppress.toml", "[[rules]]\nreason = 'all'\n", ".dragnet/suppress.toml: line 1: it names nothing"),
        ("app.vex.json", "{}", ".dragnet/app.vex.json: it is no VEX document"),
        ("app.vex.json", "nothing", ".dragnet/app.vex.json: expected ident"),
    ] {
        std::fs::remove_file(project.0.path().join(".dragnet/suppress.toml")).ok();
        project.write(&format!(".dragnet/{name}"), text);
        let refused = project.run(&import);
        assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
        assert!(said(&refused).contains(expected), "{}", said(&refused));
    }
}

#[test]
fn a_plan_freezes_the_rules() {
    let project = Project::new();
    project.write("app.py", "print(1)\n");
    project.write(".dragnet/suppress.toml", "[[rules]]\nrule = 'R1'\nreason = 'ours'\n");
    let plan = project.run(&["--state", "home/state", "plan", ".", "--no-engine", "--format", "json"]);
    assert!(plan.status.success(), "{}", said(&plan));
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    let rules = &plan["plan"]["options"]["suppressions"]["rules"];
    assert_eq!((&rules[0]["rule"]["rule"], &rules[0]["origin"]), (&json!("R1"), &json!("file")));
    let shown = project.run(&["--state", "home/state", "plan", ".", "--no-engine"]);
    assert!(String::from_utf8_lossy(&shown.stdout).contains("1 rule of .dragnet/suppress.toml"), "{shown:?}");
}
