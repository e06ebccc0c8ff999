//! Retry: what failed is tried again; in a new scan, where the old one has ended.

use super::ask::{Asked, ask};
use super::retake::retake;
use super::start::{StartRequest, submit};
use super::{App, AppError, Retaken, Say, engine_of};
use crate::executor::SharedExecutor;
use crate::model::id::{ScanId, ScanKey};
use crate::model::view::is_complete;
use crate::store::Verb;

/// What a retry has come to.
pub enum Retried {
    /// The scan has not ended: what waits to be tried again is tried at once.
    Asked(Asked),
    /// A new scan of the same plan, in the same engine.
    Scan(ScanId, ScanKey, SharedExecutor),
    /// The scan saw everything: there is nothing to try again.
    Complete(ScanKey),
}

/// Tries again what failed.
pub async fn retry(app: &App, scan: ScanId, actor: &str, say: Say<'_>) -> Result<Retried, AppError> {
    let asked = ask(app, scan, Verb::Retry, actor).await?;
    if asked.recorded {
        return Ok(Retried::Asked(asked));
    }
    let view = app.store.scan(scan)?;
    if is_complete(view.state, &view.coverage) {
        return Ok(Retried::Complete(view.id));
    }
    let plan = app.store.load(scan)?.scan.plan.as_ref().clone();
    let hold = match retake(app, &plan, say).await? {
        Retaken::Nothing => None,
        Retaken::Kept(hold) | Retaken::Again(hold) => Some(hold),
    };
    let executor = engine_of(app, scan).await?;
    let request = StartRequest { plan, hold, request_key: None, actor: actor.to_owned() };
    let (scan, key) = submit(app, &executor, request, say).await?;
    Ok(Retried::Scan(scan, key, executor))
}
