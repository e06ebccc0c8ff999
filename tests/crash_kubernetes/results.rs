//! A large result arrives whole, however often whoever fetches it is killed.

use dragnet::model::state::ScanState;

use super::cli::{Cli, Home as _, aborted, ended, until};
use super::cluster::Cluster;
use super::cluster_bench::ClusterBench;
use super::reports::gitleaks;
use super::runs::Runs;
use super::spool::{compare, fetched, large, spool};

/// How often it is killed.
const KILLS: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_result_survives_twenty_kills() {
    let Some(cluster) = Cluster::start().await else { return };
    let megabytes: u64 = if std::env::var_os("DRAGNET_FULL").is_some() { 512 } else { 64 };
    let bench = ClusterBench::of(&cluster);
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[large(megabytes)]);
    let runs = Runs::follow(&cli);

    let mut driver = cli.start("large", None);
    let scan = cli.newest(None).await;
    let mut kills = 0;
    for number in 1..=KILLS {
        let enough = (megabytes << 20) * number / (KILLS + 2);
        until("more has come", || (fetched(&cli.bench.state()) >= enough).then_some(())).await;
        driver.start_kill().unwrap();
        kills += u64::from(!driver.wait().await.unwrap().success());
        let mut next = cli.command(&["watch", "latest"]);
        if number == KILLS {
            // The last one dies too, with all in its hands: it is looked at there.
            next.env("DRAGNET_FAIL", "collect.fetched:abort");
        }
        driver = next.spawn().unwrap();
    }
    assert!(aborted(ended(driver).await.status));
    let (len, own, theirs) = compare(&spool(&cli.bench.state()).unwrap());
    assert_eq!((len, own), (megabytes << 20, theirs));
    eprintln!("{megabytes} MiB whole after {kills} kills");
    assert_eq!(kills, KILLS);

    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{watched:?}");
    let result = cli.result(scan);
    assert_eq!((result.view.state, result.jobs[0].attempts), (ScanState::Completed, 1));
    assert_eq!(result.findings.len(), 3);
    runs.check(&cli).await;
    drop(cli);
    bench.finish().await;
    cluster.finish().await;
}
