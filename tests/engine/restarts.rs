//! An engine that is reached over TCP only, with a view of the file system in which our files are not; and that ends in mid-scan.

use std::path::Path;
use std::time::Duration;

use dragnet::model::coverage::Coverage;
use dragnet::model::state::{JobState, ScanState};
use rustix::process::Signal;

use super::bench::Bench;
use super::cli::{Cli, Home as _, ended, until};
use super::reports::gitleaks;
use super::second::Engine;
use super::tool::tool;

fn plain(_dir: &Path) -> String {
    String::new()
}

/// Its containers outlive it.
fn outlived(_dir: &Path) -> String {
    "--live-restore".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_does_not_see_our_files_is_given_volumes() {
    let Some(engine) = Engine::at_port(plain).await else { return };
    let bench = Bench::of(engine.docker(), Some(engine.host()), "auto").await;
    bench.write("report.json", gitleaks(3));
    let scan = bench.run(&[tool("far", "cat /src/report.json")]).await;
    assert_eq!(scan.engine.capabilities().transport, "volume");
    assert_eq!((scan.view().state, scan.findings().len()), (ScanState::Completed, 3), "{:?}", scan.job().failure);
    bench.finish().await;
}

/// Says so, waits long enough for an engine to be restarted, and reports.
const WAITS: &str = "echo ready >&2; sleep 6; cat /src/report.json";

async fn restarted(signal: Signal, live_restore: bool) {
    let options: fn(&Path) -> String = if live_restore { outlived } else { plain };
    let Some(mut engine) = Engine::at_port(options).await else { return };
    let bench = Bench::of(engine.docker(), Some(engine.host()), "auto").await;
    bench.write("report.json", gitleaks(3));
    let scan = bench.submit(&[tool("waits", WAITS)]).await;
    scan.drive_while(async {
        scan.says(1, "ready").await;
        engine.end(signal).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        engine.boot().await;
    })
    .await;
    let job = scan.job();
    let case = format!("{signal:?}, live restore {live_restore}: {job:?}");
    assert_eq!((scan.view().state, scan.view().coverage), (ScanState::Completed, Coverage::Full), "{case}");
    assert_eq!((job.state, scan.findings().len()), (JobState::Succeeded, 3), "{case}");
    // A container that outlived its engine is not run again; one that did not is, as a new attempt.
    assert_eq!(job.attempts, if live_restore { 1 } else { 2 }, "{case}");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_restarted_in_mid_scan_is_waited_for() {
    restarted(Signal::TERM, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_killed_in_mid_scan_is_waited_for() {
    restarted(Signal::KILL, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waits_too_long_for_the_engine_says_so_and_the_scan_goes_on_later() {
    let Some(mut engine) = Engine::at_port(outlived).await else { return };
    let bench = Bench::of(engine.docker(), Some(engine.host()), "auto").await;
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[tool("waits", WAITS)]);
    let tree = bench.tree();
    let mut start = cli.command(&["start", tree.to_str().unwrap(), "--scanner", "waits"]);
    let start = start.env("DRAGNET_ENGINE_TIMEOUT", "1s").spawn().unwrap();
    let scan = cli.newest(None).await;
    until("a job runs", || {
        let running = cli.app.store.jobs(scan).unwrap().iter().any(|job| job.state == JobState::Running);
        running.then_some(())
    })
    .await;
    while cli.containers(scan).await.is_empty() {
        tokio::task::yield_now().await;
    }
    engine.end(Signal::TERM).await;
    let lost = ended(start).await;
    let told = String::from_utf8_lossy(&lost.stderr);
    assert_eq!(lost.status.code(), Some(6), "{told}");
    assert!(told.contains("`dragnet watch "), "{told}");
    assert!(!cli.app.store.scan_state(scan).unwrap().is_terminal());
    engine.boot().await;
    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{watched:?}");
    let result = cli.result(scan);
    assert_eq!((result.view.state, result.findings.len()), (ScanState::Completed, 3), "{:?}", result.jobs);
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_that_outlive_their_engine_are_taken_up_again() {
    restarted(Signal::TERM, true).await;
    restarted(Signal::KILL, true).await;
}
