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
}

impl Engine {
    fn new(app: &App, executor: SharedExecutor) -> Self {
        Self { observer: Observer::new(SharedExecutor::clone(&executor), app.store.instance()), executor }
    }
}

/// The engines that scans run in, connected to when they are first needed; by their executor profiles.
#[derive(Clone, Default)]
pub(super) struct Engines(Arc<Mutex<HashMap<String, Engine>>>);

impl Engines {
    /// Returns a scan's own engine; refused when another one answers there.
    pub(super) async fn of(&self, app: &App, scan: ScanId) -> Result<Engine, AppError> {
        let (profile, expected) = app.store.scan_engine(scan)?;
        let known = self.0.lock().await.get(&profile).cloned();
        if let Some(engine) = known {
            // An engine may have been set up anew at the same address.
            if engine.executor.server_identity().await.is_ok_and(|found| found == expected) {
                return Ok(engine);
            }
            self.0.lock().await.remove(&profile);
        }
        let engine = Engine::new(app, app::engine_of(app, scan).await?);
        Ok(self.keep(profile, engine).await)
    }

    /// Takes this one for the engine of the configuration.
    pub(super) async fn know(&self, app: &App, executor: SharedExecutor) -> Result<(), AppError> {
        self.keep(Profile::of(app)?.to_string(), Engine::new(app, executor)).await;
        Ok(())
    }

    /// Returns the engine of the configuration, where new scans run.
    pub(super) async fn configured(&self, app: &App) -> Result<SharedExecutor, AppError> {
        let profile = Profile::of(app)?.to_string();
        if let Some(engine) = self.0.lock().await.get(&profile) {
            return Ok(SharedExecutor::clone(&engine.executor));
        }
        let engine = Engine::new(app, app::connect(app).await?);
        Ok(self.keep(profile, engine).await.executor)
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
