//! A cluster of a test's own, in namespaces of its own: what is done to its parts touches nothing else of the machine, and all of
//! it ends with one process, however the test ends.
//!
//! The first process of the cluster's process namespace reads a pipe that the test holds: when the test dies, it ends, and the
//! kernel kills what is left of the namespace: engine, cluster, containers. Mounts and networks go with theirs. The API server
//! listens in a network that the test is not in; a thread of the test's that is carries the bytes.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, MutexGuard, watch};

use super::cluster::{self, Cluster};
use super::engine;

/// One after the other: two clusters that begin are more than a small machine bears.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Runs as the first process of its namespace. `$1` is the script, `$2` the directory, `$3` the first port, `$4` the size of the
/// kubelet's disk, if it has one. (Not in memory, as the script would have it: a container's files would count as its memory.)
const FIRST: &str = r#"
set -e
script=$1 dir=$2 port=$3 disk=$4
ip link set lo up
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
export DOCKERD_ARGS="--data-root $dir/data --exec-root $dir/exec --pidfile $dir/pid --iptables=false"
if [ -n "$disk" ]; then
  truncate -s "$disk" "$dir/disk"
  mkfs.ext4 -q "$dir/disk"
  mkdir -p "$dir/k8s/kubelet"
  mount -o loop "$dir/disk" "$dir/k8s/kubelet"
fi
up() { "$script" up --dir "$dir/k8s" --port "$port" --docker "$dir/docker" ${disk:+--kubelet-disk "$disk"} </dev/null; }
# The kubelet has been seen to panic at its start; what does not run is begun anew.
up || up
read -r _ || exit 0
"#;

/// A cluster that may be hurt.
pub(crate) struct Machine {
    dir: tempfile::TempDir,
    script: PathBuf,
    port: u16,
    /// The namespaces' keeper, and the pipe that it lives by.
    holder: Child,
    _life: ChildStdin,
    /// The first process of the process namespace, as we see it.
    first: Pid,
    /// Whether bytes pass between the test and the API server.
    pub open: watch::Sender<bool>,
    address: SocketAddr,
    _alone: MutexGuard<'static, ()>,
}

impl Machine {
    /// Starts one, with a small disk for the kubelet and variables for the script; `None` where there is none to be had.
    pub(crate) async fn start(disk: Option<&str>, environment: &[(&str, &str)]) -> Option<Self> {
        // A cluster of one's own and its outages take minutes.
        if std::env::var_os("DRAGNET_FULL").is_none() {
            eprintln!("skipped: `tests/run --full` hurts a cluster");
            return None;
        }
        let script = cluster::script()?;
        engine::local().await?;
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: a cluster of one's own takes root");
            return None;
        }
        let alone = ALONE.lock().await;
        // Its control groups are the only thing that it shares with others: they are named by this port, which nobody else has.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() & !7;
        let dir = tempfile::Builder::new().prefix("dnk-").tempdir_in("/var/tmp").unwrap();
        let mut holder = Command::new("unshare")
            .args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private"])
            .args(["bash", "-c", FIRST, "first"])
            .args([script.as_os_str(), dir.path().as_os_str()])
            .arg(port.to_string())
            .arg(disk.unwrap_or_default())
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let life = holder.stdin.take().unwrap();
        let output = BufReader::new(holder.stdout.take().unwrap());
        let (open, opened) = watch::channel(true);
        let first = child_of(holder.id()).await;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let machine = Self { dir, script, port, holder, _life: life, first, open, address, _alone: alone };
        let up = tokio::task::spawn_blocking(move || output.lines().map_while(Result::ok).next());
        let told = tokio::time::timeout(Duration::from_mins(6), up).await.unwrap().unwrap();
        let log = std::fs::read_to_string(machine.dir.path().join("log")).unwrap_or_default();
        assert!(told.is_some(), "no cluster: {log}");
        machine.carry(listener, opened);
        Some(machine)
    }

    /// Carries what comes to the listener into the cluster's network, for as long as the way is open.
    fn carry(&self, listener: std::net::TcpListener, opened: watch::Receiver<bool>) {
        let network = std::fs::File::open(format!("/proc/{}/ns/net", self.first)).unwrap();
        let server = SocketAddr::from(([127, 0, 0, 1], self.port + 3));
        // A thread is in the network that its sockets are made in.
        std::thread::spawn(move || {
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            drop(network);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(carry(listener, server, opened));
        });
    }

    /// The namespace that everything is done in, for the administrator.
    pub(crate) async fn cluster(&self) -> Cluster {
        let file = std::fs::read_to_string(self.dir.path().join("k8s/kubeconfig/admin")).unwrap();
        let kubeconfig = self.dir.path().join("kubeconfig");
        let inside = format!("https://127.0.0.1:{}", self.port + 3);
        std::fs::write(&kubeconfig, file.replace(&inside, &format!("https://{}", self.address))).unwrap();
        Cluster::prepare(self.docker(), kubeconfig, self.script.clone(), true).await
    }

    fn docker(&self) -> Docker {
        let socket = format!("unix://{}/docker", self.dir.path().display());
        Docker::connect_with_unix(&socket, 60, API_DEFAULT_VERSION).unwrap()
    }

    /// Has the script do something to a part: `pause apiserver`.
    pub(crate) async fn order(&self, order: &str) {
        let mut command = tokio::process::Command::new("nsenter");
        command.args(["-t", &self.first.to_string(), "--mount", "--net", "--pid"]).arg(&self.script);
        command.args(order.split(' ')).arg("--dir").arg(self.dir.path().join("k8s"));
        let output = command.stdin(Stdio::null()).output().await.unwrap();
        assert!(output.status.success(), "{order}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The kernel lets the first process of a namespace end when all others have.
        kill_process(self.first, Signal::KILL).ok();
        self.holder.wait().ok();
        let groups = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
        for group in groups.chain([PathBuf::from("/sys/fs/cgroup")]) {
            remove_groups(&group.join(format!("mk8s-{}", self.port)));
        }
    }
}

fn remove_groups(group: &Path) {
    for entry in std::fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    std::fs::remove_dir(group).ok();
}

/// Waits until a process has forked, and returns its child.
async fn child_of(parent: u32) -> Pid {
    let look = async {
        loop {
            let children =
                std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
            if let Some(child) = children.split_whitespace().next().and_then(|pid| Pid::from_raw(pid.parse().ok()?)) {
                return child;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), look).await.expect("no first process")
}

async fn carry(listener: std::net::TcpListener, server: SocketAddr, opened: watch::Receiver<bool>) {
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let mut ends = opened.clone();
    // The test has dropped the machine when nobody can open the way any more.
    let over = async { while ends.changed().await.is_ok() {} };
    let accepts = async {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let mut opened = opened.clone();
            tokio::spawn(async move {
                if !*opened.borrow() {
                    return;
                }
                let Ok(mut far) = TcpStream::connect(server).await else { return };
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    _ = opened.wait_for(|open| !open) => {}
                }
            });
        }
    };
    tokio::select! {
        () = over => {}
        () = accepts => {}
    }
}
