//! Scans in a real engine: a state, a source tree, scanners that are small scripts in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptions,
    RemoveVolumeOptions,
};
use dragnet::app::{self, App, PlanRequest, StartRequest, Watch, WatchEnd};
use dragnet::config::Config;
use dragnet::executor::SharedExecutor;
use dragnet::model::id::{AttemptName, ScanId, ScanKey};
use dragnet::model::view::{FindingView, JobView, ScanView};
use dragnet::plan::Selection;

use super::engine::{self, AGENT};

/// No scan of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Benches that use volumes: the last removes the shim's, which all share.
static WITH_VOLUMES: AtomicUsize = AtomicUsize::new(0);

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

/// A scanner that is a shell script; standard output is its report, as gitleaks writes it, unless `more` says otherwise.
pub(crate) struct Tool {
    pub name: &'static str,
    pub script: String,
    /// More keys of its table.
    pub more: &'static str,
}

/// Makes a tool.
pub(crate) fn tool(name: &'static str, script: impl Into<String>) -> Tool {
    Tool { name, script: script.into(), more: "" }
}

impl Tool {
    pub(crate) fn with(self, more: &'static str) -> Self {
        Self { more, ..self }
    }

    fn table(&self, image: &str) -> String {
        let name = self.name;
        let defaults = [
            ("command", format!("[\"{{target}}/{name}.sh\"]")),
            ("input", "[\"dir\"]".to_owned()),
            ("results", "[{ path = \"-\", format = \"gitleaks\" }]".to_owned()),
            ("exit_codes", "{ ok = [0], findings = [1] }".to_owned()),
            ("timeout", "\"1m\"".to_owned()),
            ("retry", "{ max_attempts = 2, base_ms = 1, cap_ms = 2 }".to_owned()),
            ("limits", "{ memory = \"64MiB\" }".to_owned()),
        ];
        let mut table = format!("[scanners.{name}]\nimage = \"{image}\"\nprogram = \"sh\"\n{}\n", self.more);
        for (key, value) in defaults {
            if !self.more.lines().any(|line| line.starts_with(key)) {
                writeln!(table, "{key} = {value}").unwrap();
            }
        }
        table
    }
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
        Self { docker, image, state, dir, transport, host }
    }

    /// The source tree.
    pub(crate) fn tree(&self) -> PathBuf {
        self.dir.path().join("tree")
    }

    /// Writes a file of the source tree.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.tree().join(path), content).unwrap();
    }

    /// The configuration with these tools, as a file would have it; writes their scripts.
    pub(crate) fn config(&self, tools: &[Tool]) -> String {
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

    pub(crate) fn app(&self, config: &str) -> App {
        let config: Config = toml::from_str(config).unwrap_or_else(|error| panic!("{error}\n{config}"));
        App::open(&self.state, config, BTreeMap::new()).unwrap()
    }

    /// Submits a scan of the tree with these tools.
    pub(crate) async fn submit(&self, tools: &[Tool]) -> Scan {
        let names = tools.iter().map(|tool| tool.name.to_owned()).collect();
        let target = format!("dir:{}", self.tree().display());
        self.submit_as(&self.config(tools), &target, Selection::Scanners(names)).await
    }

    /// Submits a scan.
    pub(crate) async fn submit_as(&self, config: &str, target: &str, selection: Selection) -> Scan {
        let app = self.app(config);
        let engine = app::connect(&app).await.unwrap();
        let request = PlanRequest { target: target.parse().unwrap(), selection, priority: 0, seed: 7 };
        let planned = app::plan(&app, request, Some(&engine), &|_| {}).await.unwrap();
        let start = StartRequest { plan: planned.plan, request_key: None, actor: "test".to_owned() };
        let (id, key) = app::submit(&app, &engine, start, &|_| {}).await.unwrap();
        Scan { app, engine, id, key }
    }

    /// Runs a scan to its end.
    pub(crate) async fn run(&self, tools: &[Tool]) -> Scan {
        let scan = self.submit(tools).await;
        scan.drive().await;
        scan
    }

    /// Everything that bears the instance's labels: names of containers and volumes.
    pub(crate) async fn left(&self) -> Vec<String> {
        let instance = self.app("").store.instance();
        let filters = std::collections::HashMap::from([("label", vec![format!("dragnet.dev/instance={instance}")])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let containers = self.docker.list_containers(Some(containers)).await.unwrap();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let volumes = self.docker.list_volumes(Some(volumes)).await.unwrap().volumes.unwrap_or_default();
        let names = containers.into_iter().flat_map(|container| container.names.unwrap_or_default());
        names.chain(volumes.into_iter().map(|volume| volume.name)).collect()
    }

    /// Checks that nothing is left, in the engine and in the spool, and removes what is the test's own.
    pub(crate) async fn finish(self) {
        let left = self.left().await;
        assert!(left.is_empty(), "left in the engine: {left:?}");
        let spool: Vec<PathBuf> = ["", "secrets", "trees"]
            .iter()
            .filter_map(|dir| std::fs::read_dir(self.state.join("spool").join(dir)).ok())
            .flatten()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with("secrets") && !path.ends_with("trees"))
            .collect();
        assert!(spool.is_empty(), "left in the spool: {spool:?}");
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
}

/// A submitted scan.
pub(crate) struct Scan {
    pub app: App,
    pub engine: SharedExecutor,
    pub id: ScanId,
    pub key: ScanKey,
}

impl Scan {
    /// Drives it until it ends or rests.
    pub(crate) async fn drive(&self) -> WatchEnd {
        let options = Watch { drive: true, end_when_paused: true, actor: "test".to_owned(), ..Watch::default() };
        let driven = app::watch(&self.app, self.id, Some(self.engine.clone()), options, |_| {});
        tokio::time::timeout(PATIENCE, driven).await.expect("the scan does not end").unwrap()
    }

    /// Drives it while something is done to it.
    pub(crate) async fn drive_while(&self, disturbance: impl Future<Output = ()>) -> WatchEnd {
        tokio::join!(self.drive(), disturbance).0
    }

    pub(crate) fn view(&self) -> ScanView {
        self.app.store.scan(self.id).unwrap()
    }

    pub(crate) fn job(&self) -> JobView {
        self.app.store.jobs(self.id).unwrap().remove(0)
    }

    /// Its findings' identities, sorted.
    pub(crate) fn findings(&self) -> Vec<String> {
        let mut found: Vec<String> = self.records().into_iter().map(|finding| finding.fingerprint).collect();
        found.sort();
        found
    }

    pub(crate) fn records(&self) -> Vec<FindingView> {
        let mut cursor = self.app.store.finding_cursor(self.id).unwrap();
        let mut all = Vec::new();
        loop {
            let page = self.app.store.next_findings(&mut cursor, 500).unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// Waits until an attempt of the first job has said this in a line.
    pub(crate) async fn says(&self, number: u32, text: &str) -> AttemptName {
        let look = async {
            loop {
                let attempts = self.app.store.attempts(self.id, &self.job().name).unwrap();
                if let Some((name, ..)) = attempts.into_iter().find(|attempt| attempt.1 == number) {
                    let said = self.engine.logs(&name, 1).await.map(|chunk| chunk.lines).unwrap_or_default();
                    if said.iter().any(|line| line.bytes == text.as_bytes()) {
                        return name;
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("no attempt says {text}"))
    }
}

/// Removes a container behind everybody's back.
pub(crate) async fn destroy(docker: &Docker, name: &str) {
    let options = RemoveContainerOptionsBuilder::new().force(true).build();
    docker.remove_container(name, Some(options)).await.unwrap();
}
