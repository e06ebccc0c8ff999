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

/// Imports documents into a state as one scan, each in the format that it looks like, and checks that all were read.
fn import(dir: &Path, documents: &[Document]) {
    let files = documents.iter().enumerate().map(|(number, (_, text))| {
        let file = dir.join(format!("document-{number}"));
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    });
    let files: Vec<String> = files.collect();
    let arguments = ["import", "--scanner", "gitleaks", "--target", "dir:."].into_iter();
    let output = dragnet(dir, &arguments.chain(files.iter().map(String::as_str)).collect::<Vec<_>>());
    // Some examples tell of errors, and are incomplete.
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)) && said.contains("succeeded"), "{said}");
    for file in &files {
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
    let masks = found(&state, &["‹secret:".to_owned()]);
    assert!(masks.iter().any(|place| place.starts_with("dragnet.db")), "records show them: {masks:?}");
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
    let results = all.iter().map(
        |form| serde_json::json!({"code": "X1", "line": 1, "level": "info", "file": "a", "column": 1, "message": form}),
    );
    let text = results.collect::<serde_json::Value>().to_string();
    import(dir.path(), &[("words".to_owned(), text)]);
    let state = dir.path().join("state");
    let found = found(&state, &[format!("{MARKER}!")]);
    for form in &all {
        let places: Vec<_> = found.iter().filter(|place| place.ends_with(&format!(" as {form}"))).collect();
        assert!(places.iter().any(|place| place.contains("dragnet.db")), "{form}: {found:?}");
        assert!(places.iter().any(|place| place.contains(".zst")), "{form}: {found:?}");
    }
    assert!(files(&state).len() >= 2);
}
