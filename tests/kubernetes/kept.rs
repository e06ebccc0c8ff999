//! Results on a claim: what outlives pod and Job, and that nothing is left of it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use dragnet::executor::kubernetes::{KubernetesExecutor, KubernetesOptions};
use dragnet::executor::{Executor as _, ExecutorError, Observed};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::runtime::wait::await_condition;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::deploy::{Volume, kubectl};
use super::harness::{Attempt, Harness as _};
use super::lab::{Lab, options};
use super::scans::{PATIENCE, Program, left, ran, said};

/// The claim's name.
const CLAIM: &str = "results";

/// A namespace with a claim, whose volume is a directory of this machine.
struct Shelf {
    lab: Lab,
    directory: tempfile::TempDir,
    volume: Volume,
}

impl Shelf {
    /// `None` where there is no cluster.
    async fn start() -> Option<Self> {
        let mut lab = Lab::start().await?;
        let directory = tempfile::tempdir().unwrap();
        let volume = Volume::of(&lab, CLAIM, directory.path()).await;
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": CLAIM },
            "spec": {
                "storageClassName": "", "accessModes": ["ReadWriteOnce"], "volumeName": lab.cluster.namespace,
                "resources": { "requests": { "storage": "1Gi" } },
            },
        });
        let claims = Api::<PersistentVolumeClaim>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
        claims.create(&PostParams::default(), &serde_json::from_value(claim).unwrap()).await.unwrap();
        let bound = |claim: Option<&PersistentVolumeClaim>| {
            claim.and_then(|claim| claim.status.as_ref()?.phase.as_deref()) == Some("Bound")
        };
        tokio::time::timeout(PATIENCE, await_condition(claims, CLAIM, bound)).await.unwrap().unwrap();
        lab.executor = KubernetesExecutor::connect(with_claim(&lab, CLAIM)).await.unwrap();
        Some(Self { lab, directory, volume })
    }

    /// What is on the volume.
    fn entries(&self) -> Vec<String> {
        let entries = self.directory.path().read_dir().unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Waits until an attempt has sealed results on the volume.
    async fn kept(&self) -> PathBuf {
        let look = async {
            loop {
                let found = self.entries().into_iter().find(|name| !name.contains('.'));
                match found {
                    Some(name) => return self.directory.path().join(name),
                    None => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, look).await.expect("nothing is kept")
    }

    /// Takes the pods of all attempts away.
    async fn take_pods(&self) {
        let pods = Api::<Pod>::namespaced(self.lab.cluster.client.clone(), &self.lab.cluster.namespace);
        let scans = ListParams::default().labels("dragnet.dev/role=scan");
        let found = pods.list(&scans).await.unwrap().items;
        assert!(!found.is_empty());
        for pod in found {
            pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await.unwrap();
        }
    }

    /// Removes everything, with the claim what would keep its volume.
    async fn finish(self) {
        assert_eq!(self.entries(), Vec::<String>::new(), "left on the volume");
        self.lab.finish().await;
        drop(self.volume);
    }

    /// A program whose configuration names a claim.
    fn program(&self, claim: &str, script: &str) -> Program {
        let program = Program::new(&self.lab, script);
        let text = std::fs::read_to_string(&program.config).unwrap();
        let named =
            text.replace("[executor.kubernetes]\n", &format!("[executor.kubernetes]\nresults_claim = {claim:?}\n"));
        std::fs::write(&program.config, named).unwrap();
        program
    }
}

fn with_claim(lab: &Lab, claim: &str) -> KubernetesOptions {
    let mut options = options(&lab.cluster, lab.state.path());
    options.pods.results_claim = Some(claim.to_owned());
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn results_on_a_claim_outlive_pod_and_job() {
    let Some(shelf) = Shelf::start().await else { return };
    let lab = &shelf.lab;
    let attempt =
        Attempt::script(lab, "cat /proc/sys/kernel/random/uuid >{out}/r; head -c 20000000 /dev/urandom >{out}/much");
    attempt.launch(lab).await;
    attempt.ended(lab).await;
    let kept = shelf.kept().await;
    assert_eq!(kept.file_name().unwrap().to_str().unwrap(), attempt.name().as_str());
    let uuid = attempt.fetch(lab).await.unwrap().text("work/r");

    // The cluster begins another pod, which runs the scanner again: what was sealed first stands.
    shelf.take_pods().await;
    assert_eq!(attempt.fetch(lab).await.unwrap().text("work/r"), uuid);

    lab.destroy(attempt.name()).await;
    let jobs = Api::<Job>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let gone = await_condition(jobs, attempt.name().as_str(), |job: Option<&Job>| job.is_none());
    tokio::time::timeout(PATIENCE, gone).await.unwrap().unwrap();
    let ended = Observed::Exited { code: None, out_of_memory: false, error: None };
    assert_eq!(lab.executor.inspect(attempt.name()).await.unwrap(), Some(ended));
    let owned = lab.executor.list_owned(lab.instance).await.unwrap();
    assert!(owned.iter().any(|one| one.role == "kept" && one.attempt.as_ref() == Some(attempt.name())), "{owned:?}");
    assert_eq!(attempt.fetch(lab).await.unwrap().text("work/r"), uuid);

    // What is damaged is told, and is no result.
    let part = kept.join("part-0000");
    std::fs::set_permissions(&part, Permissions::from_mode(0o666)).unwrap();
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    let error = attempt.fetch(lab).await.map(drop).unwrap_err();
    assert!(matches!(error, ExecutorError::Corrupt { .. }), "{error:?}");
    attempt.remove(lab).await;
    shelf.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_sealed_is_lost_with_its_pod() {
    let Some(shelf) = Shelf::start().await else { return };
    let lab = &shelf.lab;
    let attempt = Attempt::script(lab, "echo found >{out}/r; echo ready; exec sleep 1000");
    attempt.launch(lab).await;
    attempt.says(lab, "ready").await;
    // What a keeper that was killed in the midst of it leaves is no result either.
    let begun = shelf.directory.path().join(format!("{}.0", attempt.name()));
    std::fs::create_dir(&begun).unwrap();
    std::fs::set_permissions(&begun, Permissions::from_mode(0o777)).unwrap();
    shelf.take_pods().await;
    attempt.ended(lab).await;
    let error = attempt.fetch(lab).await.map(drop).unwrap_err();
    assert!(matches!(error, ExecutorError::NotFound(_)), "{error:?}");
    attempt.remove(lab).await;
    shelf.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_whose_pod_is_lost_after_sealing_finds_all_the_same() {
    let Some(shelf) = Shelf::start().await else { return };
    let script = "cat /src/report.json; exit 1";
    let program = shelf.program(CLAIM, script);
    let whole = ran(program.start()).await;
    assert_eq!(whole.status.code(), Some(0), "{}", said(&whole));
    let findings = program.findings().await;
    assert_eq!(findings.len(), 5);
    assert_eq!(shelf.entries(), Vec::<String>::new());

    let mut start = program.start();
    start.env("DRAGNET_FAIL", "collect.before:abort");
    let died = ran(start).await;
    assert!(died.status.code().is_none(), "{}", said(&died));
    shelf.kept().await;
    shelf.take_pods().await;
    let finished = ran(program.command(&["watch", "latest"])).await;
    assert_eq!(finished.status.code(), Some(0), "{}", said(&finished));
    assert_eq!(program.findings().await, findings);
    let shown = ran(program.command(&["show", "latest", "--format", "json"])).await;
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["scan"]["jobs"][0]["attempts"], 1, "{shown}");
    assert_eq!(left(&shelf.lab).await, Vec::<String>::new());
    shelf.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_shown_and_one_that_is_missing_is_told_before_anything_is_launched() {
    let Some(shelf) = Shelf::start().await else { return };
    let lab = &shelf.lab;
    let program = shelf.program(CLAIM, "true");
    let tree = program.tree();
    let plan = ["plan", tree.to_str().unwrap(), "--scanner", "probe"];
    let people = said(&ran(program.command(&plan)).await);
    assert!(people.contains(&format!("once sealed kept on the claim {CLAIM}")), "{people}");
    let printed = ran(program.command(&[&plan[..], &["--format", "yaml"]].concat())).await;
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(text.contains(&format!("claimName: {CLAIM}")), "{text}");
    kubectl(lab, &["-n", &lab.cluster.namespace, "apply", "--dry-run=server", "-f", "-"], &text).await;
    let doctor = said(&ran(program.command(&["doctor"])).await);
    let line = |words: &str, item: &str| words.lines().find(|line| line.contains(item)).unwrap_or_default().to_owned();
    assert!(line(&doctor, "claim results").contains("it works"), "{doctor}");

    let program = shelf.program("nowhere", "true");
    let doctor = said(&ran(program.command(&["doctor"])).await);
    assert!(line(&doctor, "claim nowhere").contains("has no PersistentVolumeClaim nowhere"), "{doctor}");
    let refused = ran(program.start()).await;
    assert!(!refused.status.success() && said(&refused).contains("results_claim"), "{}", said(&refused));
    let viewer = KubernetesOptions {
        kubeconfig: Some(lab.cluster.kubeconfig_of("nobody").to_str().unwrap().to_owned()),
        namespace: Some("scans".to_owned()),
        ..with_claim(lab, CLAIM)
    };
    let missing = KubernetesExecutor::connect(viewer).await.unwrap().shortfalls().await.unwrap();
    assert!(missing.iter().any(|one| one.item == "right: get persistentvolumeclaims"), "{missing:?}");
    assert!(missing.last().unwrap().message.contains("[persistentvolumeclaims]"), "{missing:?}");
    assert_eq!(left(lab).await, Vec::<String>::new());
    shelf.finish().await;
}
