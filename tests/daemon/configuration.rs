//! A daemon takes a changed configuration without a restart, and refuses one that cannot be.

use rustix::process::Signal;

use super::bench::Bench;
use super::cli::{Cli, Home as _, ended};
use super::process::{Daemon, daemon_is};
use super::reports::gitleaks;
use super::tool::tool;

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_applies_and_a_broken_one_changes_nothing() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = Cli::new(&bench, &[tool("probe", "cat /src/report.json")]);
    let daemon = Daemon::start(&cli).await;
    let file = bench.dir().join("config.toml");
    let good = std::fs::read_to_string(&file).unwrap();

    std::fs::write(&file, format!("{good}\n[daemon]\nscans = \"many\"\n")).unwrap();
    let refused = daemon_is(&cli, "a broken file is refused", |daemon| daemon.config_error.is_some()).await;
    let why = refused.config_error.unwrap();
    assert!(why.contains("config.toml") && why.contains("daemon.scans"), "{why}");
    let status = cli.run(&["daemon", "status"]).await;
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("Config    REFUSED") && status.contains("config.toml"), "{status}");

    std::fs::write(&file, format!("{good}\n[daemon]\nscans = 3\n")).unwrap();
    daemon.signal(Signal::HUP);
    let applied = daemon_is(&cli, "a good file applies", |daemon| daemon.config_error.is_none()).await;
    assert!(applied.configured_at > refused.configured_at);
    let (status, log) = daemon.end().await;
    assert!(status.success(), "{log}");
    assert!(log.contains("cannot be used") && log.contains("the configuration was read anew"), "{log}");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_together_stays_within_the_limits() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(2));
    let tools = ["one", "two", "three"].map(|name| tool(name, "sleep 0.3; cat /src/report.json"));
    let cli = Cli::new(&bench, &tools);
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[daemon.limits.targets.'*']\ncontainers = 1\n")).unwrap();
    let daemon = Daemon::start(&cli).await;
    let starts = ["one", "two", "three"].map(|name| ended(cli.start(name, None)));
    for output in futures::future::join_all(starts).await {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let filter = dragnet::store::ScanFilter { limit: 10, ..dragnet::store::ScanFilter::default() };
    let mut ran = Vec::new();
    for scan in cli.app.store.scans(&filter).unwrap() {
        let jobs = cli.app.store.jobs(cli.app.store.find_scan(scan.id.as_str()).unwrap()).unwrap();
        ran.extend(jobs.iter().map(|job| (job.started_at.unwrap(), job.finished_at.unwrap())));
    }
    ran.sort();
    assert_eq!(ran.len(), 3);
    assert!(ran.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{ran:?}");
    assert!(daemon.end().await.0.success());
    bench.finish().await;
}
