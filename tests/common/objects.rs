//! Object storage that checks signatures, on a way to it that can be closed and opened.
//!
//! The server is `s3s-fs`, where `tests/run` puts it, or where `DRAGNET_S3_SERVER` says.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use dragnet::executor::kubernetes::{S3Keys, S3Options};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The host's end of the bridge that the cluster's pods are on.
const BRIDGE: &str = "10.201.0.1:0";
const BUCKET: &str = "scans";
pub(crate) const KEY_ID: &str = "AKIDTEST";
pub(crate) const KEY: &str = "s3cr3t/+key";

/// A server with one bucket, until it is dropped.
pub(crate) struct Objects {
    /// Its address, for pods and for us.
    pub endpoint: String,
    /// Whether connections get through.
    pub open: watch::Sender<bool>,
    turned_away: Arc<AtomicU32>,
    process: Child,
    task: tokio::task::JoinHandle<()>,
    root: tempfile::TempDir,
}

impl Objects {
    /// Starts one. `None`, said on stderr, where there is no server; `DRAGNET_REQUIRE_STORAGE` makes that a failure.
    pub(crate) async fn start() -> Option<Self> {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/bin/s3s-fs");
        let program = std::env::var_os("DRAGNET_S3_SERVER").map_or(ours, PathBuf::from);
        if !program.exists() {
            let missing = format!("no object storage: there is no {}", program.display());
            assert!(std::env::var_os("DRAGNET_REQUIRE_STORAGE").is_none(), "{missing}");
            eprintln!("skipped: {missing}");
            return None;
        }
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let (process, server) = serve(&program, root.path());
        let listener = TcpListener::bind(BRIDGE).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (open, opened) = watch::channel(true);
        let turned_away = Arc::new(AtomicU32::new(0));
        let task = tokio::spawn(carry(listener, server, opened, Arc::clone(&turned_away)));
        Some(Self { endpoint, open, turned_away, process, task, root })
    }

    /// How an executor uses it.
    pub(crate) fn options(&self) -> S3Options {
        S3Options {
            endpoint: self.endpoint.clone(),
            region: "us-east-1".to_owned(),
            bucket: BUCKET.to_owned(),
            prefix: "test".to_owned(),
            path_style: true,
            keys: S3Keys { access_key_id: KEY_ID.to_owned(), secret_access_key: KEY.to_owned(), session_token: None },
            expires: Duration::from_hours(1),
            ca: None,
        }
    }

    /// Its table of the configuration; the keys come from the environment.
    pub(crate) fn config(&self) -> String {
        format!(
            "\n[executor.kubernetes.s3]\nendpoint = \"{}\"\nbucket = \"{BUCKET}\"\nprefix = \"test\"\n\
             access_key_id = \"env:TEST_KEY_ID\"\nsecret_access_key = \"env:TEST_KEY\"\n",
            self.endpoint
        )
    }

    /// Returns the names and contents of all objects below `prefix`, sorted.
    pub(crate) fn all(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let bucket = self.root.path().join(BUCKET);
        let (mut found, mut open) = (Vec::new(), vec![bucket.join(prefix)]);
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(&bucket).unwrap().to_str().unwrap().to_owned();
                    found.push((name, std::fs::read(path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    /// Puts an object in its place behind everybody's back.
    pub(crate) fn plant(&self, name: &str, bytes: &[u8]) {
        let path = self.root.path().join(BUCKET).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// How many connections found the way closed.
    pub(crate) fn turned_away(&self) -> u32 {
        self.turned_away.load(Ordering::Relaxed)
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        self.task.abort();
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

async fn carry(listener: TcpListener, server: String, open: watch::Receiver<bool>, turned_away: Arc<AtomicU32>) {
    loop {
        let (mut near, _) = listener.accept().await.unwrap();
        let (mut opened, server) = (open.clone(), server.clone());
        if !*opened.borrow() {
            turned_away.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        tokio::spawn(async move {
            let Ok(mut far) = TcpStream::connect(server).await else { return };
            tokio::select! {
                _ = copy_bidirectional(&mut near, &mut far) => {}
                _ = opened.wait_for(|open| !open) => {}
            }
        });
    }
}

/// Starts the program on a port that the system chooses; returns it with its address.
fn serve(program: &Path, root: &Path) -> (Child, String) {
    let mut command = Command::new(program);
    command.args(["--host", "127.0.0.1", "--port", "0", "--access-key", KEY_ID, "--secret-key", KEY]).arg(root);
    command.env("RUST_LOG", "info").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.split_once("running at http://").map(|(_, address)| address.to_owned()));
    // Nobody reads what it says from here on, and it must not wait for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (process, address.unwrap())
}
