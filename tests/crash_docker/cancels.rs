//! `cancel` in each phase of a scan: containers gone in time, what was found is kept, the scan ends once.

use std::time::{Duration, Instant};

use dragnet::model::coverage::{Coverage, Gap};
use dragnet::model::id::ScanId;
use dragnet::model::state::{JobState, ScanState};
use dragnet::store::Verb;

use super::bench::Bench;
use super::cli::{Cli, Home as _, ended, until};
use super::reports::gitleaks;
use super::tool::{Tool, tool};

/// The grace that benches configure, and five seconds for the engine.
const BOUND: Duration = Duration::from_secs(2 + 5);

/// Prints a whole report, says so, and hangs.
fn hangs() -> Tool {
    tool("hangs", "cat /src/report.json; echo ready >&2; sleep 1000")
}

/// Hangs, deaf to all but the last signal.
fn deaf() -> Tool {
    tool("deaf", "trap '' TERM; cat /src/report.json; echo ready >&2; while :; do sleep 1000; done")
}

async fn bench(transport: &'static str) -> Option<Bench> {
    let bench = Bench::local(transport).await?;
    bench.write("report.json", gitleaks(3));
    Some(bench)
}

fn state(cli: &Cli<'_>, scan: ScanId) -> ScanState {
    cli.app.store.scan_state(scan).unwrap()
}

async fn running(cli: &Cli<'_>, scan: ScanId) {
    until("a job runs", || {
        let jobs = cli.app.store.jobs(scan).unwrap();
        let running = jobs.iter().any(|job| {
            let attempts = cli.app.store.attempts(scan, &job.name).unwrap();
            job.state == JobState::Running && attempts.iter().any(|attempt| attempt.2.to_string() == "running")
        });
        running.then_some(())
    })
    .await;
    // The attempt is running as soon as its shim is; the scanner prints at once.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

async fn cancelled(cli: &Cli<'_>, scan: ScanId) {
    let result = cli.result(scan);
    assert_eq!(result.view.state, ScanState::Cancelled, "{:?}", result.jobs);
    assert_eq!(cli.containers(scan).await, Vec::<String>::new());
    let verdicts = cli.app.store.events(scan, 0, 10_000).unwrap();
    let ends = verdicts.iter().filter(|event| {
        let text = serde_json::to_string(event).unwrap();
        text.contains("scan_state") && text.contains(r#""to":"cancelled""#)
    });
    assert_eq!(ends.count(), 1, "it ends once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_scan_is_cancelled_in_time_and_keeps_what_it_found() {
    for (transport, name) in [("bind", "hangs"), ("volume", "hangs"), ("bind", "deaf")] {
        let Some(bench) = bench(transport).await else { return };
        let cli = Cli::new(&bench, &[hangs(), deaf()]);
        let start = cli.start(name, None);
        let scan = cli.newest(None).await;
        running(&cli, scan).await;
        let asked = Instant::now();
        let cancel = cli.run(&["cancel", "latest"]).await;
        assert!(cancel.status.success(), "{cancel:?}");
        assert!(asked.elapsed() < BOUND, "{name}: {:?}", asked.elapsed());
        assert_eq!(ended(start).await.status.code(), Some(5));
        cancelled(&cli, scan).await;
        let result = cli.result(scan);
        assert_eq!((result.findings.len(), result.view.coverage), (3, Coverage::partial(Gap::Stopped)), "{name}");
        // Once more is no error, and changes nothing.
        assert!(cli.run(&["cancel", "latest"]).await.status.success());
        cancelled(&cli, scan).await;
        drop(cli);
        bench.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_without_a_driver_is_cancelled_by_the_command_itself() {
    for transport in ["bind", "volume"] {
        let Some(bench) = bench(transport).await else { return };
        let cli = Cli::new(&bench, &[hangs()]);
        let mut start = cli.start("hangs", None);
        let scan = cli.newest(None).await;
        running(&cli, scan).await;
        start.start_kill().unwrap();
        start.wait().await.unwrap();
        let asked = Instant::now();
        assert!(cli.run(&["cancel", "latest"]).await.status.success());
        assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
        cancelled(&cli, scan).await;
        assert_eq!(cli.result(scan).findings.len(), 3);
        drop(cli);
        bench.finish().await;
    }
}

/// Cancelled where its driver died: before anything ran, between create and start, in mid-launch, after the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_whose_driver_died_anywhere_can_be_cancelled() {
    let points = [
        "submit.committed",
        "launch.before",
        "docker.volume.helper",
        "docker.launch.created",
        "docker.launch.delivered",
        "docker.launch.started",
        "driver.committed:abort@1",
        "collect.fetched",
        "ingest.batch",
    ];
    let Some(bench) = bench("volume").await else { return };
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
    for point in points {
        let before = cli.newer(None);
        let order = if point.contains(':') { point.to_owned() } else { format!("{point}:abort") };
        ended(cli.start("quick", Some(&order))).await;
        let scan = cli.newer(before).unwrap();
        let cancel = cli.run(&["cancel", "latest"]).await;
        assert!(cancel.status.success(), "{point}: {cancel:?}");
        let result = cli.result(scan);
        assert_eq!(result.view.state, ScanState::Cancelled, "{point}: {:?}", result.jobs);
        let left = bench.left().await;
        assert!(left.is_empty(), "{point} left {left:?}");
        // A scanner that had ended before has been collected.
        let expected = if ["collect.fetched", "ingest.batch"].contains(&point) { 3 } else { result.findings.len() };
        assert_eq!(result.findings.len(), expected, "{point}");
    }
    drop(cli);
    bench.finish().await;
}

/// The driver that executes a cancel dies over it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_survives_the_death_of_who_executes_it() {
    let Some(bench) = bench("volume").await else { return };
    let cli = Cli::new(&bench, &[hangs()]);
    for point in ["stop.before", "collect.before", "remove.before", "docker.remove.containers", "tidy.before"] {
        let before = cli.newer(None);
        let start = cli.start("hangs", Some(&format!("{point}:abort")));
        let scan = cli.newest(before).await;
        running(&cli, scan).await;
        let cancel = cli.run(&["cancel", "latest"]).await;
        assert!(!ended(start).await.status.success(), "{point}");
        assert!(cancel.status.success(), "{point}: {cancel:?}");
        // Who waits for a cancel sees the end; what was left beside it goes with the next look.
        cli.run(&["watch", "latest"]).await;
        cancelled(&cli, scan).await;
        assert_eq!(cli.result(scan).findings.len(), 3, "{point}");
        let left = bench.left().await;
        assert!(left.is_empty(), "{point} left {left:?}");
    }
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_and_paused_and_finished_scans_and_many_at_once() {
    let Some(bench) = bench("bind").await else { return };
    let cli = Cli::new(&bench, &[hangs(), tool("quick", "cat /src/report.json")]);

    // Queued: submitted, driven by nobody yet.
    ended(cli.start("hangs", Some("submit.committed:abort"))).await;
    let queued = cli.newer(None).unwrap();
    assert_eq!(state(&cli, queued), ScanState::Queued);
    assert!(cli.run(&["cancel", "latest"]).await.status.success());
    cancelled(&cli, queued).await;

    // Paused.
    ended(cli.start("hangs", Some("submit.committed:abort"))).await;
    let paused = cli.newest(Some(queued)).await;
    cli.app.store.ask(paused, Verb::Pause, "test", cli.app.clock.now()).await.unwrap();
    let watch = cli.command(&["watch", "latest"]).spawn().unwrap();
    until("it is paused", || (state(&cli, paused) == ScanState::Paused).then_some(())).await;
    assert!(cli.run(&["cancel", "latest"]).await.status.success());
    assert_eq!(ended(watch).await.status.code(), Some(5));
    cancelled(&cli, paused).await;

    // Finished.
    assert!(ended(cli.start("quick", None)).await.status.success());
    let finished = cli.newest(Some(paused)).await;
    let before = cli.result(finished);
    assert!(cli.run(&["cancel", "latest"]).await.status.success());
    assert_eq!(cli.result(finished), before);

    // Five at once.
    let start = cli.start("hangs", None);
    let scan = cli.newest(Some(finished)).await;
    running(&cli, scan).await;
    let cancels = futures::future::join_all((0..5).map(|_| cli.run(&["cancel", "latest"]))).await;
    assert!(cancels.iter().all(|cancel| cancel.status.success()), "{cancels:?}");
    assert_eq!(ended(start).await.status.code(), Some(5));
    cancelled(&cli, scan).await;
    drop(cli);
    bench.finish().await;
}
