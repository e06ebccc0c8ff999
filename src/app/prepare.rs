//! Filling a scanner's database: one container with network access, outside any scan, under a lock of the database's name.
//!
//! It has no row: its name is in the file that holds the lock, so that a collection knows it while the lock is held. A crash
//! leaves a container that ends at its time limit, and that whoever drives a scan next removes.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::{App, AppError, Say};
use crate::artifact::{self, SnapshotOptions};
use crate::executor::{ExecutorError, Observed, SharedExecutor};
use crate::model::clock::Timestamp;
use crate::model::id::{AttemptName, JobName, Sha256};
use crate::model::outcome::{Failure, FailureReason};
use crate::model::plan::SourceFacts;
use crate::model::scanner::{DataSpec, ExitCodes, Limits, Network, Scanner};
use crate::model::spec::{JobSpec, Launch, paths};
use crate::model::unit::ByteSize;
use crate::shim::unseal;
use crate::store::random_key;

/// How the names of locks on databases begin.
const LOCK: &str = "data-";
/// Most bytes of a database.
const LIMIT: ByteSize = ByteSize(4 << 30);
/// How often the engine is asked whether the container has ended.
const POLL: Duration = Duration::from_millis(250);

/// A database that was filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Filled {
    /// Hash of its tree.
    pub(super) sha256: Sha256,
    /// When it was filled.
    pub(super) at: Timestamp,
}

/// Returns the database as it was filled last, filling it first when there is none or it is too old. A database that cannot be
/// renewed is returned as it is: it is stale, and says so.
pub(super) async fn filled(
    app: &App,
    executor: &SharedExecutor,
    scanner: &Scanner,
    data: &DataSpec,
    say: Say<'_>,
) -> Result<Result<Filled, Failure>, AppError> {
    let lock = lock(app, &data.name).await?;
    let known = recall(app, &data.name);
    let age = data.max_age.map_or(i64::MAX, |age| i64::try_from(age.0.as_millis()).unwrap_or(i64::MAX));
    if let Some(known) = known.as_ref().filter(|known| app.clock.now().since(known.at) <= age) {
        return Ok(Ok(known.clone()));
    }
    say(&format!("filling the database {} with {} …", data.name, scanner.name));
    match fill(app, executor, scanner, data, &lock).await? {
        Ok(filled) => {
            remember(app, &data.name, &filled)?;
            Ok(Ok(filled))
        }
        Err(failure) => {
            say(&format!("the database {} was not filled: {failure}", data.name));
            Ok(known.ok_or(failure))
        }
    }
}

/// Another process may be filling the same database: the lock is waited for, and what it has brought is used.
async fn lock(app: &App, name: &str) -> Result<File, AppError> {
    let path = app.store.dir().join("locks").join(format!("{LOCK}{name}"));
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(|error| ExecutorError::local(format!("open {}", path.display()), &error))?;
        flock(&file, FlockOperation::LockExclusive)
            .map_err(|error| ExecutorError::local(format!("lock {}", path.display()), &error.into()))?;
        Ok::<_, AppError>(file)
    });
    locked.await.map_err(|error| AppError::Panicked(error.to_string()))?
}

/// Returns the attempts that fill databases now: those whose lock is held.
pub(super) fn filling(app: &App) -> Result<Vec<AttemptName>, AppError> {
    let dir = app.store.dir().join("locks");
    let failed =
        |error: &std::io::Error| AppError::from(ExecutorError::local(format!("read {}", dir.display()), error));
    let mut names = Vec::new();
    for entry in dir.read_dir().map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        if !entry.file_name().as_encoded_bytes().starts_with(LOCK.as_bytes()) {
            continue;
        }
        let file = File::open(entry.path()).map_err(|error| failed(&error))?;
        // A shared lock, for a moment: whoever wants the lock itself waits for it.
        if flock(&file, FlockOperation::NonBlockingLockShared).is_err() {
            let name = std::fs::read_to_string(entry.path()).map_err(|error| failed(&error))?;
            names.extend(name.parse().ok());
        }
    }
    Ok(names)
}

fn record(app: &App, name: &str) -> PathBuf {
    app.store.dir().join("artifacts/data").join(format!("{name}.json"))
}

/// Returns the trees of all databases that were filled.
pub(super) fn trees(app: &App) -> Vec<Sha256> {
    let records = std::fs::read_dir(app.store.dir().join("artifacts/data")).into_iter().flatten().flatten();
    let read = |path: PathBuf| serde_json::from_slice::<Filled>(&std::fs::read(path).ok()?).ok();
    records.filter_map(|record| Some(read(record.path())?.sha256)).collect()
}

/// Returns when a database was filled last; `None` when it is not here.
pub(super) fn filled_at(app: &App, name: &str) -> Option<Timestamp> {
    recall(app, name).map(|filled| filled.at)
}

/// A record that cannot be read counts as none: the database is filled again.
fn recall(app: &App, name: &str) -> Option<Filled> {
    let filled: Filled = serde_json::from_slice(&std::fs::read(record(app, name)).ok()?).ok()?;
    artifact::tree(&app.store.dir().join("artifacts"), filled.sha256).is_dir().then_some(filled)
}

fn remember(app: &App, name: &str, filled: &Filled) -> Result<(), AppError> {
    let path = record(app, name);
    let write = || {
        let dir = path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(dir)?;
        let draft = tempfile::NamedTempFile::new_in(dir)?;
        serde_json::to_writer(draft.as_file(), filled)?;
        draft.as_file().sync_all()?;
        draft.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error: std::io::Error| ExecutorError::local(format!("write {}", path.display()), &error).into())
}

async fn fill(
    app: &App,
    executor: &SharedExecutor,
    scanner: &Scanner,
    data: &DataSpec,
    lock: &File,
) -> Result<Result<Filled, Failure>, AppError> {
    let launch = launch(app, executor, scanner, data).await?;
    let noted = lock.set_len(0).and_then(|()| lock.write_all_at(launch.name.as_str().as_bytes(), 0));
    noted.map_err(|error| ExecutorError::local(format!("note who fills the database {}", data.name), &error))?;
    let dir = app.store.dir().join("spool").join(format!("{}.in", launch.name));
    let filled = run(app, executor, &launch, &dir).await;
    executor.remove(&launch.name).await?;
    // What is left there is in nobody's way, and goes with the next collection.
    drop(std::fs::remove_dir_all(&dir));
    match filled {
        Ok(facts) => Ok(Ok(Filled { sha256: facts.sha256, at: app.clock.now() })),
        Err(error) => {
            let failure = Failure::new(FailureReason::DataMissing, format!("database `{}`: {error}", data.name));
            Ok(Err(failure))
        }
    }
}

async fn launch(app: &App, executor: &SharedExecutor, scanner: &Scanner, data: &DataSpec) -> Result<Launch, AppError> {
    let image = executor
        .resolve_image(scanner.digest.as_deref().unwrap_or(&scanner.image), true, &|_| {})
        .await
        .map_err(|error| AppError::Image { scanner: scanner.name.clone(), error })?;
    // The command names the place where scans find the database; here it is written to the results.
    let mut argv = data.update.iter().map(|argument| argument.replace(&data.mount, paths::WORK));
    let spec = Arc::new(JobSpec {
        scanner: scanner.name.clone(),
        image: image.id,
        program: argv.next().unwrap_or_default(),
        command: argv.collect(),
        env: scanner.env.clone(),
        source: None,
        target: String::new(),
        results: Vec::new(),
        exit_codes: ExitCodes::default(),
        accept_empty: false,
        network: Network::Egress,
        timeout: scanner.timeout,
        limits: Limits { output: LIMIT, ..scanner.limits },
        secrets: std::collections::BTreeMap::new(),
        data: Vec::new(),
        exceptions: scanner.exceptions.clone(),
    });
    let (instance, scan) = (app.store.instance(), random_key());
    let job = JobName { step: "data".parse().map_err(ExecutorError::bug)?, chunk: 0 };
    Ok(Launch::new(instance, scan, job, 1, spec, Arc::new([])))
}

async fn run(app: &App, executor: &SharedExecutor, launch: &Launch, dir: &Path) -> Result<SourceFacts, String> {
    let text = |error: ExecutorError| error.to_string();
    executor.launch(launch).await.map_err(text)?;
    loop {
        match executor.inspect(&launch.name).await.map_err(text)? {
            Some(Observed::Exited { .. }) => break,
            Some(_) => tokio::time::sleep(POLL).await,
            None => return Err("its container vanished".to_owned()),
        }
    }
    let (sealed, files) = (dir.join("sealed"), dir.join("files"));
    std::fs::create_dir_all(&sealed)
        .and_then(|()| std::fs::create_dir_all(&files))
        .map_err(|error| error.to_string())?;
    let sealed = executor.fetch(launch, &sealed).await.map_err(text)?;
    if sealed.manifest.exit.code != Some(0) {
        return Err(format!("{} ended with {:?}", launch.spec.program, sealed.manifest.exit.code));
    }
    if let Some(dropped) = sealed.manifest.dropped.first() {
        return Err(format!("{} could not be kept: {}", dropped.path, dropped.reason));
    }
    let artifacts = app.store.dir().join("artifacts");
    let taken = tokio::task::spawn_blocking(move || {
        let cap = LIMIT.0.saturating_mul(2);
        unseal(&sealed.manifest, &sealed.parts, &files, cap).map_err(|error| error.to_string())?;
        let snapshot = artifact::snapshot(&artifacts, &files.join("work"), SnapshotOptions::default());
        snapshot.map(|snapshot| snapshot.facts).map_err(|error| error.to_string())
    });
    let facts = taken.await.map_err(|error| error.to_string())??;
    if facts.files == 0 { Err("the command wrote nothing".to_owned()) } else { Ok(facts) }
}
