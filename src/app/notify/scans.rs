//! What is told of the end of a scan.

use super::collect::{Happened, Source};
use super::{App, AppError};
use crate::app::report::{Judged, judge};
use crate::model::clock::Timestamp;
use crate::model::coverage::Coverage;
use crate::model::finding::SeverityCounts;
use crate::model::id::ScanId;
use crate::model::notify::{Counts, NewFinding, NewFindings, Notice, NoticeEvent, NoticeScan, SCHEMA};
use crate::model::standing::Standing;
use crate::model::state::ScanState;
use crate::model::view::{EndReason, FindingView, ScanView, Verdict};
use crate::report::text::clean;
use crate::store::StoreError;
use crate::web;

/// Most findings that one notification lists.
const WORST: usize = 20;
/// Findings that are read at once.
const PAGE: usize = 500;
/// Most characters of a name, and of a place.
pub(super) const NAME: usize = 200;
pub(super) const PLACE: usize = 300;
/// Most lines of the gate.
const GATE: usize = 10;

/// The ends of scans, from the event log.
pub(super) struct Scans;

impl Source for Scans {
    fn name(&self) -> &'static str {
        "event"
    }

    fn head(&self, app: &App) -> Result<u64, AppError> {
        Ok(app.store.last_event()?)
    }

    fn after(&self, app: &App, seq: u64, limit: usize) -> Result<(Vec<Happened>, u64), AppError> {
        let (ended, seen) = app.store.ended_scans(seq, limit)?;
        let happened =
            ended.into_iter().map(|one| Happened { seq: one.seq, at: one.at.0, row: one.scan.0, project: one.project });
        Ok((happened.collect(), seen))
    }

    fn notices(
        &self,
        app: &App,
        one: &Happened,
        wanted: &dyn Fn(NoticeEvent) -> bool,
    ) -> Result<Vec<Notice>, AppError> {
        let scan = ScanId(one.row);
        let judged = match judge(app, scan, &[], None) {
            // Deleted since: there is nothing to be told of any more.
            Err(AppError::Store(StoreError::NotFound(_))) => return Ok(Vec::new()),
            judged => judged?,
        };
        let at = Timestamp(one.at).to_string();
        let ended = ended(&judged);
        let mut notices = vec![notice(&judged, at.clone(), ended, title_of_end(&judged, ended))];
        if matches!(judged.verdict(), Verdict::GateFailed | Verdict::GateUndecided) {
            notices.push(notice(&judged, at.clone(), NoticeEvent::GateFailed, title_of_gate(&judged)));
        }
        if wanted(NoticeEvent::FindingNew)
            && let Some(findings) = new_findings(app, scan, &judged.scan)?
        {
            let title = title_of_new(&findings, &target(&judged.scan));
            let mut told = notice(&judged, at, NoticeEvent::FindingNew, title);
            told.findings = Some(findings);
            notices.push(told);
        }
        Ok(notices)
    }
}

/// Which end it is.
fn ended(judged: &Judged) -> NoticeEvent {
    let scan = &judged.scan;
    match (scan.state, scan.end) {
        (ScanState::Cancelled, _) => NoticeEvent::ScanCancelled,
        _ if scan.is_complete() => NoticeEvent::ScanCompleted,
        (_, Some(EndReason::StepFailed | EndReason::MaxDuration)) => NoticeEvent::ScanFailed,
        _ if scan.coverage == Coverage::None => NoticeEvent::ScanFailed,
        _ => NoticeEvent::ScanIncomplete,
    }
}

fn notice(judged: &Judged, at: String, event: NoticeEvent, title: String) -> Notice {
    Notice {
        schema: SCHEMA.to_owned(),
        id: String::new(),
        event,
        at,
        project: short(&judged.scan.project, NAME),
        title,
        details: details(judged),
        scan: Some(scan(judged)),
        findings: None,
        schedule: None,
    }
}

fn scan(judged: &Judged) -> NoticeScan {
    let view = &judged.scan;
    let fixed = view.standings.as_ref().map_or(0, |standings| standings.fixed.total());
    NoticeScan {
        id: view.id.to_string(),
        target: target(view),
        target_key: shown(&view.target_key.key),
        line: view.target_key.line.as_deref().map(|line| short(line, NAME)),
        template: view.template.as_deref().map(|template| short(template, NAME)),
        state: view.state.as_str().to_owned(),
        verdict: judged.verdict(),
        end: view.end,
        coverage: short(&view.coverage.to_string(), PLACE),
        commit: view.source.as_ref().and_then(|source| source.commit.clone()),
        dirty: view.source.as_ref().is_some_and(|source| source.dirty),
        started_at: view.started_at.map(|at| at.to_string()),
        finished_at: view.finished_at.map(|at| at.to_string()),
        findings: view.counted(false).into(),
        new: view.counted(true).into(),
        fixed,
        muted: view.muted.records.total(),
    }
}

/// Says more, one thing a line.
fn details(judged: &Judged) -> Vec<String> {
    let scan = scan(judged);
    let line = scan.line.as_ref().map(|line| format!(", {line}")).unwrap_or_default();
    let commit = scan.commit.as_ref().map(|commit| {
        let dirty = if scan.dirty { " with changes" } else { "" };
        format!(", commit {}{dirty}", commit.get(..12).unwrap_or(commit))
    });
    let mut lines = vec![format!("Scan {} of {}{line}{}", scan.id, scan.target, commit.unwrap_or_default())];
    let verdict = match scan.verdict {
        Verdict::Clean => "it saw everything",
        Verdict::GateFailed => "it saw everything, and the gate failed",
        Verdict::GateUndecided => "it saw everything, and the gate could not be decided",
        Verdict::Incomplete => "INCOMPLETE: it did not see all of its target",
        Verdict::MaxDuration => "INCOMPLETE: it was ended by its time limit",
        Verdict::Cancelled => "INCOMPLETE: it was cancelled",
    };
    lines.push(format!("Verdict: {verdict} (coverage {})", scan.coverage));
    let new: u64 = scan.new.values().sum();
    let muted = if scan.muted > 0 { format!(", {} that do not count", scan.muted) } else { String::new() };
    lines.push(format!("Found: {} ({new} new, {} fixed{muted})", scan.found(), scan.fixed));
    if matches!(scan.verdict, Verdict::GateFailed | Verdict::GateUndecided) {
        lines.extend(judged.gate.lines().iter().take(GATE).map(|line| format!("Gate: {}", short(line, PLACE))));
    }
    lines
}

fn title_of_end(judged: &Judged, event: NoticeEvent) -> String {
    let scan = scan(judged);
    let (target, found) = (&scan.target, scan.found());
    match event {
        NoticeEvent::ScanCompleted => format!("{target} was scanned: {found}"),
        NoticeEvent::ScanCancelled => format!("The scan of {target} was cancelled: {found} until then"),
        NoticeEvent::ScanFailed => format!("The scan of {target} FAILED ({}): {found}", why(&judged.scan)),
        _ => format!("The scan of {target} is INCOMPLETE ({}): {found}", why(&judged.scan)),
    }
}

fn why(scan: &ScanView) -> &'static str {
    match scan.end {
        Some(EndReason::MaxDuration) => "its time limit passed",
        Some(EndReason::StepFailed) => "a step failed",
        Some(EndReason::Cancelled) => "cancelled",
        _ if scan.coverage == Coverage::None => "it saw nothing of its target",
        _ => "it did not see all of its target",
    }
}

fn title_of_gate(judged: &Judged) -> String {
    let scan = scan(judged);
    let what = if judged.verdict() == Verdict::GateUndecided { "cannot be decided" } else { "FAILED" };
    format!("The gate of {} {what}: {}", scan.target, scan.found())
}

/// Says how many findings are new, and where.
pub(super) fn title_of_new(findings: &NewFindings, target: &str) -> String {
    let first = if findings.first { " (its first scan)" } else { "" };
    format!("{} in {target}{first}", findings.in_words())
}

/// Returns the new findings of a scan that count, the worst by name.
fn new_findings(app: &App, scan: ScanId, view: &ScanView) -> Result<Option<NewFindings>, AppError> {
    let counts: SeverityCounts = view.counted(true);
    if counts.total() == 0 {
        return Ok(None);
    }
    let wanted = usize::try_from(counts.total()).unwrap_or(usize::MAX).min(WORST);
    let (mut cursor, mut worst) = (app.store.finding_cursor(scan)?, Vec::new());
    while worst.len() < wanted {
        let page = app.store.next_findings(&mut cursor, PAGE)?;
        if page.is_empty() {
            break;
        }
        let is_told = |one: &&FindingView| one.standing.is_none_or(Standing::is_news) && one.muting.is_none();
        worst.extend(page.iter().filter(is_told).take(wanted - worst.len()).map(finding));
    }
    Ok(Some(NewFindings {
        counts: Counts::from(counts),
        first: view.standings.as_ref().is_none_or(|standings| standings.first),
        more: counts.total().saturating_sub(worst.len() as u64),
        worst,
    }))
}

fn finding(view: &FindingView) -> NewFinding {
    let record = &view.record;
    let title = if record.title.is_empty() { &record.message } else { &record.title };
    NewFinding {
        fingerprint: view.fingerprint.clone(),
        severity: record.severity,
        scanner: short(&view.scanner, NAME),
        rule: short(&record.rule, NAME),
        title: short(title, NAME),
        location: short(&record.location.to_string(), PLACE),
    }
}

/// Returns what was scanned as it may be told.
fn target(view: &ScanView) -> String {
    shown(&view.target.to_string())
}

/// Returns a target, or the key of one, without a password, cleaned and cut.
fn shown(text: &str) -> String {
    match text.split_once(':') {
        Some((kind, address)) => short(&format!("{kind}:{}", web::without_credentials(address)), PLACE),
        None => short(text, PLACE),
    }
}

/// Cleans a text and cuts it.
pub(super) fn short(text: &str, most: usize) -> String {
    let text = clean(text);
    match text.char_indices().nth(most) {
        None => text.into_owned(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}
