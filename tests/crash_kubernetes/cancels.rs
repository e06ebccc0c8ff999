//! Cancel, pause, resume and logs in each phase of a scan in a cluster.

use std::time::{Duration, Instant};

use dragnet::model::state::{JobState, ScanState};
use futures::future::join_all;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::cancels_anywhere::{self as anywhere, STUBBORN, cancelled, hangs};
use super::cli::{Cli, Home as _, ended, until};
use super::cluster::Cluster;
use super::cluster_bench::ClusterBench;
use super::runs::Runs;
use super::tool::tool;

/// The grace that benches configure, five seconds for us, and what a kubelet takes to tell that a container has ended.
const BOUND: Duration = Duration::from_secs(2 + 5 + 15);

fn bench(cluster: &Cluster) -> ClusterBench<'_> {
    let bench = ClusterBench::of(cluster);
    anywhere::furnish(&bench);
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_scan_is_cancelled_in_time_and_keeps_what_it_found() {
    let Some(cluster) = Cluster::start().await else { return };
    join_all(STUBBORN.map(async |name| {
        let bench = bench(&cluster);
        let onlooker = Cli::new(&bench, &[]);
        let runs = Runs::follow(&onlooker);
        anywhere::while_it_runs(&bench, name, BOUND).await;
        runs.check(&onlooker).await;
        drop(onlooker);
        bench.finish().await;
    }))
    .await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_without_a_driver_is_cancelled_by_the_command_itself() {
    let Some(cluster) = Cluster::start().await else { return };
    let bench = bench(&cluster);
    anywhere::without_a_driver(&bench, BOUND).await;
    bench.finish().await;
    cluster.finish().await;
}

/// Before anything ran, in mid-launch, after the end.
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
        anywhere::where_its_driver_died(&bench, point).await;
        bench.finish().await;
    }))
    .await;
    cluster.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_survives_the_death_of_who_executes_it() {
    let Some(cluster) = Cluster::start().await else { return };
    join_all(["stop.before", "collect.before", "remove.before", "kubernetes.remove.job"].map(async |point| {
        let bench = bench(&cluster);
        anywhere::where_its_canceller_dies(&bench, point).await;
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
async fn what_a_pause_stops_begins_anew() {
    let Some(cluster) = Cluster::start().await else { return };
    let bench = bench(&cluster);
    anywhere::paused_and_begun_anew(&bench).await;
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
    let follow = ended(follow).await;
    assert!(follow.status.success(), "{follow:?}");
    let said: Vec<_> = seen.iter().filter(|line| line.starts_with("line ")).cloned().collect();
    assert_eq!(said, (1..=300).map(|n| format!("line {n}")).collect::<Vec<_>>());
    assert!(early, "lines come while the scanner runs");
    assert!(ended(start).await.status.success());
    drop(cli);
    bench.finish().await;
    cluster.finish().await;
}
