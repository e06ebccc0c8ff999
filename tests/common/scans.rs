//! Scans on a bench, through the library.

use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::RemoveContainerOptionsBuilder;
use dragnet::app::{self, App, PlanRequest, StartRequest, TakeUp, Watch, WatchEnd};
use dragnet::executor::SharedExecutor;
use dragnet::model::id::{AttemptName, ScanId};
use dragnet::model::owner::Owner;
use dragnet::model::view::{FindingView, JobView, ScanView};
use dragnet::plan::Selection;

use super::bench::Bench;
use super::cli::Home as _;
use super::tool::Tool;

/// No scan of these tests takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

impl Tool {
    /// Adds keys to its table.
    pub(crate) fn with(self, more: &'static str) -> Self {
        Self { more, ..self }
    }
}

impl Bench {
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
        let request = PlanRequest {
            target: target.parse().unwrap(),
            name: None,
            owner: Owner::default(),
            selection,
            priority: 0,
            seed: 7,
        };
        let planned = app::plan(&app, request, Some(&engine), &|_| {}).await.unwrap();
        let start =
            StartRequest { plan: planned.plan, hold: planned.hold, request_key: None, actor: "test".to_owned() };
        let (id, _) = app::submit(&app, &engine, start, &|_| {}).await.unwrap();
        Scan { app, engine, id }
    }

    /// Runs a scan to its end.
    pub(crate) async fn run(&self, tools: &[Tool]) -> Scan {
        let scan = self.submit(tools).await;
        scan.drive().await;
        scan
    }
}

/// A submitted scan.
pub(crate) struct Scan {
    pub app: App,
    pub engine: SharedExecutor,
    pub id: ScanId,
}

impl Scan {
    /// Drives it until it ends or rests.
    pub(crate) async fn drive(&self) -> WatchEnd {
        let options = Watch {
            take_up: TakeUp::WithoutDaemon,
            end_when_paused: true,
            actor: "test".to_owned(),
            ..Watch::default()
        };
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
