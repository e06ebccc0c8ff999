//! A large result arrives whole, however often whoever fetches it is killed.

use std::path::{Path, PathBuf};

use dragnet::model::manifest::Manifest;
use dragnet::model::state::ScanState;

use super::cli::{Cli, Home as _, aborted, ended, until};
use super::cluster::Cluster;
use super::cluster_bench::ClusterBench;
use super::reports::gitleaks;
use super::runs::Runs;
use super::tool::Tool;

/// How often it is killed.
const KILLS: u64 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_large_result_survives_twenty_kills() {
    let Some(cluster) = Cluster::start().await else { return };
    let megabytes: u64 = if std::env::var_os("DRAGNET_FULL").is_some() { 512 } else { 64 };
    let bench = ClusterBench::of(&cluster);
    bench.write("report.json", gitleaks(3));
    // Bytes that do not compress, and what they hash to by the scanner's own count.
    let script = format!(
        "dd if=/dev/urandom of=/dragnet/out/work/big bs=1048576 count={megabytes} 2>/dev/null\n\
         sha256sum /dragnet/out/work/big | cut -c1-64 >/dragnet/out/work/sum\ncat /src/report.json"
    );
    let more = "limits = { memory = \"128MiB\", output = \"600MiB\" }";
    let cli = Cli::new(&bench, &[Tool { name: "large", script, more }]);
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

/// Where the only attempt's results are collected, once they are.
fn spool(state: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(state.join("spool")).ok()?;
    entries.flatten().map(|entry| entry.path()).find(|path| path.extension().is_some_and(|end| end == "in"))
}

/// Bytes that have come so far.
fn fetched(state: &Path) -> u64 {
    let files = spool(state).and_then(|spool| std::fs::read_dir(spool).ok()).into_iter().flatten().flatten();
    files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
}

/// Unpacks what was collected; returns the large file's length, its hash, and the hash that the scanner wrote down.
fn compare(spool: &Path) -> (u64, String, String) {
    let manifest: Manifest = serde_json::from_slice(&std::fs::read(spool.join("manifest.json")).unwrap()).unwrap();
    let parts: Vec<_> = manifest.parts.iter().map(|part| spool.join(&part.name)).collect();
    let into = tempfile::tempdir().unwrap();
    dragnet::shim::unseal(&manifest, &parts, into.path(), 1 << 30).unwrap();
    let big = std::fs::read(into.path().join("work/big")).unwrap();
    let told = std::fs::read_to_string(into.path().join("work/sum")).unwrap();
    (big.len() as u64, dragnet::model::id::Sha256::of(&big).to_string(), told.trim().to_owned())
}
