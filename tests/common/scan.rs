//! A state directory, a fake engine, and scans made of plain steps.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dragnet::driver::{Driver, Rest};
use dragnet::executor::fake::{FakeExecutor, Operation};
use dragnet::model::clock::{Clock, Timestamp};
use dragnet::model::id::ScanId;
use dragnet::model::owner::Owner;
use dragnet::model::plan::{Gather, OnFailure, Plan, ScanOptions, Step};
use dragnet::model::spec::JobSpec;
use dragnet::model::target::TargetKey;
use dragnet::model::view::{FindingView, ScanView};
use dragnet::store::{Lease, LeaseError, NewScan, NewStep, Store};
use tokio_util::sync::CancellationToken;

/// A place to drive scans in.
pub struct Lab {
    pub store: Store,
    pub engine: FakeExecutor,
    _dir: Option<Arc<tempfile::TempDir>>,
}

impl Lab {
    pub fn new(engine: FakeExecutor) -> Self {
        Self::within(tempfile::tempdir(), engine)
    }

    /// Works in memory where the machine has a place for files there: what dies are programs, and machines never do.
    pub fn in_memory(engine: FakeExecutor) -> Self {
        Self::within(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()), engine)
    }

    fn within(dir: std::io::Result<tempfile::TempDir>, engine: FakeExecutor) -> Self {
        let dir = dir.unwrap();
        let lab = Self::at(&dir.path().join("state"), engine);
        Self { _dir: Some(Arc::new(dir)), ..lab }
    }

    /// Works in a state directory that another process has made.
    pub fn at(state: &Path, engine: FakeExecutor) -> Self {
        Self { store: Store::open(state).unwrap(), engine, _dir: None }
    }

    #[expect(clippy::unused_self, reason = "a laboratory tells the time")]
    pub fn now(&self) -> Timestamp {
        Clock::System.now()
    }

    pub async fn submit(&self, steps: Vec<Step>) -> ScanId {
        self.submit_with(steps, |_| {}).await
    }

    pub async fn submit_with(&self, steps: Vec<Step>, adjust: impl FnOnce(&mut ScanOptions)) -> ScanId {
        self.submit_to("{}", steps, adjust).await
    }

    /// Submits a scan for an engine with this profile.
    pub async fn submit_to(&self, profile: &str, steps: Vec<Step>, adjust: impl FnOnce(&mut ScanOptions)) -> ScanId {
        let mut options = ScanOptions::default();
        adjust(&mut options);
        let specs = steps
            .iter()
            .map(|step| NewStep {
                spec: JobSpec::of(&step.scanner, step.scanner.image.clone(), "127.0.0.1".to_owned()),
                blocked: None,
            })
            .collect();
        let plan = Plan {
            template: None,
            target: "host:127.0.0.1".parse().unwrap(),
            target_key: TargetKey { key: "host:127.0.0.1".to_owned(), line: None },
            owner: Owner::default(),
            source: None,
            options,
            steps,
            choices: Vec::new(),
        };
        let new = NewScan {
            plan,
            source: None,
            executor: "fake".to_owned(),
            profile: profile.to_owned(),
            server_identity: "fake".to_owned(),
            steps: specs,
            request_key: None,
            actor: "test".to_owned(),
            at: self.now(),
        };
        self.store.submit(new).await.unwrap().0
    }

    pub fn driver(&self) -> Driver {
        Driver {
            store: self.store.clone(),
            executor: Arc::new(self.engine.clone()),
            clock: Clock::System,
            grace: Duration::from_secs(1),
            engine_timeout: Duration::from_mins(10),
            actor: "test".to_owned(),
            slots: None,
            observer: None,
        }
    }

    pub async fn lease(&self, scan: ScanId, stale: Option<i64>) -> Result<Lease, LeaseError> {
        let key = self.store.scan(scan).unwrap().id;
        self.store.acquire(scan, key, "test", self.now(), stale).await
    }

    pub async fn drive(&self, scan: ScanId) -> Rest {
        let lease = self.lease(scan, None).await.unwrap();
        let driver = self.driver();
        let driven = driver.run(&lease, CancellationToken::default());
        tokio::time::timeout(Duration::from_mins(1), driven).await.expect("the driver hangs").unwrap()
    }

    /// Drives on a task of its own.
    pub async fn spawn(&self, scan: ScanId) -> tokio::task::JoinHandle<Rest> {
        let lease = self.lease(scan, None).await.unwrap();
        let driver = self.driver();
        tokio::spawn(async move { driver.run(&lease, CancellationToken::default()).await.unwrap() })
    }

    /// Waits until the scan is as wanted.
    pub async fn until(&self, scan: ScanId, wanted: impl Fn(&ScanView) -> bool) {
        let poll = async {
            while !wanted(&self.store.scan(scan).unwrap()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), poll).await.expect("the scan does not come to it");
    }

    pub fn findings(&self, scan: ScanId) -> Vec<FindingView> {
        let mut cursor = self.store.finding_cursor(scan).unwrap();
        let mut all = Vec::new();
        loop {
            let page = self.store.next_findings(&mut cursor, 7).unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }

    /// What must hold of every ended scan, whatever happened to it.
    pub fn check(&self, scan: ScanId) {
        assert_eq!(self.engine.containers(), 0, "containers were left behind");
        assert_eq!(self.store.verify().unwrap(), Vec::<String>::new());
        let operations = self.engine.operations();
        for (index, (operation, name)) in operations.iter().enumerate() {
            if matches!(operation, Operation::Create | Operation::Start) {
                let again = operations[index + 1..].contains(&(*operation, name.clone()));
                assert!(!again, "{operation:?} of {name} took effect twice");
            }
        }
        let view = self.store.scan(scan).unwrap();
        assert!(view.state.is_terminal());
        let findings = self.findings(scan);
        assert_eq!(findings.len() as u64, view.records.total(), "the summary counts what the report shows");
        let mut identities: Vec<_> = findings.iter().map(|f| (&f.scanner, &f.job, &f.fingerprint)).collect();
        identities.sort_unstable();
        let all = identities.len();
        identities.dedup();
        assert_eq!(identities.len(), all, "a record was stored twice");
        assert!(self.store.unremoved_attempts().unwrap().is_empty());
    }
}

/// A step that reads gitleaks' report from standard output.
pub fn step(id: &str) -> Step {
    let scanner = format!(
        r#"{{"name": "{id}", "image": "fake:1", "program": "scan", "command": ["{{target}}"], "input": ["host"],
             "results": [{{"path": "-", "format": "gitleaks"}}], "timeout": "1m",
             "retry": {{"max_attempts": 2, "base_ms": 1, "cap_ms": 2}}}}"#
    );
    Step {
        id: id.parse().unwrap(),
        scanner: serde_json::from_str(&scanner).unwrap(),
        needs: Vec::new(),
        for_each: Vec::new(),
        chunk: 1,
        gather: Gather::default(),
        when: None,
        on_failure: OnFailure::default(),
        accept_partial: BTreeSet::default(),
    }
}
