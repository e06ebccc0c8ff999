//! `cancel` in each phase of a scan in an engine.

use std::time::Duration;

use dragnet::model::id::ScanId;
use dragnet::model::state::ScanState;
use dragnet::store::Verb;

use super::bench::Bench;
use super::cancels_anywhere::{self as anywhere, STUBBORN, cancelled, hangs, quick};
use super::cli::{Cli, ended, until};

/// The grace that benches configure, and five seconds for the engine.
const BOUND: Duration = Duration::from_secs(2 + 5);

async fn bench(transport: &'static str) -> Option<Bench> {
    let bench = Bench::local(transport).await?;
    anywhere::furnish(&bench);
    Some(bench)
}

fn state(cli: &Cli<'_>, scan: ScanId) -> ScanState {
    cli.app.store.scan_state(scan).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_scan_is_cancelled_in_time_and_keeps_what_it_found() {
    for (transport, names) in [("bind", &STUBBORN[..]), ("volume", &STUBBORN[..1])] {
        for name in names {
            let Some(bench) = bench(transport).await else { return };
            anywhere::while_it_runs(&bench, name, BOUND).await;
            bench.finish().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_without_a_driver_is_cancelled_by_the_command_itself() {
    for transport in ["bind", "volume"] {
        let Some(bench) = bench(transport).await else { return };
        anywhere::without_a_driver(&bench, BOUND).await;
        bench.finish().await;
    }
}

/// Before anything ran, between create and start, in mid-launch, after the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_scan_whose_driver_died_anywhere_can_be_cancelled() {
    let Some(bench) = bench("volume").await else { return };
    for point in [
        "submit.committed",
        "launch.before",
        "docker.volume.helper",
        "docker.launch.created",
        "docker.launch.delivered",
        "docker.launch.started",
        "driver.committed",
        "collect.fetched",
        "ingest.batch",
    ] {
        anywhere::where_its_driver_died(&bench, point).await;
    }
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_survives_the_death_of_who_executes_it() {
    let Some(bench) = bench("volume").await else { return };
    for point in ["stop.before", "collect.before", "remove.before", "docker.remove.containers", "tidy.before"] {
        anywhere::where_its_canceller_dies(&bench, point).await;
    }
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_pause_stops_begins_anew() {
    let Some(bench) = bench("bind").await else { return };
    anywhere::paused_and_begun_anew(&bench).await;
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queued_and_paused_and_finished_scans() {
    let Some(bench) = bench("bind").await else { return };
    let cli = Cli::new(&bench, &[hangs(), quick()]);

    // Queued: submitted, driven by nobody yet.
    ended(cli.start("hangs", Some("submit.committed:abort"))).await;
    let queued = cli.newer(None).unwrap();
    assert_eq!(state(&cli, queued), ScanState::Queued);
    assert!(cli.run(&["cancel", "latest"]).await.status.success());
    cancelled(&cli, queued).await;

    // Paused.
    ended(cli.start("hangs", Some("submit.committed:abort"))).await;
    let paused = cli.newest(Some(queued)).await;
    cli.app.store.ask(paused, Verb::Pause, "test", cli.app.clock.now()).await.unwrap();
    let watch = cli.command(&["watch", "latest"]).spawn().unwrap();
    until("it is paused", || (state(&cli, paused) == ScanState::Paused).then_some(())).await;
    assert!(cli.run(&["cancel", "latest"]).await.status.success());
    assert_eq!(ended(watch).await.status.code(), Some(5));
    cancelled(&cli, paused).await;

    // Finished.
    assert!(ended(cli.start("quick", None)).await.status.success());
    let finished = cli.newest(Some(paused)).await;
    let before = cli.result(finished);
    assert!(cli.run(&["cancel", "latest"]).await.status.success());
    assert_eq!(cli.result(finished), before);
    drop(cli);
    bench.finish().await;
}
