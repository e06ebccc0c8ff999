//! A Kubernetes cluster to test against: one for all tests of the machine, a namespace and an agent image for each process.
//!
//! The cluster's script is looked for beside the repository, or where `DRAGNET_CLUSTER` says.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{CreateImageOptionsBuilder, RemoveImageOptionsBuilder};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use tokio::sync::Mutex;

use super::engine::{self, AGENT};

/// A namespace of one's own in a cluster whose nodes have the local engine's images.
pub(crate) struct Cluster {
    pub docker: Docker,
    /// The administrator's connection.
    pub client: Client,
    pub kubeconfig: PathBuf,
    pub namespace: String,
    /// An image of the program under test.
    pub agent_image: String,
    /// An image with a shell.
    pub image: String,
    script: PathBuf,
    finished: AtomicBool,
}

impl Cluster {
    /// Starts the cluster if need be. `None`, said on stderr, where there is none to be had; `DRAGNET_REQUIRE_CLUSTER` makes that
    /// a failure.
    pub(crate) async fn start() -> Option<Self> {
        let script = script()?;
        let docker = engine::local().await?;
        let kubeconfig = up(&script).await;
        Some(Self::prepare(docker, kubeconfig, script, false).await)
    }

    /// Makes a namespace and images in a cluster; one that is `passing` ends with all that is in it, and need not be cleared.
    pub(crate) async fn prepare(docker: Docker, kubeconfig: PathBuf, script: PathBuf, passing: bool) -> Self {
        let client = connect(&kubeconfig).await;
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() & 0xff_ffff_ffff;
        let namespace = format!("dragnet-test-{nanos}");
        let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
        let wanted = Namespace { metadata, ..Namespace::default() };
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &wanted).await.unwrap();
        let agent = format!("dragnet-agent-{nanos}");
        let agent_image =
            if passing { import_agent(&docker, &agent).await } else { share_agent(&docker, &agent).await };
        let image = engine::import(&docker, &format!("dragnet-shell-{nanos}")).await;
        let finished = AtomicBool::new(passing);
        Self { docker, client, kubeconfig, namespace, agent_image, image, script, finished }
    }

    /// The kubeconfig of a user with other rights.
    pub(crate) fn kubeconfig_of(&self, user: &str) -> PathBuf {
        let output = Command::new(&self.script).args(["kubeconfig", user]).output().unwrap();
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    }

    /// Removes namespace and images, once.
    pub(crate) async fn finish(&self) {
        if self.finished.swap(true, Ordering::Relaxed) {
            return;
        }
        clear(&self.client, &self.docker, &self.namespace, &self.image).await;
    }
}

impl Drop for Cluster {
    /// A test that fails leaves nothing either; its own runtime may be on its way out.
    fn drop(&mut self) {
        if self.finished.load(Ordering::Relaxed) {
            return;
        }
        let (kubeconfig, docker, namespace) = (self.kubeconfig.clone(), self.docker.clone(), self.namespace.clone());
        let image = self.image.clone();
        let cleared = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = connect(&kubeconfig).await;
                clear(&client, &docker, &namespace, &image).await;
            });
        });
        if cleared.join().is_err() {
            eprintln!("left behind: namespace {}", self.namespace);
        }
    }
}

/// Finds the cluster's script.
pub(crate) fn script() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/cluster/cluster");
    let script = std::env::var_os("DRAGNET_CLUSTER").map_or(beside, PathBuf::from);
    if script.exists() {
        return Some(script);
    }
    let missing = format!("no cluster: there is no {}", script.display());
    assert!(std::env::var_os("DRAGNET_REQUIRE_CLUSTER").is_none(), "{missing}");
    eprintln!("skipped: {missing}");
    None
}

/// Removes a namespace, then the images that its containers used.
async fn clear(client: &Client, docker: &Docker, namespace: &str, image: &str) {
    let namespaces = Api::<Namespace>::all(client.clone());
    match namespaces.delete(namespace, &DeleteParams::background()).await {
        // A test may have removed it: it is gone, or going.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
        deleted => drop(deleted.unwrap()),
    }
    let gone = async {
        while namespaces.get_opt(namespace).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), gone).await.unwrap();
    remove_image(docker, image).await;
    if let Some(agent) = let_agent_go().await {
        remove_image(docker, &agent).await;
    }
}

async fn remove_image(docker: &Docker, image: &str) {
    let options = RemoveImageOptionsBuilder::new().force(true).build();
    docker.remove_image(image, Some(options), None).await.unwrap();
}

/// Starts the cluster, one process at a time; one that runs is left as it is, for its script writes the kubeconfig anew, and others
/// read it.
async fn up(script: &Path) -> PathBuf {
    let script = script.to_owned();
    let started = tokio::task::spawn_blocking(move || {
        let run = |arguments: &[&str]| Command::new(&script).args(arguments).output().unwrap();
        let lock = std::fs::File::create(std::env::temp_dir().join("dragnet-test-cluster.lock")).unwrap();
        lock.lock().unwrap();
        let output = if run(&["status"]).status.success() { run(&["kubeconfig"]) } else { run(&["up"]) };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    });
    PathBuf::from(started.await.unwrap().lines().last().unwrap().trim())
}

async fn connect(kubeconfig: &Path) -> Client {
    let file = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// How many tests of this process use an image of the program, and its name: it is large, and the same for all.
static SHARED_AGENT: Mutex<(usize, String)> = Mutex::const_new((0, String::new()));

/// Returns the image of the program; the last to be [`clear`]ed removes it.
async fn share_agent(docker: &Docker, repository: &str) -> String {
    let mut shared = SHARED_AGENT.lock().await;
    if shared.0 == 0 {
        shared.1 = import_agent(docker, repository).await;
    }
    shared.0 += 1;
    shared.1.clone()
}

/// Returns the image of the program if nobody else uses it.
async fn let_agent_go() -> Option<String> {
    let mut shared = SHARED_AGENT.lock().await;
    shared.0 -= 1;
    (shared.0 == 0).then(|| std::mem::take(&mut shared.1))
}

/// Gives the engine an image that holds the program under test and nothing else.
async fn import_agent(docker: &Docker, repository: &str) -> String {
    let mut tar = tar::Builder::new(Vec::new());
    // The engine does not read sparse entries.
    tar.sparse(false);
    tar.append_path_with_name(AGENT, "dragnet").unwrap();
    let body = bollard::body_full(tar.into_inner().unwrap().into());
    let options = CreateImageOptionsBuilder::new()
        .from_src("-")
        .repo(repository)
        .tag("1")
        .changes(vec!["ENTRYPOINT [\"/dragnet\"]".to_owned()])
        .build();
    let mut import = Box::pin(docker.create_image(Some(options), Some(body), None));
    while let Some(step) = import.next().await {
        step.unwrap();
    }
    format!("{repository}:1")
}
