//! The sweeper: removes what dead processes have left, in the engines and beside the database.

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::engines::Engines;
use super::worker::{Done, Worker};
use crate::app::{App, AppError, drive, gc};
use crate::driver::Rest;

/// Who sweeps, for the event log.
const ACTOR: &str = "daemon";

/// The sweeper.
pub(super) struct Sweeper {
    engines: Engines,
}

impl Sweeper {
    pub(super) const fn new(engines: Engines) -> Self {
        Self { engines }
    }

    /// Compares what is in each engine with what should be.
    async fn sweep_engines(&self, app: &App, done: &mut Vec<String>, failed: &mut Vec<String>) {
        let mut engines = self.engines.all().await;
        match self.engines.configured(app).await {
            Ok(executor) => engines.push(executor),
            // Where no scan needs it, an engine that is not there is no fault of anybody's.
            Err(error) => tracing::debug!(%error, "the engine of the configuration cannot be reached"),
        }
        let mut seen = Vec::new();
        for executor in engines {
            let swept = async {
                let identity = executor.server_identity().await?;
                if seen.contains(&identity) {
                    return Ok(0);
                }
                seen.push(identity);
                gc::sweep(app, &executor).await
            };
            match swept.await {
                Ok(0) => {}
                Ok(number) => done.push(format!("{number} left by dead processes removed")),
                Err(error) => failed.push(error.to_string()),
            }
        }
    }

    /// Tidies up after ended scans whose driver died before it did.
    async fn tidy(&self, app: &App, done: &mut Vec<String>) -> Result<(), AppError> {
        for (scan, key) in gc::untidy(app)? {
            let executor = self.engines.of(app, scan).await?.executor;
            let Some(lease) = drive::take(app, scan, key, None).await? else { continue };
            if drive::drive(app, lease, executor, ACTOR, None, CancellationToken::new()).await? == Rest::Ended {
                done.push(format!("scan {key} tidied up"));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Worker for Sweeper {
    fn name(&self) -> &'static str {
        "sweeper"
    }

    fn period(&self, app: &App) -> Duration {
        app.config.daemon.sweep_every.0
    }

    async fn activate(&mut self, app: &App) -> Result<Done, AppError> {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        self.sweep_engines(app, &mut done, &mut failed).await;
        self.tidy(app, &mut done).await?;
        Ok(Done { did: done.join("; "), failed: (!failed.is_empty()).then(|| failed.join("; ")), again: None })
    }
}
