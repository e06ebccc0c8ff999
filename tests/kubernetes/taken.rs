//! What is taken away from an attempt in the middle of it, or after it: it is lost, and never a success.
//!
//! A cluster tells of one event in several steps, and a slow one lets us see each. A pod that is deleted gets time to end: its shim
//! may stop the scanner and seal what there was, and for a moment the results can be had. They say themselves that the scanner was
//! stopped, and by whom it was not. So two ends are right, and no test knows which it will see; what never comes is a clean result.

use std::time::Duration;

use dragnet::executor::kubernetes::{KubernetesExecutor, KubernetesOptions};
use dragnet::executor::{Executor as _, ExecutorError, Observation, Observed, OwnedKind};
use dragnet::model::manifest::ExitCause;
use dragnet::model::outcome::FailureReason::{self, Evicted, Killed, SpecRefused, TimedOut, Vanished};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{DeleteParams, EvictParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::harness::{Attempt, Harness as _};
use super::lab::{Lab, options};

/// Nothing here takes longer, on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(4);

/// What became of an attempt.
#[derive(Debug, PartialEq)]
enum End {
    /// It left nothing, for this reason.
    Lost(FailureReason),
    /// It left what there was when its scanner ended, for this cause.
    Sealed(ExitCause),
}

impl End {
    /// Whether it is what the loss of a pod comes to.
    fn is(&self, reason: FailureReason) -> bool {
        *self == Self::Lost(reason) || *self == Self::Sealed(ExitCause::Stopped)
    }
}

/// An attempt, and what is told of it.
struct Watched<'l> {
    lab: &'l Lab,
    attempt: Attempt,
    told: BoxStream<'static, Observation>,
    /// All that was told so far.
    seen: Vec<Observation>,
}

impl<'l> Watched<'l> {
    /// An attempt that runs until somebody does something.
    async fn running(lab: &'l Lab) -> Self {
        let attempt = Attempt::script(lab, "echo ready; sleep 1000");
        attempt.launch(lab).await;
        attempt.says(lab, "ready").await;
        let mut told = lab.executor.observe(lab.instance);
        let seen = told.next().await.into_iter().collect();
        Self { lab, attempt, told, seen }
    }

    /// Waits until the attempt is told to be gone or ended.
    async fn over(&mut self) {
        let name = self.attempt.name();
        let (told, seen) = (&mut self.told, &mut self.seen);
        let over = async {
            loop {
                let next = told.next().await.unwrap();
                let over = match &next {
                    Observation::Gone(gone) => gone == name,
                    Observation::Changed(changed, Observed::Exited { .. }) => changed == name,
                    Observation::Listing(all) => {
                        all.iter().any(|(one, is)| one == name && matches!(is, Observed::Exited { .. }))
                    }
                    _ => false,
                };
                seen.push(next);
                if over {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, over).await.is_ok();
        assert!(in_time, "{name} does not end: {:?}, {:?}", self.seen, self.lab.executor.inspect(name).await);
    }

    /// Waits for the end, fetches what there is, and removes the attempt.
    async fn end(mut self) -> End {
        self.over().await;
        let end = self.fetched().await;
        self.attempt.remove(self.lab).await;
        end
    }

    /// Fetches for as long as the answer may change: the keeper that was seen running may be on its way out.
    async fn fetched(&self) -> End {
        let fetch = async {
            loop {
                match self.attempt.fetch(self.lab).await {
                    Ok(fetched) => return End::Sealed(fetched.manifest().exit.cause.clone()),
                    Err(error) if error.is_transient() => tokio::time::sleep(Duration::from_millis(100)).await,
                    Err(error) => return End::Lost(error.to_failure().reason),
                }
            }
        };
        let fetched = tokio::time::timeout(PATIENCE, fetch).await;
        fetched.unwrap_or_else(|_| panic!("{} is neither here nor gone: {:?}", self.attempt.name(), self.seen))
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.lab.cluster.client.clone(), &self.lab.cluster.namespace)
    }

    fn jobs(&self) -> Api<Job> {
        Api::namespaced(self.lab.cluster.client.clone(), &self.lab.cluster.namespace)
    }

    /// The names of its pods that nobody has begun to remove.
    async fn live_pods(&self) -> Vec<String> {
        let labels = ListParams::default().labels(&format!("job-name={}", self.attempt.name()));
        let found = self.pods().list(&labels).await.unwrap().items;
        found.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).map(ResourceExt::name_any).collect()
    }

    /// The name of the pod that takes the place of another.
    async fn pod_after(&self, first: &str) -> String {
        let second = async {
            loop {
                if let Some(name) = self.live_pods().await.into_iter().find(|name| name != first) {
                    return name;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, second).await.expect("the cluster begins no second pod")
    }

    /// The name of its pod.
    async fn pod(&self) -> String {
        let found = self.live_pods().await;
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }
}

/// Removes everything. A Job that is removed in the very moment in which the cluster makes its next pod leaves that to the cluster's
/// collector, which takes a moment.
async fn finish(lab: &Lab) {
    let collected = async {
        while lab.executor.list_owned(lab.instance).await.unwrap().iter().any(|one| one.kind == OwnedKind::Pod) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, collected).await.expect("a pod without a Job stays");
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_is_deleted_or_evicted_is_lost() {
    let Some(lab) = Lab::start().await else { return };
    for grace in [None, Some(0)] {
        let watched = Watched::running(&lab).await;
        let delete = DeleteParams { grace_period_seconds: grace, ..DeleteParams::default() };
        watched.pods().delete(&watched.pod().await, &delete).await.unwrap();
        let end = watched.end().await;
        assert!(end.is(Vanished), "grace {grace:?}: {end:?}");
    }
    let watched = Watched::running(&lab).await;
    watched.pods().evict(&watched.pod().await, &EvictParams::default()).await.unwrap();
    let end = watched.end().await;
    // Clusters before 1.26 do not say why they delete.
    assert!(end.is(Evicted) || end.is(Vanished), "{end:?}");
    finish(&lab).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pod_that_takes_the_place_of_a_lost_one_is_removed_with_it() {
    let Some(lab) = Lab::start().await else { return };
    let mut watched = Watched::running(&lab).await;
    let first = watched.pod().await;
    watched.pods().delete(&first, &DeleteParams::default().grace_period(0)).await.unwrap();
    watched.over().await;
    let second = watched.pod_after(&first).await;
    watched.attempt.remove(&lab).await;
    let live = watched.live_pods().await;
    assert!(!live.contains(&second), "{second} is left to run: {live:?}");
    finish(&lab).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_was_replaced_while_nobody_looked_is_lost() {
    let Some(lab) = Lab::start().await else { return };
    let watched = Watched::running(&lab).await;
    let first = watched.pod().await;
    watched.pods().delete(&first, &DeleteParams::default().grace_period(0)).await.unwrap();
    watched.pod_after(&first).await;
    let next = with(&lab, |_| {}).await;
    let listing = next.observe(lab.instance).next().await.unwrap();
    let Observation::Listing(listing) = &listing else { panic!("{listing:?}") };
    let [(_, Observed::Exited { error: Some(error), .. })] = &listing[..] else { panic!("{listing:?}") };
    assert!(error.contains("the cluster has begun another"), "{error}");
    let attempt = &watched.attempt;
    let lost = next.fetch(&attempt.0, tempfile::tempdir().unwrap().path()).await.map(drop).unwrap_err();
    assert_eq!(lost.to_failure().reason, Vanished, "{lost}");
    next.remove(attempt.name()).await.unwrap();
    finish(&lab).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_deleted_or_late_is_lost() {
    let Some(lab) = Lab::start().await else { return };
    let watched = Watched::running(&lab).await;
    lab.destroy(watched.attempt.name()).await;
    let end = watched.end().await;
    assert_eq!(end, End::Lost(Vanished), "without its Job nothing of it is looked for");

    let watched = Watched::running(&lab).await;
    let late = Patch::Merge(json!({ "spec": { "activeDeadlineSeconds": 1 } }));
    watched.jobs().patch(watched.attempt.name().as_str(), &PatchParams::default(), &late).await.unwrap();
    let end = watched.end().await;
    assert!(end.is(TimedOut), "{end:?}");
    finish(&lab).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_goes_takes_its_attempts() {
    let Some(lab) = Lab::start().await else { return };
    let watched = Watched::running(&lab).await;
    let namespaces = Api::<Namespace>::all(lab.cluster.client.clone());
    namespaces.delete(&lab.cluster.namespace, &DeleteParams::default()).await.unwrap();
    let late = Attempt::script(&lab, "true");
    let error = lab.executor.launch(&late.0).await.map(drop).unwrap_err();
    assert_eq!(error.to_failure().reason, SpecRefused, "{error}");
    assert!(error.to_string().contains(&lab.cluster.namespace), "{error}");
    let end = watched.end().await;
    assert!(end.is(Vanished), "{end:?}");
    lab.finish().await;
}

/// An executor in the lab's namespace with other options.
async fn with(lab: &Lab, change: impl FnOnce(&mut KubernetesOptions)) -> KubernetesExecutor {
    let mut options = options(&lab.cluster, lab.state.path());
    change(&mut options);
    KubernetesExecutor::connect(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_nobody_came_for_are_lost() {
    let Some(lab) = Lab::start().await else { return };
    let second = Duration::from_secs(1);
    let let_go = with(&lab, |options| options.pods.hold = second).await;
    let removed = with(&lab, |options| (options.pods.hold, options.pods.ttl) = (second, second)).await;
    for (executor, reason) in [(&let_go, Killed), (&removed, Vanished)] {
        // Too long for a letter, which would outlive the keeper.
        let attempt = Attempt::script(&lab, "head -c 5000 /dev/urandom >{out}/r");
        let mut told = executor.observe(lab.instance);
        executor.launch(&attempt.0).await.unwrap();
        let mut seen = Vec::new();
        let fate = async {
            loop {
                // The cluster itself removes the Job; where it does not, the pod says that the keeper has ended.
                let state = executor.inspect(attempt.name()).await.unwrap();
                let ended = matches!(&state, Some(Observed::Exited { error: Some(_), .. }));
                if state.is_none() || reason == Killed && ended {
                    return;
                }
                seen.push(state);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, fate).await.is_ok();
        assert!(in_time, "{reason:?}: {:?}", seen.last());
        let into = tempfile::tempdir().unwrap();
        let error = executor.fetch(&attempt.0, into.path()).await.map(drop).unwrap_err();
        assert_eq!(error.to_failure().reason, reason, "{error}");
        assert_eq!(matches!(error, ExecutorError::NotFound(_)), reason == Vanished, "{error}");
        if reason == Vanished {
            let gone = async { while told.next().await.unwrap() != Observation::Gone(attempt.name().clone()) {} };
            tokio::time::timeout(PATIENCE, gone).await.unwrap();
        }
        executor.remove(attempt.name()).await.unwrap();
    }
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companion_that_never_ends_keeps_nobody_waiting() {
    let Some(lab) = Lab::start().await else { return };
    // A letter that a kubelet shows whole in a pod of three containers, and cuts in one of four.
    let attempt = Attempt::script(&lab, "echo found >{out}/r; head -c 2000 /dev/urandom >{out}/more");
    // As clusters do that put a container of their own into every pod: the Job is ours in all other respects.
    let mut job = lab.executor.preview(&attempt.0).pop().unwrap();
    let containers = job["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({
        "name": "companion",
        "image": lab.cluster.image,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"],
    }));
    let jobs = Api::<Job>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    jobs.create(&PostParams::default(), &serde_json::from_value(job).unwrap()).await.unwrap();
    assert!(lab.executor.launch(&attempt.0).await.unwrap().adopted);
    let ended = Observed::Exited { code: Some(0), out_of_memory: false, error: None };
    assert_eq!(attempt.ended(&lab).await, ended);
    let pods = Api::<Pod>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let labels = ListParams::default().labels(&format!("job-name={}", attempt.name()));
    let pod = pods.list(&labels).await.unwrap().items.remove(0);
    assert_eq!(super::letters::letter(&pod).map(str::len), Some(3072), "12 KiB for four containers");
    let fetched = attempt.fetch(&lab).await.unwrap();
    assert_eq!((fetched.text("work/r"), &fetched.manifest().exit.cause), ("found\n".to_owned(), &ExitCause::Ended));
    attempt.remove(&lab).await;
    let gone = async {
        while !pods.list(&labels).await.unwrap().items.is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("its pod does not go");
    lab.finish().await;
}
