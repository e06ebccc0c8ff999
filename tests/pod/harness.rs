//! A pod as a directory, and its containers as processes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use dragnet::executor::kubernetes::session::Session;
use dragnet::model::id::{JobName, Key8};
use dragnet::model::manifest::Manifest;
use dragnet::model::pod::{Order, Role, data_place};
use dragnet::model::scanner::{ExitCodes, Limits, Network};
use dragnet::model::spec::{JobSpec, Launch, ShimJob};
use dragnet::model::unit::{ByteSize, Span};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::{ChildStdin, ChildStdout};

/// Longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);
pub(crate) const PREPARE: Role = Role::Prepare { wait: PATIENCE };
pub(crate) const KEEP: Role = Role::Keep { start: PATIENCE, hold: PATIENCE };

/// A pod's directories and what it is to run.
pub(crate) struct Pod {
    dir: tempfile::TempDir,
    pub(crate) launch: Launch,
}

impl Pod {
    pub(crate) fn new(script: &str) -> Self {
        let (instance, scan) = (Key8::from_bits(1), Key8::from_bits(2));
        let job = JobName { step: "pod".parse().unwrap(), chunk: 0 };
        let spec = JobSpec {
            scanner: "test".to_owned(),
            image: "none".to_owned(),
            program: "/bin/sh".to_owned(),
            command: vec!["-c".to_owned(), script.to_owned()],
            env: BTreeMap::new(),
            source: None,
            target: "host:test".to_owned(),
            results: Vec::new(),
            exit_codes: ExitCodes::default(),
            accept_empty: false,
            network: Network::None,
            timeout: Span(PATIENCE),
            limits: Limits { output: ByteSize(2 << 30), ..Limits::default() },
            secrets: BTreeMap::new(),
            data: Vec::new(),
            exceptions: Vec::new(),
        };
        let launch = Launch::new(instance, scan, job, 1, Arc::new(spec), Arc::new([]));
        let pod = Self { dir: tempfile::tempdir().unwrap(), launch };
        pod.order(&pod.plain_order());
        pod
    }

    /// A pod that waits for trees.
    pub(crate) fn with_trees(places: &[&str]) -> Self {
        let pod = Self::new("true");
        let trees = places.iter().map(|&place| place.to_owned()).collect();
        pod.order(&Order { trees, ..pod.plain_order() });
        pod
    }

    /// An order without a letter box.
    pub(crate) fn plain_order(&self) -> Order {
        Order::of(&self.launch, ShimJob::of(&self.launch, 60_000))
    }

    pub(crate) fn order(&self, order: &Order) {
        fs::create_dir_all(self.path("job")).unwrap();
        fs::write(self.path("job/job.json"), order.to_text()).unwrap();
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root().join(relative)
    }

    /// Starts one of the pod's containers.
    pub(crate) fn start(&self, role: Role) -> Running {
        let mut command = program();
        command.args(role.arguments()).arg(self.root()).stdin(Stdio::null()).stdout(Stdio::null());
        Running(command.spawn().unwrap())
    }

    /// Prepares a pod that needs no delivery.
    pub(crate) fn prepared(self) -> Self {
        assert_eq!(self.start(PREPARE).code(), 0);
        self
    }

    /// Starts the scanner's container, by the executable that was put in place for it.
    pub(crate) fn run(&self) -> Running {
        let mut command = Command::new(self.path("bin/dragnet"));
        command.args(["shim", "run"]).arg(self.path("out")).current_dir(self.path("out"));
        Running(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Starts a process that speaks over its standard streams.
    pub(crate) fn speaker(&self, role: Role) -> tokio::process::Child {
        speaker(self.root(), role)
    }

    pub(crate) async fn session(&self, role: Role) -> (tokio::process::Child, Session<ChildStdout, ChildStdin>) {
        session(self.root(), role).await
    }

    pub(crate) fn manifest(&self) -> Manifest {
        serde_json::from_slice(&fs::read(self.path("out/seal/manifest.json")).unwrap()).unwrap()
    }

    /// Waits until a file is there.
    pub(crate) fn wait_for(&self, relative: &str) {
        while !self.path(relative).exists() {
            std::thread::yield_now();
        }
    }
}

pub(crate) async fn session(root: &Path, role: Role) -> (tokio::process::Child, Session<ChildStdout, ChildStdin>) {
    let mut child = speaker(root, role);
    let (reader, writer) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
    (child, Session::open(reader, writer).await.unwrap())
}

fn speaker(root: &Path, role: Role) -> tokio::process::Child {
    let mut command = tokio::process::Command::from(program());
    command.args(role.arguments()).arg(root).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragnet"));
    command.stderr(Stdio::null());
    command
}

/// A process that is gone when its test is.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Waits for the end and returns the exit code.
    pub(crate) fn code(mut self) -> i32 {
        self.0.wait().unwrap().code().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap(), signal).unwrap();
    }

    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }
}

/// A stream that breaks off after some bytes.
pub(crate) struct Cut<S> {
    pub(crate) stream: S,
    pub(crate) left: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Cut<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let mut space = vec![0; buf.remaining().min(self.left)];
        let mut limited = ReadBuf::new(&mut space);
        std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, &mut limited))?;
        self.left -= limited.filled().len();
        buf.put_slice(limited.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Cut<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        if self.left == 0 {
            return Poll::Ready(Err(std::io::ErrorKind::ConnectionReset.into()));
        }
        let room = bytes.len().min(self.left);
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[..room]))?;
        self.left -= written;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What is in a tree: path, mode, and content or where a link leads.
pub(crate) fn listing(root: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let (mut found, mut open) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            let content = if metadata.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if metadata.is_dir() {
                open.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), (metadata.permissions().mode(), content));
        }
    }
    found
}

/// Returns the bytes of all files below a directory.
pub(crate) fn bytes_below(root: &Path) -> u64 {
    let (mut sum, mut open) = (0, vec![root.to_owned()]);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => open.push(entry.path()),
                Ok(metadata) => sum += metadata.len(),
                // It went away since it was listed.
                Err(_) => {}
            }
        }
    }
    sum
}

/// Bytes that do not compress, the same for the same seed.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    std::iter::repeat_with(|| next().to_le_bytes()).flatten().take(len).collect()
}

/// The place of the database that trees are delivered to beside the source.
pub(crate) fn database() -> String {
    data_place("db")
}
