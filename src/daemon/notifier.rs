//! The notifier: writes down what is to be told, and delivers it.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::worker::{Done, Pulse, Worker};
use crate::app::notify::{self, Delivered};
use crate::app::{App, AppError};
use crate::model::notify::Routes;

/// How often it is looked when nothing has changed and nothing is due.
const PERIOD: Duration = Duration::from_secs(30);
/// Least time between two looks: a route that another process delivers on stays due.
const LEAST: Duration = Duration::from_millis(500);
/// Routes that are delivered on at once.
const AT_ONCE: usize = 8;
/// How long deliveries under way are waited for when the daemon ends. What is cut off is delivered again.
const PATIENCE: Duration = Duration::from_secs(5);

/// The notifier. Routes are delivered on beside one another: one whose receiver hangs holds up none else.
pub(super) struct Notifier {
    /// Wakes it when a route is done.
    pulse: Pulse,
    running: JoinSet<(String, Result<Delivered, AppError>)>,
    busy: BTreeSet<String>,
    /// The routes as they were when it looked last.
    known: Option<Routes>,
    /// What kept routes from being told anything when they were looked at last, and when that was.
    broken: Vec<String>,
    checked: Instant,
}

impl Notifier {
    pub(super) fn new(pulse: Pulse) -> Self {
        Self {
            pulse,
            running: JoinSet::new(),
            busy: BTreeSet::new(),
            known: None,
            broken: Vec::new(),
            checked: Instant::now(),
        }
    }

    /// Waits until what is being delivered is over; returns whether more may be due.
    pub(super) async fn settle(&mut self) -> bool {
        let mut went = false;
        while let Some(ended) = self.running.join_next().await {
            if let Ok((route, delivered)) = ended {
                self.busy.remove(&route);
                went |= delivered.is_ok_and(|delivered| delivered.taken + delivered.dead > 0);
            }
        }
        went
    }

    /// Looks at routes that have changed, and now and then at those that cannot work: that is told before anything is to be delivered.
    /// Those that have gone are forgotten.
    async fn look_at_routes(&mut self, app: &App) -> Result<(), AppError> {
        let now = &app.config.notify;
        let same = self.known.as_ref() == Some(now);
        if same && (self.broken.is_empty() || self.checked.elapsed() < PERIOD) {
            return Ok(());
        }
        let before = self.known.replace(now.clone()).unwrap_or_default();
        let gone = before.iter().map(|route| route.name.clone()).filter(|name| now.get(name).is_none());
        let gone: Vec<String> = gone.collect();
        if !gone.is_empty() {
            notify::forget(app, gone).await?;
        }
        let app = app.clone();
        // A reference may be a program that takes its time.
        let broken = tokio::task::spawn_blocking(move || notify::check(&app)).await;
        let broken = broken.map_err(|error: JoinError| AppError::Panicked(error.to_string()))?;
        self.broken = broken.into_iter().map(|(route, why)| format!("route {route}: {why}")).collect();
        self.checked = Instant::now();
        Ok(())
    }

    fn reap(&mut self, did: &mut Vec<String>, failed: &mut Vec<String>) -> Result<(), AppError> {
        while let Some(ended) = self.running.try_join_next() {
            let (route, delivered) = ended.map_err(|error: JoinError| AppError::Panicked(error.to_string()))?;
            self.busy.remove(&route);
            match delivered {
                Ok(Delivered { taken, error, .. }) => {
                    if taken > 0 {
                        did.push(format!("{taken} delivered to {route}"));
                    }
                    failed.extend(error.map(|error| format!("route {route}: {error}")));
                }
                Err(error) => failed.push(format!("route {route}: {error}")),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Worker for Notifier {
    fn name(&self) -> &'static str {
        "notifier"
    }

    fn period(&self, _app: &App) -> Duration {
        PERIOD
    }

    async fn activate(&mut self, app: &App) -> Result<Done, AppError> {
        self.look_at_routes(app).await?;
        let (mut did, mut failed) = (Vec::new(), self.broken.clone());
        self.reap(&mut did, &mut failed)?;
        let told = if app.config.notify.is_empty() { 0 } else { notify::collect(app).await? };
        if told > 0 {
            did.push(format!("{told} to be told"));
        }
        for route in notify::due_routes(app)? {
            if self.running.len() < AT_ONCE && self.busy.insert(route.clone()) {
                let (app, pulse) = (app.clone(), Pulse::clone(&self.pulse));
                self.running.spawn(async move {
                    let delivered = notify::deliver_due(&app, &route).await;
                    pulse.notify_one();
                    (route, delivered)
                });
            }
        }
        let next = notify::next_delivery(app, &self.busy)?;
        let failed = (!failed.is_empty()).then(|| failed.join("; "));
        Ok(Done { did: did.join("; "), failed, again: next.map(|next| next.max(LEAST)) })
    }

    async fn drain(&mut self) {
        if tokio::time::timeout(PATIENCE, self.settle()).await.is_err() {
            self.running.shutdown().await;
        }
    }
}
