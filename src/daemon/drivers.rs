//! The driver pool: takes up scans that nobody drives.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::admission::{self, Driven, Waiting};
use super::engines::Engines;
use super::worker::{Done, Pulse, Worker};
use crate::app::drive::{self, Fleet, Patience};
use crate::app::{App, AppError};
use crate::driver::{Rest, Slots};
use crate::model::id::ScanId;
use crate::model::quota::Quotas;
use crate::model::state::ScanState;
use crate::store::Takeable;

/// How often it is looked whether another process has left a scan behind, which changes nothing in the state.
const PERIOD: Duration = Duration::from_secs(2);
/// How long a scan that could not be taken up is left alone, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(2));
/// How long an import may take until its own process drives it, in milliseconds.
const IMPORT: i64 = 60_000;
/// Who drives, for the event log.
const ACTOR: &str = "daemon";

/// The driver pool.
pub(super) struct Drivers {
    engines: Engines,
    /// What all attempts may use together.
    slots: Slots,
    /// Wakes the pool when a driver ends.
    pulse: Pulse,
    detach: CancellationToken,
    running: JoinSet<(Takeable, Result<Driving, AppError>)>,
    driven: HashMap<ScanId, Driven>,
    /// What is known of scans that others drive.
    owners: HashMap<ScanId, Patience>,
    /// Scans that could not be taken up, with how long each is left alone the next time.
    left_alone: HashMap<ScanId, (Instant, Duration)>,
}

/// What driving a scan has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Driving {
    /// It rests.
    Rested(Rest),
    /// Another process has taken it before.
    Held,
}

impl Drivers {
    pub(super) fn new(engines: Engines, pulse: Pulse) -> Self {
        Self {
            engines,
            slots: Slots::new(Quotas::default()),
            pulse,
            detach: CancellationToken::new(),
            running: JoinSet::new(),
            driven: HashMap::new(),
            owners: HashMap::new(),
            left_alone: HashMap::new(),
        }
    }

    /// Whether nothing is driven.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Lets every driver go: what runs in the engines runs on, and whoever comes next takes it up.
    pub(super) async fn let_go(&mut self) {
        self.detach.cancel();
        while self.running.join_next().await.is_some() {}
    }

    /// Takes note of drivers that have ended.
    async fn reap(&mut self, app: &App, told: &mut Told) -> Result<(), AppError> {
        while let Some(ended) = self.running.try_join_next() {
            self.ended(app, ended, told).await?;
        }
        Ok(())
    }

    async fn ended(
        &mut self,
        app: &App,
        ended: Result<(Takeable, Result<Driving, AppError>), JoinError>,
        told: &mut Told,
    ) -> Result<(), AppError> {
        let (one, driving) = ended.map_err(|error| AppError::Panicked(error.to_string()))?;
        self.driven.remove(&one.scan);
        let again = match driving {
            Ok(Driving::Rested(Rest::Ended)) => {
                told.did.push(format!("scan {} has ended", one.key));
                false
            }
            Ok(Driving::Rested(Rest::EngineLost)) => {
                told.failed.push(format!("scan {}: its engine could not be reached for too long", one.key));
                true
            }
            Ok(Driving::Rested(Rest::Paused | Rest::LostOwnership | Rest::Detached) | Driving::Held) => false,
            Err(error) => {
                let reason = error.to_string();
                told.failed.push(format!("scan {}: {reason}", one.key));
                // A command that follows the scan may reach the engine that this process does not.
                app.store.decline(one.scan, Some(reason)).await?;
                true
            }
        };
        if again {
            let wait = self.left_alone.get(&one.scan).map_or(RETRY.0, |(_, wait)| (*wait * 2).min(RETRY.1));
            self.left_alone.insert(one.scan, (Instant::now() + wait, wait));
        } else {
            self.left_alone.remove(&one.scan);
        }
        Ok(())
    }

    /// Returns the scans that nobody drives, with the heartbeat of a dead owner where there is one.
    async fn free(&mut self, app: &App) -> Result<Vec<(Takeable, Option<i64>)>, AppError> {
        let young = app.clock.now().plus_ms(-IMPORT);
        let mut all = app.store.takeable(young)?;
        // Nobody drives a queued scan: whoever chooses among them is who the request is for.
        if all.iter().any(|one| one.reprioritised && one.state == ScanState::Queued) {
            app.store.execute_priorities(app.clock.now()).await?;
            all = app.store.takeable(young)?;
        }
        self.owners.retain(|scan, _| all.iter().any(|one| one.scan == *scan));
        self.left_alone.retain(|scan, _| all.iter().any(|one| one.scan == *scan));
        let now = Instant::now();
        let mut free = Vec::new();
        for one in all {
            let left_alone = self.left_alone.get(&one.scan).is_some_and(|(until, _)| *until > now);
            if self.driven.contains_key(&one.scan) || left_alone {
                continue;
            }
            let stale = self.owners.entry(one.scan).or_default().is_over(one.heartbeat).then_some(one.heartbeat);
            if stale.is_some() || !app.store.is_driven(one.key)? {
                free.push((one, stale));
            }
        }
        Ok(free)
    }

    fn begin(&mut self, app: &App, one: Takeable, stale: Option<i64>) {
        self.driven.insert(one.scan, Driven { priority: one.priority, project: one.project });
        let (app, engines, detach) = (app.clone(), self.engines.clone(), self.detach.clone());
        let (pulse, slots) = (Pulse::clone(&self.pulse), self.slots.clone());
        self.running.spawn(async move {
            let driving = take_up(&app, &engines, &one, &slots, stale, detach).await;
            pulse.notify_one();
            (one, driving)
        });
    }
}

async fn take_up(
    app: &App,
    engines: &Engines,
    one: &Takeable,
    slots: &Slots,
    stale: Option<i64>,
    detach: CancellationToken,
) -> Result<Driving, AppError> {
    let engine = tokio::select! {
        engine = engines.of(app, one.scan) => engine?,
        // An engine may take its time to answer whoever connects to it.
        () = detach.cancelled() => return Ok(Driving::Rested(Rest::Detached)),
    };
    let Some(lease) = drive::take(app, one.scan, one.key, stale).await? else { return Ok(Driving::Held) };
    if one.declined.is_some() {
        app.store.decline(one.scan, None).await?;
    }
    let fleet = Fleet { slots: slots.clone(), observer: engine.observer };
    Ok(Driving::Rested(drive::drive(app, lease, engine.executor, ACTOR, Some(fleet), detach).await?))
}

/// What an activation tells.
#[derive(Default)]
struct Told {
    did: Vec<String>,
    failed: Vec<String>,
}

#[async_trait]
impl Worker for Drivers {
    fn name(&self) -> &'static str {
        "drivers"
    }

    fn period(&self, _app: &App) -> Duration {
        PERIOD
    }

    async fn activate(&mut self, app: &App) -> Result<Done, AppError> {
        let mut told = Told::default();
        self.slots.set(&app.config.daemon.limits);
        self.reap(app, &mut told).await?;
        let mut free: HashMap<ScanId, (Takeable, Option<i64>)> = HashMap::new();
        let mut waiting = Vec::new();
        for (one, stale) in self.free(app).await? {
            let (scan, state, priority) = (one.scan, one.state, one.priority);
            waiting.push(Waiting { scan, state, priority, project: one.project, asked: one.asked });
            free.insert(scan, (one, stale));
        }
        let driven: Vec<Driven> = self.driven.values().copied().collect();
        for scan in admission::choose(&waiting, &driven, app.config.daemon.scans.max(1) as usize) {
            if let Some((one, stale)) = free.remove(&scan) {
                told.did.push(format!("scan {} is taken up", one.key));
                self.begin(app, one, stale);
            }
        }
        let failed = (!told.failed.is_empty()).then(|| told.failed.join("; "));
        Ok(Done { did: told.did.join("; "), failed, again: None })
    }

    async fn drain(&mut self) {
        self.let_go().await;
    }
}
