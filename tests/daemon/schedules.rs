//! A daemon starts what schedules say, and drives it; each tick once, whoever dies.

use dragnet::model::schedule::TickState;

use super::bench::Bench;
use super::cli::{Cli, Home as _, until};
use super::process::Daemon;
use super::reports::gitleaks;
use super::tool::tool;

fn configure(bench: &Bench, more: &str) {
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let target = format!("dir:{}", bench.tree().display());
    std::fs::write(file, format!("{text}\n[scanners.gitleaks]\nenabled = false\n[[schedules]]\nname = 'often'\ntarget = '{target}'\ntemplate = 'probe'\n{more}\n[[templates.probe.steps]]\nid = 'probe'\nscanner = 'probe'\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_are_started_driven_and_accounted_for_although_the_daemon_is_killed() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(1));
    let cli = Cli::new(&bench, &[tool("probe", "cat /src/report.json")]);
    configure(&bench, "every = '1s'");
    let ticks = || {
        let mut ticks = cli.app.store.ticks_after(0, 1000).unwrap();
        ticks.sort_by_key(|tick| tick.id);
        ticks
    };
    let started = |least: usize| ticks().iter().filter(|tick| tick.state == TickState::Started).count() >= least;
    let first = Daemon::start(&cli).await;
    until("a tick has started a scan", || started(1).then_some(())).await;
    first.kill().await;
    let before = ticks().len();
    let second = Daemon::start(&cli).await;
    until("more ticks have started scans", || started(3).then_some(())).await;
    let (status, log) = second.end().await;
    assert!(status.success(), "{log}");
    assert!(log.contains("often started scan") && ticks().len() > before, "{log}");

    // What is open is driven to its end without a daemon, and then every tick has one outcome, and no scan runs for two.
    let once = cli.run(&["daemon", "--once"]).await;
    assert!(once.status.success(), "{}", String::from_utf8_lossy(&once.stderr));
    let ticks = ticks();
    let mut scans: Vec<_> = ticks.iter().filter_map(|tick| tick.scan).collect();
    let number = scans.len();
    scans.sort();
    scans.dedup();
    assert_eq!(scans.len(), number, "each scan is of one tick");
    let mut due: Vec<_> = ticks.iter().map(|tick| tick.due).collect();
    let all = due.len();
    due.sort();
    due.dedup();
    assert_eq!(due.len(), all, "each tick is decided once");
    for scan in scans {
        let scan = cli.app.store.find_scan(scan.as_str()).unwrap();
        assert!(cli.app.store.scan_state(scan).unwrap().is_terminal());
    }
    bench.finish().await;
}
