//! Documents that were made elsewhere.

use std::path::Path;
use std::process::{Command, Output};

use super::documents::{Document, captured, of_every_format};
use super::planted::{MARKER, forms, secrets};
use super::state::{assert_clean, files, found, kept, masks};

fn dragnet(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(super::engine::AGENT);
    command.env_clear().env("HOME", dir).current_dir(dir).arg("--state").arg(dir.join("state"));
    command.args(arguments).output().unwrap()
}

/// Imports documents into a state, and checks that all were read.
fn import(dir: &Path, documents: &[Document]) {
    for (name, format, text) in documents {
        let file = dir.join("document");
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let output = dragnet(dir, &["import", "--scanner", format, "--as", format, "--target", "dir:.", file]);
        // Some examples tell of errors, and are incomplete.
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 3)) && !said.contains("failed"), "{name}: {said}");
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn no_secret_of_any_format_is_in_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let documents = of_every_format();
    assert_eq!(documents.len(), dragnet::parse::PARSERS.len());
    import(dir.path(), &documents);
    let state = dir.path().join("state");
    assert_clean(&state);
    let kept = kept(&state);
    assert_eq!(kept.len(), documents.len(), "each file is kept");
    for text in &kept {
        let head: String = text.chars().take(200).collect();
        assert!(masks(text) >= secrets().len(), "{} masks in {head}", masks(text));
        assert!(text.contains(MARKER), "{head}");
    }
    let report = dragnet(dir.path(), &["report", "latest", "--format", "json"]);
    assert!(String::from_utf8_lossy(&report.stdout).contains("‹secret:"), "a record shows the masks");
}

#[test]
fn no_secret_of_captured_traffic_is_in_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let documents = captured();
    import(dir.path(), &documents);
    assert_clean(&dir.path().join("state"));
    assert_eq!(kept(&dir.path().join("state")).len(), documents.len());
}

#[test]
fn what_is_no_secret_is_found_by_the_same_search_in_every_form() {
    let dir = tempfile::tempdir().unwrap();
    let all = forms(&format!("{MARKER}!"));
    assert_eq!(all.len(), 5, "{all:?}");
    let results = all
        .iter()
        .map(|form| serde_json::json!({"code": "X1", "line": 1, "level": "info", "file": "a", "message": form}));
    let text = serde_json::Value::from_iter(results).to_string();
    import(dir.path(), &[("words".to_owned(), "hadolint", text)]);
    let state = dir.path().join("state");
    let found = found(&state, &[format!("{MARKER}!")]);
    for form in &all {
        let places: Vec<_> = found.iter().filter(|place| place.ends_with(&format!(" as {form}"))).collect();
        assert!(places.iter().any(|place| place.contains("dragnet.db")), "{form}: {found:?}");
        assert!(places.iter().any(|place| place.contains(".zst")), "{form}: {found:?}");
    }
    assert!(files(&state).len() >= 2);
}
