//! Endings that a cluster makes by itself, or that only a broken one makes: each has its class, none hangs, none is a success
//! without sealed results.

use std::time::Duration;

use dragnet::executor::kubernetes::{KubernetesExecutor, KubernetesOptions};
use dragnet::executor::{Executor as _, ExecutorError, Observation, Observed};
use dragnet::model::outcome::FailureReason::{self, Evicted, NoSpace, NodeLost, SpecRefused, Vanished};
use dragnet::model::unit::ByteSize;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use serde_json::json;

use super::harness::Attempt;
use super::lab::{Lab, options};
use super::machine::Machine;

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(3);

type Watch = BoxStream<'static, Observation>;

async fn executor(lab: &Lab, change: impl FnOnce(&mut KubernetesOptions)) -> KubernetesExecutor {
    let mut options = options(&lab.cluster, lab.state.path());
    change(&mut options);
    KubernetesExecutor::connect(options).await.unwrap()
}

/// Launches an attempt; returns a watch that was there before it.
async fn launched(lab: &Lab, executor: &KubernetesExecutor, attempt: &Attempt) -> Watch {
    let mut watch = executor.observe(lab.instance);
    assert!(matches!(watch.next().await, Some(Observation::Listing(_))));
    executor.launch(&attempt.0).await.unwrap();
    watch
}

/// Waits until the watch tells of the end, and returns the class and the words of what became of the attempt; then removes it.
async fn failure(executor: &KubernetesExecutor, watch: &mut Watch, attempt: &Attempt) -> (FailureReason, String) {
    let end = async {
        loop {
            match watch.next().await.unwrap() {
                Observation::Changed(name, Observed::Exited { .. }) if name == *attempt.name() => return,
                Observation::Gone(name) if name == *attempt.name() => return,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, end).await.expect("its end is never told");
    let into = tempfile::tempdir().unwrap();
    let error = executor.fetch(&attempt.0, into.path()).await.map(drop).unwrap_err();
    executor.remove(attempt.name()).await.unwrap();
    assert_eq!(executor.inspect(attempt.name()).await.unwrap(), None);
    (error.to_failure().reason, error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_cluster_ends_by_itself_has_its_class() {
    let Some(machine) = Machine::start(Some("600M"), &[]).await else { return };
    let lab = Lab::of(machine.cluster().await).await;
    too_much_output(&lab).await;
    results_that_nobody_fetched(&lab).await;
    a_container_that_does_not_end(&lab, &machine).await;
    a_full_disk(&lab).await;
    a_namespace_that_is_removed(&lab).await;
    a_node_that_is_gone(&lab, &machine).await;
    lab.finish().await;
}

/// More in the pod's directories than its limits allow.
async fn too_much_output(lab: &Lab) {
    let script = "dd if=/dev/zero of=/dragnet/out/more bs=1048576 count=150; sleep 1000";
    let attempt = Attempt::script(lab, script).with(|spec| {
        spec.limits.output = ByteSize(1 << 20);
        spec.limits.log = ByteSize(1 << 20);
    });
    let mut watch = launched(lab, &lab.executor, &attempt).await;
    let (reason, message) = failure(&lab.executor, &mut watch, &attempt).await;
    assert_eq!(reason, NoSpace, "{message}");
    assert!(message.contains("exceeds"), "{message}");
    eprintln!("too much output: {message}");
}

/// The keeper's time has passed, and then the Job's.
async fn results_that_nobody_fetched(lab: &Lab) {
    let short = executor(lab, |options| {
        options.hold = Duration::from_secs(1);
        options.ttl = Duration::from_secs(1);
    })
    .await;
    let attempt = Attempt::script(lab, "echo found >/dragnet/out/work/r");
    short.launch(&attempt.0).await.unwrap();
    let gone = async {
        while short.inspect(attempt.name()).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    let into = tempfile::tempdir().unwrap();
    let error = short.fetch(&attempt.0, into.path()).await.map(drop).unwrap_err();
    assert_eq!(error.to_failure().reason, Vanished, "{error}");
    short.remove(attempt.name()).await.unwrap();
}

/// What an admission webhook may add to a pod, and what does not end when the scanner does.
async fn a_container_that_does_not_end(lab: &Lab, machine: &Machine) {
    machine.order("pause controller-manager").await;
    let attempt = Attempt::script(lab, "echo ready; sleep 1; echo found >/dragnet/out/work/r");
    lab.executor.launch(&attempt.0).await.unwrap();
    // The same Job with one container more, before its pod is made.
    let jobs = Api::<Job>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let mut job = jobs.get(attempt.name().as_str()).await.unwrap();
    jobs.delete(attempt.name().as_str(), &DeleteParams::default()).await.unwrap();
    let ObjectMeta { name, labels, annotations, .. } = job.metadata;
    job.metadata = ObjectMeta { name, labels, annotations, ..ObjectMeta::default() };
    job.status = None;
    let spec = job.spec.as_mut().unwrap();
    spec.selector = None;
    let labels = spec.template.metadata.as_mut().unwrap().labels.as_mut().unwrap();
    labels.remove("controller-uid");
    let mut sidecar = spec.template.spec.as_ref().unwrap().containers[0].clone();
    "sidecar".clone_into(&mut sidecar.name);
    sidecar.image = Some(lab.cluster.image.clone());
    sidecar.command = Some(["sleep", "100000"].map(str::to_owned).to_vec());
    sidecar.args = None;
    sidecar.volume_mounts = None;
    spec.template.spec.as_mut().unwrap().containers.push(sidecar);
    jobs.create(&PostParams::default(), &job).await.unwrap();
    machine.order("resume controller-manager").await;
    let ended = attempt.ended(lab).await;
    assert_eq!(ended, Observed::Exited { code: Some(0), out_of_memory: false, error: None });
    assert_eq!(attempt.fetch(lab).await.unwrap().text("work/r"), "found\n");
    attempt.remove(lab).await;
}

/// The node's disk is full: it looks for somebody to throw out.
async fn a_full_disk(lab: &Lab) {
    let attempt = Attempt::script(lab, "dd if=/dev/zero of=/tmp/all bs=1048576 count=400; sleep 1000");
    let mut watch = launched(lab, &lab.executor, &attempt).await;
    let (reason, message) = failure(&lab.executor, &mut watch, &attempt).await;
    assert_eq!(reason, Evicted, "{message}");
    eprintln!("a full disk: {message}");
    wait_for_room(lab).await;
}

/// A node that is short of something takes no pods for a while.
async fn wait_for_room(lab: &Lab) {
    let attempt = Attempt::script(lab, "echo found >/dragnet/out/work/r");
    assert_eq!(attempt.run(lab).await.text("work/r"), "found\n");
}

async fn a_namespace_that_is_removed(lab: &Lab) {
    let namespaces = Api::<Namespace>::all(lab.cluster.client.clone());
    let name = format!("{}-going", lab.cluster.namespace);
    let wanted = json!({ "metadata": { "name": name } });
    namespaces.create(&PostParams::default(), &serde_json::from_value(wanted).unwrap()).await.unwrap();
    let inside = executor(lab, |options| options.namespace = Some(name.clone())).await;
    // A container that takes its time holds the namespace up.
    let attempt = Attempt::script(lab, "trap '' TERM; echo ready; sleep 1000");
    let mut watch = inside.observe(lab.instance);
    inside.launch(&attempt.0).await.unwrap();
    let begins = async { while !matches!(watch.next().await, Some(Observation::Changed(_, Observed::Running))) {} };
    tokio::time::timeout(PATIENCE, begins).await.unwrap();
    namespaces.delete(&name, &DeleteParams::background()).await.unwrap();
    let late = Attempt::script(lab, "true");
    let refused = inside.launch(&late.0).await.map(drop).unwrap_err();
    assert_eq!(refused.to_failure().reason, SpecRefused, "{refused}");
    assert!(refused.to_string().contains("being terminated"), "{refused}");
    let (reason, message) = failure(&inside, &mut watch, &attempt).await;
    assert_eq!(reason, Vanished, "{message}");
    let gone = async {
        while namespaces.get_opt(&name).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

/// The kubelet is silent: the cluster gives the pod up, and cannot say whether it still runs.
async fn a_node_that_is_gone(lab: &Lab, machine: &Machine) {
    let impatient = executor(lab, |options| {
        options.tolerations = ["not-ready", "unreachable"]
            .map(|taint| {
                json!({ "key": format!("node.kubernetes.io/{taint}"), "operator": "Exists", "effect": "NoExecute",
                        "tolerationSeconds": 1 })
            })
            .to_vec();
    })
    .await;
    let attempt = Attempt::script(lab, "echo ready; sleep 1000");
    let mut watch = launched(lab, &impatient, &attempt).await;
    attempt.says(lab, "ready").await;
    machine.order("kill kubelet").await;
    let into = tempfile::tempdir().unwrap();
    let silent = impatient.stop(attempt.name(), Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(silent, ExecutorError::Unreachable(_)), "the node may come back: {silent}");
    let running = impatient.fetch(&attempt.0, into.path()).await.map(drop).unwrap_err();
    assert!(matches!(running, ExecutorError::Busy(_)), "{running}");
    let (reason, message) = failure(&impatient, &mut watch, &attempt).await;
    assert_eq!(reason, NodeLost, "{message}");
    eprintln!("a node that is gone: {message}");
    machine.order("start kubelet").await;
}
