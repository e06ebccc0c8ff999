//! Scans that are played one after another on one state, and what the last one says.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future as _, poll_fn};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use dragnet::driver::Rest;
use dragnet::executor::fake::{FakeExecutor, Outcome};
use dragnet::model::asset::AssetKind;
use dragnet::model::coverage::Gap;
use dragnet::model::id::{ScanId, ScanKey, Sha256};
use dragnet::model::owner::Owner;
use dragnet::model::plan::{Plan, ScanOptions, SourceFacts, Step};
use dragnet::model::spec::{DataTree, JobSpec};
use dragnet::model::suppress::Suppressions;
use dragnet::model::target::TargetKey;
use dragnet::store::{NewScan, NewStep};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::common::scan::{Lab, step};

/// One job of a scan.
#[derive(Clone)]
pub(crate) struct Job {
    step: &'static str,
    scanner: &'static str,
    format: &'static str,
    output: Vec<u8>,
    code: i32,
    command: &'static str,
    stale: bool,
    accepts: Option<Gap>,
    /// Takes the ports of the step before it, one a job.
    after: Option<&'static str>,
    data: Option<&'static str>,
}

pub(crate) fn job(scanner: &'static str, format: &'static str, output: Vec<u8>) -> Job {
    let (code, command, stale, accepts, after, data) = (0, "check", false, None, None, None);
    Job { step: scanner, scanner, format, output, code, command, stale, accepts, after, data }
}

impl Job {
    pub(crate) fn step(self, step: &'static str) -> Self {
        Self { step, ..self }
    }
    /// Ends with this code; 9 is an error of the scanner, 3 says that it saw only a part.
    pub(crate) fn code(self, code: i32) -> Self {
        Self { code, ..self }
    }
    pub(crate) fn command(self, command: &'static str) -> Self {
        Self { command, ..self }
    }
    pub(crate) fn stale(self) -> Self {
        Self { stale: true, ..self.data("vulnerabilities") }
    }
    pub(crate) fn data(self, name: &'static str) -> Self {
        Self { data: Some(name), ..self }
    }
    pub(crate) fn accepts(self, gap: Gap) -> Self {
        Self { accepts: Some(gap), ..self }
    }
    pub(crate) fn after(self, step: &'static str) -> Self {
        Self { after: Some(step), ..self }
    }

    fn plan(&self) -> (Step, JobSpec) {
        let mut step = step(self.step);
        self.scanner.clone_into(&mut step.scanner.name);
        self.format.clone_into(&mut step.scanner.results[0].format);
        step.scanner.command = vec![self.command.to_owned()];
        step.scanner.exit_codes.degraded = vec![3];
        step.scanner.retry.max_attempts = 1;
        step.accept_partial = self.accepts.into_iter().collect();
        if let Some(before) = self.after {
            step.needs = vec![before.parse().unwrap()];
            step.for_each = vec![AssetKind::Port];
        }
        let mut spec = JobSpec::of(&step.scanner, "fake:1".to_owned(), "127.0.0.1".to_owned());
        spec.data = self.data.into_iter().map(|name| self.tree(name)).collect();
        (step, spec)
    }

    fn tree(&self, name: &str) -> DataTree {
        let sha256 = Sha256::of(name);
        DataTree { name: name.to_owned(), mount: "/db".to_owned(), sha256, version: "1".to_owned(), stale: self.stale }
    }
}

/// One scan.
#[derive(Clone)]
pub(crate) struct Scan {
    line: Option<&'static str>,
    target: &'static str,
    rules: Option<&'static str>,
    unreadable: bool,
    max_results: Option<u64>,
    jobs: Vec<Job>,
    suppressed: Option<&'static str>,
    source: Option<(&'static str, &'static str)>,
}

pub(crate) fn scan(jobs: impl IntoIterator<Item = Job>) -> Scan {
    let jobs = jobs.into_iter().collect();
    Scan {
        line: Some("main"),
        target: "dir:/home/one/shop",
        rules: None,
        unreadable: false,
        max_results: None,
        jobs,
        suppressed: None,
        source: None,
    }
}

impl Scan {
    pub(crate) fn on(self, line: &'static str) -> Self {
        Self { line: Some(line), ..self }
    }
    pub(crate) fn without_line(self) -> Self {
        Self { line: None, ..self }
    }
    /// In another directory; what is scanned is the same by its key.
    pub(crate) fn in_place(self, target: &'static str) -> Self {
        Self { target, ..self }
    }
    pub(crate) fn leaving_out(self, rules: &'static str) -> Self {
        Self { rules: Some(rules), ..self }
    }
    pub(crate) fn unreadable(self) -> Self {
        Self { unreadable: true, ..self }
    }
    pub(crate) fn at_most(self, max_results: u64) -> Self {
        Self { max_results: Some(max_results), ..self }
    }
    /// With a rule of the configuration by which findings do not count.
    pub(crate) fn suppressing(self, rule: &'static str) -> Self {
        Self { suppressed: Some(rule), ..self }
    }
    /// With a source of one file, in which comments count.
    pub(crate) fn with_source(self, file: &'static str, text: &'static str) -> Self {
        Self { source: Some((file, text)), ..self }
    }

    fn suppressions(&self) -> Suppressions {
        let rule = |text: &str| {
            let file = format!("[[rules]]\n{text}\nreason = 'reviewed'");
            dragnet::suppress::read_rules(".dragnet/suppress.toml", &file).unwrap()
        };
        Suppressions {
            rules: self.suppressed.map(rule).unwrap_or_default(),
            comments: self.source.is_some(),
            directory: None,
        }
    }

    fn submission(&self, lab: &Lab) -> NewScan {
        let mut planned: Vec<(Step, JobSpec)> = self.jobs.iter().map(Job::plan).collect();
        if let Some((file, text)) = self.source {
            let source = Sha256::of(text);
            let tree = dragnet::artifact::tree(&lab.store.dir().join("artifacts"), source);
            std::fs::create_dir_all(&tree).unwrap();
            std::fs::write(tree.join(file), text).unwrap();
            for (_, spec) in &mut planned {
                spec.source = Some(source);
            }
        }
        let suppressions = self.suppressions();
        let options = ScanOptions { max_results: self.max_results, suppressions, ..ScanOptions::default() };
        let plan = Plan {
            template: None,
            target: self.target.parse().unwrap(),
            target_key: TargetKey { key: "git:example.org/shop".to_owned(), line: self.line.map(str::to_owned) },
            owner: Owner::default(),
            source: None,
            options,
            steps: planned.iter().map(|(step, _)| step.clone()).collect(),
            choices: Vec::new(),
        };
        let source = SourceFacts {
            sha256: Sha256::of("source"),
            files: 1,
            bytes: 1,
            commit: None,
            dirty: false,
            rules: self.rules.map(Sha256::of),
            unreadable: if self.unreadable { vec!["secret".to_owned()] } else { Vec::new() },
        };
        NewScan {
            plan,
            source: Some(source),
            executor: "fake".to_owned(),
            profile: PROFILE.to_owned(),
            server_identity: "fake".to_owned(),
            steps: planned.into_iter().map(|(_, spec)| NewStep { spec, blocked: None }).collect(),
            request_key: None,
            actor: "test".to_owned(),
            at: lab.now(),
        }
    }
}

/// What the last scan of several says, and the code with which a gate on what is new ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Said {
    pub(crate) new: u64,
    pub(crate) existing: u64,
    pub(crate) reopened: u64,
    pub(crate) fixed: u64,
    pub(crate) not_observed: BTreeMap<String, u64>,
    pub(crate) coverage: String,
    pub(crate) code: i32,
}

/// The engine of a scan that is driven in memory, as the program reads it.
const PROFILE: &str =
    r#"{"kind": "fake", "host": null, "context": null, "transport": "auto", "agent": null, "grace": "1s"}"#;

type Outputs = Arc<Mutex<HashMap<(ScanKey, String), (Vec<u8>, i32)>>>;

/// Runs scans one after another, and asks the program what the last one says.
pub(crate) async fn play(scans: &[Scan]) -> (Said, Value) {
    play_with(scans, None).await
}

/// The same, but the driver of the last scan is dropped when it has been polled so often, and another one takes over.
pub(crate) async fn play_cut(scans: &[Scan], polls: usize) -> (Said, Value) {
    play_with(scans, Some(polls)).await
}

async fn play_with(scans: &[Scan], cut: Option<usize>) -> (Said, Value) {
    let outputs = Outputs::default();
    let known = Arc::clone(&outputs);
    let lab = Lab::in_memory(FakeExecutor::new(move |launch| {
        let (output, code) = known.lock().unwrap()[&(launch.scan, launch.job.step.to_string())].clone();
        Outcome::Ends { after: Duration::ZERO, code, files: vec![("stdout".to_owned(), output.into())] }
    }));
    let mut last = None;
    for (index, scan) in scans.iter().enumerate() {
        let (row, key) = lab.store.submit(scan.submission(&lab)).await.unwrap();
        for job in &scan.jobs {
            outputs.lock().unwrap().insert((key, job.step.to_owned()), (job.output.clone(), job.code));
        }
        let cut = cut.filter(|_| index + 1 == scans.len());
        let ended = match cut {
            Some(polls) => drive_for(&lab, row, polls).await,
            None => false,
        };
        if !ended {
            lab.drive(row).await;
        }
        lab.check(row);
        last = Some(key);
    }
    ask(&lab, &last.unwrap().to_string())
}

/// Drives a scan until its driver has been polled so often; returns whether it has ended.
async fn drive_for(lab: &Lab, scan: ScanId, polls: usize) -> bool {
    let lease = lab.lease(scan, None).await.unwrap();
    let driver = lab.driver();
    let mut driven = Box::pin(driver.run(&lease, CancellationToken::default()));
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        driven.as_mut().poll(context).map(|rest| rest.unwrap() == Rest::Ended)
    })
    .await
}

fn ask(lab: &Lab, scan: &str) -> (Said, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_dragnet"))
        .args(["report", scan, "--format", "json", "--fail-on", "new:low", "--state"])
        .arg(lab.store.dir())
        .current_dir(lab.store.dir())
        .output()
        .unwrap();
    let report: Result<Value, _> = serde_json::from_slice(&output.stdout);
    assert!(report.is_ok(), "{output:?}");
    let report = report.unwrap();
    let standings = &report["summary"]["standings"];
    let count = |name: &str| standings[name].as_u64().unwrap_or_default();
    let gaps = report["scan"]["coverage"]["gaps"].as_array().unwrap();
    let said = Said {
        new: count("new"),
        existing: count("existing"),
        reopened: count("reopened"),
        fixed: count("fixed"),
        not_observed: serde_json::from_value(standings["not_observed"].clone()).unwrap_or_default(),
        coverage: match gaps.as_slice() {
            [] => report["scan"]["coverage"]["level"].as_str().unwrap().to_owned(),
            gaps => gaps.iter().map(|gap| gap.as_str().unwrap()).collect::<Vec<_>>().join("+"),
        },
        code: output.status.code().unwrap(),
    };
    (said, report)
}
