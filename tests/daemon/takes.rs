//! What a daemon takes up, and what happens to that when it ends.

use dragnet::model::coverage::Coverage;
use dragnet::model::id::ScanId;
use dragnet::model::state::{AttemptState, ScanState};
use rustix::process::Signal;
use tokio::process::Child;

use super::bench::Bench;
use super::cli::{Cli, Home as _, aborted, ended, until};
use super::process::Daemon;
use super::reports::gitleaks;
use super::tool::tool;

/// What the slow scanner finds.
const FINDINGS: usize = 3;

async fn running(cli: &Cli<'_, Bench>, scan: ScanId) {
    until("an attempt runs", || cli.attempts(scan).contains(&AttemptState::Running).then_some(())).await;
}

async fn over(cli: &Cli<'_, Bench>, scan: ScanId) {
    let ended = || {
        let leftovers = cli.app.store.has_leftovers(scan).unwrap();
        (cli.app.store.scan_state(scan).unwrap().is_terminal() && !leftovers).then_some(())
    };
    until("a scan is over", ended).await;
}

/// A scan that saw everything with one attempt.
fn whole(cli: &Cli<'_, Bench>, scan: ScanId, findings: usize) {
    let result = cli.result(scan);
    assert_eq!((result.view.state, result.view.coverage), (ScanState::Completed, Coverage::Full), "{:?}", result.jobs);
    assert_eq!(result.findings.len(), findings);
    assert_eq!(cli.attempts(scan), [AttemptState::Cleaned], "one attempt, and nothing of it is left");
}

/// The program with a scanner that takes a moment, so that whoever drives it can be disturbed meanwhile, and finds [`FINDINGS`].
fn slow(bench: &Bench) -> Cli<'_, Bench> {
    bench.write("report.json", gitleaks(FINDINGS));
    Cli::new(bench, &[tool("probe", "sleep 2; cat /src/report.json")])
}

/// The newest scan, once an attempt of it runs.
async fn under_way(cli: &Cli<'_, Bench>) -> ScanId {
    let scan = cli.newest(None).await;
    running(cli, scan).await;
    scan
}

/// A command whose scan a daemon drives; an attempt of it runs.
async fn followed(cli: &Cli<'_, Bench>) -> (Daemon, Child, ScanId) {
    let daemon = Daemon::start(cli).await;
    let follower = cli.start("probe", None);
    (daemon, follower, under_way(cli).await)
}

/// Waits for a command to succeed.
async fn succeeds(command: Child) {
    let output = ended(command).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Leaves a scan in the queue that nobody drives: its submitter dies.
async fn orphan(cli: &Cli<'_, Bench>, scanner: &str) -> ScanId {
    let before = cli.newer(None);
    let submitter = cli.start(scanner, Some("submit.committed:abort"));
    assert!(aborted(ended(submitter).await.status));
    cli.newest(before).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_queues_to_the_daemon_and_follows() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[tool("probe", "cat /src/report.json")]);
    let daemon = Daemon::start(&cli).await;
    let output = ended(cli.start("probe", None)).await;
    let (said, printed) = (String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("with the daemon") && said.contains(&format!("driven      by {}", daemon.owner())), "{said}");
    assert!(printed.contains("Findings  3 high"), "{printed}");
    let scan = cli.newest(None).await;
    over(&cli, scan).await;
    whole(&cli, scan, 3);
    assert!(daemon.end().await.0.success());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_daemon_drove_is_taken_up_by_the_next_and_runs_once() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = slow(&bench);
    let daemon = Daemon::start(&cli).await;
    let detached = cli.run(&["start", bench.tree().to_str().unwrap(), "--scanner", "probe", "--detach"]).await;
    assert!(detached.status.success(), "{}", String::from_utf8_lossy(&detached.stderr));
    let scan = under_way(&cli).await;
    daemon.kill().await;
    let next = Daemon::start(&cli).await;
    over(&cli, scan).await;
    whole(&cli, scan, FINDINGS);
    assert!(next.end().await.0.success());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_takes_over_when_the_daemon_dies() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = slow(&bench);
    let (daemon, follower, scan) = followed(&cli).await;
    daemon.kill().await;
    succeeds(follower).await;
    whole(&cli, scan, FINDINGS);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_daemon_does_not_hold_its_scans_for_ever() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = slow(&bench);
    let (daemon, follower, scan) = followed(&cli).await;
    // As a terminal would: SIGSTOP in the middle of a write would hold up everybody.
    daemon.signal(Signal::TSTP);
    succeeds(follower).await;
    daemon.signal(Signal::CONT);
    assert!(daemon.end().await.0.success());
    whole(&cli, scan, FINDINGS);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_asked_to_end_hands_over_and_containers_run_on() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = slow(&bench);
    let daemon = Daemon::start(&cli).await;
    let scan = orphan(&cli, "probe").await;
    running(&cli, scan).await;
    let (status, log) = daemon.end().await;
    assert!(status.success() && log.contains("the daemon has ended"), "{log}");
    assert_eq!(cli.app.store.owner(scan).unwrap().0, None, "the scan was given back");
    succeeds(cli.command(&["watch", "latest"]).spawn().unwrap()).await;
    whole(&cli, scan, FINDINGS);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn once_drives_what_is_queued_and_ends() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(2));
    let cli = Cli::new(&bench, &[tool("probe", "cat /src/report.json")]);
    let scans = [orphan(&cli, "probe").await, orphan(&cli, "probe").await];
    let once = cli.run(&["daemon", "--once"]).await;
    assert!(once.status.success(), "{}", String::from_utf8_lossy(&once.stderr));
    assert!(once.stdout.is_empty());
    for scan in scans {
        whole(&cli, scan, 2);
    }
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_executes_what_any_process_asks() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = Cli::new(&bench, &[tool("hangs", "sleep 1000")]);
    let daemon = Daemon::start(&cli).await;
    let scan = orphan(&cli, "hangs").await;
    running(&cli, scan).await;
    let cancelled = cli.run(&["cancel", "latest"]).await;
    assert!(cancelled.status.success(), "{}", String::from_utf8_lossy(&cancelled.stderr));
    over(&cli, scan).await;
    assert_eq!(cli.app.store.scan_state(scan).unwrap(), ScanState::Cancelled);
    assert_eq!(cli.app.store.owner(scan).unwrap().0.as_deref().unwrap_or_else(|| daemon.owner()), daemon.owner());
    assert!(daemon.end().await.0.success());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_scan_that_is_given_a_higher_priority_goes_first() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(1));
    let cli = Cli::new(&bench, &[tool("hangs", "sleep 1000"), tool("probe", "cat /src/report.json")]);
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[daemon]\nscans = 1\n")).unwrap();
    let daemon = Daemon::start(&cli).await;
    let first = orphan(&cli, "hangs").await;
    running(&cli, first).await;
    let (low, high) = (orphan(&cli, "probe").await, orphan(&cli, "probe").await);
    let key = |scan| cli.app.store.scan_key(scan).unwrap().to_string();
    let asked = cli.run(&["priority", &key(high), "5"]).await;
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    // It does not wait for those of lower priorities.
    over(&cli, high).await;
    assert_eq!(cli.app.store.scan_state(low).unwrap(), ScanState::Queued, "the other one still waits for the first");
    assert!(cli.run(&["cancel", &key(first)]).await.status.success());
    over(&cli, low).await;
    assert!(daemon.end().await.0.success());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_over_the_same_source() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(1));
    let cli = Cli::new(&bench, &[tool("fails", "exit 7"), tool("probe", "cat /src/report.json")]);
    let daemon = Daemon::start(&cli).await;
    assert_eq!(ended(cli.start("fails", None)).await.status.code(), Some(3));
    let failed = cli.newest(None).await;
    let again = cli.run(&["retry", "--watch"]).await;
    assert_eq!(again.status.code(), Some(3), "{}", String::from_utf8_lossy(&again.stderr));
    let second = cli.newest(Some(failed)).await;
    let (failed, second) = (cli.result(failed).view, cli.result(second).view);
    assert_eq!((second.plan_sha256, second.source), (failed.plan_sha256, failed.source));

    assert!(ended(cli.start("probe", None)).await.status.success());
    let refused = cli.run(&["retry"]).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("saw everything"));
    assert!(daemon.end().await.0.success());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_beside_a_daemon_is_its_own() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = Cli::new(&bench, &[]);
    let daemon = Daemon::start(&cli).await;
    std::fs::write(bench.dir().join("gitleaks.json"), gitleaks(3)).unwrap();
    for _ in 0..5 {
        let imported = cli.run(&["import", "--scanner", "gitleaks", "gitleaks.json"]).await;
        assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));
        assert!(String::from_utf8_lossy(&imported.stdout).contains("Findings  3 high"));
    }
    assert!(daemon.end().await.0.success());
    bench.finish().await;
}
