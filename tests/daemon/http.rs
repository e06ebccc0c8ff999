//! What the daemon answers over HTTP, and to whom.

use std::collections::BTreeMap;

use rustix::process::Signal;
use serde_json::Value;

use super::ask::{Answer, ask, get};
use super::cli::{Cli, Home as _};
use super::place::{Place, served};
use super::process::{WORKERS, daemon_is};
use dragnet::model::worker::DaemonState;

/// How each part stands, by name.
fn parts(readiness: &Answer) -> BTreeMap<String, String> {
    let json = readiness.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    json["components"].as_array().unwrap().iter().map(|part| (text(&part["name"]), text(&part["status"]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_how_it_is() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;

    let alive = get(port, "/healthz").await;
    assert_eq!((alive.status, alive.body.as_str()), (200, "{\"status\":\"ok\"}"));
    assert_eq!(alive.header("cache-control"), Some("no-store"));
    assert_eq!(alive.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(alive.header("server"), None);
    let head = ask(port, "HEAD /healthz", &["Host: localhost"]).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));

    let ready = get(port, "/readyz").await;
    let parts = parts(&ready);
    let names: Vec<&str> = parts.keys().map(String::as_str).collect();
    let workers = WORKERS.iter().map(|worker| format!("worker:{worker}"));
    let own = ["configuration", "daemon", "database", "disk"].map(str::to_owned);
    assert_eq!(names, own.into_iter().chain(workers).collect::<Vec<_>>());
    assert_eq!((ready.status, parts["database"].as_str(), parts["daemon"].as_str()), (200, "ok", "ok"), "{ready:?}");
    assert_eq!(ready.json()["schema"], "dragnet.readiness/v1");
    assert!(ready.json()["components"][0]["message"].as_str().unwrap().contains("a write took"), "{ready:?}");

    let workers = get(port, "/workers").await.json();
    let status = cli.run(&["daemon", "status", "--format", "json"]).await;
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    for key in ["owner", "version", "started_at", "address", "state", "configured_at"] {
        assert_eq!(workers["daemon"][key], status["daemon"][key], "{key}");
    }
    assert_eq!((&workers["schema"], &workers["daemon"]["owner"]), (&status["schema"], &daemon.owner().into()));
    let status = cli.run(&["daemon", "status"]).await;
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains(&format!("Address   http://127.0.0.1:{port}")), "{status}");

    let (status, log) = daemon.end().await;
    assert!(status.success() && log.contains(&format!("127.0.0.1:{port}")), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_as_a_problem() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let lost = get(port, "/").await;
    assert_eq!((lost.status, lost.problem().as_str()), (404, "here are /healthz, /readyz, /workers and /metrics"));
    let posted = ask(port, "POST /metrics", &["Host: localhost", "Content-Length: 0"]).await;
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET,HEAD")));
    posted.problem();

    // A broken configuration is no reason to be taken out of service.
    let file = place.dir().join("config.toml");
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{good}scans = \"many\"\n")).unwrap();
    daemon.signal(Signal::HUP);
    daemon_is(&cli, "a broken file is refused", |daemon| daemon.config_error.is_some()).await;
    let ready = loop {
        let ready = get(port, "/readyz").await;
        if parts(&ready)["configuration"] == "degraded" {
            break ready;
        }
    };
    assert_eq!((ready.status, &ready.json()["status"]), (200, &"degraded".into()), "{ready:?}");
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_this_machine_is_served_under_its_own_name() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    for host in ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.0.2.1", ""] {
        for path in ["/healthz", "/metrics", "/nowhere"] {
            let refused = ask(port, &format!("GET {path}"), &[&format!("Host: {host}")]).await;
            assert_eq!(refused.status, 421, "{host}: {refused:?}");
            refused.problem();
        }
    }
    for host in ["localhost", "127.0.0.1:1", "[::1]:80"] {
        assert_eq!(ask(port, "GET /healthz", &[&format!("Host: {host}")]).await.status, 200, "{host}");
    }
    let absolute = ask(port, "GET http://evil.example/metrics", &["Host: localhost"]).await;
    assert_eq!(absolute.status, 421, "{absolute:?}");
    assert_eq!(ask(port, "GET /healthz", &[]).await.status, 400);
    assert_eq!(ask(port, "GET /healthz", &["Host: localhost", "Host: evil.example"]).await.status, 400);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_and_can_be_changed() {
    let tokens = tempfile::tempdir().unwrap();
    let file = tokens.path().join("token");
    std::fs::write(&file, "first-token\n").unwrap();
    let place = Place::new(&format!("listen = \"0.0.0.0:0\"\ntoken = \"file:{}\"", file.display()));
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let with = async |token: &str, path: &str| {
        ask(port, &format!("GET {path}"), &["Host: scans.example", &format!("Authorization: {token}")]).await
    };

    for path in ["/metrics", "/workers", "/nowhere"] {
        let refused = ask(port, &format!("GET {path}"), &["Host: scans.example"]).await;
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer")));
        refused.problem();
        assert_eq!(with("Bearer first-toke", path).await.status, 401);
        assert_eq!(with("Basic first-token", path).await.status, 401);
    }
    assert_eq!(with("Bearer first-token", "/metrics").await.status, 200);
    assert_eq!(with("Bearer first-token", "/nowhere").await.status, 404);

    // Open to all, but for the words.
    assert_eq!(get(port, "/healthz").await.status, 200);
    let words = |ready: &Answer| ready.json()["components"][0]["message"].is_string();
    let (anonymous, known) = (get(port, "/readyz").await, with("Bearer first-token", "/readyz").await);
    assert_eq!((anonymous.status, known.status), (200, 200));
    assert_eq!((words(&anonymous), words(&known)), (false, true));

    std::fs::write(&file, "second-token\n").unwrap();
    let before = cli.app.store.daemon().unwrap().unwrap().configured_at;
    daemon.signal(Signal::HUP);
    daemon_is(&cli, "the token is read anew", |daemon| daemon.configured_at > before).await;
    assert_eq!(with("Bearer first-token", "/metrics").await.status, 401);
    assert_eq!(with("Bearer second-token", "/metrics").await.status, 200);

    // One that cannot be had changes nothing.
    std::fs::write(&file, "\n").unwrap();
    daemon.signal(Signal::HUP);
    let refused = daemon_is(&cli, "an empty token is refused", |daemon| daemon.config_error.is_some()).await;
    assert!(refused.config_error.unwrap().contains("token: it is empty"));
    assert_eq!(with("Bearer second-token", "/metrics").await.status, 200);
    let (_, log) = daemon.end().await;
    assert!(!log.contains("first-token") && !log.contains("second-token"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_machines_are_not_served_without_a_token() {
    let place = Place::new("listen = \"0.0.0.0:0\"");
    let cli = Cli::new(&place, &[]);
    let refused = cli.run(&["daemon"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{words}");
    assert!(
        words.contains("listen = \"0.0.0.0:0\" is open to other machines") && words.contains("openssl rand"),
        "{words}"
    );
    assert_eq!(cli.app.store.daemon().unwrap(), None, "nothing was begun");

    let place = Place::new("listen = \"0.0.0.0:0\"\ntoken = \"env:DRAGNET_NO_SUCH_TOKEN\"");
    let cli = Cli::new(&place, &[]);
    let refused = cli.run(&["daemon"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{words}");
    assert!(words.contains("DRAGNET_NO_SUCH_TOKEN is not set"), "{words}");

    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    std::fs::write(place.dir().join("config.toml"), "[daemon]\nlisten = \"localhost:9464\"\n").unwrap();
    let refused = cli.run(&["daemon"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{words}");
    assert!(words.contains("daemon.listen") && words.contains("names are not looked up"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let place = Place::new(&format!("listen = \"{address}\""));
    let cli = Cli::new(&place, &[]);
    let refused = cli.run(&["daemon"]).await;
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(6), "{words}");
    assert!(words.contains(&format!("cannot listen at {address}")) && words.contains("in use"), "{words}");
    assert!(words.contains("with port 0"), "{words}");
    assert_eq!(cli.app.store.daemon().unwrap().unwrap().state, DaemonState::Stopped);

    drop(taken);
    let (daemon, port) = served(&cli).await;
    assert_eq!(port, address.port());
    assert!(daemon.end().await.0.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_takes_a_restart_and_is_said_to() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let before = cli.app.store.daemon().unwrap().unwrap();
    std::fs::write(place.dir().join("config.toml"), "[daemon]\nlisten = \"127.0.0.2:0\"\n").unwrap();
    daemon.signal(Signal::HUP);
    let after = daemon_is(&cli, "it is read anew", |daemon| daemon.configured_at > before.configured_at).await;
    assert_eq!((after.address, after.config_error), (before.address, None));
    assert_eq!(get(port, "/healthz").await.status, 200);
    let (_, log) = daemon.end().await;
    assert!(log.contains("that takes a restart"), "{log}");
}
