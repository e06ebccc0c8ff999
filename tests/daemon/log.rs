//! What a daemon logs, where, and what never.

use super::bench::Bench;
use super::cli::{Cli, Home as _, until};
use super::process::{Daemon, daemon_is};

fn configure(bench: &Bench, text: &str, more: &str) {
    std::fs::write(bench.dir().join("config.toml"), format!("{text}\n{more}\n")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_changes_its_level_its_format_and_its_place_while_the_daemon_works() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = Cli::new(&bench, &[]);
    let text = std::fs::read_to_string(bench.dir().join("config.toml")).unwrap();
    let file = bench.dir().join("daemon.log");
    let log = || std::fs::read_to_string(&file).unwrap_or_default();
    configure(&bench, &text, &format!("[daemon.log]\nfile = '{}'", file.display()));
    let daemon = Daemon::start(&cli).await;
    until("it logs to the file", || log().contains("INFO the daemon works").then_some(())).await;
    assert!(!log().contains("DEBUG"));

    let more = "level = 'warn,dragnet::cli=info,dragnet::daemon=trace'\nformat = 'json'";
    configure(&bench, &text, &format!("[daemon.log]\nfile = '{}'\n{more}", file.display()));
    until("its lines are JSON", || log().contains("{\"timestamp\"").then_some(())).await;
    for line in log().lines().filter(|line| line.starts_with('{')) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["message"].is_string() && line["level"].is_string(), "{line}");
    }

    let broken = bench.dir().join("missing/daemon.log");
    configure(&bench, &text, &format!("[daemon.log]\nfile = '{}'", broken.display()));
    let refused = daemon_is(&cli, "an unwritable log is refused", |daemon| daemon.config_error.is_some()).await;
    assert!(refused.config_error.unwrap().contains("missing/daemon.log cannot be written to"));
    until("it goes on in the old place", || log().contains("cannot be used").then_some(())).await;
    let (status, said) = daemon.end().await;
    assert!(status.success() && said.is_empty(), "{said}");
    assert!(log().contains("the daemon has ended"));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_is_refused_at_once() {
    let Some(bench) = Bench::local("bind").await else { return };
    let cli = Cli::new(&bench, &[]);
    let text = std::fs::read_to_string(bench.dir().join("config.toml")).unwrap();
    for (log, words) in
        [("file = '/proc/none/x'", "/proc/none/x cannot be written to"), ("level = 'dragnet=loud'", "daemon.log.level")]
    {
        configure(&bench, &text, &format!("[daemon.log]\n{log}"));
        let refused = cli.run(&["daemon"]).await;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(words) && said.contains("[daemon.log]"), "{said}");
    }
    bench.finish().await;
}
