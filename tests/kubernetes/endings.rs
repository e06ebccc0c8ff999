//! The ways in which an attempt can end by itself, or fail to begin, and the class that each is given; see `taken` for the others.

use std::time::Duration;

use dragnet::executor::kubernetes::{KubernetesExecutor, KubernetesOptions, PullPolicy};
use dragnet::executor::{Executor as _, Observation, Observed};
use dragnet::model::manifest::ExitCause;
use dragnet::model::outcome::FailureReason::{self, ImageUnavailable, NeverScheduled, NoSpace, SpecRefused};
use dragnet::model::scanner::SecretRef;
use dragnet::model::unit::ByteSize;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ResourceQuota, Secret};
use kube::api::PostParams;
use kube::{Api, ResourceExt as _};
use serde_json::json;

use super::harness::{Attempt, Harness as _};
use super::lab::{Lab, options};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(2);

/// An executor in the lab's namespace whose pods must start within a few seconds.
async fn hasty(lab: &Lab, change: impl FnOnce(&mut KubernetesOptions)) -> KubernetesExecutor {
    let mut options = options(&lab.cluster, lab.state.path());
    options.pods.start_timeout = Duration::from_secs(4);
    change(&mut options);
    KubernetesExecutor::connect(options).await.unwrap()
}

/// Launches, waits until the watch tells of the end, and returns the class and the words of what became of it.
async fn failure(lab: &Lab, executor: &KubernetesExecutor, attempt: &Attempt) -> (FailureReason, String) {
    let mut watch = executor.observe(lab.instance);
    let ended = async {
        executor.launch(&attempt.0).await.unwrap();
        loop {
            match watch.next().await.unwrap() {
                Observation::Changed(name, Observed::Exited { error, .. }) if name == *attempt.name() => return error,
                Observation::Listing(all) => {
                    let ours = all.into_iter().find(|(name, _)| name == attempt.name());
                    if let Some((_, Observed::Exited { error, .. })) = ours {
                        return error;
                    }
                }
                Observation::Unreachable(message) => panic!("{message}"),
                _ => {}
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    let into = tempfile::tempdir().unwrap();
    let error = executor.fetch(&attempt.0, into.path()).await.map(drop).unwrap_err();
    assert_eq!(told, Some(error.to_string()), "watch and fetch agree");
    executor.remove(attempt.name()).await.unwrap();
    assert_eq!(executor.inspect(attempt.name()).await.unwrap(), None);
    (error.to_failure().reason, error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_starts_ends_in_time_and_says_why() {
    let Some(lab) = Lab::start().await else { return };
    let image = |image: &str| Attempt::script(&lab, "true").with(|spec| image.clone_into(&mut spec.image));
    let plain = || Attempt::script(&lab, "true");
    // What is told by the node takes the node some time.
    let patient = |options: &mut KubernetesOptions| options.pods.start_timeout = Duration::from_mins(1);
    let usual = hasty(&lab, patient).await;
    let nowhere =
        hasty(&lab, |options| drop(options.pods.node_selector.insert("nowhere".to_owned(), "true".to_owned()))).await;
    let nobody = hasty(&lab, |options| options.pods.service_account = Some("nobody".to_owned())).await;
    let no_agent = hasty(&lab, |options| {
        patient(options);
        options.agent_image = Some("dragnet.invalid/agent:1".to_owned());
    })
    .await;
    // There is no registry to pull from: the node goes on trying.
    let pulling = hasty(&lab, |options| {
        options.pods.start_timeout = Duration::from_secs(20);
        options.pods.pull_policy = PullPolicy::Always;
    })
    .await;
    let rows = [
        (&usual, image("dragnet.invalid/missing:1"), ImageUnavailable, "ErrImageNeverPull"),
        (&usual, image("Not/An/Image"), ImageUnavailable, "InvalidImageName"),
        (&pulling, plain(), ImageUnavailable, "Pull"),
        (&nowhere, plain(), NeverScheduled, "no node takes its pod"),
        (&nobody, plain(), SpecRefused, "nobody"),
        (&no_agent, plain(), ImageUnavailable, "dragnet.invalid/agent:1"),
    ];
    let judged = rows.iter().map(|(executor, attempt, ..)| failure(&lab, executor, attempt));
    let judged = futures::future::join_all(judged).await;
    for ((.., reason, words), (found, message)) in rows.iter().zip(judged) {
        assert_eq!(found, *reason, "{message}");
        assert!(message.contains(words), "{words} in {message}");
    }
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_waited_for_and_then_told() {
    let Some(lab) = Lab::start().await else { return };
    let quotas = Api::<ResourceQuota>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let quota = json!({ "metadata": { "name": "none" }, "spec": { "hard": { "pods": "0" } } });
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    let full = || async { quotas.get("none").await.unwrap().status.and_then(|status| status.hard).is_some() };
    while !full().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let executor = hasty(&lab, |_| ()).await;
    let (reason, message) = failure(&lab, &executor, &Attempt::script(&lab, "true")).await;
    assert_eq!(reason, NoSpace, "{message}");
    assert!(message.contains("exceeded quota"), "{message}");
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_to_an_end_tells_how() {
    let Some(lab) = Lab::start().await else { return };
    let complete = Attempt::script(&lab, "echo found >{out}/r");
    let failed = Attempt::script(&lab, "echo found >{out}/r; exit 42");
    // The shell itself grows: no child is there to be killed in its place. It has room to outgrow the shim: where a cluster gives
    // both the highest score, the kernel chooses by size.
    let starved = Attempt::script(&lab, "echo found >{out}/r; x=0123456789abcdef; while :; do x=$x$x; done")
        .with(|spec| spec.limits.memory = ByteSize(96 << 20));
    let (complete, failed, starved) = tokio::join!(complete.run(&lab), failed.run(&lab), starved.run(&lab));
    for (fetched, code) in [(complete, Some(0)), (failed, Some(42)), (starved, None)] {
        let exit = &fetched.manifest().exit;
        assert_eq!((exit.code, &exit.cause), (code, &ExitCause::Ended), "{exit:?}");
        assert_eq!(exit.oom_kills > 0, code.is_none(), "{exit:?}");
        assert_eq!(fetched.text("work/r"), "found\n");
    }
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_before_the_start_leaves_nothing() {
    let Some(lab) = Lab::start().await else { return };
    let nowhere = {
        let mut options = options(&lab.cluster, lab.state.path());
        options.pods.node_selector.insert("nowhere".to_owned(), "true".to_owned());
        KubernetesExecutor::connect(options).await.unwrap()
    };
    let attempt = Attempt::script(&lab, "true");
    nowhere.launch(&attempt.0).await.unwrap();
    assert_eq!(nowhere.inspect(attempt.name()).await.unwrap(), Some(Observed::Created));
    nowhere.stop(attempt.name(), Duration::from_secs(5)).await.unwrap();
    assert_eq!(nowhere.inspect(attempt.name()).await.unwrap(), None);
    attempt.remove(&lab).await;
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_goes_with_its_job_and_alone() {
    let Some(lab) = Lab::start().await else { return };
    let secrets = Api::<Secret>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let attempt = Attempt::script(&lab, "echo ready; sleep 1000")
        .with(|spec| drop(spec.secrets.insert("token".to_owned(), SecretRef::Env("UNUSED".to_owned()))));
    let spooled = dragnet::executor::types::secret_file(lab.state(), attempt.0.scan, "token");
    std::fs::create_dir_all(spooled.parent().unwrap()).unwrap();
    std::fs::write(&spooled, "s3cret").unwrap();
    attempt.launch(&lab).await;
    let secret = secrets.get(attempt.name().as_str()).await.unwrap();
    assert_eq!(secret.immutable, Some(true));
    assert_eq!(secret.owner_references()[0].kind, "Job");
    // Somebody else removes the Job: the cluster removes the Secret.
    lab.destroy(attempt.name()).await;
    let gone = async {
        while secrets.get_opt(attempt.name().as_str()).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    attempt.remove(&lab).await;
    lab.finish().await;
}
