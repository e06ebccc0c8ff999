//! Reaching the engine: from the configuration for a new scan, from the scan's own profile for one that exists.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{App, AppError};
use crate::config::{ExecutorKind, Transport};
use crate::executor::docker::{self, DockerExecutor, DockerOptions};
use crate::executor::{ExecutorError, SharedExecutor};
use crate::model::id::ScanId;
use crate::model::unit::Span;

/// What a successor needs to reach the same engine; stored with the scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Which kind of engine.
    pub kind: ExecutorKind,
    /// Address of a Docker engine; the environment's when absent.
    pub host: Option<String>,
    /// Context of the `docker` program.
    pub context: Option<String>,
    /// How files reach it.
    pub transport: Transport,
    /// The program that is carried into containers; this one when absent.
    pub agent: Option<PathBuf>,
    /// Time between SIGTERM and SIGKILL.
    pub grace: Span,
}

impl Profile {
    /// Makes the profile that the configuration describes.
    pub fn of(app: &App) -> Self {
        let executor = &app.config.executor;
        Self {
            kind: executor.kind,
            host: executor.docker.host.clone(),
            context: executor.docker.context.clone(),
            transport: executor.transport,
            agent: executor.agent.as_ref().map(PathBuf::from),
            grace: app.config.scan.grace,
        }
    }
}

/// Connects to the engine of the configuration.
pub async fn connect(app: &App) -> Result<SharedExecutor, AppError> {
    open(app, &Profile::of(app)).await
}

/// Connects to a scan's own engine; refused when another one answers.
pub async fn engine_of(app: &App, scan: ScanId) -> Result<SharedExecutor, AppError> {
    let (profile, expected) = app.store.scan_engine(scan)?;
    let profile = read(&profile)?;
    let executor = match profile.kind {
        ExecutorKind::Fake => super::import::nothing(),
        ExecutorKind::Docker => open(app, &profile).await?,
    };
    let found = executor.server_identity().await?;
    if found != expected {
        return Err(AppError::OtherEngine { expected, found });
    }
    Ok(executor)
}

/// Returns where and how a scan runs.
pub(super) fn profile_of(app: &App, scan: ScanId) -> Result<Profile, AppError> {
    read(&app.store.scan_engine(scan)?.0)
}

fn read(profile: &str) -> Result<Profile, AppError> {
    let unreadable = |error| ExecutorError::Refused(format!("the scan's executor profile cannot be read: {error}"));
    Ok(serde_json::from_str(profile).map_err(unreadable)?)
}

async fn open(app: &App, profile: &Profile) -> Result<SharedExecutor, AppError> {
    match profile.kind {
        ExecutorKind::Docker => {
            let options = DockerOptions {
                host: profile.host.clone(),
                context: profile.context.clone(),
                state: app.store.dir().to_owned(),
                agent: profile.agent.clone(),
                transport: match profile.transport {
                    Transport::Auto => None,
                    Transport::Bind => Some(docker::Transport::Bind),
                    Transport::Volume => Some(docker::Transport::Volume),
                },
                grace: profile.grace.0,
            };
            Ok(Arc::new(DockerExecutor::connect(options).await?))
        }
        ExecutorKind::Fake => {
            let refused = "the fake engine lives in tests only; choose `docker`";
            Err(ExecutorError::Refused(refused.to_owned()).into())
        }
    }
}
