//! Scanner databases: found, versioned and aged before a scan begins, so that every job of it reads the same one.

use std::path::{Path, PathBuf};

use super::{App, AppError, Say, prepare};
use crate::artifact::{self, SnapshotOptions};
use crate::executor::SharedExecutor;
use crate::model::clock::Timestamp;
use crate::model::id::Sha256;
use crate::model::outcome::{Failure, FailureReason};
use crate::model::scanner::{DataSpec, Scanner};
use crate::model::spec::DataTree;

/// A scanner's database, as far as it is known before a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedData {
    /// The scanner that reads it.
    pub scanner: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub found: Database,
}

/// Where a database stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// It is here.
    Here {
        /// When it was last changed; `None` when nothing tells.
        changed: Option<Timestamp>,
        /// Whether it is older than its scanner allows.
        stale: bool,
    },
    /// It is filled, or filled anew, before the scan's first job.
    ToBeFilled,
    /// It is not here, and the scanner's jobs will fail; what to do.
    Missing(String),
}

/// Looks at a scanner's databases without taking or filling any.
pub(super) fn look(app: &App, scanner: &Scanner) -> Vec<PlannedData> {
    let found = |data: &DataSpec| match &data.source {
        Some(source) if !Path::new(source).is_dir() => Database::Missing(format!("{source} is no directory")),
        Some(source) => here(app, data, newest(Path::new(source))),
        None if data.update.is_empty() => Database::Missing(unnamed(scanner, data).message),
        None => match prepare::filled_at(app, &data.name).map(|at| here(app, data, Some(at))) {
            Some(fresh @ Database::Here { stale: false, .. }) => fresh,
            _ => Database::ToBeFilled,
        },
    };
    let read = scanner.data.iter().filter(|data| is_read(scanner, data));
    read.map(|data| PlannedData { scanner: scanner.name.clone(), name: data.name.clone(), found: found(data) })
        .collect()
}

/// Describes the databases that a scanner will read, with a placeholder for their content: that is settled when a scan begins.
pub(super) fn expected(scanner: &Scanner) -> Vec<DataTree> {
    let tree = |data: &DataSpec| DataTree {
        name: data.name.clone(),
        mount: data.mount.clone(),
        sha256: Sha256::of(""),
        version: String::new(),
        stale: false,
    };
    scanner.data.iter().filter(|data| is_read(scanner, data)).map(tree).collect()
}

fn here(app: &App, data: &DataSpec, changed: Option<Timestamp>) -> Database {
    Database::Here { changed, stale: is_stale(data, changed, app.clock.now()) }
}

/// Finds the databases that a scanner's command names. A missing one is the failure that its jobs will end with.
pub(super) async fn provide(
    app: &App,
    executor: &SharedExecutor,
    scanner: &Scanner,
    say: Say<'_>,
) -> Result<Result<Vec<DataTree>, Failure>, AppError> {
    let mut trees = Vec::new();
    for data in scanner.data.iter().filter(|data| is_read(scanner, data)) {
        let tree = match &data.source {
            Some(source) => take(app, data, Path::new(source)).await?,
            None if data.update.is_empty() => Err(unnamed(scanner, data)),
            None => {
                let filled = prepare::filled(app, executor, scanner, data, say).await?;
                filled.map(|filled| describe(app, data, filled.sha256, Some(filled.at)))
            }
        };
        match tree {
            Ok(tree) => trees.push(tree),
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok(trees))
}

fn unnamed(scanner: &Scanner, data: &DataSpec) -> Failure {
    let message = format!(
        "the database `{name}` is not here; name its directory in `[scanners.{scanner}.data.{name}] source`",
        name = data.name,
        scanner = scanner.name,
    );
    Failure::new(FailureReason::DataMissing, message)
}

/// A database that a parameter has replaced by something else is not needed.
fn is_read(scanner: &Scanner, data: &DataSpec) -> bool {
    scanner.command.iter().any(|argument| argument.contains(&data.mount))
}

/// Takes a snapshot of the user's directory.
async fn take(app: &App, data: &DataSpec, source: &Path) -> Result<Result<DataTree, Failure>, AppError> {
    let artifacts = app.store.dir().join("artifacts");
    let (source, name): (PathBuf, _) = (source.to_owned(), data.name.clone());
    let taken = tokio::task::spawn_blocking(move || {
        let snapshot = artifact::snapshot(&artifacts, &source, SnapshotOptions::default())
            .map_err(|error| Failure::new(FailureReason::DataMissing, format!("database `{name}`: {error}")))?;
        Ok((snapshot.facts.sha256, newest(&source)))
    });
    let taken = taken.await.map_err(|error| AppError::Panicked(error.to_string()))?;
    Ok(taken.map(|(sha256, changed)| describe(app, data, sha256, changed)))
}

fn describe(app: &App, data: &DataSpec, sha256: Sha256, changed: Option<Timestamp>) -> DataTree {
    DataTree {
        name: data.name.clone(),
        mount: data.mount.clone(),
        sha256,
        version: version(&sha256.to_string(), changed),
        stale: is_stale(data, changed, app.clock.now()),
    }
}

/// The content is the version; the day says how old it is.
fn version(sha256: &str, changed: Option<Timestamp>) -> String {
    let day = changed.map(|at| at.to_string().chars().take(10).collect::<String>());
    day.map_or_else(|| sha256[..12].to_owned(), |day| format!("{day} ({})", &sha256[..12]))
}

/// A database of unknown age is stale where age matters: nothing says that it is fresh.
fn is_stale(data: &DataSpec, changed: Option<Timestamp>, now: Timestamp) -> bool {
    let Some(max_age) = data.max_age else { return false };
    let limit = i64::try_from(max_age.0.as_millis()).unwrap_or(i64::MAX);
    changed.is_none_or(|at| now.since(at) > limit)
}

/// Returns when a file below `root` was last changed.
fn newest(root: &Path) -> Option<Timestamp> {
    let mut newest = None;
    let mut open = vec![root.to_owned()];
    while let Some(path) = open.pop() {
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.filter(|entry| entry.file_name() != ".git").map(|entry| entry.path()));
        } else if meta.is_file() {
            use std::os::unix::fs::MetadataExt as _;
            newest = newest.max(Some(Timestamp(meta.mtime().saturating_mul(1000))));
        }
    }
    newest
}
