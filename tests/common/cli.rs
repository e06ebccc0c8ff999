//! The program itself, on a bench.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use dragnet::app::App;
use dragnet::config::Config;
use dragnet::model::id::ScanId;
use dragnet::model::state::AttemptState;
use dragnet::model::view::{JobView, ScanView};
use tokio::process::{Child, Command};

use super::bench::Bench;
use super::tool::Tool;

/// No command of these tests takes longer.
const PATIENCE: Duration = Duration::from_mins(4);

/// Where the program works: a directory with a state and a source tree in it, and an engine.
pub(crate) trait Home {
    /// The directory that everything is in.
    fn dir(&self) -> &Path;

    /// The configuration with these tools, as a file would have it; writes their scripts.
    fn config(&self, tools: &[Tool]) -> String;

    /// Everything that bears the instance's labels in the engine.
    fn left(&self) -> impl Future<Output = Vec<String>> + Send;

    /// The state directory.
    fn state(&self) -> PathBuf {
        self.dir().join("state")
    }

    /// The source tree.
    fn tree(&self) -> PathBuf {
        self.dir().join("tree")
    }

    /// Writes a file of the source tree.
    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.tree().join(path), content).unwrap();
    }

    /// The library, on the same state.
    fn app(&self, config: &str) -> App {
        let config: Config = toml::from_str(config).unwrap_or_else(|error| panic!("{error}\n{config}"));
        App::open(&self.state(), config, BTreeMap::new()).unwrap()
    }
}

/// The program with a configuration, and the library beside it to look with.
pub(crate) struct Cli<'b, H = Bench> {
    pub bench: &'b H,
    pub app: App,
    config: PathBuf,
}

/// What a scan has come to.
#[derive(Debug, PartialEq)]
pub(crate) struct Result {
    pub view: ScanView,
    pub jobs: Vec<JobView>,
    pub findings: Vec<String>,
}

impl<'b, H: Home> Cli<'b, H> {
    pub(crate) fn new(bench: &'b H, tools: &[Tool]) -> Self {
        let text = bench.config(tools);
        let config = bench.dir().join("config.toml");
        std::fs::write(&config, &text).unwrap();
        Self { bench, app: bench.app(&text), config }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(super::engine::AGENT);
        command.arg("--state").arg(self.bench.state()).arg("--config").arg(&self.config).args(arguments);
        // What the tests are told is nothing to tell the program: it warns of what it does not know.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"DRAGNET_")) {
            command.env_remove(name);
        }
        command.current_dir(self.bench.dir()).stdin(Stdio::null()).kill_on_drop(true);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `start` with one scanner; `fail` is a point to die or stop at.
    pub(crate) fn start(&self, scanner: &str, fail: Option<&str>) -> Child {
        let tree = self.bench.tree();
        let mut command = self.command(&["start", tree.to_str().unwrap(), "--scanner", scanner]);
        if let Some(fail) = fail {
            command.env("DRAGNET_FAIL", fail);
        }
        command.spawn().unwrap()
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        ended(self.command(arguments).spawn().unwrap()).await
    }

    /// The newest scan, if there is one newer than `than`.
    pub(crate) fn newer(&self, than: Option<ScanId>) -> Option<ScanId> {
        self.app.store.find_scan("latest").ok().filter(|&scan| Some(scan) != than)
    }

    pub(crate) async fn newest(&self, than: Option<ScanId>) -> ScanId {
        until("a scan was started", || self.newer(than)).await
    }

    pub(crate) fn result(&self, scan: ScanId) -> Result {
        let mut cursor = self.app.store.finding_cursor(scan).unwrap();
        let mut findings = Vec::new();
        loop {
            let page = self.app.store.next_findings(&mut cursor, 500).unwrap();
            if page.is_empty() {
                break;
            }
            findings.extend(page.into_iter().map(|finding| finding.fingerprint));
        }
        findings.sort();
        Result { view: self.app.store.scan(scan).unwrap(), jobs: self.app.store.jobs(scan).unwrap(), findings }
    }

    /// How the attempts of all jobs stand.
    pub(crate) fn attempts(&self, scan: ScanId) -> Vec<AttemptState> {
        let jobs = self.app.store.jobs(scan).unwrap();
        let attempts = jobs.iter().flat_map(|job| self.app.store.attempts(scan, &job.name).unwrap());
        attempts.map(|attempt| attempt.2).collect()
    }

    /// What went wrong on the way, as the scan's events tell it.
    pub(crate) fn failures(&self, scan: ScanId) -> Vec<String> {
        let events = self.app.store.events(scan, 0, 10_000).unwrap();
        let texts = events.iter().map(|event| serde_json::to_string(event).unwrap());
        texts.filter(|text| text.contains("\"failure\":{")).collect()
    }

    /// The containers that run for a scan.
    pub(crate) async fn containers(&self, scan: ScanId) -> Vec<String> {
        let key = self.app.store.scan(scan).unwrap().id;
        let all = self.bench.left().await;
        all.into_iter().filter(|name| name.starts_with('/') && name.contains(key.as_str())).collect()
    }
}

/// Waits for a command to end.
pub(crate) async fn ended(child: Child) -> Output {
    tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("a command does not end").unwrap()
}

/// Waits until something is there.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let poll = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, poll).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Whether a process died as an abort does.
pub(crate) fn aborted(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    status.signal() == Some(6)
}
