//! Start: a plan becomes a scan, in one transaction, ready for a driver.

use super::engine::Profile;
use super::{App, AppError, Say, bind, notify, secrets, storage};
use crate::artifact::Hold;
use crate::executor::SharedExecutor;
use crate::failpoint;
use crate::model::id::{ScanId, ScanKey};
use crate::model::plan::Plan;
use crate::store::NewScan;

/// What to start.
#[derive(Debug)]
pub struct StartRequest {
    /// The plan; its source, if it has one, was taken by this state directory.
    pub plan: Plan,
    /// Keeps the plan's source from being removed before the scan has a row.
    pub hold: Option<Hold>,
    /// Makes the submission repeatable.
    pub request_key: Option<String>,
    /// Who asks.
    pub actor: String,
}

/// Binds the plan to the engine and writes the scan. Nothing is written when anything cannot be had.
pub async fn submit(
    app: &App,
    executor: &SharedExecutor,
    request: StartRequest,
    say: Say<'_>,
) -> Result<(ScanId, ScanKey), AppError> {
    notify::adopt(app).await?;
    let secrets = secrets::read(app, &request.plan)?;
    let steps = bind::bind(app, executor, &request.plan, say).await?;
    let profile = Profile::of(app)?;
    let keys = profile.kubernetes.as_ref().map(|cluster| storage::keys(app, &cluster.s3)).transpose()?.flatten();
    let capabilities = executor.capabilities();
    let new = NewScan {
        source: request.plan.source.clone(),
        executor: format!("{} ({})", capabilities.kind, capabilities.version),
        profile: profile.to_string(),
        server_identity: executor.server_identity().await?,
        steps,
        request_key: request.request_key,
        actor: request.actor,
        at: app.clock.now(),
        plan: request.plan,
    };
    let state = app.store.dir().to_owned();
    let spool = move |key| {
        secrets.spool(&state, key)?;
        keys.map_or(Ok(()), |keys| storage::spool(&state, key, &keys))
    };
    let submitted = app.store.submit_with(new, spool).await?;
    drop(request.hold);
    failpoint::hit("submit.committed");
    Ok(submitted)
}
