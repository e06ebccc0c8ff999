//! What a case needs of an executor's surroundings, and the making of launches.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use dragnet::executor::{Executor, ExecutorError, Observed, Sealed};
use dragnet::model::id::{AttemptName, InstanceKey, JobName, Key8, ScanKey};
use dragnet::model::manifest::Manifest;
use dragnet::model::scanner::{ExitCodes, Limits, Network, ResultSpec};
use dragnet::model::spec::{JobSpec, Launch};
use dragnet::model::unit::{ByteSize, Span};
use dragnet::shim::unseal;

/// No case takes longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// An executor under test.
#[async_trait]
pub(crate) trait Harness: Send + Sync {
    /// The executor.
    fn executor(&self) -> &dyn Executor;
    /// The instance that the cases launch under.
    fn instance(&self) -> InstanceKey;
    /// An image with a shell.
    fn image(&self) -> &str;
    /// How the image runs a script. An executor without processes may look the text up in a table of outcomes.
    fn command(&self, script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }
    /// Whether a case, by its name, can be tried: some need processes, memory or a file system of their own.
    fn supports(&self, _case: &str) -> bool {
        true
    }
    /// The state directory, where secrets are spooled.
    fn state(&self) -> &Path;
    /// Kills all processes of an attempt behind the executor's back.
    async fn kill(&self, name: &AttemptName);
    /// Removes an attempt's object behind the executor's back.
    async fn destroy(&self, name: &AttemptName);
}

/// Makes the first attempt of a scan's only job.
pub(crate) fn launch(instance: InstanceKey, scan: ScanKey, spec: JobSpec) -> Launch {
    let job = JobName { step: "case".parse().unwrap(), chunk: 0 };
    Launch::new(instance, scan, job, 1, Arc::new(spec), Arc::new([]))
}

/// A launch in the making.
pub(crate) struct Attempt(pub Launch);

impl Attempt {
    /// A job that runs a script.
    pub(crate) fn script(harness: &dyn Harness, script: &str) -> Self {
        let command = harness.command(script);
        let arguments: Vec<_> = command[1..].iter().map(String::as_str).collect();
        Self::program(harness, &command[0], &arguments)
    }

    /// A job that runs a program.
    pub(crate) fn program(harness: &dyn Harness, program: &str, arguments: &[&str]) -> Self {
        static SCANS: AtomicU64 = AtomicU64::new(1);
        let scan = Key8::from_bits(SCANS.fetch_add(1, Ordering::Relaxed));
        let spec = JobSpec {
            scanner: "test".to_owned(),
            image: harness.image().to_owned(),
            program: program.to_owned(),
            command: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            env: BTreeMap::new(),
            source: None,
            target: "host:test".to_owned(),
            results: vec![ResultSpec { path: "r".to_owned(), format: "any".to_owned(), produces: Vec::new() }],
            exit_codes: ExitCodes::default(),
            accept_empty: false,
            network: Network::None,
            timeout: Span(PATIENCE),
            limits: Limits { memory: ByteSize(64 << 20), ..Limits::default() },
            secrets: BTreeMap::new(),
            data: Vec::new(),
            exceptions: Vec::new(),
        };
        Self(launch(harness.instance(), scan, spec))
    }

    /// Changes the specification.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut JobSpec)) -> Self {
        change(Arc::make_mut(&mut self.0.spec));
        self.0.spec_sha256 = self.0.spec.sha256(&self.0.assets);
        self
    }

    /// Gives the job assets.
    pub(crate) fn with_assets(mut self, assets: &[&str]) -> Self {
        self.0.assets = assets.iter().map(|&asset| asset.to_owned()).collect();
        self.with(|_| ())
    }

    pub(crate) fn name(&self) -> &AttemptName {
        &self.0.name
    }

    pub(crate) async fn launch(&self, harness: &dyn Harness) {
        harness.executor().launch(&self.0).await.unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self, harness: &dyn Harness) -> Observed {
        let look = async {
            loop {
                match harness.executor().inspect(self.name()).await.unwrap() {
                    Some(state @ Observed::Exited { .. }) => return state,
                    Some(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    None => panic!("{} is gone", self.name()),
                }
            }
        };
        tokio::time::timeout(PATIENCE, look).await.unwrap()
    }

    /// Waits until its log has a line.
    pub(crate) async fn says(&self, harness: &dyn Harness, text: &str) {
        let look = async {
            loop {
                let lines = match harness.executor().logs(self.name(), 1).await {
                    Err(error) if error.is_transient() => Vec::new(),
                    read => read.unwrap().lines,
                };
                if lines.iter().any(|line| line.bytes == text.as_bytes()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, look).await.unwrap();
    }

    /// Fetches what it left.
    pub(crate) async fn fetch(&self, harness: &dyn Harness) -> Result<Fetched, ExecutorError> {
        let into = tempfile::tempdir().unwrap();
        let sealed = harness.executor().fetch(&self.0, into.path()).await?;
        Ok(Fetched { into, sealed })
    }

    /// Runs it to its end, fetches, and removes it.
    pub(crate) async fn run(&self, harness: &dyn Harness) -> Fetched {
        self.launch(harness).await;
        self.ended(harness).await;
        let fetched = self.fetch(harness).await.unwrap();
        self.remove(harness).await;
        fetched
    }

    pub(crate) async fn remove(&self, harness: &dyn Harness) {
        harness.executor().remove(self.name()).await.unwrap();
        assert_eq!(harness.executor().inspect(self.name()).await.unwrap(), None);
    }
}

/// Collected results.
pub(crate) struct Fetched {
    pub into: tempfile::TempDir,
    pub sealed: Sealed,
}

impl Fetched {
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.sealed.manifest
    }

    /// Unpacks the results and reads one.
    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        let into = tempfile::tempdir().unwrap();
        unseal(&self.sealed.manifest, &self.sealed.parts, into.path(), 1 << 30).unwrap();
        std::fs::read(into.path().join(path)).ok()
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.file(path).unwrap_or_else(|| panic!("no {path} in {:?}", self.manifest()))).unwrap()
    }
}
