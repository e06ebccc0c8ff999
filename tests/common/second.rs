//! A second engine, of the test's own: it may be restarted, killed and wiped. Our files are not in its view of the file system, but for those
//! below [`VISIBLE`].

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bollard::{API_DEFAULT_VERSION, Docker};
use rustix::process::{Pid, Signal, kill_process};

use super::engine;

/// How long an engine may take to answer, or to end.
const PATIENCE: Duration = Duration::from_mins(1);
/// What makes an engine the one that it is: its files, and the key that is its name.
const KEPT: [&str; 2] = ["data", "etc"];
/// Where it sees files as we do.
pub(crate) const VISIBLE: &str = "/var/tmp";

/// A `dockerd` of the test's own.
pub(crate) struct Engine {
    dir: tempfile::TempDir,
    host: String,
    bridge: String,
    /// More arguments of its program.
    options: String,
    process: Option<Child>,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Makes a bridge for an engine, named by a number. One without any (`--bridge none`) would take `docker0` away from the others.
fn bridge(number: u16) -> String {
    let bridge = format!("dnt{number}");
    run("ip", &["link", "add", &bridge, "type", "bridge"]);
    run("ip", &["addr", "add", &format!("10.213.{}.1/24", number % 250), "dev", &bridge]);
    run("ip", &["link", "set", &bridge, "up"]);
    bridge
}

impl Engine {
    /// Starts one that is reached over TCP; `None` where the local engine is not ours to compare with, or we may not. `options` is
    /// given its directory, and returns more arguments.
    pub(crate) async fn at_port(options: impl FnOnce(&Path) -> String) -> Option<Self> {
        let dir = directory().await?;
        let port = free_port();
        let (host, options) = (format!("tcp://127.0.0.1:{port}"), options(dir.path()));
        let mut engine = Self { dir, host, bridge: bridge(port), options, process: None };
        engine.boot().await;
        Some(engine)
    }

    /// Starts one that is reached at its socket, where nobody else can come to listen while it is down.
    pub(crate) async fn at_socket() -> Option<Self> {
        let dir = directory().await?;
        let host = format!("unix://{}/socket", dir.path().display());
        let mut engine = Self { dir, host, bridge: bridge(free_port()), options: String::new(), process: None };
        engine.boot().await;
        Some(engine)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn host(&self) -> String {
        self.host.clone()
    }

    /// A connection of the test's own, past all encryption.
    pub(crate) fn docker(&self) -> Docker {
        let socket = format!("unix://{}/socket", self.dir.path().display());
        Docker::connect_with_unix(&socket, 60, API_DEFAULT_VERSION).unwrap()
    }

    /// Begins it, with what it had before.
    pub(crate) async fn boot(&mut self) {
        let dir = self.dir.path().display();
        // Killed engines leave their file.
        std::fs::remove_file(self.dir.path().join("pid")).ok();
        let port = if self.host.starts_with("tcp:") { format!("-H {}", self.host) } else { String::new() };
        let script = format!(
            "mount -t tmpfs tmpfs /tmp && mkdir -p {dir}/etc /etc/docker && mount --bind {dir}/etc /etc/docker && exec dockerd {port} -H unix://{dir}/socket --data-root {dir}/data --exec-root {dir}/exec \
             --pidfile {dir}/pid --storage-driver vfs --iptables=false --ip-masq=false --ip-forward=false \
             --userland-proxy=false --bridge {bridge} {options}",
            bridge = self.bridge,
            options = self.options,
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
        tokio::time::timeout(PATIENCE, answers).await.unwrap_or_else(|_| panic!("no second engine: {}", log()));
    }

    async fn answers(&self) -> bool {
        self.dir.path().join("socket").exists() && self.docker().ping().await.is_ok()
    }

    /// Ends the engine's process with a signal and waits for it.
    pub(crate) async fn end(&mut self, signal: Signal) {
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
        tokio::time::timeout(PATIENCE, gone).await.expect("containerd does not end with its engine");
        std::fs::remove_file(file).ok();
    }

    /// Ends it and puts all that it has aside: what is booted next is another engine at the same place.
    pub(crate) async fn put_aside(&mut self) {
        self.end(Signal::TERM).await;
        for name in KEPT {
            std::fs::rename(self.dir.path().join(name), self.dir.path().join(format!("{name}.aside"))).unwrap();
        }
    }

    /// Ends the engine that took its place, and wipes what that one had: what is booted next is the first one.
    pub(crate) async fn put_back(&mut self) {
        self.end(Signal::TERM).await;
        for name in KEPT {
            let path = self.dir.path().join(name);
            std::fs::remove_dir_all(&path).unwrap();
            std::fs::rename(self.dir.path().join(format!("{name}.aside")), path).unwrap();
        }
    }

    /// Ends what an engine that was killed has left: its shims and what runs in them name its directory; and the mounts of containers that
    /// died with it.
    fn sweep(&self) {
        let dir = self.dir.path().to_string_lossy().into_owned();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let left = naming(&format!("{dir}/"));
            if left.is_empty() {
                break;
            }
            for pid in left {
                kill_process(pid, Signal::TERM).ok();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        for mount in mounts_below(&dir) {
            Command::new("umount").args(["-l", &mount]).status().ok();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            kill_process(Pid::from_child(&process), Signal::TERM).ok();
            process.wait().ok();
        }
        self.sweep();
        run("ip", &["link", "del", &self.bridge]);
    }
}

/// A directory for one, unless there can be none.
async fn directory() -> Option<tempfile::TempDir> {
    engine::local().await?;
    if !rustix::process::geteuid().is_root() || !PathBuf::from("/usr/sbin/dockerd").exists() {
        eprintln!("skipped: a second engine takes root and dockerd");
        return None;
    }
    // Not in /tmp, which the engine is not to see; the name must leave room for its sockets.
    Some(tempfile::Builder::new().prefix("dn2-").tempdir_in(VISIBLE).unwrap())
}

/// Returns the processes whose arguments name something.
fn naming(what: &str) -> Vec<Pid> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let named = all.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&command).contains(what).then_some(pid)
    });
    named.collect()
}

fn mounts_below(dir: &str) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1)).filter(|point| point.starts_with(dir));
    points.map(str::to_owned).collect()
}

pub(crate) fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status().unwrap();
    assert!(status.success(), "{program} {arguments:?}");
}
