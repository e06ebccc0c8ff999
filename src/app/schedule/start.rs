//! The scan of a tick: planned and submitted as `start` does.

use async_trait::async_trait;
use tokio::sync::Mutex;

use super::super::{App, AppError, PlanRequest, Say, StartRequest, connect, plan, submit};
use super::targets;
use crate::config::ExecutorKind;
use crate::executor::{ExecutorError, SharedExecutor};
use crate::model::id::{ScanId, ScanKey};
use crate::model::registered::RegisteredTarget;
use crate::model::schedule::{Engine, Schedule, Tick};
use crate::plan::Selection;
use crate::store::{StoreError, random_bits};

/// How the scan of a tick comes to be.
#[async_trait(?Send)]
pub trait Starter {
    /// Submits the scan of a tick, or finds the one that was submitted for it before.
    async fn start(
        &self,
        app: &App,
        schedule: &Schedule,
        tick: &Tick,
        say: Say<'_>,
    ) -> Result<(ScanId, ScanKey), AppError>;
}

/// Plans and submits as `start` does, on engines of the configuration; each is connected to once.
#[derive(Default)]
pub struct Planner {
    open: Mutex<Vec<(ExecutorKind, Result<SharedExecutor, String>)>>,
}

impl Planner {
    async fn connect(&self, app: &App) -> Result<SharedExecutor, AppError> {
        let kind = app.config.executor.kind;
        let mut open = self.open.lock().await;
        if let Some((_, known)) = open.iter().find(|(known, _)| *known == kind) {
            // One that could not be reached is not asked again for each of a hundred ticks.
            return known.clone().map_err(|error| ExecutorError::Unreachable(error).into());
        }
        let connected = connect(app).await;
        open.push((kind, connected.as_ref().map(SharedExecutor::clone).map_err(ToString::to_string)));
        connected
    }
}

#[async_trait(?Send)]
impl Starter for Planner {
    async fn start(
        &self,
        app: &App,
        schedule: &Schedule,
        tick: &Tick,
        say: Say<'_>,
    ) -> Result<(ScanId, ScanKey), AppError> {
        // Whoever submitted it may have died before it could write that down.
        if let Some(found) = app.store.scan_of_request(schedule, &tick.request_key)? {
            return Ok(found);
        }
        let (target, registered) = targets::find(app, schedule, &tick.target)?;
        let app = configured(app, schedule);
        let executor = self.connect(&app).await?;
        let request = PlanRequest {
            target,
            name: registered.as_ref().map(|registered| registered.name.to_string()),
            owner: targets::owner(schedule),
            selection: selection(&app, schedule, registered.as_ref()),
            priority: schedule.priority,
            seed: random_bits(),
        };
        let mut planned = plan(&app, request, Some(&executor), say).await?;
        if let Some((scanner, error)) = planned.missing_images().into_iter().next() {
            return Err(AppError::Image { scanner, error });
        }
        let request = StartRequest {
            plan: planned.plan,
            hold: planned.hold,
            request_key: Some(tick.request_key.clone()),
            actor: if tick.manual { tick.actor.clone() } else { format!("schedule:{}", schedule.name) },
        };
        match submit(&app, &executor, request, say).await {
            Err(AppError::Store(StoreError::RequestKeyUsed { key, scan })) => {
                let found = app.store.scan_of_request(schedule, &tick.request_key)?;
                found.ok_or_else(|| StoreError::RequestKeyUsed { key, scan }.into())
            }
            submitted => submitted,
        }
    }
}

/// The configuration as a schedule changes it.
fn configured(app: &App, schedule: &Schedule) -> App {
    let mut app = app.clone();
    if let Some(engine) = schedule.executor {
        app.config.executor.kind = match engine {
            Engine::Docker => ExecutorKind::Docker,
            Engine::Kubernetes => ExecutorKind::Kubernetes,
        };
    }
    if !schedule.fail_on.is_empty() {
        app.config.gate.fail_on = schedule.fail_on.clone();
    }
    app
}

fn selection(app: &App, schedule: &Schedule, registered: Option<&RegisteredTarget>) -> Selection {
    let of_target = || registered.and_then(|registered| registered.template.clone());
    let template = schedule.template.clone().or_else(of_target).or_else(|| app.config.scan.template.clone());
    template.map_or(Selection::Fitting, Selection::Template)
}
