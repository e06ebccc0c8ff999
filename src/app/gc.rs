//! Collecting what nobody needs: engine objects without a row, snapshots of ended scans, drafts of killed processes.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{App, AppError, prepare};
use crate::artifact;
use crate::executor::{Owned, SharedExecutor};
use crate::model::clock::Timestamp;
use crate::model::id::{AttemptName, Sha256};

/// What can go.
#[derive(Debug, Default)]
pub struct Garbage {
    /// Objects in the engine.
    pub objects: Vec<Owned>,
    /// Snapshots that no open scan reads.
    pub snapshots: Vec<PathBuf>,
    /// Directories of attempts that are over.
    pub spools: Vec<PathBuf>,
}

/// Looks for what can go. Snapshots and shared objects younger than `keep` stay: a plan may be waiting for them.
pub async fn garbage(app: &App, executor: Option<&SharedExecutor>, keep: Duration) -> Result<Garbage, AppError> {
    let live: HashSet<AttemptName> = app.store.attempts_not_removed()?.into_iter().collect();
    let open = read_trees(app)?;
    let oldest = app.clock.now().plus_ms(-i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
    let idle = app.store.open_scans()?.is_empty() && live.is_empty();
    let objects = match executor {
        None => Vec::new(),
        Some(executor) => {
            let listed = executor.list_owned(app.store.instance()).await?;
            listed.into_iter().filter(|object| can_go(object, &live, idle, oldest)).collect()
        }
    };
    let dir = app.store.dir();
    let snapshots = entries(&dir.join("artifacts/src"))?
        .into_iter()
        .filter(|path| hash_of(path).is_some_and(|hash| !open.contains(&hash)) && is_older(path, oldest))
        .collect();
    let spools = entries(&dir.join("spool"))?
        .into_iter()
        .filter(|path| attempt_of(path).is_some_and(|name| !live.contains(&name)))
        .collect();
    Ok(Garbage { objects, snapshots, spools })
}

/// Removes it; returns how many drafts of killed processes went with it.
pub async fn collect(app: &App, executor: Option<&SharedExecutor>, garbage: &Garbage) -> Result<u64, AppError> {
    if let Some(executor) = executor {
        for object in &garbage.objects {
            executor.remove_owned(object).await?;
        }
    }
    for path in garbage.snapshots.iter().chain(&garbage.spools) {
        remove(path).map_err(|error| failed(path, &error))?;
    }
    let artifacts = app.store.dir().join("artifacts");
    artifact::sweep_drafts(&artifacts, app.clock.now()).map_err(|error| failed(&artifacts, &error))
}

/// Lists what other states have in the engine.
pub async fn foreign(app: &App, executor: &SharedExecutor) -> Result<Vec<Owned>, AppError> {
    let ours = app.store.instance();
    let listed = executor.list_foreign().await?;
    // What bears no instance is shared by all states.
    let foreign = |object: &Owned| !object.instance.is_empty() && object.instance != ours.as_str();
    Ok(listed.into_iter().filter(foreign).collect())
}

/// Whether nobody waits for an object: it is of no attempt with a row, or it is shared and nothing runs.
fn can_go(object: &Owned, live: &HashSet<AttemptName>, idle: bool, oldest: Timestamp) -> bool {
    match &object.attempt {
        Some(name) => !live.contains(name),
        None => idle && object.created_at.is_none_or(|at| at < oldest),
    }
}

/// Returns the trees that somebody reads: open scans, and whoever needs a database next.
fn read_trees(app: &App) -> Result<HashSet<Sha256>, AppError> {
    let mut open: HashSet<Sha256> = prepare::trees(app).into_iter().collect();
    for scan in app.store.open_scans()? {
        let loaded = app.store.load(scan)?;
        for step in &loaded.steps {
            open.extend(step.spec.source);
            open.extend(step.spec.data.iter().map(|data| data.sha256));
        }
    }
    Ok(open)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, AppError> {
    match dir.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(dir, &error)),
        Ok(entries) => Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect()),
    }
}

fn hash_of(path: &Path) -> Option<Sha256> {
    path.file_name()?.to_str()?.parse().ok()
}

fn attempt_of(path: &Path) -> Option<AttemptName> {
    let name = path.file_name()?.to_str()?;
    name.strip_suffix(".in").unwrap_or(name).parse().ok()
}

fn is_older(path: &Path, than: Timestamp) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    path.metadata().is_ok_and(|meta| Timestamp(meta.mtime().saturating_mul(1000)) < than)
}

/// Removes a directory whose own mode may forbid that.
fn remove(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    fs::remove_dir_all(path)
}

fn failed(path: &Path, error: &io::Error) -> AppError {
    AppError::Local { path: path.to_owned(), message: error.to_string() }
}
