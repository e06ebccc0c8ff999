//! The search through a state directory.

use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;

use super::planted::{forms, values};

/// What of these texts is where in a state, in any form: file, and the text.
pub(crate) fn found(state: &Path, texts: &[String]) -> Vec<String> {
    let forms: Vec<(String, &String)> =
        texts.iter().flat_map(|text| forms(text).into_iter().map(move |form| (form, text))).collect();
    let search = AhoCorasick::new(forms.iter().map(|form| &form.0)).unwrap();
    let mut found = Vec::new();
    for file in files(state) {
        for hit in search.find_overlapping_iter(&content(&file)) {
            let (form, text) = &forms[hit.pattern().as_usize()];
            found.push(format!("{}: {text} as {form}", file.strip_prefix(state).unwrap().display()));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Checks that no secret is in a state.
pub(crate) fn assert_clean(state: &Path) {
    let found = found(state, &values());
    assert!(found.is_empty(), "{} places:\n{}", found.len(), found.join("\n"));
}

/// The kept files of a state, unpacked.
pub(crate) fn kept(state: &Path) -> Vec<String> {
    let blobs = files(&state.join("artifacts/blobs"));
    blobs.iter().map(|file| String::from_utf8_lossy(&content(file)).into_owned()).collect()
}

/// How many different secrets are masked in a text.
pub(crate) fn masks(text: &str) -> usize {
    let masks = text.match_indices("‹secret:").map(|(at, mask)| &text[at + mask.len()..at + mask.len() + 8]);
    masks.collect::<std::collections::BTreeSet<_>>().len()
}

fn content(file: &Path) -> Vec<u8> {
    let content = std::fs::read(file).unwrap();
    match file.extension() {
        Some(packed) if packed == "zst" => zstd::decode_all(content.as_slice()).unwrap(),
        _ => content,
    }
}

/// All files, but for the copy of the program that scanners' containers run.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.extend((path != root.join("shim")).then_some(path));
            } else if path.is_file() {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
