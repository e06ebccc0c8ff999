//! Real scanners over a repository with the secrets.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::planted::{MARKER, repository};
use super::state::{assert_clean, found, kept, masks};

/// Scanners of source trees that there are images for, and that need no database from elsewhere.
const ALL: [&str; 7] = ["gitleaks", "bandit", "hadolint", "kingfisher", "trivy-config", "checkov", "ruff"];

fn images() -> Option<PathBuf> {
    let Some(images) = std::env::var_os("DRAGNET_IMAGES") else {
        assert!(
            std::env::var_os("DRAGNET_REQUIRE_ENGINE").is_none(),
            "DRAGNET_IMAGES names no configuration of images"
        );
        eprintln!("skipped: DRAGNET_IMAGES names no configuration of images (see tests/run)");
        return None;
    };
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join(images))
}

fn start(dir: &Path, images: &Path, scanner: &str) -> Output {
    let mut command = Command::new(super::engine::AGENT);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", dir).current_dir(dir);
    for name in ["DOCKER_HOST", "DOCKER_CONTEXT"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.arg("--config").arg(images).arg("--state").arg(dir.join("state"));
    command.args(["start", "tree", "--scanner", scanner]).output().unwrap()
}

#[test]
fn no_secret_of_a_repository_is_in_the_state() {
    let Some(images) = images() else { return };
    let configured = std::fs::read_to_string(&images).unwrap();
    let full = std::env::var_os("DRAGNET_FULL").is_some();
    let has_image = |scanner: &&&str| configured.contains(&format!("[scanners.{scanner}]"));
    let scanners: Vec<&str> = ALL[..if full { ALL.len() } else { 2 }].iter().filter(has_image).copied().collect();
    assert!(scanners.len() >= 2, "{configured}");
    for scanner in scanners {
        let dir = tempfile::tempdir().unwrap();
        repository(&dir.path().join("tree"));
        let output = start(dir.path(), &images, scanner);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{scanner}: {said}");
        let state = dir.path().join("state");
        assert_clean(&state);
        let kept = kept(&state);
        let count: usize = kept.iter().map(|text| masks(text)).sum();
        println!("{scanner}: {count} secrets are masked in {} files", kept.len());
        assert!(!kept.is_empty(), "{scanner}");
        if matches!(scanner, "gitleaks" | "bandit" | "kingfisher") {
            assert!(count >= 5, "{scanner} shows the secrets that it finds: {count}");
        }
        // The search sees what the scanner wrote.
        let words =
            found(&state, &["app.py".to_owned(), "Dockerfile".to_owned(), "main.tf".to_owned(), MARKER.to_owned()]);
        assert!(!words.is_empty(), "{scanner}");
    }
}
