//! What becomes of a scan in a real engine, as a receiver of traces is told it; by whichever daemon lives.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use dragnet::model::state::AttemptState;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::bench::Bench;
use super::cli::{Cli, Home as _, until};
use super::process::Daemon;
use super::reports::gitleaks;
use super::stub::{Answer, Stub};
use super::tool::tool;
use super::traces_told::{attribute, is_whole, spans};

/// Fails as the first attempt, which reads its own name, and takes a moment as the second.
const ONCE: &str = "case $(cat /dragnet/out/job.json) in *-a01*) exit 7;; esac; sleep 2; cat /src/report.json";

/// A receiver that answers nothing before the other end of `gate` is dropped.
fn receiver(gate: Receiver<()>) -> Stub {
    let gate = Mutex::new(gate);
    Stub::start(move |_, _| {
        gate.lock().unwrap().recv().ok();
        Answer::new(200).body("{}")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_with_a_retry_is_one_trace_whoever_dies_on_the_way() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(3));
    let (open, gate) = channel();
    let stub = receiver(gate);
    let cli = Cli::new(&bench, &[tool("once", ONCE)]);
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let route = format!("[[notify]]\nname = 't'\nkind = 'otlp'\nurl = 'http://{}'\ntimeout = '2m'\n", stub.host);
    std::fs::write(&file, text + &route).unwrap();

    let daemon = Daemon::start(&cli).await;
    let detached = cli.run(&["start", bench.tree().to_str().unwrap(), "--scanner", "once", "--detach"]).await;
    assert!(detached.status.success(), "{}", String::from_utf8_lossy(&detached.stderr));
    let scan = cli.newest(None).await;
    let second = || (cli.attempts(scan) == [AttemptState::Failed, AttemptState::Running]).then(|| container(&cli))?;
    let container = until("the second attempt runs, and the engine has said as what", second).await;
    daemon.kill().await;
    // The next one drives the scan to its end, and dies while it tells of it.
    let next = Daemon::start(&cli).await;
    until("the receiver is told", || (stub.seen().len() == 1).then_some(())).await;
    next.kill().await;
    drop::<Sender<()>>(open);
    let last = Daemon::start(&cli).await;
    until("it is told again", || (stub.seen().len() == 2).then_some(())).await;
    until("it was taken", || cli.app.store.next_deliveries().unwrap().is_empty().then_some(())).await;

    let requests: Vec<Vec<Span>> = stub.seen().iter().map(spans).collect();
    assert_eq!(requests[0], requests[1], "told by two processes, and the same");
    check(&requests[0], &container);
    assert!(last.end().await.0.success());
    bench.finish().await;
}

/// The id of the second attempt's container, if it is known.
fn container(cli: &Cli<'_, Bench>) -> Option<String> {
    let state = rusqlite::Connection::open(cli.bench.state().join("dragnet.db")).unwrap();
    state.query_row("SELECT engine_id FROM attempt WHERE number = 2", [], |row| row.get(0)).unwrap()
}

fn check(all: &[Span], container: &str) {
    is_whole(all);
    assert_eq!(names(all), ["scan", "job once", "attempt once", "attempt once"]);
    let [scan, job, failed, succeeded] = all else { panic!("{all:#?}") };
    assert_eq!((&job.parent_span_id, &failed.parent_span_id), (&scan.span_id, &job.span_id));
    assert_eq!(succeeded.parent_span_id, job.span_id);
    assert!(failed.end_time_unix_nano <= succeeded.start_time_unix_nano, "one after the other");
    assert!(succeeded.end_time_unix_nano <= scan.end_time_unix_nano);
    let two_seconds = 2_000_000_000;
    assert!(succeeded.end_time_unix_nano - succeeded.start_time_unix_nano >= two_seconds);

    let code = |span: &Span| span.status.as_ref().map(|status| status.code);
    assert_eq!([scan, job, failed, succeeded].map(code), [None, None, Some(2), None]);
    for (span, key, value) in [
        (scan, "dragnet.scan.complete", "true"),
        (scan, "dragnet.findings.high", "3"),
        (scan, "dragnet.executor", "docker"),
        (job, "dragnet.job.attempts", "2"),
        (job, "dragnet.scanner.name", "once"),
        (failed, "dragnet.attempt.number", "1"),
        (failed, "error.type", "exit_code"),
        (failed, "process.exit.code", "7"),
        (succeeded, "dragnet.attempt.number", "2"),
        (succeeded, "dragnet.attempt.outcome", "succeeded"),
        (succeeded, "process.exit.code", "0"),
    ] {
        assert_eq!(attribute(span, key).as_deref(), Some(value), "{key}: {span:#?}");
    }
    // That of the first may have ended before the engine had said what it is.
    let known = |span: &Span| attribute(span, "container.id").is_none_or(|id| id.len() == 64 && id != container);
    assert!(known(failed), "{failed:#?}");
    assert_eq!(attribute(succeeded, "container.id").as_deref(), Some(container));
    assert!(attribute(failed, "container.name").is_some_and(|name| name.ends_with("-once-0-a01")), "{failed:#?}");
    assert!(attribute(failed, "container.image.name").is_some_and(|name| name.starts_with("dragnet-bench-")));
}

fn names(all: &[Span]) -> Vec<&str> {
    all.iter().map(|span| span.name.as_str()).collect()
}
