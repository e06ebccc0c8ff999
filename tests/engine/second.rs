//! A second engine, of our own: reached over TCP only, with a view of the file system in which our files are not.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use dragnet::model::coverage::Coverage;
use dragnet::model::state::{JobState, ScanState};
use rustix::process::{Pid, Signal, kill_process};

use super::bench::Bench;
use super::cli::{Cli, Home as _, ended, until};
use super::reports::gitleaks;
use super::tool::tool;
use super::{certificates, engine};

/// How long an engine may take to answer.
const START: Duration = Duration::from_secs(30);

/// A `dockerd` of the test's own.
pub(super) struct Engine {
    dir: tempfile::TempDir,
    port: u16,
    bridge: String,
    kind: Kind,
    process: Option<Child>,
}

/// What is special about an engine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Plain,
    /// Its containers outlive it.
    LiveRestore,
    /// It speaks to those alone whose certificates it knows; see [`super::certificates`].
    Encrypted,
}

impl Engine {
    /// Starts one; `None` where the local engine is not ours to compare with, or we may not.
    pub(super) async fn start(kind: Kind) -> Option<Self> {
        engine::local().await?;
        if !rustix::process::geteuid().is_root() || !Path::new("/usr/sbin/dockerd").exists() {
            eprintln!("skipped: a second engine takes root and dockerd");
            return None;
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        // Not in /tmp, which the engine is not to see; the name must leave room for its sockets.
        let dir = tempfile::Builder::new().prefix("dn2-").tempdir_in("/var/tmp").unwrap();
        let bridge = format!("dnt{port}");
        run("ip", &["link", "add", &bridge, "type", "bridge"]);
        run("ip", &["addr", "add", &format!("10.213.{}.1/24", port % 250), "dev", &bridge]);
        run("ip", &["link", "set", &bridge, "up"]);
        if kind == Kind::Encrypted {
            certificates::make(dir.path());
        }
        let mut engine = Self { dir, port, bridge, kind, process: None };
        engine.boot().await;
        Some(engine)
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(super) fn host(&self) -> String {
        format!("tcp://127.0.0.1:{}", self.port)
    }

    /// A connection of the test's own, past all encryption.
    pub(super) fn docker(&self) -> Docker {
        let socket = format!("unix://{}/socket", self.dir.path().display());
        Docker::connect_with_unix(&socket, 60, API_DEFAULT_VERSION).unwrap()
    }

    async fn boot(&mut self) {
        let dir = self.dir.path().display();
        let special = match self.kind {
            Kind::Plain => String::new(),
            Kind::LiveRestore => "--live-restore".to_owned(),
            Kind::Encrypted => certificates::server_options(self.dir.path()),
        };
        // Killed engines leave their file.
        std::fs::remove_file(self.pid_file()).ok();
        let script = format!(
            "mount -t tmpfs tmpfs /tmp && exec dockerd -H {host} -H unix://{dir}/socket --data-root {dir}/data --exec-root {dir}/exec \
             --pidfile {dir}/pid --storage-driver vfs --iptables=false --ip-masq=false --ip-forward=false \
             --userland-proxy=false --bridge {bridge} {special}",
            host = self.host(),
            bridge = self.bridge,
        );
        let log = std::fs::File::create(self.dir.path().join("log")).unwrap();
        let process = Command::new("unshare")
            .args(["-m", "--propagation", "private", "sh", "-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        let answers = async {
            while !self.answers().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let log = || std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        tokio::time::timeout(START, answers).await.unwrap_or_else(|_| panic!("no second engine: {}", log()));
    }

    async fn answers(&self) -> bool {
        self.dir.path().join("socket").exists() && self.docker().ping().await.is_ok()
    }

    fn pid_file(&self) -> PathBuf {
        self.dir.path().join("pid")
    }

    /// Ends the engine's process with a signal and waits for it.
    async fn end(&mut self, signal: Signal) {
        if let Some(mut process) = self.process.take() {
            // What was spawned has become dockerd.
            kill_process(Pid::from_child(&process), signal).unwrap();
            tokio::task::spawn_blocking(move || process.wait().unwrap()).await.unwrap();
        }
        self.end_of_containerd().await;
    }

    /// The helper of an engine that was killed dies a little later, and must not be taken for a living one.
    async fn end_of_containerd(&self) {
        let file = self.dir.path().join("exec/containerd/containerd.pid");
        let Ok(pid) = std::fs::read_to_string(&file) else { return };
        let lives = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
        };
        let gone = async {
            while lives() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(START, gone).await.expect("containerd does not end with its engine");
        std::fs::remove_file(file).ok();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            kill_process(Pid::from_child(&process), Signal::TERM).ok();
            process.wait().ok();
        }
        // What an engine that was killed has left: its shims and what runs in them name its directory.
        let dir = self.dir.path().to_string_lossy().into_owned();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)
            else {
                continue;
            };
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if String::from_utf8_lossy(&command).contains(&format!("{dir}/")) {
                kill_process(pid, Signal::TERM).ok();
            }
        }
        run("ip", &["link", "del", &self.bridge]);
        // Mounts of containers that died with their engine.
        for mount in mounts_below(&dir) {
            Command::new("umount").args(["-l", &mount]).status().ok();
        }
    }
}

fn mounts_below(dir: &str) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).filter(|point| point.starts_with(dir));
    points.map(str::to_owned).collect()
}

pub(super) fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_does_not_see_our_files_is_given_volumes() {
    let Some(engine) = Engine::start(Kind::Plain).await else { return };
    let bench = Bench::of(engine.docker(), Some(engine.host()), "auto").await;
    bench.write("report.json", gitleaks(3));
    let scan = bench.run(&[tool("far", "cat /src/report.json")]).await;
    assert_eq!(scan.engine.capabilities().transport, "volume");
    assert_eq!((scan.view().state, scan.findings().len()), (ScanState::Completed, 3), "{:?}", scan.job().failure);
    bench.finish().await;
}

/// Says so, waits long enough for an engine to be restarted, and reports.
const WAITS: &str = "echo ready >&2; sleep 6; cat /src/report.json";

async fn restarted(signal: Signal, live_restore: bool) {
    let kind = if live_restore { Kind::LiveRestore } else { Kind::Plain };
    let Some(mut engine) = Engine::start(kind).await else { return };
    let bench = Bench::of(engine.docker(), Some(engine.host()), "auto").await;
    bench.write("report.json", gitleaks(3));
    let scan = bench.submit(&[tool("waits", WAITS)]).await;
    scan.drive_while(async {
        scan.says(1, "ready").await;
        engine.end(signal).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        engine.boot().await;
    })
    .await;
    let job = scan.job();
    let case = format!("{signal:?}, live restore {live_restore}: {job:?}");
    assert_eq!((scan.view().state, scan.view().coverage), (ScanState::Completed, Coverage::Full), "{case}");
    assert_eq!((job.state, scan.findings().len()), (JobState::Succeeded, 3), "{case}");
    // A container that outlived its engine is not run again; one that did not is, as a new attempt.
    assert_eq!(job.attempts, if live_restore { 1 } else { 2 }, "{case}");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_restarted_in_mid_scan_is_waited_for() {
    restarted(Signal::TERM, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_killed_in_mid_scan_is_waited_for() {
    restarted(Signal::KILL, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waits_too_long_for_the_engine_says_so_and_the_scan_goes_on_later() {
    let Some(mut engine) = Engine::start(Kind::LiveRestore).await else { return };
    let bench = Bench::of(engine.docker(), Some(engine.host()), "auto").await;
    bench.write("report.json", gitleaks(3));
    let cli = Cli::new(&bench, &[tool("waits", WAITS)]);
    let tree = bench.tree();
    let mut start = cli.command(&["start", tree.to_str().unwrap(), "--scanner", "waits"]);
    let start = start.env("DRAGNET_ENGINE_TIMEOUT", "1s").spawn().unwrap();
    let scan = cli.newest(None).await;
    until("a job runs", || {
        let running = cli.app.store.jobs(scan).unwrap().iter().any(|job| job.state == JobState::Running);
        running.then_some(())
    })
    .await;
    while cli.containers(scan).await.is_empty() {
        tokio::task::yield_now().await;
    }
    engine.end(Signal::TERM).await;
    let lost = ended(start).await;
    let told = String::from_utf8_lossy(&lost.stderr);
    assert_eq!(lost.status.code(), Some(6), "{told}");
    assert!(told.contains("`dragnet watch "), "{told}");
    assert!(!cli.app.store.scan_state(scan).unwrap().is_terminal());
    engine.boot().await;
    let watched = cli.run(&["watch", "latest"]).await;
    assert!(watched.status.success(), "{watched:?}");
    let result = cli.result(scan);
    assert_eq!((result.view.state, result.findings.len()), (ScanState::Completed, 3), "{:?}", result.jobs);
    drop(cli);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_that_outlive_their_engine_are_taken_up_again() {
    restarted(Signal::TERM, true).await;
    restarted(Signal::KILL, true).await;
}
