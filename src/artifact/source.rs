//! Target → snapshot: once per scan, by the submitting process.

use std::path::Path;

use super::archive;
use super::error::SourceError;
use super::git::{self, GitSource};
use super::snapshot::{Snapshot, SnapshotOptions, snapshot};
use crate::model::facts::GitFacts;
use crate::model::target::{Target, TargetKind};

/// Resolves a `dir:`, `git:` or `archive:` target into a snapshot, and tells what git says of it. `fetched` is the file of an archive that
/// is not one of this machine.
pub fn resolve(
    artifacts: &Path,
    target: &Target,
    fetched: Option<&Path>,
    options: SnapshotOptions<'_>,
) -> Result<(Snapshot, Option<GitFacts>), SourceError> {
    let (mut snapshot, facts) = match target.kind {
        TargetKind::Dir => {
            let path = Path::new(&target.value);
            let facts = git::facts(path);
            (snapshot(artifacts, path, options)?, facts)
        }
        TargetKind::Git => {
            let source: GitSource = target.value.parse()?;
            let clone = draft(artifacts)?;
            let facts = git::clone(&source, clone.path())?;
            (snapshot(artifacts, clone.path(), options)?, Some(facts))
        }
        TargetKind::Archive => {
            let drafted = draft(artifacts)?;
            let root = archive::unpack(fetched.unwrap_or_else(|| Path::new(&target.value)), drafted.path())?;
            (snapshot(artifacts, &root, options)?, None)
        }
        other => return Err(SourceError::NoSource(other.as_str())),
    };
    if let Some(git) = &facts {
        snapshot.facts.commit.clone_from(&git.commit);
        snapshot.facts.dirty = git.dirty;
    }
    Ok((snapshot, facts))
}

/// Makes a directory for what is not a snapshot yet.
fn draft(artifacts: &Path) -> Result<tempfile::TempDir, SourceError> {
    let home = artifacts.join("src");
    std::fs::create_dir_all(&home)
        .and_then(|()| tempfile::Builder::new().prefix(".tmp-draft-").tempdir_in(&home))
        .map_err(|error| SourceError::local(&home, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::git::tests::{repository, run};
    use crate::artifact::snapshot::tests::unlock;

    #[test]
    fn a_directory_of_a_repository_names_its_commit() {
        let (repository, artifacts) = (repository(), tempfile::tempdir().unwrap());
        std::fs::write(repository.path().join(".gitignore"), "secret.env\n").unwrap();
        std::fs::write(repository.path().join("secret.env"), "KEY=1").unwrap();
        run(repository.path(), &["add", "."]);
        run(repository.path(), &["commit", "--quiet", "--message=two"]);
        let target = repository.path().to_str().unwrap().parse().unwrap();
        let (snapshot, git) = resolve(artifacts.path(), &target, None, SnapshotOptions::default()).unwrap();
        assert_eq!(snapshot.facts.commit, git.unwrap().commit);
        assert!(!snapshot.facts.dirty);
        // What git ignores is scanned all the same, and the history is there.
        assert!(snapshot.tree.join("secret.env").exists() && snapshot.tree.join(".git/HEAD").exists());
        unlock(artifacts.path());
    }

    #[test]
    fn a_repository_is_cloned_without_its_credentials_and_nothing_is_left_behind() {
        let (repository, artifacts) = (repository(), tempfile::tempdir().unwrap());
        let target = format!("git:{}@main", repository.path().display()).parse().unwrap();
        let (snapshot, git) = resolve(artifacts.path(), &target, None, SnapshotOptions::default()).unwrap();
        assert_eq!(std::fs::read_to_string(snapshot.tree.join("a.txt")).unwrap(), "one\n");
        assert_eq!(git.unwrap().line.as_deref(), Some("main"));
        let left: Vec<_> =
            artifacts.path().join("src").read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [snapshot.facts.sha256.to_string().as_str()]);
        unlock(artifacts.path());
    }

    #[test]
    fn targets_without_a_source_are_refused() {
        let artifacts = tempfile::tempdir().unwrap();
        let refuse = |target: &str| {
            resolve(artifacts.path(), &target.parse().unwrap(), None, SnapshotOptions::default()).unwrap_err()
        };
        assert!(matches!(refuse("host:x"), SourceError::NoSource("host")));
        assert!(matches!(refuse("archive:/nonexistent.tar"), SourceError::Io { .. }));
        assert!(matches!(refuse("dir:/nonexistent"), SourceError::Io { .. }));
    }
}
