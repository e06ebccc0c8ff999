//! Import: a scan of results that were made elsewhere. It goes the way of every scan, over an engine in memory that has the
//! results already; so they are sealed, parsed, masked, judged and stored as any others.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::engine::Profile;
use super::plan::{line, place};
use super::{App, AppError, suppress};
use crate::artifact;
use crate::config::ExecutorKind;
use crate::executor::SharedExecutor;
use crate::executor::fake::{Content, FakeExecutor, Outcome};
use crate::model::id::{ScanId, ScanKey};
use crate::model::owner::Owner;
use crate::model::plan::{Gather, OnFailure, Plan, ScanOptions, Step};
use crate::model::scanner::{ExitCodes, Limits, Network, ResultSpec, Scanner};
use crate::model::spec::JobSpec;
use crate::model::suppress::Suppressions;
use crate::model::target::{Target, TargetKind};
use crate::model::unit::{ByteSize, Span};
use crate::parse;
use crate::plan;
use crate::store::{NewScan, NewStep, random_bits};

/// Bytes that tell a file's format.
const HEAD: usize = 64 << 10;

/// What to import.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The scanner that made the results; it need not be in the catalogue if the format is given.
    pub scanner: String,
    /// The format of the files; looked for in the files and the catalogue when absent.
    pub format: Option<String>,
    /// What was scanned.
    pub target: Target,
    /// The name that it was given, before that of the configuration.
    pub name: Option<String>,
    /// Whose the scan will be.
    pub owner: Owner,
    /// The files with the results.
    pub files: Vec<PathBuf>,
    /// Who asks.
    pub actor: String,
}

/// Makes a scan of the files; returns it with the engine that has its results. It is then driven as any other.
pub async fn import(app: &App, request: ImportRequest) -> Result<(ScanId, ScanKey, SharedExecutor), AppError> {
    let known = app.catalog.scanner(&request.scanner);
    let declared = known.as_ref().ok().and_then(|scanner| scanner.results.first().cloned());
    if declared.is_none() && request.format.is_none() {
        known?;
    }
    let (mut results, mut files, mut total) = (Vec::new(), Vec::new(), 0);
    for (index, path) in request.files.iter().enumerate() {
        let failed = |error: io::Error| AppError::Import { path: path.clone(), message: error.to_string() };
        let (file, len) = open(path, &app.store.dir().join("spool")).map_err(failed)?;
        let head = head(&file).map_err(failed)?;
        let format = format_of(path, &head, &request, declared.as_ref())?;
        files.push((format!("work/{index}"), Content::File(Arc::new(file))));
        total += len;
        let produces = declared.as_ref().map(|result| result.produces.clone()).unwrap_or_default();
        results.push(ResultSpec { path: index.to_string(), format, produces });
    }
    let plan = plan_of(app, &request, results, total)?;
    super::notify::adopt(app).await?;
    let new = NewScan {
        source: None,
        executor: "import".to_owned(),
        profile: Profile::of_kind(app, ExecutorKind::Fake).to_string(),
        server_identity: "fake".to_owned(),
        steps: plan.steps.iter().map(|step| new_step(step, &plan.target)).collect(),
        request_key: None,
        actor: request.actor,
        at: app.clock.now(),
        plan,
    };
    let (scan, key) = app.store.submit(new).await?;
    let engine = FakeExecutor::new(move |_| Outcome::Ends { after: Duration::ZERO, code: 0, files: files.clone() });
    Ok((scan, key, Arc::new(engine)))
}

fn new_step(step: &Step, target: &Target) -> NewStep {
    NewStep { spec: JobSpec::of(&step.scanner, step.scanner.image.clone(), target.to_string()), blocked: None }
}

/// Returns the engine of an import whose process is gone, and the files with it: what is not stored has failed.
pub(super) fn nothing() -> SharedExecutor {
    Arc::new(FakeExecutor::new(|_| Outcome::Ends { after: Duration::ZERO, code: 1, files: Vec::new() }))
}

/// Opens a file to be read anywhere in it, more than once; what is none, a pipe perhaps, is copied into one without a name. Returns its
/// length, too.
fn open(path: &Path, spool: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let facts = file.metadata()?;
    if facts.is_file() { Ok((file, facts.len())) } else { copy(path, spool) }
}

/// Copies a file, which may be a pipe, into one without a name: it cannot change any more, and is gone with this process.
pub(super) fn copy(path: &Path, spool: &Path) -> io::Result<(File, u64)> {
    let mut file = tempfile::tempfile_in(spool)?;
    let len = io::copy(&mut File::open(path)?, &mut file)?;
    Ok((file, len))
}

/// Reads the first bytes of a file.
fn head(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut len = 0;
    while len < HEAD {
        match file.read_at(&mut head[len..], len as u64)? {
            0 => break,
            read => len += read,
        }
    }
    head.truncate(len);
    Ok(head)
}

/// The format that was given, the one that the file looks like, or the scanner's own.
fn format_of(
    path: &Path,
    head: &[u8],
    request: &ImportRequest,
    declared: Option<&ResultSpec>,
) -> Result<String, AppError> {
    let sniffed = || parse::sniff(head).map(|parser| parser.name().to_owned());
    let format = request.format.clone().or_else(sniffed).or_else(|| Some(declared?.format.clone()));
    let format = format.filter(|format| parse::parser(format).is_some());
    let unknown = || AppError::Import { path: path.to_owned(), message: "its format is not known".to_owned() };
    format.ok_or_else(unknown)
}

fn plan_of(app: &App, request: &ImportRequest, results: Vec<ResultSpec>, total: u64) -> Result<Plan, AppError> {
    let of_target = request.target.kind == TargetKind::Dir;
    let git = of_target.then(|| artifact::git_facts(Path::new(&request.target.value)));
    let (machine, path) = place(&request.target);
    let directory = of_target.then(|| request.target.value.clone());
    let suppressions = suppress::gather(app, directory.as_deref().map(Path::new), &|_| {})?;
    let suppressions = Suppressions { directory, ..suppressions };
    let accept_empty = app.catalog.scanner(&request.scanner).is_ok_and(|scanner| scanner.accept_empty);
    let scanner = Scanner {
        name: request.scanner.clone(),
        image: "import".to_owned(),
        digest: None,
        program: "import".to_owned(),
        command: Vec::new(),
        input: vec![request.target.kind.asset_kind()],
        results,
        exit_codes: ExitCodes::default(),
        accept_empty,
        network: Network::None,
        timeout: Span(Duration::from_hours(1)),
        limits: Limits { output: ByteSize(total.max(1 << 20)), ..Limits::default() },
        env: std::collections::BTreeMap::new(),
        secrets: std::collections::BTreeMap::new(),
        data: Vec::new(),
        exceptions: Vec::new(),
        retry: crate::model::retry::RetryPolicy { max_attempts: 1, ..Default::default() },
        version_command: Vec::new(),
    };
    Ok(Plan {
        template: None,
        target_key: plan::target_key(
            &request.target,
            request.name.as_deref().or(app.config.target.name.as_deref()),
            line(app, &request.target).as_deref(),
            git.flatten().as_ref(),
            (&machine, &path),
        ),
        target: request.target.clone(),
        owner: request.owner.clone(),
        source: None,
        options: ScanOptions { suppressions, ..app.config.options(0, random_bits()) },
        steps: vec![Step {
            id: request.scanner.parse().map_err(plan::PlanError::StepId)?,
            scanner,
            needs: Vec::new(),
            for_each: Vec::new(),
            chunk: 1,
            gather: Gather::default(),
            when: None,
            on_failure: OnFailure::default(),
            accept_partial: std::collections::BTreeSet::new(),
        }],
        choices: Vec::new(),
    })
}
