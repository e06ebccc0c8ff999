//! Reports in the formats of others: valid by their schemas, and none loses a finding that it does not tell of.
//!
//! Every parser's own example is imported and reported, and real outputs where there are some: in `DRAGNET_SAMPLES`, or in
//! `../shared/samples` beside the repository.

#![expect(clippy::unwrap_used, reason = "a test fails where it panics")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

#[path = "common/schema.rs"]
mod schema;

use schema::Schemas;

/// A home and a state.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn dragnet(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
        command.env_clear().env("HOME", self.dir.path()).env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command.current_dir(self.dir.path()).args(arguments).output().unwrap()
    }

    /// Imports a file of a format; returns the scan, or nothing where the file is refused.
    fn import(&self, format: &str, target: &str, file: &Path) -> Option<String> {
        let output = self.dragnet(&[
            "import",
            "--scanner",
            format,
            "--as",
            format,
            "--target",
            target,
            "--format",
            "json",
            file.to_str().unwrap(),
        ]);
        let document: Value = serde_json::from_slice(&output.stdout).ok()?;
        Some(document["scan"]["id"].as_str().unwrap().to_owned())
    }

    /// Returns a report and what is said beside it.
    fn report(&self, scan: &str, format: &str) -> (String, String) {
        let output = self.dragnet(&["report", scan, "--format", format, "--limit", "0"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}: {said}");
        (String::from_utf8(output.stdout).unwrap(), said)
    }

    fn json(&self, scan: &str, format: &str) -> Value {
        serde_json::from_str(&self.report(scan, format).0).unwrap()
    }
}

const GITLAB: [&str; 4] =
    ["gitlab-container-scanning", "gitlab-dependency-scanning", "gitlab-sast", "gitlab-secret-detection"];

fn length(value: &Value) -> usize {
    value.as_array().unwrap().len()
}

/// Adds up the numbers that begin the messages that end so.
fn told(messages: &Value, end: &str) -> usize {
    let texts =
        messages.as_array().into_iter().flatten().filter_map(|one| one["value"].as_str().or_else(|| one.as_str()));
    let numbers = texts.filter(|text| text.ends_with(end)).map(|text| text.split(' ').next().unwrap().replace(',', ""));
    numbers.map(|number| number.parse::<usize>().unwrap()).sum()
}

/// Reports a scan in every format, validates each, and counts its findings.
fn check(bench: &Bench, schemas: &Schemas, scan: &str, what: &str) {
    let json = bench.json(scan, "json");
    let total = length(&json["findings"]);
    let is_complete = json["summary"]["complete"] == true;
    let valid = |format: &str| {
        let document = bench.json(scan, format);
        let faults = schemas.faults(format, &document);
        assert!(faults.is_empty(), "{what}, {format}:\n{}", faults.join("\n"));
        document
    };
    assert_eq!(length(&valid("cyclonedx")["vulnerabilities"]), total, "{what}");
    let sarif = valid("sarif");
    let results: usize = sarif["runs"].as_array().unwrap().iter().map(|run| length(&run["results"])).sum();
    assert_eq!(results, total, "{what}");

    let dojo = valid("defectdojo");
    let gaps = dojo["findings"].as_array().unwrap().iter().filter(|one| one["tags"][1] == "incomplete").count();
    assert_eq!((length(&dojo["findings"]) - gaps, gaps > 0), (total, !is_complete), "{what}");

    let sonarqube = valid("sonarqube");
    let left = told(&sonarqube["dragnet"]["not_listed"], "in a file")
        + told(&sonarqube["dragnet"]["not_listed"], "or a false positive");
    assert_eq!(length(&sonarqube["issues"]) + left, total, "{what}");
    assert_eq!(sonarqube["dragnet"]["complete"], is_complete, "{what}");

    let (mut listed, mut nowhere) = (0, None);
    for format in GITLAB {
        let document = valid(format);
        listed += length(&document["vulnerabilities"]) + told(&document["scan"]["messages"], "suppressed or accepted");
        let none = told(&document["scan"]["messages"], "has a place for them");
        assert_eq!(*nowhere.get_or_insert(none), none, "{what}");
        assert_eq!(document["scan"]["status"], if is_complete { "success" } else { "failure" }, "{what}");
    }
    assert_eq!(listed + nowhere.unwrap(), total, "{what}");

    let (junit, _) = bench.report(scan, "junit");
    let (cases, faults) = schemas.xsd.faults(&junit);
    assert!(faults.is_empty(), "{what}, junit:\n{}", faults.join("\n"));
    assert_eq!(cases, total + length(&json["jobs"]) + 1, "{what}");
    assert_eq!(junit.contains("<error"), !is_complete, "{what}");

    let (csv, _) = bench.report(scan, "csv");
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let kinds: Vec<String> = rows.records().map(|row| row.unwrap()[0].to_owned()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "finding").count(), total, "{what}");
    assert_eq!(kinds.iter().any(|kind| kind == "not_seen"), !is_complete, "{what}");

    let (github, _) = bench.report(scan, "github");
    for level in ["error", "warning", "notice"] {
        let of_level = github.lines().filter(|line| line.starts_with(&format!("::{level} "))).count();
        assert!(of_level <= 10, "{what}");
    }
    for (format, most) in [("markdown", usize::MAX), ("github-summary", 1 << 20), ("pr", 65_536)] {
        let (text, _) = bench.report(scan, format);
        assert!(text.len() <= most, "{what}");
        assert_eq!(text.contains("INCOMPLETE"), !is_complete, "{what}");
    }
}

#[test]
fn every_example_is_valid_in_every_format() {
    let (bench, schemas) = (Bench::new(), Schemas::read());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parse/examples");
    let mut files: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in &files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let scan = bench.import(name, "dir:.", file).unwrap_or_else(|| panic!("{name} is refused"));
        check(&bench, &schemas, &scan, name);
    }
    for name in ["trivy", "grype"] {
        let scan = bench.import(name, "image:alpine:3", &folder.join(format!("{name}.json"))).unwrap();
        check(&bench, &schemas, &scan, &format!("{name} of an image"));
    }
}

/// Real outputs of many kinds and sizes.
const SAMPLES: [(&str, &str); 12] = [
    ("anchore_grype", "grype"),
    ("bandit", "bandit"),
    ("checkov", "checkov"),
    ("gitlab_sast", "gitlab"),
    ("gitleaks", "gitleaks"),
    ("nmap", "nmap"),
    ("npm_audit_7_plus", "npm-audit"),
    ("nuclei", "nuclei"),
    ("sarif", "sarif"),
    ("semgrep", "semgrep"),
    ("trivy", "trivy"),
    ("zap", "zap"),
];

#[test]
fn real_outputs_are_valid_in_every_format() {
    let root = std::env::var_os("DRAGNET_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples"), PathBuf::from);
    if !root.is_dir() {
        println!("skipped: there are no samples in {}", root.display());
        return;
    }
    let (bench, schemas) = (Bench::new(), Schemas::read());
    let mut checked = 0;
    for (folder, scanner) in SAMPLES {
        let mut files: Vec<PathBuf> =
            root.join(folder).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort_by_key(|file| std::cmp::Reverse(file.metadata().unwrap().len()));
        for file in files.iter().filter(|file| file.metadata().unwrap().len() < 2 << 20).take(2) {
            // Some are there to be refused.
            let Some(scan) = bench.import(scanner, "dir:.", file) else { continue };
            check(&bench, &schemas, &scan, &file.display().to_string());
            checked += 1;
        }
    }
    assert!(checked > SAMPLES.len(), "{checked}");
}

#[test]
fn a_template_is_filled_or_refused_with_its_place() {
    let bench = Bench::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parse/examples/bandit.json");
    let scan = bench.import("bandit", "dir:.", &example).unwrap();
    let write = |name: &str, text: &str| std::fs::write(bench.dir.path().join(name), text).unwrap();
    write("mine.html", "{% for one in findings %}<li>{{ one.rule }}</li>{% endfor %}");
    let output = bench.dragnet(&["report", &scan, "--template", "mine.html"]);
    let total = length(&bench.json(&scan, "json")["findings"]);
    assert!(total > 0);
    assert_eq!(String::from_utf8(output.stdout).unwrap().matches("<li>").count(), total);
    write("broken.txt", "one\n{{ scan.idd }}\n");
    for arguments in [
        &["--template", "broken.txt"][..],
        &["--template", "none.txt"],
        &["--template", "mine.html", "--format", "json"],
    ] {
        let output = bench.dragnet(&[&["report", &scan], arguments].concat());
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]), "{arguments:?}");
    }
    let said = bench.dragnet(&["report", &scan, "--template", "broken.txt"]).stderr;
    assert!(String::from_utf8(said).unwrap().contains("the template broken.txt, line 2, column "));
}

#[test]
fn a_validator_refuses_what_is_wrong() {
    let schemas = Schemas::read();
    let report = serde_json::json!({ "version": "15.2.1", "vulnerabilities": [] });
    assert_eq!(schemas.faults("gitlab-sast", &report).len(), 1, "there is no scan");
    let bom = |number: u32| {
        let vulnerabilities = serde_json::json!([{ "cwes": [number] }]);
        serde_json::json!({ "bomFormat": "CycloneDX", "specVersion": "1.6", "vulnerabilities": vulnerabilities })
    };
    assert_eq!((schemas.faults("cyclonedx", &bom(0)).len(), schemas.faults("cyclonedx", &bom(1)).len()), (1, 0));
    let suite = |attribute: &str| {
        format!("<testsuite name='a' tests='1' failures='0' errors='0'><testcase {attribute}='b'/></testsuite>")
    };
    let faults = |attribute: &str| schemas.xsd.faults(&suite(attribute)).1.len();
    assert_eq!((faults("name"), faults("file")), (0, 1));
}
