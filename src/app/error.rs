//! Why a use case was refused or failed.

use std::path::PathBuf;

use crate::artifact::SourceError;
use crate::catalog::CatalogError;
use crate::config::PathError;
use crate::driver::DriverError;
use crate::executor::ExecutorError;
use crate::model::id::{ScanKey, Sha256};
use crate::model::nearest::Hint;
use crate::oci::{InvalidReference, RegistryError};
use crate::plan::{PlanError, PlanFileError};
use crate::report::RenderError;
use crate::store::StoreError;

use super::targets::TargetError;

/// Why a use case was refused or failed. What to do about it is the command line's to say.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state directory.
    #[error(transparent)]
    State(#[from] PathError),
    /// The catalogue and what the configuration does to it.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The registry of targets.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A file with a plan.
    #[error(transparent)]
    PlanFile(#[from] PlanFileError),
    /// The target's source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] ExecutorError),
    /// The driver.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// A file of the state could not be read or removed.
    #[error("{}: {message}", path.display())]
    Local {
        /// The file or directory.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// Results cannot be imported.
    #[error("{}: {message}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// Rules by which findings do not count cannot be used.
    #[error("{file}: {message}")]
    Suppress {
        /// The file, or the key of the configuration.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// A baseline cannot be read, or is none.
    #[error("the baseline {}: {message}", path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A scan has not ended: nobody knows yet what it will bring.
    #[error("scan {scan} has not ended")]
    NotEnded {
        /// The scan.
        scan: ScanKey,
    },
    /// A scan of another target.
    #[error("scan {scan} is of another target, {key}")]
    OtherTarget {
        /// The scan.
        scan: ScanKey,
        /// The key of its target.
        key: String,
    },
    /// No finding has this name.
    #[error("no finding's fingerprint begins with `{name}`")]
    NoFinding {
        /// The name.
        name: String,
    },
    /// Several findings have this beginning of a name.
    #[error("several findings' fingerprints begin with `{name}`: {}", candidates.join(", "))]
    ManyFindings {
        /// The beginning.
        name: String,
        /// Those that begin so, 20 at most.
        candidates: Vec<String>,
    },
    /// A backup could not be made, or brought back.
    #[error("{}: {message}", path.display())]
    Backup {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A report could not be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The source is no longer what was planned.
    #[error(
        "the source of the plan is not here, and the target has changed since: planned sha-256 {planned}, found {found}"
    )]
    SourceChanged {
        /// Hash of the source in the plan.
        planned: Sha256,
        /// Hash of what is there now.
        found: Sha256,
    },
    /// An image of the plan cannot be had.
    #[error("scanner `{scanner}`: {error}")]
    Image {
        /// The scanner.
        scanner: String,
        /// Why.
        error: ExecutorError,
    },
    /// The image that is to be scanned cannot be had.
    #[error("the target: {0}")]
    TargetImage(ExecutorError),
    /// A program cannot be the agent.
    #[error("{}: {message}", path.display())]
    Agent {
        /// The program.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The name for an image is none.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
    /// An image cannot be pushed.
    #[error("{} cannot be pushed: {}", .0.reference, .0)]
    Push(RegistryError),
    /// The engine cannot give what a scanner asks for.
    #[error("scanner `{scanner}` asks for {item}: {message}")]
    Unmet {
        /// The scanner.
        scanner: String,
        /// What it asks for.
        item: String,
        /// Why it cannot be had.
        message: String,
    },
    /// A scanner's database is not here.
    #[error("scanner `{scanner}` needs the database `{data}`, which is not here: {message}")]
    Data {
        /// The scanner.
        scanner: String,
        /// The database.
        data: String,
        /// What is known.
        message: String,
    },
    /// A secret that a scanner needs cannot be read. Never holds the secret.
    #[error("scanner `{scanner}`: the secret `{secret}` cannot be read: {message}")]
    Secret {
        /// The scanner.
        scanner: String,
        /// The secret's name.
        secret: String,
        /// Why.
        message: String,
    },
    /// Object storage is not configured as a whole, or its keys cannot be had.
    #[error("`[executor.kubernetes.s3]` {key}: {message}")]
    Storage {
        /// The key of the configuration.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
    /// The token of those who ask the daemon cannot be had, or is none.
    #[error("`[daemon]` token: {message}")]
    Token {
        /// What is wrong.
        message: String,
    },
    /// The scan runs on another engine than the one that can be reached here.
    #[error("the scan runs on engine {expected}, and {found} answers here")]
    OtherEngine {
        /// Identity of the scan's engine.
        expected: String,
        /// Identity of the one that answers.
        found: String,
    },
    /// The scan's engine cannot freeze what runs.
    #[error("{executor} cannot freeze a scanner that runs")]
    NotFrozen {
        /// The scan's executor, in words.
        executor: String,
    },
    /// No schedule of the configuration has this name.
    #[error("there is no schedule `{name}`{hint}")]
    NoSchedule {
        /// The name.
        name: String,
        /// The nearest that there is.
        hint: Hint,
    },
    /// No registered target has this name.
    #[error("there is no registered target `{name}` in project {project}")]
    NoTarget {
        /// The name.
        name: String,
        /// The project.
        project: String,
    },
    /// A schedule has nothing to scan.
    #[error("schedule `{0}` has nothing to scan: no registered target fits")]
    NothingScheduled(String),
    /// No route of the configuration has this name.
    #[error("there is no route `{name}` in the configuration{}", Hint::new(name, known.iter().map(String::as_str)))]
    NoRoute {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A worker thread panicked.
    #[error("bug in dragnet: {0}")]
    Panicked(String),
}
