//! Connections to engines, one for each executor profile.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::app::{self, App, AppError, Profile};
use crate::executor::{Observer, SharedExecutor};
use crate::model::id::ScanId;

/// An engine, and the one watch of it that all drivers share.
#[derive(Clone)]
pub(super) struct Engine {
    pub(super) executor: SharedExecutor,
    pub(super) observer: Observer,
    /// Who it was when it was connected to.
    identity: String,
}

impl Engine {
    async fn new(app: &App, executor: SharedExecutor) -> Result<Self, AppError> {
        let observer = Observer::new(SharedExecutor::clone(&executor), app.store.instance());
        Ok(Self { observer, identity: executor.server_identity().await?, executor })
    }
}

/// The engines that scans run in, connected to when they are first needed; by their executor profiles.
#[derive(Clone, Default)]
pub(super) struct Engines(Arc<Mutex<HashMap<String, Engine>>>);

impl Engines {
    /// Returns a scan's own engine; refused when another one answers there.
    pub(super) async fn of(&self, app: &App, scan: ScanId) -> Result<Engine, AppError> {
        let (profile, expected) = app.store.scan_engine(scan)?;
        let engine = match self.known(&profile).await {
            Some(engine) => engine,
            None => self.keep(profile, Engine::new(app, app::engine_of(app, scan).await?).await?).await,
        };
        if engine.identity != expected {
            return Err(AppError::OtherEngine { expected, found: engine.identity });
        }
        Ok(engine)
    }

    /// Takes this one for the engine of the configuration.
    pub(super) async fn know(&self, app: &App, executor: SharedExecutor) -> Result<(), AppError> {
        let engine = Engine::new(app, executor).await?;
        self.keep(Profile::of(app)?.to_string(), engine).await;
        Ok(())
    }

    /// Returns the engine of the configuration, where new scans run.
    pub(super) async fn configured(&self, app: &App) -> Result<SharedExecutor, AppError> {
        let profile = Profile::of(app)?.to_string();
        if let Some(engine) = self.known(&profile).await {
            return Ok(engine.executor);
        }
        let engine = Engine::new(app, app::connect(app).await?).await?;
        Ok(self.keep(profile, engine).await.executor)
    }

    /// Returns the connection to an engine, unless another one was set up at the same address meanwhile. One that does not answer is waited
    /// for by whoever uses it; if another one answers then, it is not taken for this one.
    async fn known(&self, profile: &str) -> Option<Engine> {
        let known = self.0.lock().await.get(profile).cloned()?;
        let replaced = known.executor.server_identity().await.is_ok_and(|found| found != known.identity);
        if !replaced {
            return Some(known);
        }
        let mut all = self.0.lock().await;
        if all.get(profile).is_some_and(|engine| engine.identity == known.identity) {
            all.remove(profile);
        }
        None
    }

    /// Keeps a connection for others. Of two that are made at once the first stays: one engine is watched once.
    async fn keep(&self, profile: String, engine: Engine) -> Engine {
        if !app::is_shareable(&profile) {
            return engine;
        }
        self.0.lock().await.entry(profile).or_insert(engine).clone()
    }

    /// Returns the engines that are connected to.
    pub(super) async fn all(&self) -> Vec<SharedExecutor> {
        self.0.lock().await.values().map(|engine| SharedExecutor::clone(&engine.executor)).collect()
    }
}
