//! Scans in a real engine: a state, a source tree, scanners that are small scripts in it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder, RemoveImageOptions,
    RemoveVolumeOptions,
};

use super::cli::Home;
use super::engine::{self, AGENT};
use super::tool::Tool;

/// Benches that use volumes: the last removes the shim's, which all share.
static WITH_VOLUMES: AtomicUsize = AtomicUsize::new(0);

/// What a driver needs to clear up behind a scan that has ended, on a busy machine.
const AFTERWARDS: Duration = Duration::from_secs(20);

/// A state and a source tree, and the engine that is used.
pub(crate) struct Bench {
    pub docker: Docker,
    pub image: String,
    pub dir: tempfile::TempDir,
    /// The state directory.
    pub state: PathBuf,
    /// How files reach containers.
    pub transport: &'static str,
    host: Option<String>,
}

impl Bench {
    /// Makes a bench in the local engine; `None` where there is none.
    pub(crate) async fn local(transport: &'static str) -> Option<Self> {
        Some(Self::of(engine::local().await?, None, transport).await)
    }

    /// Makes a bench in an engine.
    pub(crate) async fn of(docker: Docker, host: Option<String>, transport: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        std::fs::create_dir(dir.path().join("tree")).unwrap();
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        let image = engine::import(&docker, &format!("dragnet-bench-{nanos}")).await;
        if transport == "volume" {
            WITH_VOLUMES.fetch_add(1, Ordering::SeqCst);
        }
        Self { docker, image, dir, state, transport, host }
    }

    /// Checks that nothing is left, in the engine and in the spool, and removes what is the test's own.
    pub(crate) async fn finish(self) {
        // A driver in the background removes the last attempt after its scan has ended, and nobody has waited for it.
        let deadline = Instant::now() + AFTERWARDS;
        let mut left = (self.left().await, self.spooled());
        while !(left.0.is_empty() && left.1.is_empty()) && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(50)).await;
            left = (self.left().await, self.spooled());
        }
        assert!(left.0.is_empty(), "left in the engine: {:?}", left.0);
        assert!(left.1.is_empty(), "left in the spool: {:?}", left.1);
        assert_eq!(self.app("").store.verify().unwrap(), Vec::<String>::new());
        self.docker.remove_image(&self.image, None::<RemoveImageOptions>, None).await.unwrap();
        if self.transport == "volume" && WITH_VOLUMES.fetch_sub(1, Ordering::SeqCst) == 1 {
            let version = dragnet::model::id::Sha256::of(std::fs::read(AGENT).unwrap()).to_string()[..12].to_owned();
            for name in [format!("dragnet-shim-{version}-complete"), format!("dragnet-shim-{version}")] {
                // Another program's tests may use it.
                self.docker.remove_volume(&name, None::<RemoveVolumeOptions>).await.ok();
            }
        }
    }

    /// What attempts, secrets and trees have left in the spool.
    fn spooled(&self) -> Vec<PathBuf> {
        ["", "secrets", "trees"]
            .iter()
            .filter_map(|dir| std::fs::read_dir(self.state.join("spool").join(dir)).ok())
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with("secrets") && !path.ends_with("trees"))
            .collect()
    }
}

impl Home for Bench {
    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn config(&self, tools: &[Tool]) -> String {
        let mut text = format!(
            "[scan]\ngrace = \"2s\"\n[executor]\nkind = \"docker\"\nagent = \"{AGENT}\"\ntransport = \"{}\"\n",
            self.transport
        );
        if let Some(host) = &self.host {
            write!(text, "[executor.docker]\nhost = \"{host}\"\n").unwrap();
        }
        for tool in tools {
            self.write(&format!("{}.sh", tool.name), &tool.script);
            text.push_str(&tool.table(&self.image));
        }
        text
    }

    async fn left(&self) -> Vec<String> {
        let instance = self.app("").store.instance();
        let filters = std::collections::HashMap::from([("label", vec![format!("dragnet.dev/instance={instance}")])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let containers = self.docker.list_containers(Some(containers)).await.unwrap();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let volumes = self.docker.list_volumes(Some(volumes)).await.unwrap().volumes.unwrap_or_default();
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let networks = self.docker.list_networks(Some(networks)).await.unwrap();
        let names = containers.into_iter().flat_map(|container| container.names.unwrap_or_default());
        let volumes = volumes.into_iter().map(|volume| volume.name);
        names.chain(volumes).chain(networks.into_iter().filter_map(|network| network.name)).collect()
    }
}
