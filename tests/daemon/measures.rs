//! The metrics, and what is made of them: alerts and a dashboard.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::ask::{ask, get};
use super::cli::{Cli, Home as _, until};
use super::place::{Place, served};
use super::reports::gitleaks;
use super::stub::{Answer, Stub};

fn examples(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/deploy/prometheus").join(file)
}

/// The samples of a page, by name and labels.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

async fn scrape(port: u16) -> BTreeMap<String, f64> {
    let page = get(port, "/metrics").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/plain; version=0.0.4; charset=utf-8")));
    samples(&page.body)
}

/// Checks a sample that counts whole things.
fn exactly(samples: &BTreeMap<String, f64>, name: &str, value: u32) {
    assert!((samples[name] - f64::from(value)).abs() < 1e-9, "{name} is {}, not {value}", samples[name]);
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_outlive_scans_and_daemons() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let report = place.dir().join("report.json");
    std::fs::write(&report, gitleaks(3)).unwrap();
    let import = async || {
        let import = cli.run(&["import", "--scanner", "gitleaks", report.to_str().unwrap()]).await;
        assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    };
    import().await;

    let (daemon, port) = served(&cli).await;
    let first = scrape(port).await;
    let completed = "dragnet_scans_total{status=\"completed\"}";
    let findings = "dragnet_findings_total{severity=\"high\"}";
    // What another process has driven counts.
    exactly(&first, completed, 1);
    exactly(&first, findings, 3);
    exactly(&first, "dragnet_scans_total{status=\"failed\"}", 0);
    exactly(&first, "dragnet_scan_duration_seconds_count", 1);
    exactly(&first, "dragnet_scan_duration_seconds_bucket{le=\"+Inf\"}", 1);
    assert!(first["dragnet_worker_runs_total{worker=\"drivers\",outcome=\"ok\"}"] >= 1.0);
    assert!(first["dragnet_sweep_duration_seconds_count"] >= 1.0);
    assert!(first["process_resident_memory_bytes"] > 1e6 && first["process_open_fds"] > 3.0);
    assert!(first["dragnet_database_size_bytes"] > 4096.0);
    exactly(&first, "dragnet_jobs_active{executor=\"docker\"}", 0);
    assert!(first.contains_key(&format!("dragnet_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))));

    // The scan goes, its count stays; the second finds what is known.
    let scan = cli.newest(None).await;
    cli.app.store.delete_scan(scan, cli.app.clock.now()).await.unwrap();
    assert!(daemon.end().await.0.success());
    import().await;
    let (daemon, port) = served(&cli).await;
    let second = scrape(port).await;
    exactly(&second, completed, 2);
    let of_the_state = |name: &&String| {
        let ours =
            ["dragnet_scan", "dragnet_findings", "dragnet_job_retries", "dragnet_attempts_lost", "dragnet_lease"];
        ours.iter().any(|prefix| name.starts_with(prefix))
    };
    for name in first.keys().filter(of_the_state) {
        assert!(second[name] >= first[name], "{name}: {} after {}", second[name], first[name]);
    }
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_metrics_are_for_those_who_ask() {
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    let page = ask(port, "GET /metrics", &["Host: localhost", accept]).await;
    assert_eq!(page.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(page.body.ends_with("\n# EOF\n") && page.body.contains("# TYPE dragnet_scans counter\n"), "{}", page.body);
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_does_not_take_waits() {
    let busy = Stub::start(|_, _| Answer::new(503).header("Retry-After", "3600"));
    let place = Place::new(&format!(
        "listen = \"127.0.0.1:0\"\n[[notify]]\nname = \"busy\"\nkind = \"otlp\"\nurl = \"http://{}\"\n\
         [[notify]]\nname = \"idle\"\nkind = \"desktop\"\nevents = \"schedule.failed\"\n",
        busy.host
    ));
    let cli = Cli::new(&place, &[]);
    let report = place.dir().join("report.json");
    std::fs::write(&report, gitleaks(1)).unwrap();
    for _ in 0..2 {
        let import = cli.run(&["import", "--scanner", "gitleaks", report.to_str().unwrap()]).await;
        assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    }
    let (daemon, port) = served(&cli).await;
    let samples = scrape(port).await;
    exactly(&samples, "dragnet_notifier_backlog{route=\"busy\"}", 2);
    exactly(&samples, "dragnet_notifier_backlog{route=\"idle\"}", 0);
    daemon.end().await;
}

/// The metrics that a text names, as Prometheus knows them.
fn named(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut words: Vec<&str> =
        words.filter(|word| word.starts_with("dragnet_") || word.starts_with("process_")).collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alerts_and_the_dashboard_name_exists() {
    // What waits is told by route.
    let place = Place::new("listen = \"127.0.0.1:0\"\n[[notify]]\nname = \"ops\"\nkind = \"desktop\"\n");
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let samples = scrape(port).await;
    let known: Vec<&str> = samples.keys().map(|name| name.split('{').next().unwrap()).collect();
    for file in ["rules.yml", "dashboard.json"] {
        let text = std::fs::read_to_string(examples(file)).unwrap();
        let named = named(&text);
        assert!(named.len() > 8, "{file} names {named:?} only");
        for name in named {
            assert!(known.contains(&name), "{file} names {name}, which is not there");
        }
    }
    let dashboard = std::fs::read_to_string(examples("dashboard.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 8);
    daemon.end().await;
}

/// Runs `promtool`; `None`, said on stderr, where there is none. `DRAGNET_REQUIRE_PROMTOOL` makes that a failure.
fn promtool(arguments: &[&str], input: &str) -> Option<()> {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        assert!(std::env::var_os("DRAGNET_REQUIRE_PROMTOOL").is_none(), "there is no promtool");
        eprintln!("skipped: there is no promtool");
        return None;
    };
    // It need not read its input to the end.
    child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {said}\n{input}");
    Some(())
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_agrees() {
    let rules = examples("rules.yml");
    if promtool(&["check", "rules", "--lint=all", "--lint-fatal", rules.to_str().unwrap()], "").is_none() {
        return;
    }
    promtool(&["check", "config", examples("prometheus.yml").to_str().unwrap()], "");
    promtool(&["test", "rules", examples("rules_test.yml").to_str().unwrap()], "");
    let place = Place::local();
    let cli = Cli::new(&place, &[]);
    let (daemon, port) = served(&cli).await;
    let swept = until("it has swept", || {
        let daemon = cli.app.store.daemon().unwrap()?;
        daemon.workers.iter().any(|worker| worker.name == "sweeper").then_some(())
    });
    swept.await;
    let page = get(port, "/metrics").await;
    promtool(&["check", "metrics"], &page.body);
    daemon.end().await;
}
