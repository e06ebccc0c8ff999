//! Isolation: what is known of how an engine keeps scanners that declare no network from every network, and finding it out.

use std::ops::ControlFlow;
use std::time::Duration;

use super::engine::profile_of;
use super::{App, AppError, Say, connect};
use crate::executor::{ExecutorError, Probed, SharedExecutor, probe_name};
use crate::model::id::{InstanceKey, Key8, ScanId};
use crate::model::isolation::Isolation;
use crate::store::random_key;

/// Longest probe; its steps have shorter limits of their own.
const PROBE: Duration = Duration::from_secs(75);
/// Longest removal of what a probe has made; what is left goes with its deadline in the engine, or with `gc`.
const REMOVAL: Duration = Duration::from_secs(20);

/// Returns what is known of an engine; `None` where the engine sees to isolation itself.
pub(super) async fn of_engine(app: &App, executor: &SharedExecutor) -> Result<Option<Isolation>, AppError> {
    if !executor.capabilities().asks_for_isolation() {
        return Ok(None);
    }
    let seen = app.store.isolation(&executor.server_identity().await?)?;
    Ok(Some(seen.unwrap_or(Isolation::Requested)))
}

/// Returns what is known of a scan's engine; `None` where nothing needs to be, for the engine or the scanners.
pub(super) fn of_scan(app: &App, scan: ScanId) -> Result<Option<Isolation>, AppError> {
    if !profile_of(app, scan)?.asks_for_isolation() || !app.store.has_isolated(scan)? {
        return Ok(None);
    }
    let (_, identity) = app.store.scan_engine(scan)?;
    Ok(Some(app.store.isolation(&identity)?.unwrap_or(Isolation::Requested)))
}

/// What a probe has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The engine sees to isolation itself.
    NotNeeded,
    /// It was seen, and is stored.
    Seen(Isolation),
    /// It cannot be told, and why; what was seen before stays.
    Unclear(String),
}

/// Tries how the engine of the configuration isolates, and stores what was seen. Takes up to about a minute; given up when
/// `interrupted` is ready. Nothing of it is left in the engine in either case.
pub async fn probe<I>(
    app: &App,
    interrupted: impl Future<Output = I>,
    say: Say<'_>,
) -> Result<ControlFlow<I, Found>, AppError> {
    let executor = connect(app).await?;
    let (instance, key) = (app.store.instance(), random_key());
    let progress = |words: &str| say(words);
    let probed = tokio::select! {
        probed = tokio::time::timeout(PROBE, executor.probe_isolation(instance, key, &progress)) => probed,
        caught = interrupted => {
            clear(&executor, instance, key).await?;
            return Ok(ControlFlow::Break(caught));
        }
    };
    if !matches!(probed, Ok(Ok(None))) {
        say("removing what was tried with");
        clear(&executor, instance, key).await?;
    }
    let at = app.clock.now();
    let seen = match probed {
        Ok(Ok(None)) => return Ok(ControlFlow::Continue(Found::NotNeeded)),
        Ok(Ok(Some(Probed::Enforced))) => Isolation::Enforced { at },
        Ok(Ok(Some(Probed::NotEnforced))) => Isolation::NotEnforced { at },
        Ok(Ok(Some(Probed::Unclear(why)))) => return Ok(ControlFlow::Continue(Found::Unclear(why))),
        Ok(Err(error)) => return Ok(ControlFlow::Continue(Found::Unclear(error.to_string()))),
        Err(_) => {
            let why = format!("the engine did not answer within {} s", PROBE.as_secs());
            return Ok(ControlFlow::Continue(Found::Unclear(why)));
        }
    };
    app.store.set_isolation(&executor.server_identity().await?, seen).await?;
    Ok(ControlFlow::Continue(Found::Seen(seen)))
}

/// Removes everything that a probe has made.
async fn clear(executor: &SharedExecutor, instance: InstanceKey, probe: Key8) -> Result<(), AppError> {
    let name = probe_name(instance, probe);
    let removal = async {
        for object in executor.list_owned(instance).await?.iter().filter(|object| object.name.starts_with(&name)) {
            executor.remove_owned(object).await?;
        }
        Ok::<_, ExecutorError>(())
    };
    let late = || ExecutorError::Unreachable(format!("what begins with {name} could not be removed in time"));
    Ok(tokio::time::timeout(REMOVAL, removal).await.unwrap_or_else(|_| Err(late()))?)
}
