//! Connections to engines, one for each executor profile.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::app::{self, App, AppError, Profile};
use crate::executor::SharedExecutor;
use crate::model::id::ScanId;

/// The engines that scans run in, connected to when they are first needed.
#[derive(Clone, Default)]
pub(super) struct Engines(Arc<Mutex<HashMap<String, SharedExecutor>>>);

impl Engines {
    /// Returns a scan's own engine; refused when another one answers there.
    pub(super) async fn of(&self, app: &App, scan: ScanId) -> Result<SharedExecutor, AppError> {
        let (profile, expected) = app.store.scan_engine(scan)?;
        let known = self.0.lock().await.get(&profile).cloned();
        if let Some(executor) = known {
            // An engine may have been set up anew at the same address.
            if executor.server_identity().await.is_ok_and(|found| found == expected) {
                return Ok(executor);
            }
            self.0.lock().await.remove(&profile);
        }
        let executor = app::engine_of(app, scan).await?;
        if app::is_shareable(&profile) {
            self.0.lock().await.insert(profile, SharedExecutor::clone(&executor));
        }
        Ok(executor)
    }

    /// Returns the engine of the configuration, where new scans run.
    pub(super) async fn configured(&self, app: &App) -> Result<SharedExecutor, AppError> {
        let profile = serde_json::to_string(&Profile::of(app)?).unwrap_or_default();
        if let Some(executor) = self.0.lock().await.get(&profile) {
            return Ok(SharedExecutor::clone(executor));
        }
        let executor = app::connect(app).await?;
        if app::is_shareable(&profile) {
            self.0.lock().await.insert(profile, SharedExecutor::clone(&executor));
        }
        Ok(executor)
    }

    /// Returns the engines that are connected to.
    pub(super) async fn all(&self) -> Vec<SharedExecutor> {
        self.0.lock().await.values().cloned().collect()
    }
}
