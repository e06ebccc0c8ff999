//! Plan: facts gathered, scanners chosen, images looked up; nothing is started.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tempfile::NamedTempFile;

use super::{
    App, AppError, FoundImage, PlannedData, PlannedImage, Say, archive, bind, data, images, isolation, suppress,
};
use crate::artifact::{self, GitSource, Hold, LeftOut, SnapshotOptions};
use crate::executor::{ExecutorError, Keeping, SharedExecutor};
use crate::model::facts::{Facts, GitFacts};
use crate::model::id::{JobName, Key8, ScanKey};
use crate::model::isolation::Isolation;
use crate::model::owner::Owner;
use crate::model::plan::{Plan, ScanOptions, SourceFacts};
use crate::model::scanner::Network;
use crate::model::spec::Launch;
use crate::model::target::{Target, TargetKind};
use crate::parse::PARSERS;
use crate::plan::{self, Request, Selection};

/// The file of an image's snapshot, as `docker save` writes it.
const IMAGE_ARCHIVE: &str = "image.tar";

/// What to plan.
#[derive(Debug, Clone)]
pub struct PlanRequest {
    /// What is scanned.
    pub target: Target,
    /// The name that it was given, before that of the configuration.
    pub name: Option<String>,
    /// Whose the scan will be.
    pub owner: Owner,
    /// What is to run.
    pub selection: Selection,
    /// Greater is dispatched first.
    pub priority: i32,
    /// Seed of the waits between attempts.
    pub seed: u64,
}

/// A plan, and what is known about carrying it out.
#[derive(Debug)]
pub struct Planned {
    /// The plan.
    pub plan: Plan,
    /// Keeps its source from being removed.
    pub hold: Option<Hold>,
    /// What of the source is not in the snapshot.
    pub left_out: Vec<LeftOut>,
    /// The steps' images, in order; empty when no engine was asked.
    pub images: Vec<PlannedImage>,
    /// The steps' databases.
    pub databases: Vec<PlannedData>,
    /// How long each step's scanner took in the past: the median of its last runs.
    pub estimates: Vec<Option<Duration>>,
    /// What the engine would be given for the first job of each step; empty where it has no such form. [`preview_scan`] stands for the scan.
    pub objects: Vec<Value>,
    /// Where results wait to be fetched; none when no engine was asked.
    pub keeping: Option<Keeping>,
    /// What is known of how the engine keeps scanners without a network from it, where it is only asked to and some have none.
    pub isolation: Option<Isolation>,
}

impl Planned {
    /// Returns the scanners whose images cannot be had, with the reason.
    pub fn missing_images(&mut self) -> Vec<(String, ExecutorError)> {
        let images = std::mem::take(&mut self.images).into_iter();
        let missing = images.filter_map(|image| match image.found {
            FoundImage::Missing(error) => Some((image.scanner, error)),
            FoundImage::Here(_) | FoundImage::Frozen(_) | FoundImage::ByTag(_) => None,
        });
        missing.collect()
    }
}

/// Makes a plan. With an engine, images are looked up (and pulled if missing, where the engine does that for us) and the plan names what
/// their references mean.
pub async fn plan(
    app: &App,
    request: PlanRequest,
    executor: Option<&SharedExecutor>,
    say: Say<'_>,
) -> Result<Planned, AppError> {
    let gathered = match (request.target.kind, executor) {
        (TargetKind::Image, Some(executor)) => gather_image(app, &request.target, executor, say).await?,
        _ => gather(app, &request.target, say).await?,
    };
    let formats: Vec<&str> = PARSERS.iter().map(|parser| parser.name()).collect();
    let place = place(&request.target);
    let mut plan = plan::build(Request {
        catalog: &app.catalog,
        formats: &formats,
        target_key: plan::target_key(
            &request.target,
            request.name.as_deref().or(app.config.target.name.as_deref()),
            line(app, &request.target).as_deref(),
            gathered.git.as_ref(),
            (&place.0, &place.1),
        ),
        target: public(request.target),
        source: gathered.source,
        facts: &gathered.facts,
        selection: request.selection,
        options: ScanOptions {
            suppressions: suppress::gather(app, gathered.tree.as_deref(), say)?,
            ..app.config.options(request.priority, request.seed)
        },
    })?;
    plan.owner = request.owner;
    let images = match executor {
        Some(executor) => images::look_up(app, &mut plan, executor, say).await,
        None => Vec::new(),
    };
    let estimates = plan.steps.iter().map(|step| estimate(app, &step.scanner.name)).collect::<Result<_, _>>()?;
    let databases = plan.steps.iter().flat_map(|step| data::look(app, &step.scanner)).collect();
    let objects = executor.map(|executor| preview(app, executor, &plan)).unwrap_or_default();
    let keeping = executor.map(|executor| executor.capabilities().keeping.clone());
    let isolation = match executor {
        Some(executor) if plan.steps.iter().any(|step| step.scanner.network == Network::None) => {
            isolation::of_engine(app, executor).await?
        }
        _ => None,
    };
    let (hold, left_out) = (gathered.hold, gathered.left_out);
    Ok(Planned { plan, hold, left_out, images, databases, estimates, objects, keeping, isolation })
}

/// The branch of a checkout as the configuration or a pipeline names it.
pub(super) fn line(app: &App, target: &Target) -> Option<String> {
    // A pull request is checked out as a merge that has no name: its own branch comes first.
    const OF_PIPELINES: [&str; 6] = [
        "GITHUB_HEAD_REF",
        "GITHUB_REF_NAME",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
        "CI_COMMIT_REF_NAME",
        "BITBUCKET_BRANCH",
        "BRANCH_NAME",
    ];
    if target.kind != TargetKind::Dir {
        return None;
    }
    let named = |name: &str| app.environment.get(name).filter(|line| !line.is_empty()).cloned();
    app.config.target.line.clone().or_else(|| OF_PIPELINES.into_iter().find_map(named))
}

/// A plan is stored and shown: what opens the source stays out of it.
fn public(target: Target) -> Target {
    match (target.kind, target.value.parse::<GitSource>()) {
        (TargetKind::Git, Ok(source)) => Target { value: source.public(), ..target },
        _ => target,
    }
}

/// Returns what the engine would be given, each object once: steps may share some.
fn preview(app: &App, executor: &SharedExecutor, plan: &Plan) -> Vec<Value> {
    let mut objects = Vec::new();
    for step in &plan.steps {
        let scanner = &step.scanner;
        let image = scanner.digest.clone().unwrap_or_else(|| scanner.image.clone());
        let spec = bind::specify(plan, step, image, data::expected(scanner));
        let (instance, scan) = (app.store.instance(), preview_scan());
        let job = JobName { step: step.id.clone(), chunk: 0 };
        let launch = Launch::new(instance, scan, job, 1, Arc::new(spec), Arc::new([]));
        for object in executor.preview(&launch) {
            if !objects.contains(&object) {
                objects.push(object);
            }
        }
    }
    objects
}

/// Returns what stands for the id of a scan that there is not yet.
pub fn preview_scan() -> ScanKey {
    Key8::from_bits(0)
}

#[derive(Default)]
pub(super) struct Gathered {
    facts: Facts,
    pub(super) source: Option<SourceFacts>,
    pub(super) hold: Option<Hold>,
    git: Option<GitFacts>,
    left_out: Vec<LeftOut>,
    /// Where the source can be read, if it is one.
    tree: Option<PathBuf>,
}

/// Takes the snapshot and walks it, on a thread where that may block.
pub(super) async fn gather(app: &App, target: &Target, say: Say<'_>) -> Result<Gathered, AppError> {
    if !matches!(target.kind, TargetKind::Dir | TargetKind::Git | TargetKind::Archive) {
        return Ok(Gathered::default());
    }
    let state = app.store.dir().to_owned();
    let fetched = match target.kind {
        TargetKind::Archive => archive::fetch(&state.join("artifacts"), &target.value, say).await?,
        _ => None,
    };
    let (target, source) = (target.clone(), app.config.source.clone());
    let now = Duration::from_millis(app.clock.now().0.max(0).cast_unsigned());
    let globs: Vec<String> = app.catalog.globs().into_iter().map(str::to_owned).collect();
    let gathered = tokio::task::spawn_blocking(move || {
        let skip = [state.canonicalize().unwrap_or_else(|_| state.clone())];
        let options = SnapshotOptions { exclude: &source.exclude, gitignore: source.gitignore, skip: &skip };
        let (snapshot, git) =
            artifact::resolve(&state.join("artifacts"), &target, fetched.as_ref().map(NamedTempFile::path), options)?;
        // A snapshot that was there already is as good as new to whoever collects old ones.
        drop(
            std::fs::File::open(snapshot.tree.join(".."))
                .and_then(|dir| dir.set_modified(std::time::SystemTime::UNIX_EPOCH + now)),
        );
        let globs: Vec<&str> = globs.iter().map(String::as_str).collect();
        let facts = artifact::gather_facts(&snapshot.tree, &globs)?;
        let (source, hold) = (Some(snapshot.facts), Some(snapshot.hold));
        let tree = Some(snapshot.tree);
        Ok::<_, AppError>(Gathered { facts, source, hold, git, left_out: snapshot.left_out, tree })
    });
    gathered.await.map_err(|error| AppError::Panicked(error.to_string()))?
}

/// Exports the image: its archive is the only file of the snapshot.
async fn gather_image(
    app: &App,
    target: &Target,
    executor: &SharedExecutor,
    say: Say<'_>,
) -> Result<Gathered, AppError> {
    let image = AppError::TargetImage;
    let found = executor.resolve_image(&target.value, true, &|words| say(words)).await.map_err(image)?;
    let artifacts = app.store.dir().join("artifacts");
    let local = |error: std::io::Error| ExecutorError::local("make a directory for the image", &error);
    let dir = tempfile::Builder::new().prefix(".tmp-image-").tempdir_in(&artifacts).map_err(local)?;
    executor.export_image(&found.id, &dir.path().join(IMAGE_ARCHIVE)).await.map_err(image)?;
    let taken = tokio::task::spawn_blocking(move || {
        let snapshot = artifact::snapshot(&artifacts, dir.path(), SnapshotOptions::default())?;
        Ok::<_, AppError>((Some(snapshot.facts), Some(snapshot.hold)))
    });
    let (source, hold) = taken.await.map_err(|error| AppError::Panicked(error.to_string()))??;
    Ok(Gathered { source, hold, ..Gathered::default() })
}

/// Returns this machine's id and the target's absolute path, the identity of a directory without a remote.
pub(super) fn place(target: &Target) -> (String, String) {
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let path = match target.kind {
        TargetKind::Dir => std::fs::canonicalize(&target.value).unwrap_or_else(|_| PathBuf::from(&target.value)),
        _ => Path::new(&target.value).to_owned(),
    };
    (machine.trim().to_owned(), path.to_string_lossy().into_owned())
}

fn estimate(app: &App, scanner: &str) -> Result<Option<Duration>, AppError> {
    let mut last = app.store.durations(scanner, 9)?;
    last.sort_unstable();
    Ok(last.get(last.len() / 2).map(|&ms| Duration::from_millis(ms.max(0).cast_unsigned())))
}
