//! An engine in whose place another one is set up, at the same address.

use dragnet::model::coverage::Coverage;
use dragnet::model::state::{AttemptState, ScanState};

use super::ask::get;
use super::bench::Bench;
use super::cli::{Cli, Home as _, until};
use super::engine;
use super::process::{Daemon, daemon_is};
use super::reports::gitleaks;
use super::second::Engine;
use super::tool::tool;

/// Runs for longer than it takes to put an engine aside.
const SLOW: &str = "sleep 20; cat /src/report.json";

#[tokio::test(flavor = "multi_thread")]
async fn what_another_engine_does_not_know_is_not_gone() {
    let Some(mut engine) = Engine::at_socket().await else { return };
    let bench = Bench::of(engine.docker(), Some(engine.host()), "auto").await;
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[tool("slow", SLOW), tool("quick", "cat /src/report.json")]);
    let file = bench.dir().join("config.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("[scan]\n", "[scan]\nengine_timeout = '2s'\n");
    std::fs::write(&file, format!("{text}\n[daemon]\nlisten = '127.0.0.1:0'\n")).unwrap();
    let daemon = Daemon::start(&cli).await;
    let start = async |scanner: &str| {
        let before = cli.newer(None);
        let started = cli.run(&["start", bench.tree().to_str().unwrap(), "--scanner", scanner, "--detach"]).await;
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        cli.newest(before).await
    };
    let first = start("slow").await;
    until("an attempt runs", || cli.attempts(first).contains(&AttemptState::Running).then_some(())).await;

    engine.put_aside().await;
    engine.boot().await;
    let address = daemon_is(&cli, "it listens", |daemon| daemon.address.is_some()).await.address.unwrap();
    let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
    let told = |worker: &str, words: &str| {
        let daemon = cli.app.store.daemon().unwrap().unwrap();
        daemon.workers.iter().any(|one| one.name == worker && one.message.contains(words))
    };
    until("the scan is left alone", || told("drivers", " answers here").then_some(())).await;
    assert!(!cli.app.store.scan_state(first).unwrap().is_terminal());
    // The engine may have told of the container's end while it ended itself; what is in the container it has not.
    let attempts = cli.attempts(first);
    assert!(matches!(attempts[..], [AttemptState::Unknown | AttemptState::Exited]), "{attempts:?}");

    // The other engine is as good as any for what is new.
    let (repository, _) = bench.image.split_once(':').unwrap();
    engine::import(&bench.docker, repository).await;
    let second = start("quick").await;
    let over = |scan| cli.app.store.scan_state(scan).unwrap().is_terminal().then_some(());
    until("the second scan is over", || over(second)).await;
    assert_eq!((cli.result(second).view.state, cli.result(second).findings.len()), (ScanState::Completed, 3));
    let (first_engine, second_engine) =
        (cli.app.store.scan_engine(first).unwrap().1, cli.app.store.scan_engine(second).unwrap().1);
    assert_ne!(first_engine, second_engine);
    let ready = get(port, "/readyz").await;
    assert!(ready.body.contains("executor:docker"), "{ready:?}");
    until("the second scan has left nothing", || (!cli.app.store.has_leftovers(second).unwrap()).then_some(())).await;

    // The first one comes back, without what ran in it: that was lost, and is run again under another name.
    engine.put_back().await;
    engine.boot().await;
    until("the first scan is over", || over(first)).await;
    let result = cli.result(first);
    assert_eq!(
        (result.view.state, result.view.coverage, result.findings.len()),
        (ScanState::Completed, Coverage::Full, 3)
    );
    assert_eq!(result.jobs[0].attempts, 2);
    assert!(daemon.end().await.0.success());
    bench.finish().await;
}
