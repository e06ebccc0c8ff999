//! Collecting what nobody needs: engine objects without a row, snapshots of ended scans, drafts of killed processes.
//!
//! What exists is listed first and compared with the rows afterwards: an intent is committed before its object is made, so what
//! was listed and has no row then never had one, or is over.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{App, AppError, prepare};
use crate::artifact;
use crate::beneath::ignore_missing;
use crate::executor::{Owned, SharedExecutor};
use crate::model::clock::Timestamp;
use crate::model::id::{AttemptName, ScanId, ScanKey, Sha256};

/// How long a helper may be at work.
const HELPS: Duration = Duration::from_hours(1);

/// What can go.
#[derive(Debug, Default)]
pub struct Garbage {
    /// Objects in the engine.
    pub objects: Vec<Owned>,
    /// Snapshots that no open scan reads.
    pub snapshots: Vec<PathBuf>,
    /// Directories of attempts that are over, and of scans that were never written.
    pub spools: Vec<PathBuf>,
}

/// Looks for what can go. Snapshots and shared objects younger than `keep` stay: a plan may be waiting for them.
pub async fn garbage(app: &App, executor: Option<&SharedExecutor>, keep: Duration) -> Result<Garbage, AppError> {
    let (listed, spools) = list(app, executor).await?;
    let snapshots = entries(&app.store.dir().join("artifacts/src"))?;
    let live = live(app)?;
    let idle = app.store.open_scans()?.is_empty() && live.is_empty();
    let (oldest, oldest_helper) = (before(app, keep), before(app, HELPS));
    let objects = listed.into_iter().filter(|object| match &object.attempt {
        Some(name) => !live.contains(name),
        None => is_idle_helper(object, oldest_helper) || idle && object.created_at.is_none_or(|at| at < oldest),
    });
    let open = read_trees(app)?;
    let unread = |path: &PathBuf| hash_of(path).is_some_and(|hash| !open.contains(&hash)) && is_older(path, oldest);
    Ok(Garbage {
        objects: objects.collect(),
        snapshots: snapshots.into_iter().filter(unread).collect(),
        spools: [without_row(spools, &live), without_scan(app).await?].concat(),
    })
}

/// Removes what attempts have left that nobody waits for, and helpers of processes that died: what every command that drives a
/// scan does beside it. Snapshots and what attempts share are left to a full collection.
///
/// Returns how many objects and directories that were.
pub async fn sweep(app: &App, executor: &SharedExecutor) -> Result<usize, AppError> {
    let (listed, spools) = list(app, Some(executor)).await?;
    let (live, oldest_helper) = (live(app)?, before(app, HELPS));
    let orphans = listed.into_iter().filter(|object| match &object.attempt {
        Some(name) => !live.contains(name),
        None => is_idle_helper(object, oldest_helper),
    });
    let spools = [without_row(spools, &live), without_scan(app).await?].concat();
    let garbage = Garbage { objects: orphans.collect(), spools, ..Garbage::default() };
    for object in &garbage.objects {
        tracing::info!(
            kind = object.kind.as_str(),
            name = object.name,
            "nobody waits for this any more; it is removed"
        );
    }
    let number = garbage.objects.len() + garbage.spools.len();
    collect(app, Some(executor), &garbage).await.map(|_| number)
}

/// Lists what the engine and the spool hold.
async fn list(app: &App, executor: Option<&SharedExecutor>) -> Result<(Vec<Owned>, Vec<PathBuf>), AppError> {
    let objects = match executor {
        None => Vec::new(),
        Some(executor) => executor.list_owned(app.store.instance()).await?,
    };
    Ok((objects, entries(&app.store.dir().join("spool"))?))
}

/// Returns the attempts that somebody waits for: those of scans that have not ended or whose driver is still clearing up, and those
/// that fill databases.
fn live(app: &App) -> Result<HashSet<AttemptName>, AppError> {
    let mut live: HashSet<AttemptName> = prepare::filling(app)?.into_iter().collect();
    for (name, scan, ended) in app.store.unremoved_attempts()? {
        if !ended || app.store.is_driven(scan)? {
            live.insert(name);
        }
    }
    Ok(live)
}

fn without_row(spools: Vec<PathBuf>, live: &HashSet<AttemptName>) -> Vec<PathBuf> {
    spools.into_iter().filter(|path| attempt_of(path).is_some_and(|name| !live.contains(&name))).collect()
}

/// Returns secrets of scans whose submission was cut short. They are listed first: whoever was at it then has ended when it is our turn.
async fn without_scan(app: &App) -> Result<Vec<PathBuf>, AppError> {
    let spooled = entries(&app.store.dir().join("spool/secrets"))?;
    if spooled.is_empty() {
        return Ok(spooled);
    }
    app.store.take_turn().await?;
    let mut orphans = Vec::new();
    for path in spooled {
        if let Some(key) = key_of(&path)
            && !app.store.has_scan(key)?
        {
            orphans.push(path);
        }
    }
    Ok(orphans)
}

/// Returns ended scans that have left secrets behind, because their driver died between the end and the tidying.
pub fn untidy(app: &App) -> Result<Vec<(ScanId, ScanKey)>, AppError> {
    let mut untidy = Vec::new();
    for key in entries(&app.store.dir().join("spool/secrets"))?.iter().filter_map(|path| key_of(path)) {
        if let Ok(scan) = app.store.find_scan(key.as_str())
            && app.store.scan_state(scan)?.is_terminal()
            && !app.store.is_driven(key)?
        {
            untidy.push((scan, key));
        }
    }
    Ok(untidy)
}

/// Helpers carry files to and fro; none lives for long.
fn is_idle_helper(object: &Owned, oldest: Timestamp) -> bool {
    object.role == "helper" && object.created_at.is_some_and(|at| at < oldest)
}

fn before(app: &App, age: Duration) -> Timestamp {
    app.clock.now().plus_ms(-i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
}

/// Removes it; returns how many drafts of killed processes went with it.
pub async fn collect(app: &App, executor: Option<&SharedExecutor>, garbage: &Garbage) -> Result<u64, AppError> {
    if let Some(executor) = executor {
        for object in &garbage.objects {
            executor.remove_owned(object).await?;
        }
    }
    for path in &garbage.spools {
        // It may have gone with its container.
        ignore_missing(fs::remove_dir_all(path)).map_err(|error| failed(path, &error))?;
    }
    let artifacts = app.store.dir().join("artifacts");
    for (path, hash) in garbage.snapshots.iter().filter_map(|path| Some((path, hash_of(path)?))) {
        // Whoever has taken it meanwhile holds it.
        artifact::remove_tree(&artifacts, hash, app.clock.now(), || true).map_err(|error| failed(path, &error))?;
    }
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

fn key_of(path: &Path) -> Option<ScanKey> {
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

fn failed(path: &Path, error: &io::Error) -> AppError {
    AppError::Local { path: path.to_owned(), message: error.to_string() }
}
