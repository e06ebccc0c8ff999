//! Notify: what happened is turned into notifications (`collect`), and these are delivered (`deliver`); each by itself, and both without a
//! daemon.
//!
//! A route is told of each source from the number on at which it was first seen, [`adopt`]. Notifications and the route's place in the
//! source are written in one transaction; what is delivered is written down afterwards, so that a crash between the two tells the
//! receiver once more, with the same id. Nothing here touches a scan.

mod collect;
mod deliver;
mod scans;
mod ticks;
mod traces;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{App, AppError, secrets};
use crate::model::notify::{Address, Hidden, Notice, NoticeEvent, NotificationView, Route, SCHEMA};
use crate::model::scanner::SecretRef;
use crate::notify::{Delivery, Failure, Secrets, Taken, Template};
use crate::store::{NotificationFilter, Resend, random_bits};

pub use collect::{adopt, collect, forget};
pub use deliver::{Delivered, deliver_due};

/// What one pass has done.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Notifications that were written down.
    pub told: usize,
    /// What became of deliveries, by route.
    pub routes: BTreeMap<String, Delivered>,
}

/// Writes down what is to be told, and delivers on every route what is due, once. Routes that another process delivers on are left to it.
pub async fn run(app: &App) -> Result<Passed, AppError> {
    let told = collect(app).await?;
    let mut deliveries = tokio::task::JoinSet::new();
    for route in due_routes(app)? {
        let app = app.clone();
        deliveries.spawn(async move {
            let delivered = deliver_due(&app, &route).await;
            (route, delivered)
        });
    }
    let mut routes = BTreeMap::new();
    while let Some(ended) = deliveries.join_next().await {
        let (route, delivered) = ended.map_err(|error| AppError::Panicked(error.to_string()))?;
        routes.insert(route, delivered?);
    }
    Ok(Passed { told, routes })
}

/// Returns the routes of the configuration on which something is due.
pub fn due_routes(app: &App) -> Result<Vec<String>, AppError> {
    let (next, now) = (app.store.next_deliveries()?, app.clock.now());
    let enabled = app.config.notify.iter().filter(|route| route.enabled);
    let due = enabled.filter(|route| next.get(&route.name).is_some_and(|at| *at <= now));
    Ok(due.map(|route| route.name.clone()).collect())
}

/// Returns how long it is until something is due on a route of the configuration that is not busy; none if nothing waits.
pub fn next_delivery(app: &App, busy: &BTreeSet<String>) -> Result<Option<Duration>, AppError> {
    let (next, now) = (app.store.next_deliveries()?, app.clock.now());
    let enabled = app.config.notify.iter().filter(|route| route.enabled && !busy.contains(&route.name));
    let first = enabled.filter_map(|route| next.get(&route.name)).min();
    Ok(first.map(|at| Duration::from_millis(u64::try_from(at.since(now)).unwrap_or(0))))
}

/// Returns what keeps routes of the configuration from being told anything, by route: references that cannot be read, templates that are
/// none.
pub fn check(app: &App) -> BTreeMap<String, String> {
    let enabled = app.config.notify.iter().filter(|route| route.enabled);
    let broken = enabled.filter_map(|route| {
        let error = secrets_of(app, route).and_then(|_| template_of(route)).err()?;
        Some((route.name.clone(), error.words))
    });
    broken.collect()
}

/// Tells a route that somebody tries it; returns what the receiver answered.
pub async fn test(app: &App, name: &str) -> Result<Result<Taken, Failure>, AppError> {
    let Some(route) = app.config.notify.get(name) else {
        let known = app.config.notify.iter().map(|route| route.name.clone()).collect();
        return Err(AppError::NoRoute { name: name.to_owned(), known });
    };
    let now = app.clock.now();
    let notice = Notice {
        schema: SCHEMA.to_owned(),
        id: new_id(),
        event: NoticeEvent::Test,
        at: now.to_string(),
        project: "default".to_owned(),
        title: format!("dragnet can reach the route {name}"),
        details: vec!["Nothing happened: somebody ran `dragnet notify test`.".to_owned()],
        scan: None,
        findings: None,
        schedule: None,
    };
    let document = serde_json::to_string(&notice).unwrap_or_default();
    let sent = async {
        let (secrets, template) = ready(app, route).await?;
        let (template, notice, document) = (template.as_ref(), &notice, document.as_str());
        crate::notify::deliver(Delivery { route, secrets: &secrets, template, notice, document, trace: None, at: now })
            .await
    };
    Ok(sent.await)
}

/// Reads notifications, newest first.
pub fn list(app: &App, filter: NotificationFilter) -> Result<Vec<NotificationView>, AppError> {
    Ok(app.store.notifications(filter)?)
}

/// Makes notifications due again; returns how many.
pub async fn resend(app: &App, what: Resend) -> Result<usize, AppError> {
    Ok(app.store.resend_notifications(what, app.clock.now()).await?)
}

/// Makes the id of a notification.
fn new_id() -> String {
    format!("msg_{:016x}{:016x}", random_bits(), random_bits())
}

/// Reads what a delivery needs. A reference may be a program, which may hang: nothing else waits for it, and the delivery not for long.
async fn ready(app: &App, route: &Route) -> Result<(Secrets, Option<Template>), Failure> {
    let (of_thread, its_route, limit) = (app.clone(), route.clone(), route.timeout);
    let read = tokio::task::spawn_blocking(move || Ok((secrets_of(&of_thread, &its_route)?, template_of(&its_route)?)));
    let failed = |words: String| Failure { words, passes: true, after: None };
    match tokio::time::timeout(limit.0, read).await {
        Ok(Ok(ready)) => ready,
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("its secrets could not be read within {limit}"))),
    }
}

/// Reads what a route's references stand for. They may be mended: what cannot be read now may be later.
fn secrets_of(app: &App, route: &Route) -> Result<Secrets, Failure> {
    let read = |key: &str, reference: &SecretRef| -> Result<Hidden, Failure> {
        let failed = |why: String| Failure { words: format!("`{key}`: {why}"), passes: true, after: None };
        let bytes = secrets::resolve(app, reference).map_err(failed)?;
        let text = String::from_utf8(bytes).map_err(|_| failed("it is no text".to_owned()))?;
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() { Err(failed("it is empty".to_owned())) } else { Ok(Hidden(text.to_owned())) }
    };
    let url = match &route.url {
        Some(Address::Plain(url)) => Some(url.clone()),
        Some(Address::Secret(reference)) => Some(read("url", reference)?),
        None => None,
    };
    let one = |key, reference: &Option<SecretRef>| reference.as_ref().map(|one| read(key, one)).transpose();
    Ok(Secrets {
        url,
        secret: one("secret", &route.secret)?,
        token: one("token", &route.token)?,
        password: one("password", &route.password)?,
        headers: route
            .headers
            .iter()
            .map(|(name, reference)| Ok((name.clone(), read(&format!("headers.{name}"), reference)?)))
            .collect::<Result<_, Failure>>()?,
    })
}

fn template_of(route: &Route) -> Result<Option<Template>, Failure> {
    let Some(path) = &route.template else { return Ok(None) };
    let failed = |words: String| Failure { words: format!("`template`: {words}"), passes: true, after: None };
    let source = std::fs::read_to_string(path).map_err(|error| failed(format!("{}: {error}", path.display())))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Template::new(route.kind, &name, &source).map(Some).map_err(|error| failed(error.to_string()))
}
