//! One daemon for a state.

use super::bench::Bench;
use super::cli::{Cli, ended, until};
use super::process::{Daemon, WORKERS, all_have_run, daemon_is};
use dragnet::model::worker::DaemonState;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_is_refused_or_waits() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = Cli::new(&bench, &[]);
    let first = Daemon::start(&cli).await;
    let refused = cli.run(&["daemon"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(6), "{words}");
    assert!(words.contains(&format!("{} is the daemon of this state", first.owner())), "{words}");
    assert!(words.contains("--wait"), "{words}");

    let waiting = cli.command(&["daemon", "--wait"]).spawn().unwrap();
    let pid = waiting.id().unwrap();
    assert!(first.end().await.0.success());
    daemon_is(&cli, "the second daemon lives", |daemon| {
        daemon.state == DaemonState::Running && daemon.owner.ends_with(&format!(":{pid}"))
    })
    .await;
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(),
        rustix::process::Signal::INT,
    )
    .unwrap();
    assert!(ended(waiting).await.status.success());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_status_is_told_whether_it_lives_or_not() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = Cli::new(&bench, &[]);
    let none = cli.run(&["daemon", "status"]).await;
    assert_eq!((none.status.code(), none.stdout.as_slice()), (Some(3), &b""[..]));
    assert!(String::from_utf8_lossy(&none.stderr).contains("`dragnet daemon` begins one"));

    let daemon = Daemon::start(&cli).await;
    daemon_is(&cli, "all workers have run", all_have_run).await;
    let status = cli.run(&["daemon", "status", "--format", "json"]).await;
    let json: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!((status.status.code(), &json["schema"]), (Some(0), &"dragnet.daemon/v1".into()));
    assert_eq!((&json["daemon"]["state"], &json["daemon"]["owner"]), (&"running".into(), &daemon.owner().into()));
    let names: Vec<&str> =
        json["daemon"]["workers"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, WORKERS);

    daemon.kill().await;
    until("it is seen to be dead", || {
        (cli.app.store.daemon().unwrap().unwrap().state == DaemonState::Dead).then_some(())
    })
    .await;
    let dead = cli.run(&["daemon", "status"]).await;
    assert_eq!(dead.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&dead.stdout).contains("dead"));
    bench.finish().await;
}
