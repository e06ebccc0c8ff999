//! Death at each named point, and at random ones.

use std::collections::HashMap;
use std::time::Duration;

use dragnet::model::coverage::Coverage;
use dragnet::model::id::ScanId;
use dragnet::model::retry::mix;
use dragnet::model::state::{JobState, ScanState};
use dragnet::store::ScanFilter;

use super::bench::Bench;
use super::cli::{Cli, Home as _, aborted, ended};
use super::places::{COMMITS, FLAKY, OF_SCANS};
use super::reports::gitleaks;
use super::starts::Starts;
use super::tool::tool;

/// Points of this executor.
const OF_ENGINES: [&str; 6] = [
    "docker.launch.before_create",
    "docker.launch.created",
    "docker.launch.delivered",
    "docker.launch.started",
    "docker.fetch.part",
    "docker.remove.containers",
];
/// Points of volumes alone.
const OF_VOLUMES: [&str; 2] = ["docker.volume.helper", "docker.volume.filled"];

async fn lane(transport: &'static str) {
    let Some(bench) = Bench::local(transport).await else { return };
    bench.write("report.json", gitleaks(700));
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json"), tool("flaky", FLAKY)]);
    let starts = Starts::follow(&cli);
    let mut expected = HashMap::new();
    for scanner in ["quick", "flaky"] {
        let undisturbed = ended(cli.start(scanner, None)).await;
        assert!(undisturbed.status.success(), "{undisturbed:?}");
        expected.insert(scanner, cli.result(cli.newer(None).unwrap()).findings);
        assert_eq!(expected[scanner].len(), 700);
    }

    let of_volumes = OF_VOLUMES.iter().filter(|_| transport == "volume");
    let mut orders: Vec<(&str, String)> = OF_SCANS
        .iter()
        .chain(&OF_ENGINES)
        .chain(of_volumes)
        .map(|point| ("quick", if point.contains(':') { (*point).to_owned() } else { format!("{point}:abort") }))
        .collect();
    // The transports share the commits between them, unless there is time for all.
    let full = std::env::var_os("DRAGNET_FULL").is_some();
    let commits = (1..=COMMITS).filter(|n| full || (n % 2 == 0) == (transport == "volume"));
    orders.extend(commits.map(|n| ("flaky", format!("driver.committed:abort@{n}"))));
    let (all, mut deaths) = (orders.len(), 0);
    for (scanner, order) in orders {
        deaths += u32::from(dies_and_is_survived(&cli, scanner, &order, &expected[scanner]).await);
    }
    eprintln!("{transport}: {all}/{all} ok, {deaths} deaths");
    assert!(deaths as usize >= all - 3, "points that nothing comes by: only {deaths} of {all} died");
    starts.check(&cli, &all_scans(&cli)).await;
    drop(cli);
    bench.finish().await;
}

/// Runs a scan that dies at a point, and whoever comes after it. Returns whether it died.
async fn dies_and_is_survived(cli: &Cli<'_>, scanner: &str, order: &str, expected: &[String]) -> bool {
    let before = cli.newer(None);
    let first = ended(cli.start(scanner, Some(order))).await;
    let died = aborted(first.status);
    assert!(died || first.status.success(), "{order}: {first:?}");
    let scan = cli.newer(before).unwrap_or_else(|| panic!("{order}: nothing was submitted: {first:?}"));
    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{order}: {watched:?}");
    let result = cli.result(scan);
    let job = &result.jobs[0];
    let attempts = if scanner == "flaky" { 2 } else { 1 };
    assert_eq!((job.state, job.attempts), (JobState::Succeeded, attempts), "{order}: {:?}", job.failure);
    assert_eq!((result.view.state, result.view.coverage), (ScanState::Completed, Coverage::Full), "{order}");
    assert_eq!(result.findings, expected, "{order}");
    let left = cli.bench.left().await;
    assert!(left.is_empty(), "{order} left {left:?}");
    died
}

fn all_scans(cli: &Cli<'_>) -> Vec<ScanId> {
    let scans = cli.app.store.scans(&ScanFilter { limit: 1000, ..ScanFilter::default() }).unwrap();
    scans.into_iter().map(|scan| cli.app.store.find_scan(scan.id.as_str()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point_is_survived_with_mounts() {
    lane("bind").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point_is_survived_with_volumes() {
    lane("volume").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_at_any_moment_is_survived() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(700));
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
    let starts = Starts::follow(&cli);
    ended(cli.start("quick", None)).await;
    let mut newest = cli.newer(None);
    let expected = cli.result(newest.unwrap()).findings;
    let (seed, times) = (7, if std::env::var_os("DRAGNET_FULL").is_some() { 20 } else { 3 });
    for number in 0..times {
        let mut first = cli.start("quick", None);
        let scan = cli.newest(newest).await;
        newest = Some(scan);
        let moment = Duration::from_millis(mix(seed + number) % 1500);
        tokio::time::sleep(moment).await;
        first.start_kill().ok();
        first.wait().await.unwrap();
        let watched = cli.run(&["watch", "latest"]).await;
        assert!(watched.status.success(), "seed {seed}, number {number}, {moment:?}: {watched:?}");
        let result = cli.result(scan);
        assert_eq!((result.view.state, result.jobs[0].attempts), (ScanState::Completed, 1), "{number}, {moment:?}");
        assert_eq!(result.findings, expected, "{number}, {moment:?}");
        assert_eq!(bench.left().await, Vec::<String>::new(), "{number}, {moment:?}");
    }
    eprintln!("{times}/{times} ok");
    starts.check(&cli, &all_scans(&cli)).await;
    drop(cli);
    bench.finish().await;
}

/// The driver dies when the container has been killed too, while its results are being made up for.
#[tokio::test(flavor = "multi_thread")]
async fn death_while_a_killed_attempt_is_sealed_is_survived() {
    for transport in ["bind", "volume"] {
        let Some(bench) = Bench::local(transport).await else { return };
        bench.write("report.json", gitleaks(5));
        let hangs = "grep -q -- -a01 /dragnet/out/job.json && { echo ready >&2; sleep 1000; }; cat /src/report.json";
        let cli = Cli::new(&bench, &[tool("hangs", hangs)]);
        let first = cli.start("hangs", Some("docker.seal.created:abort"));
        let scan = cli.newest(None).await;
        let name = loop {
            if let Some(name) = cli.containers(scan).await.into_iter().next()
                && bench
                    .docker
                    .kill_container(&name[1..], None::<bollard::query_parameters::KillContainerOptions>)
                    .await
                    .is_ok()
            {
                break name;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let first = ended(first).await;
        assert!(aborted(first.status), "{name}: {first:?}");
        let watched = cli.run(&["watch", "latest"]).await;
        assert!(watched.status.success(), "{watched:?}");
        let result = cli.result(scan);
        assert_eq!((result.view.state, result.jobs[0].attempts), (ScanState::Completed, 2));
        assert_eq!(result.findings.len(), 5);
        drop(cli);
        bench.finish().await;
    }
}
