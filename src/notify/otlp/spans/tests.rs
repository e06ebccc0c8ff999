use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::coverage::Gap;
use crate::model::finding::SeverityCounts;
use crate::model::manifest::{Exit, ExitCause};
use crate::model::notify::{Counts, NoticeEvent, SCHEMA};
use crate::model::outcome::FailureReason;
use crate::model::view::EndReason;

fn notice(verdict: Verdict, end: Option<EndReason>) -> Notice {
    Notice {
        schema: SCHEMA.to_owned(),
        id: "msg_1".to_owned(),
        event: NoticeEvent::ScanIncomplete,
        at: "2026-11-22T10:00:09.000Z".to_owned(),
        project: "shop".to_owned(),
        title: "The scan of dir:/srv/shop is INCOMPLETE".to_owned(),
        details: Vec::new(),
        scan: Some(NoticeScan {
            id: "28t5cy4t".to_owned(),
            target: "dir:/srv/shop".to_owned(),
            target_key: "git:example.org/shop".to_owned(),
            line: Some("main".to_owned()),
            template: Some("code".to_owned()),
            state: "failed".to_owned(),
            verdict,
            end,
            coverage: "partial (jobs_missing)".to_owned(),
            commit: Some("a1".repeat(20)),
            dirty: false,
            started_at: None,
            finished_at: None,
            findings: Counts::from([(Severity::High, 2)]),
            new: Counts::from([(Severity::High, 1)]),
            fixed: 3,
            muted: 4,
        }),
        findings: None,
        schedule: None,
    }
}

fn attempt(number: u32, state: AttemptState, begin: i64, end: i64) -> TracedAttempt {
    TracedAttempt {
        number,
        name: format!("dn-0000000a-28t5cy4t-semgrep-0-a{number:02}"),
        state,
        engine_id: Some("c0ffee".to_owned()),
        exit: Some(Exit {
            cause: ExitCause::Ended,
            code: Some(if state == AttemptState::Failed { 7 } else { 0 }),
            signal: None,
            oom_kills: 0,
            started_at: Timestamp(begin + 100),
            finished_at: Timestamp(end),
            cpu_ms: 1,
            max_rss: 1,
        }),
        failure: (state == AttemptState::Failed)
            .then(|| Failure::new(FailureReason::ExitCode, "the scanner ended with 7")),
        created_at: Timestamp(begin),
        ended_at: Timestamp(end),
    }
}

fn job(attempts: Vec<TracedAttempt>) -> TracedJob {
    TracedJob {
        name: "semgrep-0".to_owned(),
        step: "semgrep".to_owned(),
        scanner: "semgrep".to_owned(),
        version: Some("1.99".to_owned()),
        image: "registry.example:5000/semgrep/semgrep:1.99".to_owned(),
        image_id: "sha256:00ff".to_owned(),
        state: JobState::Succeeded,
        coverage: Some(Coverage::Full),
        complete: true,
        failure: None,
        records: SeverityCounts([0, 2, 0, 0, 0, 0]),
        started_at: Timestamp(2000),
        finished_at: Timestamp(8000),
        attempts,
    }
}

fn part(jobs: Vec<TracedJob>) -> TracePart {
    TracePart {
        scan: TracedScan {
            instance: "0000000a".parse().unwrap(),
            key: "28t5cy4t".parse().unwrap(),
            executor: "docker (unix:///var/run/docker.sock)".to_owned(),
            created_at: Timestamp(1000),
        },
        head: Some(TraceHead {
            started_at: Some(Timestamp(2000)),
            finished_at: Timestamp(9000),
            jobs: BTreeMap::from([(JobState::Succeeded, 1), (JobState::Skipped, 1)]),
            idle: vec![IdleJob {
                name: "ports-0".to_owned(),
                scanner: "nmap".to_owned(),
                state: JobState::Skipped,
                skip: Some(SkipReason::NeedFailed),
                finished_at: Timestamp(8500),
            }],
            more_idle: 12,
        }),
        jobs,
        next: None,
    }
}

/// Whether all of one value is in another, which may have more: what was left out because it is the default.
fn is_in(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.iter().all(|(key, value)| theirs.get(key).is_some_and(|other| is_in(value, other)))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(one, other)| is_in(one, other))
        }
        _ => ours == theirs,
    }
}

/// Reads a request by the types that OpenTelemetry generates of its definition; every word of it must be one of theirs.
fn decoded(request: &Request) -> ExportTraceServiceRequest {
    let text = serde_json::to_string(request).unwrap();
    let decoded: ExportTraceServiceRequest = serde_json::from_str(&text).unwrap();
    let (ours, theirs) = (serde_json::from_str(&text).unwrap(), serde_json::to_value(&decoded).unwrap());
    assert!(is_in(&ours, &theirs), "{ours:#}\n{theirs:#}");
    decoded
}

#[test]
fn a_scan_is_a_trace_of_scan_job_and_attempts() {
    let attempts = vec![attempt(1, AttemptState::Failed, 2000, 4000), attempt(2, AttemptState::Cleaned, 5000, 8000)];
    let request = request(&notice(Verdict::Incomplete, Some(EndReason::Incomplete)), Some(&part(vec![job(attempts)])));
    decoded(&request);
    let text = serde_json::to_string_pretty(&request).unwrap().replace(&format!("\"{VERSION}\""), "\"VERSION\"");
    insta::assert_snapshot!(text);
}

#[test]
fn only_what_did_not_see_everything_is_an_error() {
    let status = |verdict, end| {
        let request = request(&notice(verdict, end), Some(&part(Vec::new())));
        serde_json::to_value(&request.resource_spans[0].scope_spans[0].spans[0]).unwrap()["status"].clone()
    };
    for (verdict, end) in [
        (Verdict::Incomplete, Some(EndReason::Incomplete)),
        (Verdict::MaxDuration, Some(EndReason::MaxDuration)),
        (Verdict::Cancelled, Some(EndReason::Cancelled)),
    ] {
        assert_eq!(status(verdict, end), json!({ "code": 2, "message": "The scan of dir:/srv/shop is INCOMPLETE" }));
    }
    for verdict in [Verdict::Clean, Verdict::GateFailed, Verdict::GateUndecided] {
        assert_eq!(status(verdict, None), Value::Null, "{verdict:?}");
    }
}

#[test]
fn a_job_is_an_error_unless_it_saw_what_it_was_to_see() {
    let partial = Some(Coverage::partial(Gap::TimeCap));
    let whole = job(Vec::new());
    for (job, said) in [
        (whole.clone(), None),
        (TracedJob { coverage: partial.clone(), ..whole.clone() }, None),
        (
            TracedJob { coverage: partial, complete: false, ..whole.clone() },
            Some(("incomplete", "it saw less than everything: partial (time_cap)")),
        ),
        (
            TracedJob { state: JobState::Cancelled, complete: false, ..whole.clone() },
            Some(("cancelled", "it ended as cancelled")),
        ),
        (
            TracedJob {
                state: JobState::Quarantined,
                failure: Some(Failure::new(FailureReason::OutOfMemory, "it was killed")),
                ..whole
            },
            Some(("out_of_memory", "out_of_memory: it was killed")),
        ),
    ] {
        let span =
            serde_json::to_value(job_span(TraceId::of("28t5cy4t".parse().unwrap(), Timestamp(0)), &job)).unwrap();
        let kind = span["attributes"].as_array().unwrap().iter().find(|one| one["key"] == "error.type");
        let kind = kind.map(|one| one["value"]["stringValue"].as_str().unwrap());
        assert_eq!(kind.zip(span["status"]["message"].as_str()), said, "{span}");
    }
}

#[test]
fn only_containers_are_called_containers() {
    let keys = |executor: &str, image: &str, image_id: &str| {
        let mut part = part(Vec::new());
        part.scan.executor = executor.to_owned();
        let job = TracedJob { image: image.to_owned(), image_id: image_id.to_owned(), ..job(Vec::new()) };
        let attempt = attempt(1, AttemptState::Cleaned, 0, 1);
        let attributes = engine(Attributes::default(), &part.scan, &job, &attempt);
        let Value::Array(all) = serde_json::to_value(&attributes).unwrap() else { panic!("no list") };
        let words = |value: &Value| match value["arrayValue"]["values"].as_array() {
            Some(values) => format!("[{}]", values[0]["stringValue"].as_str().unwrap()),
            None => value["stringValue"].as_str().unwrap().to_owned(),
        };
        all.iter().map(|one| format!("{}={}", one["key"].as_str().unwrap(), words(&one["value"]))).collect::<Vec<_>>()
    };
    let name = "dn-0000000a-28t5cy4t-semgrep-0-a01";
    assert_eq!(keys("import", "import", "import"), [] as [&str; 0]);
    assert_eq!(
        keys("docker (unix:///x)", "h:5000/a/b:1.2", "sha256:ff"),
        [
            "container.image.name=h:5000/a/b",
            "container.image.tags=[1.2]",
            "container.image.id=sha256:ff",
            &format!("container.name={name}"),
            "container.id=c0ffee"
        ]
    );
    assert_eq!(
        keys("kubernetes (kind)", "h:5000/a", "h:5000/a@sha256:ff"),
        [
            "container.image.name=h:5000/a",
            "container.image.repo_digests=[h:5000/a@sha256:ff]",
            &format!("k8s.job.name={name}"),
            "k8s.job.uid=c0ffee"
        ]
    );
}

#[test]
fn a_test_tells_nothing_that_happened() {
    assert_eq!(decoded(&request(&notice(Verdict::Clean, None), None)).resource_spans.len(), 0);
}

fn any_attempt() -> impl Strategy<Value = (AttemptState, i64, i64, Option<i32>)> {
    (prop::sample::select(AttemptState::ALL.to_vec()), -5..5000_i64, -5..5000_i64, any::<Option<i32>>())
}

proptest! {
    #[test]
    fn every_trace_is_one(
        jobs in prop::collection::vec((prop::sample::select(JobState::ALL.to_vec()), any::<bool>(), ".{0,30}",
            prop::collection::vec(any_attempt(), 0..4)), 0..5),
        has_head in any::<bool>(),
    ) {
        let jobs: Vec<TracedJob> = jobs.into_iter().enumerate().map(|(at, (state, complete, text, attempts))| {
            let attempts = attempts.into_iter().enumerate().map(|(n, (state, begin, end, code))| {
                let mut one = attempt(u32::try_from(n + 1).unwrap(), state, begin, end);
                one.exit = one.exit.map(|exit| Exit { code, ..exit });
                one
            });
            TracedJob { name: format!("semgrep-{at}"), state, complete, scanner: text.clone(), image: text, ..job(attempts.collect()) }
        }).collect();
        let mut part = part(jobs);
        if !has_head {
            part.head = None;
        }
        let notice = notice(Verdict::Incomplete, Some(EndReason::Incomplete));
        let trace = decoded(&request(&notice, Some(&part)));
        prop_assert_eq!(&trace, &decoded(&request(&notice, Some(&part))));
        let spans = &trace.resource_spans[0].scope_spans[0].spans;
        let jobs = part.jobs.len() + part.jobs.iter().map(|job| job.attempts.len()).sum::<usize>();
        prop_assert_eq!(spans.len(), usize::from(has_head) + jobs);
        let mut ids: BTreeSet<&[u8]> = spans.iter().map(|span| span.span_id.as_slice()).collect();
        prop_assert_eq!(ids.len(), spans.len());
        // The scan's own span came with the part before, or comes with this one.
        let scan = TraceId::of(part.scan.key, part.scan.created_at).scan().to_string();
        let scan: Vec<u8> = (0..8).map(|at| u8::from_str_radix(&scan[2 * at..2 * at + 2], 16).unwrap()).collect();
        prop_assert_eq!(ids.insert(&scan), !has_head);
        for span in spans {
            prop_assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
            prop_assert_eq!(&span.trace_id, &spans[0].trace_id);
            prop_assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
            let has_parent = ids.contains(span.parent_span_id.as_slice());
            prop_assert_eq!((has_parent, span.parent_span_id.is_empty()), (span.span_id != scan, span.span_id == scan));
            let mut keys: Vec<&str> = span.attributes.iter().map(|one| one.key.as_str()).collect();
            let all = keys.len();
            keys.sort_unstable();
            keys.dedup();
            prop_assert_eq!(keys.len(), all);
        }
    }
}
