//! Reports of the program on what scanners wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

/// A state and what is imported into it.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for target in ["shop", "other"] {
            std::fs::create_dir(dir.path().join(target)).unwrap();
        }
        Self { dir }
    }

    pub(crate) fn dragnet(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.dir.path());
        command.current_dir(self.dir.path()).arg("--state").arg(self.dir.path().join("state")).args(arguments);
        command.output().unwrap()
    }

    /// Imports a file as a scan of `dir:shop`.
    pub(crate) fn import(&self, scanner: &str, format: &str, file: &Path) {
        self.import_of("dir:shop", scanner, format, file);
    }

    /// Imports a file as a scan of a target.
    pub(crate) fn import_of(&self, target: &str, scanner: &str, format: &str, file: &Path) {
        let file = file.to_str().unwrap();
        let arguments = ["import", "--scanner", scanner, "--as", format, "--target", target, "--format", "jsonl", file];
        let output = self.dragnet(&arguments);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Imports a document that the test makes.
    pub(crate) fn import_text(&self, scanner: &str, format: &str, text: &str) {
        let file = self.dir.path().join("results");
        std::fs::write(&file, text).unwrap();
        self.import(scanner, format, &file);
    }

    /// Imports the same document as a scan of another target.
    pub(crate) fn import_elsewhere(&self, scanner: &str, format: &str) {
        self.import_of("dir:other", scanner, format, &self.dir.path().join("results"));
    }

    /// Writes the page of the newest scan.
    pub(crate) fn page(&self, more: &[&str]) -> PathBuf {
        let page = self.dir.path().join("report.html");
        let output = self.dragnet(&[&["report", "--format", "html", "-o", page.to_str().unwrap()], more].concat());
        assert!(output.status.success() || !more.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        page
    }

    /// The newest scan's report for programs.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.dragnet(&["report", "--format", "json"]).stdout).unwrap()
    }
}

/// The folder of real outputs, if it is there.
pub(crate) fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("DRAGNET_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples"), PathBuf::from);
    folder.join("index.tsv").exists().then_some(folder)
}

const KINDS: [(&str, &str, &str); 6] = [
    ("sql-injection", "9.8", "A query is built from what a user sent"),
    ("command-injection", "8.1", "A shell runs what a user sent"),
    ("cross-site-scripting", "6.1", "A page shows what a user sent as markup"),
    ("weak-hash", "5.3", "A password is hashed with a function that is fast to compute"),
    ("debug-enabled", "3.1", "Debugging is on where customers are served"),
    ("missing-header", "0.0", "An answer lacks a header that browsers look for"),
];

/// A SARIF report with so many results, of all severities, in 300 files.
pub(crate) fn many(count: usize) -> String {
    let rules: Vec<Value> = (0..60)
        .map(|n| {
            let (name, score, text) = KINDS[n % KINDS.len()];
            json!({"id": format!("{name}-{n:02}"), "shortDescription": {"text": text}, "helpUri": "https://example.org/rules",
                "properties": {"security-severity": score, "tags": ["external/cwe/cwe-89"]}})
        })
        .collect();
    let results: Vec<Value> = (0..count)
        .map(|n| {
            // A stride that is prime to both spreads rules over files.
            let (rule, file, line) = (n * 7 % 60, n * 13 % 300, n % 900 + 1);
            json!({"ruleId": rules[rule]["id"], "ruleIndex": rule,
                "message": {"text": format!("{} in handler number {n}.", KINDS[rule % KINDS.len()].2)},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": format!("services/part{:02}/module{file:03}.py", file % 20)},
                    "region": {"startLine": line, "snippet": {"text": format!("    result = handle(request.args[\"field{n}\"])")}}}}]})
        })
        .collect();
    json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "bench", "rules": rules}}, "results": results}]})
        .to_string()
}

/// What a scanner writes that wants to act in a page, in every place that a report shows.
pub(crate) fn hostile() -> String {
    let act = "</script><script>window.acted = 1; alert(1)</script><img src=x onerror=\"window.acted = 1; alert(2)\"><!--\"'>\u{202e}{{7*7}}";
    let uri = "javascript:alert(3)";
    let rule = json!({"id": act, "name": act, "shortDescription": {"text": act}, "fullDescription": {"text": act},
        "helpUri": uri, "properties": {"security-severity": "9.9", "tags": [act]}});
    let results: Vec<Value> = [act, "__proto__", "constructor", "<svg onload=alert(4)>"]
        .iter()
        .map(|text| {
            // What a snippet quotes is masked everywhere in its result: the others bear theirs to the page.
            let snippet = if text.starts_with("<svg") { text } else { "x = 1" };
            json!({"ruleId": act, "ruleIndex": 0, "message": {"text": text},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": text}, "region": {"startLine": 1, "snippet": {"text": snippet}}}}],
                "suppressions": if *text == "__proto__" { json!([{"kind": "inSource", "justification": act}]) } else { json!([]) }})
        })
        .collect();
    json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": act, "version": act, "rules": [rule]}}, "results": results}]}).to_string()
}
