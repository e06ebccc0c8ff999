//! `cancel` in each phase of a scan, wherever it runs: its containers are gone in time, what was found is kept, it ends once.

use std::time::{Duration, Instant};

use dragnet::model::coverage::{Coverage, Gap};
use dragnet::model::id::ScanId;
use dragnet::model::state::{AttemptState, ScanState};
use futures::future::join_all;

use super::cli::{Cli, Home, ended, until};
use super::reports::gitleaks;
use super::tool::{Tool, tool};

/// Findings of each scanner here.
pub(crate) const FOUND: usize = 3;

/// Prints a whole report, says so, and hangs.
pub(crate) fn hangs() -> Tool {
    tool("hangs", "cat /src/report.json; echo ready >&2; sleep 1000")
}

/// Hangs, deaf to all but the last signal.
fn deaf() -> Tool {
    tool("deaf", "trap '' TERM; cat /src/report.json; echo ready >&2; while :; do sleep 1000; done")
}

/// Prints a whole report and ends.
pub(crate) fn quick() -> Tool {
    tool("quick", "cat /src/report.json")
}

/// Writes what the tools report.
pub(crate) fn furnish(home: &impl Home) {
    home.write("report.json", gitleaks(FOUND));
}

/// Waits until a scanner of the scan says that it is ready.
pub(crate) async fn running<H: Home>(cli: &Cli<'_, H>, scan: ScanId) {
    let job = until("a scanner runs", || {
        let job = cli.app.store.jobs(scan).unwrap().pop()?;
        let attempts = cli.app.store.attempts(scan, &job.name).unwrap();
        attempts.iter().any(|attempt| attempt.2 == AttemptState::Running).then_some(job.name)
    })
    .await;
    let says = async {
        while !String::from_utf8_lossy(&cli.run(&["logs", "latest", &job]).await.stdout).contains("ready") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), says).await.expect("it says nothing");
}

/// Checks that a scan is cancelled, ended once, and has left nothing.
pub(crate) async fn cancelled<H: Home>(cli: &Cli<'_, H>, scan: ScanId) {
    let result = cli.result(scan);
    assert_eq!(result.view.state, ScanState::Cancelled, "{:?}", result.jobs);
    assert_eq!(cli.bench.left().await, Vec::<String>::new());
    let events = cli.app.store.events(scan, 0, 10_000).unwrap();
    let ends = events.iter().filter(|event| {
        let text = serde_json::to_string(event).unwrap();
        text.contains("scan_state") && text.contains(r#""to":"cancelled""#)
    });
    assert_eq!(ends.count(), 1, "it ends once");
}

/// A scanner that obeys, and one that is deaf.
pub(crate) const STUBBORN: [&str; 2] = ["hangs", "deaf"];

/// Cancels a scan whose scanner runs, five times at once and once more.
pub(crate) async fn while_it_runs<H: Home>(home: &H, name: &str, bound: Duration) {
    let cli = Cli::new(home, &[hangs(), deaf()]);
    let start = cli.start(name, None);
    let scan = cli.newest(None).await;
    running(&cli, scan).await;
    let asked = Instant::now();
    let cancels = join_all((0..5).map(|_| cli.run(&["cancel", "latest"]))).await;
    assert!(cancels.iter().all(|cancel| cancel.status.success()), "{cancels:?}");
    let took = asked.elapsed();
    assert!(took < bound, "{name}: {took:?}");
    assert_eq!(ended(start).await.status.code(), Some(5));
    cancelled(&cli, scan).await;
    let result = cli.result(scan);
    assert_eq!((result.findings.len(), result.view.coverage), (FOUND, Coverage::partial(Gap::Stopped)), "{name}");
    assert!(cli.run(&["cancel", "latest"]).await.status.success(), "once more is no error, and changes nothing");
    cancelled(&cli, scan).await;
}

/// Pauses a scan and stops what runs: it begins anew, and nothing of the first time is found.
pub(crate) async fn paused_and_begun_anew<H: Home>(home: &H) {
    let first = "grep -q -- -a01 /dragnet/out/job.json && { echo ready >&2; sleep 1000; }";
    let cli = Cli::new(home, &[tool("anew", format!("{first}; cat /src/report.json"))]);
    let start = cli.start("anew", None);
    let scan = cli.newest(None).await;
    running(&cli, scan).await;
    let paused = cli.run(&["pause", "--requeue", "latest"]).await;
    assert!(paused.status.success(), "{paused:?}");
    until("it is paused", || (cli.app.store.scan_state(scan).unwrap() == ScanState::Paused).then_some(())).await;
    assert_eq!(ended(start).await.status.code(), Some(3), "it is not over");
    assert_eq!(cli.bench.left().await, Vec::<String>::new());
    assert!(cli.run(&["resume", "latest"]).await.status.success());
    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{watched:?}");
    let result = cli.result(scan);
    assert_eq!((result.view.state, result.findings.len()), (ScanState::Completed, FOUND), "{:?}", result.jobs);
    assert_eq!(result.jobs[0].attempts, 2);
}

/// Cancels a scan whose driver was killed.
pub(crate) async fn without_a_driver<H: Home>(home: &H, bound: Duration) {
    let cli = Cli::new(home, &[hangs()]);
    let mut start = cli.start("hangs", None);
    let scan = cli.newest(None).await;
    running(&cli, scan).await;
    start.kill().await.unwrap();
    let asked = Instant::now();
    assert!(cli.run(&["cancel", "latest"]).await.status.success());
    let took = asked.elapsed();
    assert!(took < bound, "{took:?}");
    cancelled(&cli, scan).await;
    assert_eq!(cli.result(scan).findings.len(), FOUND);
}

/// Cancels a scan whose driver died at `point`; what its scanner had found by then is kept.
pub(crate) async fn where_its_driver_died<H: Home>(home: &H, point: &str) {
    let cli = Cli::new(home, &[quick()]);
    let before = cli.newer(None);
    let died = ended(cli.start("quick", Some(&format!("{point}:abort")))).await;
    let scan = cli.newer(before).unwrap_or_else(|| panic!("{point}: nothing was submitted: {died:?}"));
    let cancel = cli.run(&["cancel", "latest"]).await;
    assert!(cancel.status.success(), "{point}: {cancel:?}");
    cancelled(&cli, scan).await;
    let found = cli.result(scan).findings.len();
    let had_ended = ["collect.fetched", "ingest.batch"].contains(&point);
    assert!(found == FOUND || found == 0 && !had_ended, "{point}: {found}");
}

/// Cancels a scan whose driver dies over it at `point`.
pub(crate) async fn where_its_canceller_dies<H: Home>(home: &H, point: &str) {
    let cli = Cli::new(home, &[hangs()]);
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
    assert_eq!(cli.result(scan).findings.len(), FOUND, "{point}");
}
