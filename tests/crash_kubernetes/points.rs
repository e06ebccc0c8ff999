//! Death at each named point.

use std::collections::HashMap;

use dragnet::model::coverage::Coverage;
use dragnet::model::state::{JobState, ScanState};
use futures::future::join_all;

use super::cli::{Cli, Home as _, aborted, ended};
use super::cluster::Cluster;
use super::cluster_bench::ClusterBench;
use super::places::{COMMITS, FLAKY, OF_SCANS};
use super::reports::gitleaks;
use super::runs::Runs;
use super::tool::{Tool, tool};

/// Points of this executor: all are tried each time.
const OF_CLUSTERS: [&str; 7] = [
    "kubernetes.launch.secret",
    "kubernetes.launch.created",
    "kubernetes.launch.owned",
    "kubernetes.deliver.piece",
    "kubernetes.launch.delivered",
    "kubernetes.fetch.part",
    "kubernetes.remove.job",
];
/// Scans that run beside one another.
const LANES: usize = 3;

fn tools() -> [Tool; 2] {
    let secret = "secrets = { token = \"env:PROBE_TOKEN\" }";
    let mut quick = tool("quick", "cat /dragnet/secrets/token >/dev/null && cat /src/report.json");
    quick.more = secret;
    [quick, tool("flaky", FLAKY)]
}

/// What is tried: the scanner and the order to die.
fn orders() -> Vec<(&'static str, String)> {
    let full = std::env::var_os("DRAGNET_FULL").is_some();
    let sample = |number: usize| full || number % 5 == 2;
    let of_scans = OF_SCANS.iter().enumerate().filter(|(number, _)| sample(*number)).map(|(_, point)| point);
    let quick = OF_CLUSTERS
        .iter()
        .chain(of_scans)
        .map(|&point| ("quick", if point.contains(':') { point.to_owned() } else { format!("{point}:abort") }));
    let commits = (1..=COMMITS).filter(|&number| sample(number as usize));
    quick.chain(commits.map(|number| ("flaky", format!("driver.committed:abort@{number}")))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_point_is_survived() {
    let Some(cluster) = Cluster::start().await else { return };
    let orders = orders();
    let size = orders.len().div_ceil(LANES);
    let deaths: usize = join_all(orders.chunks(size).map(|some| lane(&cluster, some))).await.into_iter().sum();
    eprintln!("{}/{} ok, {deaths} deaths", orders.len(), orders.len());
    assert!(deaths + 2 >= orders.len(), "points that nothing comes by: only {deaths} of {} died", orders.len());
    cluster.finish().await;
}

/// Tries some points, one after the other; returns at how many the program died.
async fn lane(cluster: &Cluster, orders: &[(&str, String)]) -> usize {
    let bench = ClusterBench::of(cluster);
    bench.write("report.json", gitleaks(700));
    let cli = Cli::new(&bench, &tools());
    let runs = Runs::follow(&cli);
    let mut expected = HashMap::new();
    for &(scanner, _) in orders {
        if !expected.contains_key(scanner) {
            let undisturbed = ended(start(&cli, scanner, None)).await;
            assert!(undisturbed.status.success(), "{undisturbed:?}");
            let findings = cli.result(cli.newer(None).unwrap()).findings;
            assert_eq!(findings.len(), 700);
            expected.insert(scanner, findings);
        }
    }
    let mut deaths = 0;
    for (scanner, order) in orders {
        deaths += usize::from(dies_and_is_survived(&cli, scanner, order, &expected[scanner]).await);
    }
    runs.check(&cli).await;
    drop(cli);
    bench.finish().await;
    deaths
}

fn start(cli: &Cli<'_, ClusterBench<'_>>, scanner: &str, fail: Option<&str>) -> tokio::process::Child {
    let tree = cli.bench.tree();
    let mut command = cli.command(&["start", tree.to_str().unwrap(), "--scanner", scanner]);
    command.env("PROBE_TOKEN", "s3cret").envs(fail.map(|fail| ("DRAGNET_FAIL", fail)));
    command.spawn().unwrap()
}

/// Runs a scan that dies at a point, and whoever comes after it. Returns whether it died.
async fn dies_and_is_survived(
    cli: &Cli<'_, ClusterBench<'_>>,
    scanner: &str,
    order: &str,
    expected: &[String],
) -> bool {
    let before = cli.newer(None);
    let first = ended(start(cli, scanner, Some(order))).await;
    let died = aborted(first.status);
    assert!(died || first.status.success(), "{order}: {first:?}");
    let scan = cli.newer(before).unwrap_or_else(|| panic!("{order}: nothing was submitted: {first:?}"));
    let watched = cli.run(&["watch", "latest"]).await;
    let result = cli.result(scan);
    let job = &result.jobs[0];
    assert!(watched.status.success(), "{order}: {watched:?} {:?}", job.failure);
    let attempts = if scanner == "flaky" { 2 } else { 1 };
    assert_eq!((job.state, job.attempts), (JobState::Succeeded, attempts), "{order}: {:?}", cli.failures(scan));
    assert_eq!((result.view.state, result.view.coverage), (ScanState::Completed, Coverage::Full), "{order}");
    assert_eq!(result.findings, expected, "{order}");
    assert_eq!(cli.bench.left().await, Vec::<String>::new(), "{order}");
    died
}
