//! Outages during a scan: each ends with the findings of an undisturbed run, after one attempt that was run once.

use std::time::Duration;

use dragnet::model::coverage::Coverage;
use dragnet::model::id::ScanId;
use dragnet::model::state::{AttemptState, JobState, ScanState};
use k8s_openapi::api::core::v1::Node;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt as _};

use super::cli::{Cli, Home as _, ended, until};
use super::cluster_bench::ClusterBench;
use super::machine::Machine;
use super::reports::gitleaks;
use super::runs::Runs;
use super::tool::tool;

/// The scanner ends in mid-outage, when its results are to be had.
const SCRIPT: &str = "sleep 3; cat /src/report.json";

/// What is done to a cluster, for a while.
struct Outage {
    /// Orders that begin it.
    begins: &'static [&'static str],
    /// Orders that end it.
    ends: &'static [&'static str],
    /// How long it lasts, in seconds.
    lasts: u64,
    /// How long it lasts when there is time.
    full: u64,
    /// When it begins.
    at: Moment,
}

/// A moment of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// Before the scan is started.
    Before,
    /// Once its scanner runs.
    Running,
}

const fn outage(begins: &'static [&'static str], ends: &'static [&'static str], at: Moment) -> Outage {
    Outage { begins, ends, lasts: 8, full: 120, at }
}

const OUTAGES: [Outage; 8] = [
    outage(&["pause apiserver"], &["resume apiserver"], Moment::Running),
    outage(&["kill apiserver"], &["start apiserver"], Moment::Running),
    outage(&["pause etcd"], &["resume etcd"], Moment::Running),
    outage(&["kill etcd"], &["start etcd"], Moment::Running),
    // A node that is silent for longer counts as lost, and its pods are deleted: that is another test.
    Outage { full: 12, ..outage(&["kill kubelet"], &["start kubelet"], Moment::Running) },
    Outage { lasts: 0, full: 0, ..outage(&["restart kubelet"], &[], Moment::Running) },
    Outage { full: 60, ..outage(&["pause controller-manager"], &["resume controller-manager"], Moment::Before) },
    Outage { full: 60, ..outage(&["pause scheduler"], &["resume scheduler"], Moment::Before) },
];

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_outlives_the_outage_of_any_part() {
    // Watches end after seconds, and what they would go on from is forgotten soon.
    let short = [("APISERVER_ARGS", "--min-request-timeout 5 --etcd-compaction-interval 10s")];
    let Some(machine) = Machine::start(None, &short).await else { return };
    let cluster = machine.cluster().await;
    let bench = ClusterBench::of(&cluster);
    bench.write("report.json", gitleaks(700));
    let cli = Cli::new(&bench, &[tool("waits", SCRIPT)]);
    let runs = Runs::follow(&cli);
    let undisturbed = ended(cli.start("waits", None)).await;
    assert!(undisturbed.status.success(), "{undisturbed:?}");
    let expected = cli.result(cli.newer(None).unwrap()).findings;
    assert_eq!(expected.len(), 700);
    for outage in &OUTAGES {
        suffers(&machine, &cli, outage, &expected).await;
    }
    runs.check(&cli).await;
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_takes_the_attempt_and_not_the_scan() {
    let Some(machine) = Machine::start(None, &[]).await else { return };
    let cluster = machine.cluster().await;
    let bench = ClusterBench::of(&cluster);
    bench.write("report.json", gitleaks(70));
    let cli = Cli::new(&bench, &[tool("waits", SCRIPT)]);
    let runs = Runs::follow(&cli);
    let start = cli.start("waits", None);
    let scan = cli.newest(None).await;
    running(&cli, scan).await;
    machine.order("kill kubelet").await;
    // As whoever runs the machines does when one of them is gone. (A cluster whose only node is silent waits for it: it takes itself
    // to be the one that is cut off.)
    let nodes = Api::<Node>::all(cluster.client.clone());
    let node = nodes.list(&ListParams::default()).await.unwrap().items.remove(0).name_any();
    nodes.delete(&node, &DeleteParams::default()).await.unwrap();
    // The first attempt ends all the same, where nobody can see it; the second finds no node until this one is back.
    until("the attempt is given up", || (cli.attempts(scan).len() == 2).then_some(())).await;
    let failures = cli.failures(scan);
    assert!(failures.iter().any(|text| text.contains("vanished") || text.contains("node_lost")), "{failures:?}");
    machine.order("start kubelet").await;
    let started = ended(start).await;
    let result = cli.result(scan);
    assert!(started.status.success(), "{started:?} {:?}", result.jobs);
    assert_eq!((result.jobs[0].state, result.jobs[0].attempts), (JobState::Succeeded, 2), "{:?}", cli.failures(scan));
    assert_eq!((result.view.state, result.view.coverage), (ScanState::Completed, Coverage::Full));
    assert_eq!(result.findings.len(), 70, "each was counted once");
    runs.check(&cli).await;
    drop(cli);
    bench.finish().await;
}

async fn suffers(machine: &Machine, cli: &Cli<'_, ClusterBench<'_>>, outage: &Outage, expected: &[String]) {
    let before = cli.newer(None);
    if outage.at == Moment::Before {
        begin(machine, outage.begins).await;
    }
    let start = cli.start("waits", None);
    let scan = cli.newest(before).await;
    if outage.at == Moment::Running {
        running(cli, scan).await;
        begin(machine, outage.begins).await;
    }
    let full = std::env::var_os("DRAGNET_FULL").is_some();
    tokio::time::sleep(Duration::from_secs(if full { outage.full } else { outage.lasts })).await;
    begin(machine, outage.ends).await;
    let case = outage.begins[0];
    let started = ended(start).await;
    let result = cli.result(scan);
    let job = &result.jobs[0];
    assert!(started.status.success(), "{case}: {started:?} {job:?}");
    assert_eq!((job.state, job.attempts), (JobState::Succeeded, 1), "{case}: {:?}", cli.failures(scan));
    assert_eq!((result.view.state, result.view.coverage), (ScanState::Completed, Coverage::Full), "{case}");
    assert_eq!(result.findings, expected, "{case}");
    assert_eq!(cli.bench.left().await, Vec::<String>::new(), "{case}");
    eprintln!("{case}: ok");
}

async fn begin(machine: &Machine, orders: &[&str]) {
    for order in orders {
        machine.order(order).await;
    }
}

async fn running(cli: &Cli<'_, ClusterBench<'_>>, scan: ScanId) {
    until("the scanner runs", || cli.attempts(scan).contains(&AttemptState::Running).then_some(())).await;
}
