//! What happened, from where it is written down, to the outbox.

use std::collections::BTreeMap;

use super::scans::Scans;
use super::ticks::Ticks;
use super::{App, AppError, new_id};
use crate::failpoint;
use crate::model::notify::{Notice, NoticeEvent, Route};
use crate::store::NewNotification;

/// Most things that happened which one transaction takes up.
const PAGE: usize = 50;
/// How far a route's place may be behind what does not concern it, in numbers of the source: an idle notifier writes nothing.
const LAG: u64 = 1000;
/// What happened longer ago than this is not told any more, in milliseconds: nobody was there to tell it.
const STALE: i64 = 7 * 86_400_000;

/// Where things happen, one after another, each with a number that grows and is never used again.
///
/// What is to be told beside these is another one, in [`sources`]: its numbers must be in the order of their commits.
pub(super) trait Source: Send + Sync {
    /// Its name, as cursors and notifications are written down under.
    fn name(&self) -> &'static str;

    /// The greatest number so far.
    fn head(&self, app: &App) -> Result<u64, AppError>;

    /// What happened after a number, in order, `limit` at most; and up to which number that is all.
    fn after(&self, app: &App, seq: u64, limit: usize) -> Result<(Vec<Happened>, u64), AppError>;

    /// Says it; texts are cleaned and bounded. Only the events for which `wanted` says so need to be made.
    fn notices(&self, app: &App, one: &Happened, wanted: &dyn Fn(NoticeEvent) -> bool)
    -> Result<Vec<Notice>, AppError>;
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Happened {
    /// Its number.
    pub(super) seq: u64,
    /// When, in milliseconds since the epoch.
    pub(super) at: i64,
    /// What the source knows it by.
    pub(super) row: i64,
    /// Row of its project.
    pub(super) project: i64,
}

const fn sources() -> [&'static dyn Source; 2] {
    [&Scans, &Ticks]
}

/// Makes the routes of the configuration known, if they are not: they are told of what happens from now on. Whatever begins scans calls
/// this before.
pub async fn adopt(app: &App) -> Result<(), AppError> {
    for source in sources() {
        let known = app.store.notify_cursors(source.name())?;
        let names = app.config.notify.iter().filter(|route| route.enabled).map(|route| &route.name);
        let new: Vec<String> = names.filter(|name| !known.contains_key(*name)).cloned().collect();
        // One that was switched off is new when it is switched on again.
        let off = app.config.notify.iter().filter(|route| !route.enabled && known.contains_key(&route.name));
        let off: Vec<String> = off.map(|route| route.name.clone()).collect();
        if !off.is_empty() {
            app.store.forget_routes(off).await?;
        }
        if !new.is_empty() {
            app.store.adopt_routes(source.name(), source.head(app)?, new).await?;
        }
    }
    Ok(())
}

/// Forgets routes that were taken out of the configuration.
pub async fn forget(app: &App, routes: Vec<String>) -> Result<(), AppError> {
    Ok(app.store.forget_routes(routes).await?)
}

/// Writes down what is to be told of what happened since the last time; returns how many notifications that makes. Gives up what is left
/// of routes that have gone.
pub async fn collect(app: &App) -> Result<usize, AppError> {
    adopt(app).await?;
    let mut told = 0;
    for source in sources() {
        loop {
            let app_of_thread = app.clone();
            // It may look at a million findings.
            let page = tokio::task::spawn_blocking(move || page(&app_of_thread, source));
            let page = page.await.map_err(|error| AppError::Panicked(error.to_string()))??;
            let Some(Page { rows, cursors, more }) = page else { break };
            failpoint::hit("notify.collected");
            told += app.store.enqueue(source.name(), rows, cursors, app.clock.now()).await?;
            if !more {
                break;
            }
        }
    }
    abandon(app).await?;
    Ok(told)
}

async fn abandon(app: &App) -> Result<(), AppError> {
    let now = app.clock.now();
    let oldest = now.plus_ms(-STALE);
    let waiting = app.store.next_deliveries()?;
    let gone: Vec<String> =
        waiting.into_keys().filter(|name| app.config.notify.get(name).is_none_or(|route| !route.enabled)).collect();
    if !gone.is_empty() && app.store.has_notification_before(oldest)? {
        app.store.abandon_notifications(gone, oldest, now).await?;
    }
    Ok(())
}

/// What one transaction writes.
struct Page {
    rows: Vec<NewNotification>,
    cursors: BTreeMap<String, u64>,
    more: bool,
}

/// Looks at the next things that happened; none if there is nothing to write.
fn page(app: &App, source: &'static dyn Source) -> Result<Option<Page>, AppError> {
    let places = app.store.notify_cursors(source.name())?;
    let routes: Vec<(&Route, u64)> =
        app.config.notify.iter().filter_map(|route| Some((route, *places.get(&route.name)?))).collect();
    let Some(first) = routes.iter().map(|(_, seq)| *seq).min() else { return Ok(None) };
    let (happened, seen) = source.after(app, first, PAGE)?;
    let stale = app.clock.now().plus_ms(-STALE).0;
    let mut rows = Vec::new();
    for one in happened.iter().filter(|one| one.at >= stale) {
        let waiting: Vec<&Route> = routes.iter().filter(|(_, seq)| *seq < one.seq).map(|(route, _)| *route).collect();
        let wanted = |event| waiting.iter().any(|route| route.asks_for(event));
        if !NoticeEvent::ALL.into_iter().any(wanted) {
            continue;
        }
        let notices = source.notices(app, one, &wanted)?;
        for route in waiting {
            rows.extend(notices.iter().filter_map(|notice| row(route, one, notice)));
        }
    }
    let more = happened.len() == PAGE;
    let cursors: BTreeMap<String, u64> =
        routes.iter().filter(|(_, seq)| *seq < seen).map(|(route, _)| (route.name.clone(), seen)).collect();
    let write = !rows.is_empty() || more || seen > first + LAG;
    Ok(write.then_some(Page { rows, cursors, more }))
}

fn row(route: &Route, one: &Happened, notice: &Notice) -> Option<NewNotification> {
    let notice = Notice { id: new_id(), ..fitted(route, notice)? };
    Some(NewNotification {
        key: notice.id.clone(),
        route: route.name.clone(),
        seq: one.seq,
        event: notice.event.as_str(),
        scan: notice.scan.as_ref().map(|scan| scan.id.clone()),
        project: one.project,
        // Texts, numbers and lists of them: that cannot fail.
        body: serde_json::to_string(&notice).ok()?,
    })
}

/// Decides whether a route is told, and of how much.
fn fitted(route: &Route, notice: &Notice) -> Option<Notice> {
    let about = |names: &Option<crate::model::gate::Names>, words: &[&str]| {
        names.as_ref().is_none_or(|names| words.iter().any(|word| names.contain(word)))
    };
    let target = notice.scan.as_ref().map_or(["", ""], |scan| [&scan.target, &scan.target_key]);
    if !route.asks_for(notice.event) || !about(&route.projects, &[&notice.project]) || !about(&route.targets, &target) {
        return None;
    }
    let Some(least) = route.min_severity else { return Some(notice.clone()) };
    let mut notice = notice.clone();
    match (notice.event, &notice.findings, &notice.scan) {
        (NoticeEvent::FindingNew, Some(findings), scan) => {
            let findings = findings.at_least(least)?;
            if let Some(scan) = scan {
                notice.title = super::scans::title_of_new(&findings, &scan.target);
            }
            notice.findings = Some(findings);
        }
        (NoticeEvent::ScanCompleted, _, Some(scan)) if !scan.findings.keys().any(|one| one.reaches(least)) => {
            return None;
        }
        _ => {}
    }
    Some(notice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::notify::{Counts, NewFindings, NoticeScan, SCHEMA};
    use crate::model::severity::Severity;
    use crate::model::view::Verdict;

    fn notice(event: NoticeEvent, severity: Severity) -> Notice {
        let counts = Counts::from([(severity, 1)]);
        Notice {
            schema: SCHEMA.to_owned(),
            id: String::new(),
            event,
            at: String::new(),
            project: "shop".to_owned(),
            title: String::new(),
            details: Vec::new(),
            scan: Some(NoticeScan {
                id: "28t5cy4t".to_owned(),
                target: "git:https://example.org/shop.git".to_owned(),
                target_key: "git:example.org/shop".to_owned(),
                line: None,
                template: None,
                state: "completed".to_owned(),
                verdict: Verdict::Clean,
                end: None,
                coverage: "full".to_owned(),
                commit: None,
                dirty: false,
                started_at: None,
                finished_at: None,
                findings: counts.clone(),
                new: counts.clone(),
                fixed: 0,
                muted: 0,
            }),
            findings: Some(NewFindings { counts, first: false, worst: Vec::new(), more: 1 }),
            schedule: None,
        }
    }

    fn is_told(keys: &str, event: NoticeEvent, severity: Severity) -> bool {
        let route: Route = toml::from_str(&format!("name = 'x'\nkind = 'desktop'\nevents = '*'\n{keys}")).unwrap();
        fitted(&route, &notice(event, severity)).is_some()
    }

    #[test]
    fn a_route_is_told_of_its_projects_and_targets_alone() {
        for (keys, told) in [
            ("", true),
            ("projects = 'sh*'", true),
            ("projects = 'default'", false),
            ("targets = 'git:example.org/*'", true),
            ("targets = ['dir:*', 'git:https://*']", true),
            ("targets = 'dir:*'", false),
        ] {
            assert_eq!(is_told(keys, NoticeEvent::ScanFailed, Severity::Low), told, "{keys}");
        }
    }

    #[test]
    fn a_least_severity_hides_findings_and_never_a_failure() {
        let high = "min_severity = 'high'";
        for (event, severity, told) in [
            (NoticeEvent::FindingNew, Severity::High, true),
            (NoticeEvent::FindingNew, Severity::Unknown, true),
            (NoticeEvent::FindingNew, Severity::Low, false),
            (NoticeEvent::ScanCompleted, Severity::Low, false),
            (NoticeEvent::ScanCompleted, Severity::Critical, true),
            (NoticeEvent::ScanIncomplete, Severity::Low, true),
            (NoticeEvent::ScanFailed, Severity::Low, true),
            (NoticeEvent::GateFailed, Severity::Low, true),
        ] {
            assert_eq!(is_told(high, event, severity), told, "{event} {severity}");
        }
    }
}
