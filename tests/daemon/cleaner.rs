//! What is kept no longer goes, and nothing else.

use dragnet::model::id::ScanKey;
use dragnet::store::ScanFilter;

use super::bench::Bench;
use super::cli::{Cli, Home as _, ended, until};
use super::process::Daemon;
use super::reports::gitleaks;
use super::tool::tool;

fn scans(cli: &Cli<'_, Bench>) -> Vec<ScanKey> {
    let filter = ScanFilter { limit: 100, ..ScanFilter::default() };
    cli.app.store.scans(&filter).unwrap().into_iter().map(|scan| scan.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_removes_what_is_kept_no_longer_and_says_before_what_would_go() {
    let Some(bench) = Bench::local("bind").await else { return };
    let tools = [tool("probe", "cat /src/report.json"), tool("fails", "exit 7")];
    let cli = Cli::new(&bench, &tools);
    // The good scan is the oldest: the rules would have it go, and it stays.
    for (findings, scanner) in [(1, "probe"), (2, "probe"), (3, "fails"), (3, "fails")] {
        bench.write("report.json", gitleaks(findings));
        ended(cli.start(scanner, None)).await;
    }
    let before = scans(&cli);
    let [last, failed, good, old] = before[..] else { panic!("{before:?}") };
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[retention.default]\nmax_scans = 1\n")).unwrap();

    let dry = cli.run(&["gc", "--expired", "--dry-run"]).await;
    let printed = String::from_utf8_lossy(&dry.stdout).into_owned();
    let gone: Vec<&str> = printed.lines().filter(|line| line.starts_with("scan ")).collect();
    assert_eq!(gone.len(), 2, "{printed}");
    assert!(
        gone[0].starts_with(&format!("scan {old} ")) && gone[1].starts_with(&format!("scan {failed} ")),
        "{printed}"
    );
    assert!(gone.iter().all(|line| line.ends_with("1 newer of its target")), "{printed}");
    assert_eq!(scans(&cli), before);

    let daemon = Daemon::start(&cli).await;
    until("two scans have gone", || (scans(&cli) == [last, good]).then_some(())).await;
    let logs = |scan: ScanKey| bench.state().join("logs").join(scan.as_str());
    until("their logs have gone", || (!logs(old).exists() && !logs(failed).exists()).then_some(())).await;
    assert!(logs(good).exists() && logs(last).exists());
    assert!(daemon.end().await.0.success());

    let report = cli.run(&["report", good.as_str()]).await;
    assert!(String::from_utf8_lossy(&report.stdout).contains("Findings  2 high"));
    assert_eq!(cli.run(&["report", old.as_str()]).await.status.code(), Some(2));
    let again = cli.run(&["gc", "--expired"]).await;
    assert!(again.status.success() && !String::from_utf8_lossy(&again.stdout).contains("scan "));
    bench.finish().await;
}
