//! Cancel, pause, resume and logs in each phase of a scan: containers gone in time, what was found is kept, the scan ends once.

use std::time::{Duration, Instant};

use dragnet::model::coverage::{Coverage, Gap};
use dragnet::model::id::ScanId;
use dragnet::model::state::{AttemptState, JobState, ScanState};
use futures::future::join_all;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::cli::{Cli, Home as _, ended, until};
use super::cluster::Cluster;
use super::cluster_bench::ClusterBench;
use super::reports::gitleaks;
use super::runs::Runs;
use super::tool::{Tool, tool};

/// The grace that benches configure, five seconds for us, and what a kubelet takes to tell that a container has ended.
const BOUND: Duration = Duration::from_secs(2 + 5 + 15);

/// Prints a whole report, says so, and hangs.
fn hangs() -> Tool {
    tool("hangs", "cat /src/report.json; echo ready >&2; sleep 1000")
}

/// Hangs, deaf to all but the last signal.
fn deaf() -> Tool {
    tool("deaf", "trap '' TERM; cat /src/report.json; echo ready >&2; while :; do sleep 1000; done")
}

type Program<'b, 'c> = Cli<'b, ClusterBench<'c>>;

fn bench(cluster: &Cluster) -> ClusterBench<'_> {
    let bench = ClusterBench::of(cluster);
    bench.write("report.json", gitleaks(3));
    bench
}

async fn running(cli: &Program<'_, '_>, scan: ScanId) {
    let job = until("a scanner runs", || {
        let job = cli.app.store.jobs(scan).unwrap().pop()?;
        let attempts = cli.app.store.attempts(scan, &job.name).unwrap();
        attempts.iter().any(|attempt| attempt.2 == AttemptState::Running).then_some(job.name)
    })
    .await;
    let says = async {
        while !String::from_utf8_lossy(&cli.run(&["logs", "latest", &job]).await.stdout).contains("ready") {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), says).await.expect("it says nothing");
}

async fn cancelled(cli: &Program<'_, '_>, scan: ScanId) {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_running_scan_is_cancelled_in_time_and_keeps_what_it_found() {
    let Some(cluster) = Cluster::start().await else { return };
    join_all(["hangs", "deaf"].map(async |name| {
        let bench = bench(&cluster);
        let cli = Cli::new(&bench, &[hangs(), deaf()]);
        let runs = Runs::follow(&cli);
        let start = cli.start(name, None);
        let scan = cli.newest(None).await;
        running(&cli, scan).await;
        let asked = Instant::now();
        // Five at once are one.
        let cancels = join_all((0..5).map(|_| cli.run(&["cancel", "latest"]))).await;
        assert!(cancels.iter().all(|cancel| cancel.status.success()), "{cancels:?}");
        let took = asked.elapsed();
        assert!(took < BOUND, "{name}: {took:?}");
        eprintln!("{name}: cancelled after {took:?}");
        assert_eq!(ended(start).await.status.code(), Some(5));
        cancelled(&cli, scan).await;
        let result = cli.result(scan);
        assert_eq!((result.findings.len(), result.view.coverage), (3, Coverage::partial(Gap::Stopped)), "{name}");
        // Once more is no error, and changes nothing.
        assert!(cli.run(&["cancel", "latest"]).await.status.success());
        cancelled(&cli, scan).await;
        runs.check(&cli).await;
        drop(cli);
        bench.finish().await;
    }))
    .await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_without_a_driver_is_cancelled_by_the_command_itself() {
    let Some(cluster) = Cluster::start().await else { return };
    let bench = bench(&cluster);
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
    cluster.finish().await;
}

/// Cancelled where its driver died: before anything ran, in mid-launch, after the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_whose_driver_died_anywhere_can_be_cancelled() {
    let Some(cluster) = Cluster::start().await else { return };
    let points = [
        "submit.committed",
        "launch.before",
        "kubernetes.launch.created",
        "kubernetes.launch.delivered",
        "collect.fetched",
    ];
    join_all(points.map(async |point| {
        let bench = bench(&cluster);
        let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
        ended(cli.start("quick", Some(&format!("{point}:abort")))).await;
        let scan = cli.newer(None).unwrap();
        let cancel = cli.run(&["cancel", "latest"]).await;
        assert!(cancel.status.success(), "{point}: {cancel:?}");
        cancelled(&cli, scan).await;
        // A scanner that had ended before has been collected.
        let found = cli.result(scan).findings.len();
        assert!(found == 3 || found == 0 && point != "collect.fetched", "{point}: {found}");
        drop(cli);
        bench.finish().await;
    }))
    .await;
    cluster.finish().await;
}

/// The driver that executes a cancel dies over it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_survives_the_death_of_who_executes_it() {
    let Some(cluster) = Cluster::start().await else { return };
    join_all(["stop.before", "collect.before", "remove.before", "kubernetes.remove.job"].map(async |point| {
        let bench = bench(&cluster);
        let cli = Cli::new(&bench, &[hangs()]);
        let start = cli.start("hangs", Some(&format!("{point}:abort")));
        let scan = cli.newest(None).await;
        running(&cli, scan).await;
        let cancel = cli.run(&["cancel", "latest"]).await;
        assert!(!ended(start).await.status.success(), "{point}");
        assert!(cancel.status.success(), "{point}: {cancel:?}");
        // Who waits for a cancel sees the end; what was left beside it goes with the next look.
        cli.run(&["watch", "latest"]).await;
        cancelled(&cli, scan).await;
        assert_eq!(cli.result(scan).findings.len(), 3, "{point}");
        drop(cli);
        bench.finish().await;
    }))
    .await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_cannot_be_scheduled_is_cancelled_at_once() {
    let Some(cluster) = Cluster::start().await else { return };
    let mut bench = bench(&cluster);
    bench.more = "node_selector = { nowhere = \"true\" }\n";
    let cli = Cli::new(&bench, &[hangs()]);
    let start = cli.start("hangs", None);
    let scan = cli.newest(None).await;
    until("a job is dispatched", || {
        let jobs = cli.app.store.jobs(scan).unwrap();
        jobs.iter().any(|job| job.state == JobState::Running).then_some(())
    })
    .await;
    let asked = Instant::now();
    assert!(cli.run(&["cancel", "latest"]).await.status.success());
    assert!(asked.elapsed() < BOUND, "{:?}", asked.elapsed());
    assert_eq!(ended(start).await.status.code(), Some(5));
    cancelled(&cli, scan).await;
    drop(cli);
    bench.finish().await;
    cluster.finish().await;
}

/// Two steps, one after the other by the limit of one at a time: the first runs out while the scan is paused, the second waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_paused_scan_lets_what_runs_end_and_goes_on_when_resumed() {
    let Some(cluster) = Cluster::start().await else { return };
    let bench = bench(&cluster);
    let waits = "echo ready >&2; sleep 4; cat /src/report.json";
    let cli = Cli::new(&bench, &[tool("one", waits), tool("two", waits)]);
    let tree = bench.tree();
    let options = ["--scanner", "one", "--scanner", "two", "--parallelism", "1"];
    let start = cli.command(&["start", tree.to_str().unwrap()]).args(options).spawn().unwrap();
    let scan = cli.newest(None).await;
    let ran = |wanted: JobState| {
        let jobs = cli.app.store.jobs(scan).unwrap();
        jobs.iter().filter(|job| job.state == wanted).count()
    };
    until("one job runs", || (ran(JobState::Running) == 1).then_some(())).await;
    let frozen = cli.run(&["pause", "--freeze", "latest"]).await;
    let told = String::from_utf8_lossy(&frozen.stderr).into_owned();
    assert_eq!(frozen.status.code(), Some(2), "{told}");
    assert!(told.contains("cannot freeze") && told.contains("`dragnet pause` without --freeze"), "{told}");
    assert!(cli.run(&["pause", "latest"]).await.status.success());
    until("it is paused", || (cli.app.store.scan_state(scan).unwrap() == ScanState::Paused).then_some(())).await;
    assert_eq!((ran(JobState::Succeeded), ran(JobState::Running)), (1, 0));
    let resumed = cli.run(&["resume", "latest"]).await;
    assert!(resumed.status.success(), "{resumed:?}");
    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{watched:?}");
    ended(start).await;
    let result = cli.result(scan);
    assert_eq!((result.view.state, result.findings.len()), (ScanState::Completed, 6), "{:?}", result.jobs);
    drop(cli);
    bench.finish().await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_followed_to_its_end_without_loss_or_repetition() {
    let Some(cluster) = Cluster::start().await else { return };
    let bench = bench(&cluster);
    let script =
        "for n in $(seq 1 300); do echo line $n >&2; [ $((n % 50)) = 0 ] && sleep 1; done; cat /src/report.json";
    let cli = Cli::new(&bench, &[tool("talks", script)]);
    let start = cli.start("talks", None);
    let scan = cli.newest(None).await;
    until("the attempt is launched", || {
        let job = cli.app.store.jobs(scan).unwrap().pop()?;
        (!cli.app.store.attempts(scan, &job.name).unwrap().is_empty()).then_some(())
    })
    .await;
    let mut follow = cli.command(&["logs", "-f", "latest", "talks"]).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let mut seen = Vec::new();
    let mut early = false;
    while let Some(line) = lines.next_line().await.unwrap() {
        early |= cli.app.store.scan_state(scan).unwrap() == ScanState::Running;
        seen.push(line);
    }
    assert!(ended(follow).await.status.success());
    let said: Vec<_> = seen.iter().filter(|line| line.starts_with("line ")).cloned().collect();
    assert_eq!(said, (1..=300).map(|n| format!("line {n}")).collect::<Vec<_>>());
    assert!(early, "lines come while the scanner runs");
    assert!(ended(start).await.status.success());
    drop(cli);
    bench.finish().await;
    cluster.finish().await;
}
