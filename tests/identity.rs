//! Findings across two commits of a repository, by real scanners: who is known again, by dragnet's identity and by the recipes of others.
//!
//! Needs an engine and the images of `examples/images/build`, whose configuration `DRAGNET_IMAGES` names; `tests/run` makes both.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A repository, a home, a state, and the images' configuration.
struct Bench {
    dir: tempfile::TempDir,
    images: PathBuf,
}

impl Bench {
    fn new() -> Option<Self> {
        let Some(images) = std::env::var_os("DRAGNET_IMAGES") else {
            assert!(
                std::env::var_os("DRAGNET_REQUIRE_ENGINE").is_none(),
                "DRAGNET_IMAGES names no configuration of images"
            );
            eprintln!("skipped: DRAGNET_IMAGES names no configuration of images (see tests/run)");
            return None;
        };
        let bench =
            Self { dir: tempfile::tempdir().unwrap(), images: Path::new(env!("CARGO_MANIFEST_DIR")).join(images) };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/vulnerable"), &bench.repository());
        bench.git(&["init", "--quiet", "--initial-branch", "main"]);
        bench.commit();
        Some(bench)
    }

    fn repository(&self) -> PathBuf {
        self.dir.path().join("shop")
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = Command::new("git");
        git.current_dir(self.repository()).env("HOME", self.dir.path());
        git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]).args(arguments);
        assert!(git.status().unwrap().success(), "{arguments:?}");
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "a commit"]);
    }

    fn edit(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let path = self.repository().join(file);
        let text = edit(std::fs::read_to_string(&path).unwrap());
        std::fs::write(path, text).unwrap();
    }

    /// Scans the commit that is checked out.
    fn scan(&self) -> Value {
        let run = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
            command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.dir.path());
            for name in ["DOCKER_HOST", "DOCKER_CONTEXT"] {
                command.envs(std::env::var_os(name).map(|value| (name, value)));
            }
            command.current_dir(self.dir.path()).arg("--config").arg(&self.images);
            let output = command.args(["--state", "state"]).args(arguments).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            output.stdout
        };
        run(&["start", "shop", "--scanner", "gitleaks", "--scanner", "bandit", "--scanner", "hadolint"]);
        serde_json::from_slice(&run(&["report", "--format", "json"])).unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &into);
        } else {
            std::fs::copy(entry.path(), into).unwrap();
        }
    }
}

/// What a finding is for others: the fields of `DefectDojo`'s hash codes for these scanners (`settings.dist.py`), of SARIF producers that
/// hash file, rule and line (`primaryLocationLineHash` without its rolling window), and of exports that compare by file and line.
type Recipe = fn(&Value) -> String;

const RECIPES: [(&str, Recipe); 3] = [
    ("DefectDojo", |finding| {
        let place = &finding["location"];
        match finding["scanner"].as_str().unwrap() {
            "bandit" => format!("{}{}{}", place["path"], place["start_line"], finding["rule"]),
            // The legacy fields.
            _ => format!(
                "{}{}{}{}{}",
                finding["title"], finding["cwe"], place["start_line"], place["path"], finding["message"]
            ),
        }
    }),
    ("rule, file and line", |finding| {
        format!("{} {} {}", finding["rule"], finding["location"]["path"], finding["location"]["start_line"])
    }),
    ("rule, file and code", |finding| {
        format!("{} {} {}", finding["rule"], finding["location"]["path"], finding["evidence"])
    }),
];

/// How many findings of the second report are new, and how many of the first are gone, to somebody who compares so.
fn compared(before: &Value, after: &Value, recipe: Recipe) -> (usize, usize) {
    let all = |report: &Value| report["findings"].as_array().unwrap().iter().map(recipe).collect::<BTreeSet<_>>();
    let (before, after) = (all(before), all(after));
    (after.difference(&before).count(), before.difference(&after).count())
}

#[test]
fn findings_are_known_again_in_the_next_commit() {
    let Some(bench) = Bench::new() else { return };
    let before = bench.scan();

    // A head for each file, a file with another name, a problem less, a problem more.
    let head = "# Copyright The Shop Authors\n# All rights reserved.\n#\n";
    bench.edit("app/store.py", |text| format!("{head}{}", text.replace("hashlib.md5", "hashlib.scrypt")));
    bench.edit("app/server.py", |text| {
        format!("{head}{text}\n\ndef clean():\n    os.system(\"rm -r \" + request.args[\"dir\"])\n")
    });
    bench.edit("Dockerfile", |text| format!("{head}{text}"));
    std::fs::rename(bench.repository().join("app/server.py"), bench.repository().join("app/web.py")).unwrap();
    bench.commit();
    let after = bench.scan();

    let standings = &after["summary"]["standings"];
    let count = |report: &Value| report["findings"].as_array().unwrap().len();
    let (new, fixed) = (standings["new"].as_u64().unwrap(), standings["fixed"].as_u64().unwrap());
    let list = |list: &str, key: &str, word: &str| -> Vec<String> {
        let all = after[list].as_array().unwrap().iter().filter(|finding| finding[key] == word);
        all.map(|finding| format!("{} {} {}", finding["rule"], finding["location"], finding["evidence"])).collect()
    };
    let told = (list("findings", "standing", "new"), list("gone", "fate", "fixed"));
    assert_eq!((new, fixed), (1, 1), "{standings}\n{told:#?}");
    assert_eq!(standings["existing"], count(&after) - 1, "{standings}");
    assert_eq!(standings["not_observed"], serde_json::json!({}), "{standings}");
    for (name, recipe) in RECIPES {
        let (new, gone) = compared(&before, &after, recipe);
        eprintln!("{name}: {new} new, {gone} gone, of {}; dragnet: 1 new, 1 fixed", count(&after));
        assert!(new > 5 && gone > 5, "{name}: {new} new, {gone} gone");
    }
}
