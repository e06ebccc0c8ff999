//! Whoever starts what is due by a schedule dies on the way: whoever comes next has one scan for each tick, and it is driven to its end.

use std::collections::BTreeSet;

use dragnet::model::clock::Clock;
use dragnet::model::schedule::{Tick, TickState};
use dragnet::model::state::ScanState;
use dragnet::store::{ScanFilter, TickFilter};

use super::bench::Bench;
use super::cli::{Cli, Home as _, aborted, ended, until};
use super::reports::gitleaks;
use super::tool::tool;

/// Between the decision on a tick and the record of its scan.
const POINTS: [&str; 5] =
    ["schedule.decided", "submit.prepared", "submit.committed", "schedule.submitted", "schedule.started"];

fn schedule(cli: &Cli<'_>, every: &str) {
    let path = cli.bench.dir().join("config.toml");
    let tree = cli.bench.tree();
    let text = std::fs::read_to_string(&path).unwrap();
    let schedule = format!(
        "[[templates.probing.steps]]\nid = 'probe'\nscanner = 'probe'\n
         [[schedules]]\nname = 'often'\nevery = '{every}'\ntarget = 'dir:{}'\ntemplate = 'probing'\n",
        tree.display()
    );
    std::fs::write(&path, text + &schedule).unwrap();
}

/// Waits until the clock says that a tick is due.
async fn due(cli: &Cli<'_>) {
    let next = || cli.app.store.standings().unwrap().first().and_then(|standing| standing.next_due);
    until("a tick is due", || next().filter(|next| *next <= Clock::System.now())).await;
}

fn ticks(cli: &Cli<'_>) -> Vec<Tick> {
    cli.app.store.ticks(&TickFilter { schedule: None, limit: 1000 }).unwrap()
}

/// Every scan belongs to one tick that has started it, has ended, and has found what there is.
fn check(cli: &Cli<'_>) {
    let started: Vec<Tick> = ticks(cli).into_iter().filter(|tick| tick.state == TickState::Started).collect();
    let scans = cli.app.store.scans(&ScanFilter { limit: 1000, ..ScanFilter::default() }).unwrap();
    let (of_ticks, all): (BTreeSet<_>, BTreeSet<_>) =
        (started.iter().filter_map(|tick| tick.scan).collect(), scans.iter().map(|scan| scan.id).collect());
    assert_eq!((started.len(), &of_ticks), (scans.len(), &all), "a scan without a tick, or a tick with two");
    for scan in scans {
        assert_eq!((scan.state, scan.records.total()), (ScanState::Completed, 3), "{}", scan.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_over_a_tick_leaves_it_to_the_next() {
    for point in POINTS {
        let Some(bench) = Bench::local("bind").await else { return };
        bench.write("report.json", gitleaks(3));
        let cli = Cli::new(&bench, &[tool("probe", "cat /src/report.json")]);
        schedule(&cli, "2s");
        let first = cli.run(&["schedule", "run-due"]).await;
        assert!(first.status.success() && first.stdout.is_empty(), "{first:?}");
        due(&cli).await;
        let died =
            ended(cli.command(&["schedule", "run-due"]).env("DRAGNET_FAIL", format!("{point}:abort")).spawn().unwrap());
        assert!(aborted(died.await.status), "{point} was not reached");
        due(&cli).await;
        let output = cli.run(&["schedule", "run-due", "--wait"]).await;
        assert!(output.status.success(), "{point}: {output:?}");
        check(&cli);
        let all = ticks(&cli);
        assert!(all.iter().any(|tick| tick.state == TickState::Started), "{point}: {all:?}");
        bench.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_scan_is_left_to_a_driver_in_the_background() {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[tool("probe", "cat /src/report.json")]);
    schedule(&cli, "1h");
    // Outside the cadence, for nobody waits an hour.
    let output = cli.run(&["schedule", "run", "often"]).await;
    assert!(output.status.success(), "{output:?}");
    let key = String::from_utf8(output.stdout).unwrap();
    let scan = cli.app.store.find_scan(key.trim()).unwrap();
    until("the scan has ended", || cli.app.store.scan_state(scan).ok().filter(|state| state.is_terminal())).await;
    check(&cli);
    let tick = ticks(&cli).remove(0);
    assert!(tick.manual && tick.scan.is_some_and(|scan| scan.as_str() == key.trim()));
    bench.finish().await;
}
