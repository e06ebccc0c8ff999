//! The sample project, real scanners, the program itself: what is found, what is kept, what is said.
//!
//! Needs an engine and the images of `examples/images/build`, whose configuration `DRAGNET_IMAGES` names; `tests/run` makes both.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A home, a state, and the images' configuration.
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
        Some(Self { dir: tempfile::tempdir().unwrap(), images: Path::new(env!("CARGO_MANIFEST_DIR")).join(images) })
    }

    fn dragnet(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.dir.path());
        for name in ["DOCKER_HOST", "DOCKER_CONTEXT"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["--config", self.images.to_str().unwrap()])
            .arg("--state");
        command.arg(self.state()).args(arguments).output().unwrap()
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn report(&self) -> Value {
        let output = self.dragnet(&["report", "latest", "--format", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn scan(bench: &Bench, more: &[&str]) -> Output {
    let scanners = ["--scanner", "gitleaks", "--scanner", "bandit", "--scanner", "hadolint"];
    bench.dragnet(&[&["start", "examples/vulnerable"], &scanners[..], more].concat())
}

/// Counted in the scanners' own reports by other means: gitleaks 5, bandit 19, hadolint 16.
const FINDINGS: [(&str, usize); 3] = [("gitleaks", 5), ("bandit", 19), ("hadolint", 16)];

#[test]
fn three_scanners_find_what_is_there_and_leave_nothing() {
    let Some(bench) = Bench::new() else { return };
    let output = scan(&bench, &["--fail-on", "high"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report = bench.report();
    assert_eq!((&report["schema"], &report["scan"]["state"]), (&"dragnet.report/v1".into(), &"completed".into()));
    for (scanner, count) in FINDINGS {
        let found =
            report["findings"].as_array().unwrap().iter().filter(|finding| finding["scanner"] == scanner).count();
        assert_eq!(found, count, "{scanner}");
    }
    assert_eq!(std::fs::read_dir(bench.state().join("spool")).unwrap().count(), 0, "the spool is empty");
}

#[test]
fn a_second_scan_finds_the_same_findings() {
    let Some(bench) = Bench::new() else { return };
    let fingerprints = || {
        assert_eq!(scan(&bench, &[]).status.code(), Some(0));
        let report = bench.report();
        let all = report["findings"].as_array().unwrap().iter().map(|finding| finding["fingerprint"].to_string());
        let mut all: Vec<String> = all.collect();
        all.sort();
        all
    };
    assert_eq!(fingerprints(), fingerprints());
}

#[test]
fn planted_secrets_are_not_in_the_state() {
    let Some(bench) = Bench::new() else { return };
    assert_eq!(scan(&bench, &[]).status.code(), Some(0));
    let planted = planted();
    assert!(planted.len() >= 3, "{planted:?}");
    let mut files = 0;
    for file in files_below(&bench.state()) {
        let mut content = std::fs::read(&file).unwrap();
        if file.extension().is_some_and(|extension| extension == "zst") {
            content = zstd::decode_all(content.as_slice()).unwrap();
        }
        files += 1;
        for secret in &planted {
            let hit = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!hit, "{} holds {secret}", file.display());
        }
    }
    assert!(files > 5, "only {files} files were looked at");
}

/// The values that the sample's configuration plants.
fn planted() -> Vec<String> {
    let ini = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/vulnerable/config/shop.ini");
    let text = std::fs::read_to_string(ini).unwrap();
    let values = text.lines().filter_map(|line| line.split_once('=')).map(|(_, value)| value.trim().trim_matches('"'));
    values.filter(|value| value.len() >= 16).map(str::to_owned).collect()
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files.extend(files_below(&entry.path())),
            kind if kind.is_file() && !entry.path().starts_with(dir.join("shim")) => files.push(entry.path()),
            _ => {}
        }
    }
    files
}
