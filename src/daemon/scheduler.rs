//! The scheduler: starts what is due by schedules. The driver pool takes the scans up.

use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;

use super::worker::{Done, Worker};
use crate::app::schedule::{self, Ran};
use crate::app::{App, AppError};
use crate::model::schedule::{Tick, TickState};

/// How often it looks where no schedule is due before: a tick that waits for a scan has no time.
const PERIOD: Duration = Duration::from_secs(15);
/// It looks no sooner again than after this long.
const LEAST: Duration = Duration::from_millis(200);

/// The scheduler.
pub(super) struct Scheduler;

#[async_trait]
impl Worker for Scheduler {
    fn name(&self) -> &'static str {
        "scheduler"
    }

    fn period(&self, _app: &App) -> Duration {
        PERIOD
    }

    async fn activate(&mut self, app: &App) -> Result<Done, AppError> {
        let (app_of_task, runtime) = (app.clone(), Handle::current());
        let ran = tokio::task::spawn_blocking(move || {
            let say = |words: &str| tracing::debug!("{words}");
            runtime.block_on(schedule::run_due(&app_of_task, &|_, _| {}, &say))
        });
        let Ran { ticks, next, .. } = ran.await.map_err(|error| AppError::Panicked(error.to_string()))??;
        let (failed, did): (Vec<&Tick>, Vec<&Tick>) = ticks.iter().partition(|tick| tick.retry_at.is_some());
        let failed: Vec<String> = failed.into_iter().map(line).collect();
        let until = next.map(|at| u64::try_from(at.since(app.clock.now())).unwrap_or(0));
        Ok(Done {
            did: did.into_iter().map(line).collect::<Vec<_>>().join("; "),
            failed: (!failed.is_empty()).then(|| failed.join("; ")),
            again: until.map(|ms| Duration::from_millis(ms).max(LEAST)),
        })
    }
}

/// `nightly started 4f2k9zq1 of dir:/srv/app`
fn line(tick: &Tick) -> String {
    let name = &tick.schedule;
    let message = tick.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    match (tick.state, tick.scan, tick.reason) {
        (TickState::Started, Some(scan), _) => format!("{name} started scan {scan} of {}", tick.target),
        (state, _, Some(reason)) => format!("{name} {}, {}{message}", state.as_str(), reason.as_str()),
        (state, ..) => format!("{name} {}{message}", state.as_str()),
    }
}
