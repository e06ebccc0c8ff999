//! Completions and manual pages are committed; they are what the program itself makes of its words.
//!
//! `DRAGNET_UPDATE=1 cargo test --test generated` writes them anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dragnet::cli::generate;

fn files() -> Vec<(PathBuf, String)> {
    let completions = generate::SHELLS.map(|shell| {
        let name = clap_complete::Generator::file_name(&shell, "dragnet");
        (PathBuf::from("completions").join(name), generate::completions(shell))
    });
    let manuals = generate::manuals().into_iter().map(|(name, text)| (PathBuf::from("man").join(name), text));
    completions.into_iter().chain(manuals).collect()
}

#[test]
fn completions_and_manual_pages_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = files();
    if std::env::var_os("DRAGNET_UPDATE").is_some() {
        for (path, text) in &files {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), text).unwrap();
        }
    }
    for (path, text) in &files {
        let committed = std::fs::read_to_string(root.join(path)).unwrap_or_default();
        assert!(committed == *text, "{} is out of date: run with DRAGNET_UPDATE=1", path.display());
    }
    let known: BTreeSet<&PathBuf> = files.iter().map(|(path, _)| path).collect();
    for folder in ["completions", "man"] {
        for entry in root.join(folder).read_dir().unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            assert!(known.contains(&path), "{} is of a command that is gone", path.display());
        }
    }
}
