//! State: a backup of everything that reports are made of, and its return as a state of its own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::AppError;
use crate::model::clock::Clock;
use crate::store::Store;

/// What of a state directory is copied beside the database: stored results and logs. Snapshots can be taken again.
const FOLDERS: [&str; 2] = ["artifacts/blobs", "logs"];

/// Copies the state to the directory `into`, which must be new or empty. Scans may go on meanwhile.
pub fn backup(store: &Store, into: &Path) -> Result<(), AppError> {
    refuse_used(into)?;
    fs::create_dir_all(into).map_err(|error| failed("make", into, &error))?;
    // The database first: every file that it names is there already.
    store.copy_to(&into.join("dragnet.db"))?;
    copy_folders(store.dir(), into)
}

/// Brings a backup back as the state directory `state`, which must be new or empty. Returns how many scans were under way when
/// it was made; they end there.
pub async fn restore(backup: &Path, state: &Path) -> Result<usize, AppError> {
    let database = backup.join("dragnet.db");
    if !database.is_file() {
        return Err(AppError::Backup { path: backup.to_owned(), message: "it holds no dragnet.db".to_owned() });
    }
    refuse_used(state)?;
    crate::config::prepare_state(state)?;
    copy_folders(backup, state)?;
    // The database last: a restore that breaks off leaves no state that looks whole.
    let target = state.join("dragnet.db");
    fs::copy(&database, &target).map_err(|error| failed("copy", &database, &error))?;
    let store = Store::open(state)?;
    let wrong = store.verify()?;
    if let Some(first) = wrong.first() {
        return Err(AppError::Backup { path: database, message: format!("it is damaged: {first}") });
    }
    Ok(store.become_another(Clock::System.now()).await?)
}

fn refuse_used(dir: &Path) -> Result<(), AppError> {
    let mut entries = match dir.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| failed("read", dir, &error))?,
    };
    if entries.next().is_none() {
        return Ok(());
    }
    let message = "it is not empty, and nothing is written over".to_owned();
    Err(AppError::Backup { path: dir.to_owned(), message })
}

fn copy_folders(from: &Path, into: &Path) -> Result<(), AppError> {
    FOLDERS.iter().try_for_each(|folder| copy(&from.join(folder), &into.join(folder)))
}

/// Copies directories and regular files; what vanishes meanwhile was a draft.
fn copy(from: &Path, into: &Path) -> Result<(), AppError> {
    let entries = match from.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| failed("read", from, &error))?,
    };
    fs::create_dir_all(into).map_err(|error| failed("make", into, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| failed("read", from, &error))?;
        let (path, target): (PathBuf, PathBuf) = (entry.path(), into.join(entry.file_name()));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => copy(&path, &target)?,
            Ok(kind) if kind.is_file() => match fs::copy(&path, &target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("copy", &path, &error)),
                _ => {}
            },
            _ => {}
        }
    }
    Ok(())
}

fn failed(action: &str, path: &Path, error: &io::Error) -> AppError {
    AppError::Backup { path: path.to_owned(), message: format!("failed to {action} it: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_backup_comes_back_as_another_state() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let store = Store::open(&path("one")).unwrap();
        fs::create_dir_all(path("one/logs/x")).unwrap();
        fs::write(path("one/logs/x/seg-000000"), "line").unwrap();
        backup(&store, &path("copy")).unwrap();
        assert!(backup(&store, &path("copy")).is_err());
        assert_eq!(restore(&path("copy"), &path("two")).await.unwrap(), 0);
        assert_ne!(Store::open(&path("two")).unwrap().instance(), store.instance());
        assert_eq!(fs::read_to_string(path("two/logs/x/seg-000000")).unwrap(), "line");
        assert!(restore(&path("copy"), &path("two")).await.is_err());
        assert!(restore(&path("nowhere"), &path("three")).await.is_err());
    }
}
