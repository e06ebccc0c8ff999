//! Drivers that are stopped and wake up, and drivers that race.

use dragnet::model::clock::Clock;
use dragnet::model::coverage::Coverage;
use dragnet::model::event::EventBody;
use dragnet::model::state::ScanState;
use futures::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use super::bench::Bench;
use super::cli::{Cli, Home as _, ended, until};
use super::reports::gitleaks;
use super::starts::Starts;
use super::tool::tool;

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().unwrap().cast_signed()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Whether a process is stopped, as the kernel says.
fn is_stopped(child: &Child) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id().unwrap())).unwrap();
    stat.rsplit(") ").next().unwrap().starts_with('T')
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_driver_is_replaced_and_changes_nothing_when_it_wakes() {
    let cases =
        ["launch.before", "docker.launch.created", "docker.launch.delivered", "collect.fetched", "ingest.batch"];
    join_all(cases.map(stopped_at)).await;
}

async fn stopped_at(point: &str) {
    let Some(bench) = Bench::local("bind").await else { return };
    bench.write("report.json", gitleaks(700));
    let cli = Cli::new(&bench, &[tool("quick", "cat /src/report.json")]);
    let starts = Starts::follow(&cli);
    let first = cli.start("quick", Some(&format!("{point}:stop")));
    until("it stops", || is_stopped(&first).then_some(())).await;
    let scan = cli.newer(None).unwrap();
    let stopped = Clock::System.now();
    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{point}: {watched:?}");
    let events = cli.app.store.events(scan, 0, 1000).unwrap();
    let taken = events.iter().rev().find(|event| matches!(event.body, EventBody::OwnerChanged { .. })).unwrap();
    assert!(taken.at.since(stopped) <= 20_000, "{point}: taken over after {} ms", taken.at.since(stopped));
    let before = cli.result(scan);
    assert_eq!((before.view.state, before.view.coverage.clone()), (ScanState::Completed, Coverage::Full), "{point}");
    assert_eq!((before.findings.len(), before.jobs[0].attempts), (700, 1), "{point}");
    signal(&first, Signal::CONT);
    let woken = ended(first).await;
    assert!(woken.status.success(), "{point}: it has become a viewer: {woken:?}");
    assert_eq!(cli.result(scan), before, "{point}");
    starts.check(&cli, &[scan]).await;
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drivers_that_race_run_nothing_twice() {
    for transport in ["bind", "volume"] {
        let Some(bench) = Bench::local(transport).await else { return };
        bench.write("report.json", gitleaks(20));
        let cli = Cli::new(&bench, &[tool("quick", "sleep 1; cat /src/report.json")]);
        let starts = Starts::follow(&cli);
        ended(cli.start("quick", Some("launch.before:abort"))).await;
        let watches = join_all((0..4).map(|_| cli.run(&["watch", "latest"]))).await;
        assert!(watches.iter().all(|watch| watch.status.success()), "{watches:?}");
        let result = cli.result(cli.newer(None).unwrap());
        assert_eq!((result.view.state, result.findings.len(), result.jobs[0].attempts), (ScanState::Completed, 20, 1));
        starts.check(&cli, &[cli.newer(None).unwrap()]).await;
        drop(cli);
        bench.finish().await;
    }
}
