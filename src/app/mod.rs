//! Use cases: one a file, each a request, a reply and a function. They know no terminal and print nothing.

pub mod agent_image;
mod ahead;
mod archive;
mod ask;
mod baseline;
mod bind;
mod data;
mod diff;
pub mod doctor;
pub mod drive;
mod engine;
mod error;
pub mod gc;
mod images;
mod import;
pub mod isolation;
mod logs;
mod merged;
pub mod notify;
mod plan;
mod prepare;
mod relation;
mod reparse;
mod report;
mod retake;
pub mod retention;
mod retry;
pub mod schedule;
mod secrets;
mod start;
pub mod state;
mod storage;
mod suppress;
pub mod targets;
mod triage;
mod watch;

use std::path::Path;

pub use ask::{Asked, ask};
pub use baseline::Baseline;
pub use data::{Database, PlannedData};
pub use diff::{DiffRequest, Since, diff, relate_since};
pub use engine::{Profile, connect, connect_for_images, engine_of, is_shareable};
pub use error::AppError;
pub use images::{FoundImage, PlannedImage};
pub use import::{ImportRequest, import};
pub use logs::{LogEntry, LogsRequest, logs};
pub use plan::{PlanRequest, Planned, plan, preview_scan};
pub use relation::Relation;
pub use reparse::reparse;
pub use report::{Judged, ReportRequest, exploits, judge, report};
pub use retake::{Retaken, retake};
pub use retry::{Retried, retry};
pub use secrets::daemon_token;
pub use start::{StartRequest, submit};
pub use triage::{TriageRequest, find_finding, triage};
pub use watch::{TakeUp, Watch, WatchEnd, watch};

use crate::catalog::Catalog;
use crate::config::{Config, Environment};
use crate::model::clock::Clock;
use crate::store::Store;

/// What every use case works with.
#[derive(Debug, Clone)]
pub struct App {
    /// The state.
    pub store: Store,
    /// The configuration, resolved.
    pub config: Config,
    /// The catalogue, with the configuration applied.
    pub catalog: Catalog,
    /// The time.
    pub clock: Clock,
    /// The variables of the process, for secrets.
    pub environment: Environment,
}

impl App {
    /// Opens the state directory; makes it when it does not exist.
    pub fn open(state: &Path, config: Config, environment: Environment) -> Result<Self, AppError> {
        let catalog = catalog(&config)?;
        crate::config::prepare_state(state)?;
        Ok(Self { store: Store::open(state)?, config, catalog, clock: Clock::System, environment })
    }

    /// Returns the same with another configuration.
    pub fn configured(&self, config: Config) -> Result<Self, AppError> {
        Ok(Self { catalog: catalog(&config)?, config, ..self.clone() })
    }
}

fn catalog(config: &Config) -> Result<Catalog, AppError> {
    let mut catalog = Catalog::builtin()?;
    catalog.configure(&config.scanners, &config.templates)?;
    Ok(catalog)
}

/// Takes words for people about what is being done.
pub type Say<'a> = &'a (dyn Fn(&str) + Send + Sync);
