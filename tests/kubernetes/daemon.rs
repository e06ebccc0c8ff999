//! A daemon whose scans run in a cluster.

use std::io::Write as _;

use dragnet::model::coverage::Coverage;
use dragnet::model::id::ScanId;
use dragnet::model::schedule::TickState;
use dragnet::model::state::{AttemptState, ScanState};
use dragnet::store::ScanFilter;

use super::ask::get;
use super::cli::{Cli, Home as _, until};
use super::cluster::Cluster;
use super::cluster_bench::ClusterBench;
use super::process::{Daemon, daemon_is};
use super::reports::gitleaks;
use super::runs::Runs;
use super::tool::tool;

const FINDINGS: usize = 3;

fn scans(cli: &Cli<'_, ClusterBench<'_>>) -> Vec<ScanId> {
    let scans = cli.app.store.scans(&ScanFilter { limit: 1000, ..ScanFilter::default() }).unwrap();
    scans.iter().map(|scan| cli.app.store.find_scan(scan.id.as_str()).unwrap()).collect()
}

/// Waits until the daemon says that all that it needs is there, the cluster included.
async fn ready(cli: &Cli<'_, ClusterBench<'_>>) {
    let view = daemon_is(cli, "it listens", |daemon| daemon.address.is_some()).await;
    let port = view.address.unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
    let told = async {
        loop {
            let answer = get(port, "/readyz").await;
            let json = answer.json();
            let parts = json["components"].as_array().unwrap();
            if let Some(cluster) = parts.iter().find(|part| part["name"] == "executor:kubernetes") {
                assert_eq!((answer.status, &cluster["status"]), (200, &"ok".into()), "{answer:?}");
                assert!(cluster["message"].as_str().unwrap().contains("an answer took"), "{answer:?}");
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(super::scans::PATIENCE, told).await.expect("the cluster is never told of");
}

#[tokio::test(flavor = "multi_thread")]
async fn scheduled_and_queued_scans_outlive_a_daemon_that_is_killed_and_run_once() {
    let Some(cluster) = Cluster::start().await else { return };
    let bench = ClusterBench::of(&cluster);
    bench.write("report.json", gitleaks(FINDINGS));
    let cli = Cli::new(&bench, &[tool("probe", "sleep 5; cat /src/report.json")]);
    let (file, tree) = (bench.dir().join("config.toml"), bench.tree());
    let more = format!(
        "[daemon]\nlisten = '127.0.0.1:0'\n[templates.probe]\nsteps = [{{ id = 'probe', scanner = 'probe' }}]\n\
         [[schedules]]\nname = 'often'\nevery = '8s'\ntarget = 'dir:{}'\ntemplate = 'probe'\noverlap = 'forbid'\n",
        tree.display()
    );
    std::fs::File::options().append(true).open(&file).unwrap().write_all(more.as_bytes()).unwrap();
    let runs = Runs::follow(&cli);

    let first = Daemon::start(&cli).await;
    for _ in 0..2 {
        let queued = cli.run(&["start", tree.to_str().unwrap(), "--scanner", "probe", "--detach"]).await;
        assert!(queued.status.success(), "{}", String::from_utf8_lossy(&queued.stderr));
    }
    let ticks = || cli.app.store.ticks_after(0, 1000).unwrap();
    let scheduled = until("a tick starts a scan", || ticks().iter().find_map(|tick| tick.scan)).await;
    let scheduled = cli.app.store.find_scan(scheduled.as_str()).unwrap();
    ready(&cli).await;
    until("the scheduled scan runs", || cli.attempts(scheduled).contains(&AttemptState::Running).then_some(())).await;
    first.kill().await;
    let open = |scan: &ScanId| !cli.app.store.scan_state(*scan).unwrap().is_terminal();
    assert!(scans(&cli).iter().any(open), "it was killed too late");

    let next = Daemon::start(&cli).await;
    ready(&cli).await;
    let started = || ticks().iter().filter(|tick| tick.state == TickState::Started).count();
    let before = started();
    until("the next one keeps to the schedule", || (started() > before).then_some(())).await;
    let over = |scan: &ScanId| !open(scan) && !cli.app.store.has_leftovers(*scan).unwrap();
    until("what the killed one drove is over", || over(&scheduled).then_some(())).await;
    assert!(next.end().await.0.success());

    // What has begun meanwhile is driven to its end, without anything that begins anew.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("overlap = 'forbid'", "enabled = false")).unwrap();
    let once = cli.run(&["daemon", "--once"]).await;
    assert!(once.status.success(), "{}", String::from_utf8_lossy(&once.stderr));
    let all = scans(&cli);
    for scan in &all {
        let result = cli.result(*scan);
        let end = (result.view.state, result.view.coverage, result.findings.len());
        assert_eq!(end, (ScanState::Completed, Coverage::Full, FINDINGS), "{:?}", result.jobs);
        assert_eq!(cli.attempts(*scan), [AttemptState::Cleaned], "one attempt, and nothing of it is left");
    }
    assert_eq!(all.len(), started() + 2, "{:?}", ticks());
    runs.check(&cli).await;
    drop(cli);
    bench.finish().await;
    cluster.finish().await;
}
