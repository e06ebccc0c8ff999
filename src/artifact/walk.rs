//! A quick look at a source tree: how many files match which globs.

use std::collections::BTreeMap;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::WalkBuilder;

use super::error::SourceError;
use crate::model::facts::Facts;

/// Most files that are looked at.
const MAX_FILES: u64 = 1_000_000;

/// Counts the files below `root` for each glob, written as in `.gitignore`; what `.gitignore` files name does not count, nor does
/// `.git`.
pub fn gather_facts(root: &Path, globs: &[&str]) -> Result<Facts, SourceError> {
    gather_at_most(root, globs, MAX_FILES)
}

fn gather_at_most(root: &Path, globs: &[&str], most: u64) -> Result<Facts, SourceError> {
    let set = compile(globs)?;
    let mut counts = vec![0_u64; globs.len()];
    let mut facts = Facts::default();
    let walk = WalkBuilder::new(root)
        .standard_filters(false)
        .git_ignore(true)
        .require_git(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    // A directory that cannot be read counts nothing here; the snapshot reports it.
    for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())) {
        if facts.files == most {
            facts.truncated = true;
            break;
        }
        facts.files += 1;
        let inner = entry.path().strip_prefix(root).ok().filter(|path| !path.as_os_str().is_empty());
        let path = inner.unwrap_or_else(|| Path::new(entry.file_name()));
        set.matches(path).into_iter().for_each(|glob| counts[glob] += 1);
    }
    let found = globs.iter().zip(counts).filter(|(_, count)| *count > 0);
    facts.matches = found.map(|(glob, count)| ((*glob).to_owned(), count)).collect::<BTreeMap<_, _>>();
    Ok(facts)
}

/// A glob with a slash before its end is tied to the root; any other matches names in every directory.
fn compile(globs: &[&str]) -> Result<GlobSet, SourceError> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let refused =
            |error: globset::Error| SourceError::Exclude { glob: (*glob).to_owned(), message: error.to_string() };
        let rooted = if glob.contains('/') { glob.trim_start_matches('/').to_owned() } else { format!("**/{glob}") };
        set.add(GlobBuilder::new(&rooted).literal_separator(true).build().map_err(refused)?);
    }
    set.build().map_err(|error| SourceError::Exclude { glob: globs.join(" "), message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn files_are_counted_per_glob_as_gitignore_writes_them() {
        let root = tree(&[
            ("a.py", ""),
            ("src/deep/b.py", ""),
            ("Cargo.lock", ""),
            ("vendor/x/Cargo.lock", ""),
            (".github/workflows/ci.yml", ""),
            ("build/c.py", ""),
            (".git/d.py", ""),
            (".gitignore", "build/\n"),
        ]);
        let globs = ["*.py", "/Cargo.lock", "Cargo.lock", ".github/workflows/*.yml", "*.go"];
        let facts = gather_facts(root.path(), &globs).unwrap();
        assert_eq!(globs.map(|glob| facts.count(glob)), [2, 1, 2, 1, 0]);
        assert_eq!((facts.files, facts.truncated), (6, false));
    }

    #[test]
    fn a_walk_that_ends_early_says_so() {
        let root = tree(&[("a", ""), ("b", ""), ("c", "")]);
        assert!(!gather_at_most(root.path(), &[], 3).unwrap().truncated);
        let facts = gather_at_most(root.path(), &[], 2).unwrap();
        assert_eq!((facts.files, facts.truncated), (2, true));
    }

    #[test]
    fn a_single_file_is_a_tree_too() {
        let root = tree(&[("a.py", "")]);
        assert_eq!(gather_facts(&root.path().join("a.py"), &["*.py"]).unwrap().count("*.py"), 1);
    }
}
