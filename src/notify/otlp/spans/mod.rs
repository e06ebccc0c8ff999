//! A part of a trace as OTLP: spans scan → job → attempt. Names are those of the semantic conventions of OpenTelemetry (1.37) where they
//! have one, else they begin with `dragnet.`; no name and no text of a span has a number in it that differs from scan to scan.
//!
//! A span is time in which something was done: a job that never ran is an event of its scan, not a span. What is said of an attempt does
//! not change once its scan has ended, so that a trace that is told again says the same.

use super::wire::{
    Attributes, ERROR, Event, INTERNAL, Request, Resource, ResourceSpans, Scope, ScopeSpans, Span, Status,
};
use crate::model::clock::Timestamp;
use crate::model::coverage::{Coverage, SkipReason};
use crate::model::notify::{Notice, NoticeScan};
use crate::model::outcome::Failure;
use crate::model::severity::Severity;
use crate::model::state::{AttemptState, JobState};
use crate::model::trace::{IdleJob, SpanId, TraceHead, TraceId, TracePart, TracedAttempt, TracedJob, TracedScan};
use crate::model::view::Verdict;

/// How we are called as a service.
const NAME: &str = "dragnet";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes the request that tells a part of a trace; without a part, one that tells nothing.
pub(super) fn request(notice: &Notice, part: Option<&TracePart>) -> Request {
    let (Some(part), Some(scan)) = (part, &notice.scan) else { return Request::default() };
    let trace = TraceId::of(part.scan.key, part.scan.created_at);
    let head = part.head.as_ref().map(|head| scan_span(trace, notice, scan, &part.scan, head));
    let jobs = part.jobs.iter().flat_map(|job| {
        let attempts = job.attempts.iter().map(|attempt| attempt_span(trace, &part.scan, job, attempt));
        std::iter::once(job_span(trace, job)).chain(attempts)
    });
    Request {
        resource_spans: vec![ResourceSpans {
            // Whoever tells; the machines on which attempts ran, and the one that drove them, are none of that.
            resource: Resource {
                attributes: Attributes::default()
                    .text("service.name", NAME)
                    .text("service.version", VERSION)
                    .text("service.instance.id", part.scan.instance.as_str()),
            },
            scope_spans: vec![ScopeSpans {
                scope: Scope { name: NAME, version: VERSION },
                spans: head.into_iter().chain(jobs).collect(),
            }],
        }],
    }
}

fn scan_span(trace: TraceId, notice: &Notice, scan: &NoticeScan, row: &TracedScan, head: &TraceHead) -> Span {
    // What did not see all of its target never looks clean; a gate that fails is no fault of the scan.
    let missed = !matches!(scan.verdict, Verdict::Clean | Verdict::GateFailed | Verdict::GateUndecided);
    let end = scan.end.map_or("incomplete", |end| end.as_str());
    let mut attributes = Attributes::default()
        .text("dragnet.scan.id", &scan.id)
        .text("dragnet.project", &notice.project)
        .text("dragnet.target", &scan.target)
        .text("dragnet.target.key", &scan.target_key)
        .maybe("dragnet.template", scan.template.as_ref())
        .text("dragnet.executor", kind(row))
        .text("dragnet.executor.profile", &row.executor)
        .text("dragnet.scan.state", &scan.state)
        .text("dragnet.scan.verdict", verdict(scan.verdict))
        .text("dragnet.scan.coverage", &scan.coverage)
        .flag("dragnet.scan.complete", !missed)
        .maybe("error.type", missed.then_some(end))
        .maybe("vcs.ref.head.name", scan.line.as_ref())
        .maybe("vcs.ref.head.revision", scan.commit.as_ref());
    if scan.commit.is_some() {
        attributes = attributes.flag("dragnet.source.dirty", scan.dirty);
    }
    for (state, number) in &head.jobs {
        attributes = attributes.number(format!("dragnet.jobs.{state}"), *number);
    }
    let count = |severity: &Severity| scan.findings.get(severity).copied().unwrap_or_default();
    attributes = findings(attributes, count)
        .number("dragnet.findings.new", scan.new.values().sum::<u64>())
        .number("dragnet.findings.fixed", scan.fixed)
        .number("dragnet.findings.muted", scan.muted);
    let started = head.started_at.map(|at| event(at, "dragnet.scan.started", Attributes::default()));
    Span {
        events: started.into_iter().chain(head.idle.iter().map(idle)).collect(),
        dropped_events_count: u32::try_from(head.more_idle).unwrap_or(u32::MAX),
        status: missed.then(|| error(&notice.title)),
        ..span(trace, trace.scan(), None, "scan".to_owned(), (row.created_at, head.finished_at), attributes)
    }
}

fn job_span(trace: TraceId, job: &TracedJob) -> Span {
    let coverage = job.coverage.as_ref().map(Coverage::to_string);
    let failed = job.state != JobState::Succeeded;
    let why = match (&job.failure, &coverage) {
        (Some(failure), _) if failed => Some((failure.reason.as_str(), failure.to_string())),
        _ if failed => Some((job.state.as_str(), format!("it ended as {}", job.state))),
        (_, Some(coverage)) if !job.complete => {
            Some(("incomplete", format!("it saw less than everything: {coverage}")))
        }
        _ => None,
    };
    let attributes = Attributes::default()
        .text("dragnet.job.name", &job.name)
        .text("dragnet.step", &job.step)
        .text("dragnet.scanner.name", &job.scanner)
        .maybe("dragnet.scanner.version", job.version.as_ref())
        .text("dragnet.job.state", job.state.as_str())
        .maybe("dragnet.job.coverage", coverage)
        .number("dragnet.job.attempts", job.attempts.len() as u64)
        .maybe("error.type", why.as_ref().map(|(kind, _)| *kind));
    let attributes = findings(attributes, |severity| job.records.of(*severity));
    let (id, name, times) = (trace.job(&job.name), format!("job {}", job.step), (job.started_at, job.finished_at));
    Span { status: why.map(|(_, words)| error(&words)), ..span(trace, id, Some(trace.scan()), name, times, attributes) }
}

fn attempt_span(trace: TraceId, scan: &TracedScan, job: &TracedJob, attempt: &TracedAttempt) -> Span {
    let outcome = outcome(attempt.state);
    let failed = outcome != SUCCEEDED;
    let error_type = attempt.failure.as_ref().map_or(outcome, |failure| failure.reason.as_str());
    let words = attempt.failure.as_ref().map_or_else(|| format!("it was {outcome}"), Failure::to_string);
    let attributes = Attributes::default()
        .text("dragnet.job.name", &job.name)
        .text("dragnet.scanner.name", &job.scanner)
        .number("dragnet.attempt.number", attempt.number)
        .text("dragnet.attempt.outcome", outcome)
        .text("dragnet.executor", kind(scan))
        .maybe("error.type", failed.then_some(error_type));
    let mut attributes = engine(attributes, scan, job, attempt);
    if let Some(exit) = &attempt.exit {
        if let Some(code) = exit.code {
            attributes = attributes.number("process.exit.code", code);
        }
        if let Some(signal) = exit.signal {
            attributes = attributes.number("dragnet.process.signal", signal);
        }
        // By the clock of its own machine: how long it took is true of every clock, when it was is not.
        attributes = attributes.number("dragnet.scanner.duration_ms", exit.finished_at.since(exit.started_at).max(0));
    }
    let (id, parent) = (trace.attempt(&job.name, attempt.number), trace.job(&job.name));
    let (name, times) = (format!("attempt {}", job.step), (attempt.created_at, attempt.ended_at));
    Span { status: failed.then(|| error(&words)), ..span(trace, id, Some(parent), name, times, attributes) }
}

/// Adds what the attempt ran as. An import runs in no engine.
fn engine(attributes: Attributes, scan: &TracedScan, job: &TracedJob, attempt: &TracedAttempt) -> Attributes {
    let kind = kind(scan);
    if !matches!(kind, "docker" | "kubernetes") {
        return attributes;
    }
    let (name, tag) = name_and_tag(&job.image);
    let by_digest = [&job.image, &job.image_id].into_iter().find(|reference| reference.contains('@'));
    let attributes = attributes
        .text("container.image.name", name)
        .listed("container.image.tags", tag)
        .listed("container.image.repo_digests", by_digest)
        .maybe("container.image.id", job.image_id.starts_with("sha256:").then_some(&job.image_id));
    if kind == "kubernetes" {
        attributes.text("k8s.job.name", &attempt.name).maybe("k8s.job.uid", attempt.engine_id.as_ref())
    } else {
        attributes.text("container.name", &attempt.name).maybe("container.id", attempt.engine_id.as_ref())
    }
}

/// The kind of executor: the first of the words that tell its profile.
fn kind(scan: &TracedScan) -> &str {
    scan.executor.split(' ').next().unwrap_or_default()
}

/// Returns name and tag of a reference to an image. A colon before the last slash is that of a port.
fn name_and_tag(image: &str) -> (&str, Option<&str>) {
    let rest = image.split('@').next().unwrap_or(image);
    match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    }
}

const SUCCEEDED: &str = "succeeded";

/// What became of an attempt. States behind the storing of its results tell of what the engine still holds, and change after its scan's end.
const fn outcome(state: AttemptState) -> &'static str {
    match state {
        AttemptState::Ingested | AttemptState::Acked | AttemptState::Cleaned => SUCCEEDED,
        other => other.as_str(),
    }
}

const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Cancelled => "cancelled",
        Verdict::MaxDuration => "max_duration",
        Verdict::Incomplete => "incomplete",
        Verdict::GateUndecided => "gate_undecided",
        Verdict::GateFailed => "gate_failed",
        Verdict::Clean => "clean",
    }
}

/// Adds a number for each severity, those included of which there are none.
fn findings(attributes: Attributes, count: impl Fn(&Severity) -> u64) -> Attributes {
    Severity::ALL
        .iter()
        .fold(attributes, |all, severity| all.number(format!("dragnet.findings.{severity}"), count(severity)))
}

/// A job that never ran.
fn idle(job: &IdleJob) -> Event {
    let attributes = Attributes::default()
        .text("dragnet.job.name", &job.name)
        .text("dragnet.scanner.name", &job.scanner)
        .text("dragnet.job.state", job.state.as_str())
        .maybe("dragnet.job.skip", job.skip.map(SkipReason::as_str));
    event(job.finished_at, "dragnet.job.not_run", attributes)
}

fn event(at: Timestamp, name: &'static str, attributes: Attributes) -> Event {
    Event { time_unix_nano: nanoseconds(at), name, attributes }
}

fn error(words: &str) -> Status {
    Status { message: words.to_owned(), code: ERROR }
}

fn span(
    trace: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    name: String,
    (begin, end): (Timestamp, Timestamp),
    attributes: Attributes,
) -> Span {
    Span {
        trace_id: trace.to_string(),
        id: id.to_string(),
        parent_span_id: parent.map(|parent| parent.to_string()).unwrap_or_default(),
        name,
        kind: INTERNAL,
        start_time_unix_nano: nanoseconds(begin),
        // A clock may go back, and another process may have another one: no time has passed then, as far as is known.
        end_time_unix_nano: nanoseconds(end.max(begin)),
        attributes,
        events: Vec::new(),
        dropped_events_count: 0,
        status: None,
    }
}

/// Nanoseconds since the epoch, as text.
fn nanoseconds(at: Timestamp) -> String {
    (i128::from(at.0.max(0)) * 1_000_000).to_string()
}

#[cfg(test)]
mod tests;
