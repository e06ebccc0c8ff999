//! The end of a scan as a trace, to a receiver of OTLP.

use opentelemetry_proto::tonic::trace::v1::Span;

use super::machine::{Machine, flaky};
use super::stub::{Answer, Stub};
use super::traces_told::{attribute, is_whole, spans};

fn receiver(stub: &Stub, keys: &str) -> String {
    format!("[[notify]]\nname = 'traces'\nkind = 'otlp'\nurl = 'http://{}'\n{keys}\n", stub.host)
}

/// A receiver that takes everything, as the specification says it.
fn taking() -> Stub {
    Stub::start(|_, _| Answer::new(200).body("{}"))
}

fn again(status: u16) -> Answer {
    Answer::new(status).header("Retry-After", "0").body(r#"{"code":14,"message":"busy"}"#)
}

fn named<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
}

#[test]
fn the_end_of_a_scan_is_one_trace() {
    let stub = taking();
    let machine = Machine::new(&receiver(&stub, "token = 'file:token'\nheaders = { x-scope = 'file:scope' }"));
    machine.write("token", "t0ken\n");
    machine.write("scope", "team a\n");
    let scan = machine.import(3);
    assert!(machine.say(&["notify", "run"]).contains("1 notification written down, 1 delivered"));
    assert!(machine.say(&["notify", "run"]).contains("0 notifications written down, 0 delivered"));
    let seen = stub.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].header("authorization"), seen[0].header("x-scope")), (Some("Bearer t0ken"), Some("team a")));
    let spans = spans(&seen[0]);
    is_whole(&spans);
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["scan", "job mine", "attempt mine"]);
    let of_scan = |key: &str| attribute(&spans[0], key);
    assert_eq!(of_scan("dragnet.scan.id"), Some(scan));
    assert_eq!(of_scan("dragnet.scan.verdict").as_deref(), Some("clean"));
    assert_eq!(of_scan("dragnet.findings.high").as_deref(), Some("2"));
    assert_eq!(of_scan("dragnet.jobs.succeeded").as_deref(), Some("1"));
    assert!(spans.iter().all(|span| span.status.is_none()), "nothing failed");
    assert_eq!(attribute(&spans[2], "dragnet.attempt.outcome").as_deref(), Some("succeeded"));
    assert_eq!(attribute(&spans[2], "container.id"), None, "an import runs in no container");
}

#[test]
fn a_target_is_told_without_its_password() {
    let stub = taking();
    let machine = Machine::new(&receiver(&stub, ""));
    machine.write("r.sarif", r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"m"}},"results":[]}]}"#);
    let target = "git:https://user:p1anted@example.org/shop.git";
    machine.say(&["import", "--scanner", "mine", "--as", "sarif", "--target", target, "r.sarif"]);
    machine.say(&["notify", "run"]);
    let body = super::machine::text(&stub.seen()[0].body);
    assert!(body.contains("example.org/shop") && !body.contains("p1anted"), "{body}");
}

#[test]
fn what_is_delivered_again_is_the_same_trace() {
    let stub = flaky(vec![again(503), again(429), again(502), again(504), Answer::new(200), Answer::new(200)]);
    let machine = Machine::new(&receiver(&stub, ""));
    machine.import(1);
    for _ in 0..5 {
        machine.say(&["notify", "run"]);
    }
    let id = machine.notifications()[0]["id"].as_str().unwrap().to_owned();
    machine.say(&["notify", "resend", &id]);
    let seen = stub.seen();
    assert_eq!((seen.len(), machine.states()), (6, vec!["delivered".to_owned()]));
    assert!(seen.iter().all(|request| request.body == seen[0].body));
}

#[test]
fn what_would_be_refused_again_is_given_up() {
    for (answer, said) in [
        (again(500), "500 Internal Server Error"),
        (again(400), "400 Bad Request"),
        (Answer::new(200).body("<html>"), "it answers, and not as a receiver of traces does"),
        (
            Answer::new(200).body(r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"over the quota"}}"#),
            "it has rejected 2 of 3 spans: over the quota",
        ),
    ] {
        let stub = flaky(vec![answer]);
        let machine = Machine::new(&receiver(&stub, ""));
        machine.import(1);
        let told = machine.say(&["notify", "run"]);
        assert!(told.contains(said) && told.contains("it was given up"), "{told}");
        assert_eq!(machine.states(), ["dead"]);
        assert!(machine.say(&["notify", "list", "--dead"]).contains(said));
        assert!(machine.notifications()[0]["last_error"].as_str().unwrap().contains(said));
    }
}

#[test]
fn a_test_is_a_request_without_spans() {
    let stub = Stub::start(|_, _| Answer::new(200).body(r#"{"partialSuccess":null}"#));
    let machine = Machine::new(&receiver(&stub, ""));
    let said = machine.say(&["notify", "test", "traces"]);
    assert!(said.contains("traces has taken it: 200 OK: 0 spans"), "{said}");
    assert_eq!(spans(&stub.seen()[0]), []);
}

#[test]
fn other_events_than_ends_are_a_fault_of_the_configuration() {
    let stub = taking();
    let machine = Machine::new(&receiver(&stub, "events = ['scan.*', 'gate.failed']"));
    let output = machine.run(&["notify", "run"]);
    assert_eq!(output.status.code(), Some(2));
    let said = super::machine::text(&output.stderr);
    assert!(said.contains("there are traces of the ends of scans alone") && said.contains("config.toml:"), "{said}");
}

/// Jobs of a scan that is large, each with an attempt.
const JOBS: usize = 600;

/// Makes a scan of many jobs of one that was imported, before it is told of.
fn large(machine: &Machine) {
    machine.import(1);
    let state = rusqlite::Connection::open(machine.path("state/dragnet.db")).unwrap();
    let sql = format!(
        "CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS} - 1) SELECT i FROM n;
         CREATE TEMP TABLE j AS SELECT * FROM job;
         UPDATE j SET id = NULL, winning_attempt = NULL;
         INSERT INTO job SELECT NULL, scan_id, step, i, state, attempts, own_failures, engine_failures, not_before, depth, coverage,
           skip, failure, records, assets, scanner_version, NULL, started_at, finished_at FROM j, n;
         INSERT INTO attempt (job_id, number, name, spec_id, spec_sha256, state, removed, fence, created_at, ended_at)
           SELECT job.id, 1, 'dn-' || job.chunk, spec_id, spec_sha256, attempt.state, 1, fence, created_at, ended_at
           FROM job, attempt WHERE job.chunk > 0;"
    );
    state.execute_batch(&sql).unwrap();
}

#[test]
fn a_large_trace_goes_in_several_requests_and_goes_on_where_it_was() {
    let stub = flaky(vec![Answer::new(200), again(503), Answer::new(200), Answer::new(200)]);
    let machine = Machine::new(&receiver(&stub, ""));
    large(&machine);
    let said = machine.say(&["notify", "run"]);
    assert!(said.contains("request 2 of its trace: 503"), "{said}");
    machine.say(&["notify", "run"]);
    assert_eq!(machine.states(), ["delivered"]);
    let requests: Vec<Vec<Span>> = stub.seen().iter().map(spans).collect();
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [513, 512, 512, 176]);
    assert_eq!(requests[1], requests[2]);
    let all = [&requests[0][..], &requests[2], &requests[3]].concat();
    assert_eq!(all.len(), 1 + 2 * JOBS);
    is_whole(&all);
    // Whoever asks for it again gets all of it.
    let id = machine.notifications()[0]["id"].as_str().unwrap().to_owned();
    machine.say(&["notify", "resend", &id]);
    let again: Vec<Span> = stub.seen()[4..].iter().flat_map(spans).collect();
    assert_eq!(again, all);
}

#[test]
fn a_death_between_two_requests_loses_none() {
    let stub = taking();
    let machine = Machine::new(&receiver(&stub, ""));
    large(&machine);
    for point in ["notify.part:abort", "notify.sent:abort"] {
        let output = machine.process(&["notify", "run"]).env("DRAGNET_FAIL", point).output().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&output.status), Some(6), "{point}");
    }
    machine.say(&["notify", "run"]);
    let requests: Vec<Vec<Span>> = stub.seen().iter().map(spans).collect();
    // The last one twice: nobody had written down that it was taken.
    assert_eq!(requests.iter().map(Vec::len).collect::<Vec<_>>(), [513, 512, 176, 176]);
    assert_eq!(requests[2], requests[3]);
    is_whole(&requests[..3].concat());
}

#[test]
fn a_scan_stays_until_its_trace_was_delivered() {
    let stub = flaky(vec![again(503), Answer::new(200), Answer::new(200)]);
    let machine = Machine::new(&(receiver(&stub, "") + "[retention.default]\nmax_scans = 1\n"));
    let first = machine.import(1);
    assert!(machine.say(&["notify", "run"]).contains("503"));
    machine.import(1);
    let is_there = || machine.say(&["list", "--format", "json"]).contains(&first);
    // What is kept no longer goes first, then what is due is told.
    machine.say(&["daemon", "--once"]);
    assert!(is_there(), "it was still to be told of");
    assert_eq!(machine.states(), ["delivered", "delivered"]);
    machine.say(&["daemon", "--once"]);
    assert!(!is_there());
    // What is asked for again after that cannot be told.
    let id = machine.notifications()[1]["id"].as_str().unwrap().to_owned();
    let said = machine.say(&["notify", "resend", &id]);
    assert!(said.contains("the scan was removed before its trace was delivered"), "{said}");
    assert_eq!(machine.states(), ["delivered", "dead"]);
    assert_eq!(stub.seen().len(), 3);
}

#[test]
fn a_scan_that_missed_something_is_an_error() {
    let stub = taking();
    let machine = Machine::new(&receiver(&stub, ""));
    machine.write("r.sarif", r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"m"}},"invocations":[{"executionSuccessful":false}],"results":[]}]}"#);
    let output = machine.run(&["import", "--scanner", "mine", "--as", "sarif", "r.sarif"]);
    assert_eq!(output.status.code(), Some(3));
    machine.say(&["notify", "run"]);
    let spans = spans(&stub.seen()[0]);
    is_whole(&spans);
    for name in ["scan", "job mine", "attempt mine"] {
        let status = named(&spans, name).status.as_ref().map(|status| (status.code, status.message.is_empty()));
        assert_eq!(status, Some((2, false)), "{name}: {spans:#?}");
    }
}
