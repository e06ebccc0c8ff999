//! Small results in the status of their pod: readable by the state that ordered them and nobody else, and there when all else is gone.

use std::time::Duration;

use dragnet::executor::kubernetes::{KubernetesExecutor, KubernetesOptions};
use dragnet::executor::{Executor as _, Observation, Observed};
use dragnet::letter::{StateKey, is_letter};
use dragnet::model::outcome::FailureReason::Killed;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;

use super::harness::{Attempt, Fetched};
use super::lab::{Lab, options};
use super::scans::{Program, left, ran, said};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(4);

/// The text that the status shows of the scanner's end.
pub(super) fn letter(pod: &Pod) -> Option<&str> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let scan = statuses.iter().find(|one| one.name == "scan")?;
    scan.state.as_ref()?.terminated.as_ref()?.message.as_deref()
}

/// Waits until the only scan's pod has no container that runs, and returns it.
async fn pod_at_rest(lab: &Lab) -> Pod {
    let pods = Api::<Pod>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let scans = ListParams::default().labels("dragnet.dev/role=scan");
    let rests = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Succeeded" | "Failed"))
    };
    let look = async {
        loop {
            match pods.list(&scans).await.unwrap().items.pop() {
                Some(pod) if rests(&pod) => return pod,
                _ => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("its keeper does not leave")
}

async fn with(lab: &Lab, change: impl FnOnce(&mut KubernetesOptions)) -> KubernetesExecutor {
    let mut options = options(&lab.cluster, lab.state.path());
    // Nobody is left to be asked.
    options.pods.hold = Duration::from_secs(1);
    change(&mut options);
    KubernetesExecutor::connect(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_outlives_its_keeper_and_is_read_by_its_state_alone() {
    let Some(lab) = Lab::start().await else { return };
    let first = with(&lab, |_| ()).await;
    let attempt = Attempt::script(&lab, "echo s3cret >{out}/r");
    first.launch(&attempt.0).await.unwrap();
    let pod = pod_at_rest(&lab).await;
    let text = letter(&pod).unwrap();
    assert!(is_letter(text) && !text.contains("s3cret"), "{text}");

    let into = tempfile::tempdir().unwrap();
    let other = with(&lab, |options| options.letters = Some(StateKey::of(b"other"))).await;
    // What does not open is no result, and the keeper that had another copy is gone.
    let error = loop {
        match other.fetch(&attempt.0, into.path()).await.map(drop).unwrap_err() {
            error if error.is_transient() => tokio::time::sleep(Duration::from_millis(100)).await,
            error => break error,
        }
    };
    assert_eq!(error.to_failure().reason, Killed, "{error}");
    assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0);

    // Another process of the same state has not seen it run.
    let next = with(&lab, |_| ()).await;
    let mut told = next.observe(lab.instance);
    let ended = Observed::Exited { code: Some(0), out_of_memory: false, error: None };
    assert_eq!(told.next().await, Some(Observation::Listing(vec![(attempt.name().clone(), ended)])));
    let before = next.calls();
    let sealed = next.fetch(&attempt.0, into.path()).await.unwrap();
    assert_eq!(next.calls(), before, "the watch has brought it");
    assert_eq!(Fetched { into, sealed }.text("work/r"), "s3cret\n");
    attempt.remove(&lab).await;
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_in_the_status_when_the_client_dies_and_the_keeper_leaves() {
    let Some(lab) = Lab::start().await else { return };
    let program = Program::new(&lab, "cat /src/report.json; exit 1");
    let text = std::fs::read_to_string(&program.config).unwrap();
    let hasty = text.replace("[executor.kubernetes]\n", "[executor.kubernetes]\nhold = \"1s\"\n");
    assert_ne!(hasty, text);
    std::fs::write(&program.config, hasty).unwrap();
    let mut start = program.start();
    start.env("DRAGNET_FAIL", "collect.before:abort");
    let died = ran(start).await;
    assert!(died.status.code().is_none(), "{}", said(&died));
    pod_at_rest(&lab).await;
    let finished = ran(program.command(&["watch", "latest"])).await;
    assert_eq!(finished.status.code(), Some(0), "{}", said(&finished));
    assert_eq!(program.findings().await.len(), 5);
    let shown = ran(program.command(&["show", "latest", "--format", "json"])).await;
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["scan"]["jobs"][0]["attempts"], 1, "{shown}");
    assert_eq!(left(&lab).await, Vec::<String>::new());
    lab.finish().await;
}
