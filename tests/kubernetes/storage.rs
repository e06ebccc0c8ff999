//! Results through object storage: what survives there, and what comes from the pod all the same.

use std::process::Output;
use std::time::Duration;

use dragnet::executor::kubernetes::{KubernetesExecutor, S3Options};
use dragnet::executor::{Executor as _, ExecutorError, Observed};
use dragnet::model::id::Sha256;
use dragnet::model::unit::{ByteSize, Span};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt as _};

use super::harness::{Attempt, Fetched, Harness as _};
use super::lab::{Lab, options};
use super::objects::{KEY, KEY_ID, Objects};
use super::scans::{Program, ran, said};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_mins(3);

/// A lab whose executor uses a storage; `None` where there is no cluster or no storage.
async fn start(change: impl FnOnce(&mut S3Options)) -> Option<(Lab, Objects)> {
    let objects = Objects::start().await?;
    let mut lab = Lab::start().await?;
    lab.executor = executor(&lab, &objects, change).await;
    Some((lab, objects))
}

async fn executor(lab: &Lab, objects: &Objects, change: impl FnOnce(&mut S3Options)) -> KubernetesExecutor {
    let mut storage = objects.options();
    change(&mut storage);
    let mut options = options(&lab.cluster, lab.state.path());
    options.s3 = Some(storage);
    KubernetesExecutor::connect(options).await.unwrap()
}

fn jobs(lab: &Lab) -> Api<Job> {
    Api::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace)
}

fn pods(lab: &Lab) -> Api<Pod> {
    Api::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace)
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let look = async {
        while !look().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// Waits until nothing of the pod runs any more.
async fn completed(lab: &Lab, attempt: &Attempt) {
    until("the Job is complete", async || {
        let job = jobs(lab).get(attempt.name().as_str()).await.unwrap();
        job.status.and_then(|status| status.succeeded) == Some(1)
    })
    .await;
}

/// Removes the Job behind the executor's back, and waits until the cluster has removed what it owns.
async fn gone(lab: &Lab, attempt: &Attempt) {
    lab.destroy(attempt.name()).await;
    let secrets = Api::<Secret>::namespaced(lab.cluster.client.clone(), &lab.cluster.namespace);
    let addresses = format!("{}-s3", attempt.name());
    until("Job and Secret are gone", async || {
        jobs(lab).get_opt(attempt.name().as_str()).await.unwrap().is_none()
            && secrets.get_opt(&addresses).await.unwrap().is_none()
    })
    .await;
}

/// Where an attempt's objects are.
fn directory(lab: &Lab, attempt: &Attempt) -> String {
    format!("test/{}/{}", lab.instance, attempt.name())
}

#[tokio::test(flavor = "multi_thread")]
async fn results_outlive_keeper_pod_and_job() {
    let Some((lab, objects)) = start(|_| ()).await else { return };
    let megabytes: u64 = if std::env::var_os("DRAGNET_FULL").is_some() { 512 } else { 64 };
    let script = format!("head -c {}  /dev/urandom >{{out}}/r && sha256sum <{{out}}/r >{{out}}/sum", megabytes << 20);
    let attempt = Attempt::script(&lab, &script).with(|spec| spec.limits.output = ByteSize((megabytes << 20) + 4096));
    attempt.launch(&lab).await;
    completed(&lab, &attempt).await;
    // Part after part, the last one shorter, and the manifest.
    let there = objects.all(&directory(&lab, &attempt));
    assert_eq!(there.len() as u64, megabytes / 16 + 2, "{:?}", there.iter().map(|(name, _)| name).collect::<Vec<_>>());

    let identical = |fetched: &Fetched| {
        let result = fetched.file("work/r").unwrap();
        assert_eq!(result.len() as u64, megabytes << 20);
        assert_eq!(fetched.text("work/sum").split_whitespace().next().unwrap(), Sha256::of(result).to_string());
    };
    identical(&attempt.fetch(&lab).await.unwrap());

    let running =
        pods(&lab).list(&ListParams::default().labels(&format!("job-name={}", attempt.name()))).await.unwrap();
    pods(&lab).delete(&running.items[0].name_any(), &DeleteParams::default().grace_period(0)).await.unwrap();
    // A part of which half was brought goes on from there: what is here is not asked for again.
    let into = tempfile::tempdir().unwrap();
    std::fs::write(
        into.path().join("part-0000.tmp"),
        &there.iter().find(|(name, _)| name.ends_with("part-0000")).unwrap().1[..5 << 20],
    )
    .unwrap();
    let sealed = lab.executor.fetch(&attempt.0, into.path()).await.unwrap();
    identical(&Fetched { into, sealed });

    gone(&lab, &attempt).await;
    let ended = Observed::Exited { code: None, out_of_memory: false, error: None };
    assert_eq!(lab.executor.inspect(attempt.name()).await.unwrap(), Some(ended));
    let owned = lab.executor.list_owned(lab.instance).await.unwrap();
    assert!(owned.iter().any(|one| one.attempt.as_ref() == Some(attempt.name())), "{owned:?}");
    identical(&attempt.fetch(&lab).await.unwrap());
    attempt.remove(&lab).await;
    assert_eq!(objects.all("test"), [], "removed with the attempt");
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_is_away_for_a_while_is_waited_for() {
    let Some((lab, objects)) = start(|_| ()).await else { return };
    let attempt = Attempt::script(&lab, "sleep 3; echo found >{out}/r");
    attempt.launch(&lab).await;
    objects.open.send(false).unwrap();
    until("the keeper has tried twice", async || objects.turned_away() >= 2).await;
    objects.open.send(true).unwrap();
    completed(&lab, &attempt).await;
    assert_eq!(attempt.fetch(&lab).await.unwrap().text("work/r"), "found\n");

    // Away for us: nobody may conclude that there is nothing.
    objects.open.send(false).unwrap();
    let error = attempt.fetch(&lab).await.map(drop).unwrap_err();
    assert!(matches!(error, ExecutorError::Unreachable(_)), "{error}");
    objects.open.send(true).unwrap();
    attempt.remove(&lab).await;
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_storage_does_not_take_comes_from_the_pod() {
    let Some((lab, objects)) = start(|storage| storage.expires = Duration::from_secs(1)).await else { return };
    let late = Attempt::script(&lab, "sleep 3; echo found >{out}/r");
    late.launch(&lab).await;
    late.ended(&lab).await;
    assert_eq!(late.fetch(&lab).await.unwrap().text("work/r"), "found\n");
    assert_eq!(objects.all(&directory(&lab, &late)), [], "the addresses were too old");
    late.remove(&lab).await;

    // Somebody's part without a manifest: it is not replaced, and does not become a part of ours.
    let executor = executor(&lab, &objects, |_| ()).await;
    let second = Attempt::script(&lab, "echo second >{out}/r");
    let part = format!("{}/part-0000", directory(&lab, &second));
    objects.plant(&part, b"of another pod");
    executor.launch(&second.0).await.unwrap();
    second.ended(&lab).await;
    let into = tempfile::tempdir().unwrap();
    let sealed = executor.fetch(&second.0, into.path()).await.unwrap();
    assert_eq!(Fetched { into, sealed }.text("work/r"), "second\n");
    assert_eq!(objects.all(&directory(&lab, &second)), [(part, b"of another pod".to_vec())]);
    second.remove(&lab).await;
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_pod_of_an_attempt_that_seals_has_sealed() {
    let Some((lab, objects)) = start(|_| ()).await else { return };
    let attempt = Attempt::script(&lab, "cat /proc/sys/kernel/random/uuid >{out}/r");
    attempt.launch(&lab).await;
    completed(&lab, &attempt).await;
    let first = objects.all("test");
    let uuid = attempt.fetch(&lab).await.unwrap().text("work/r");

    gone(&lab, &attempt).await;
    attempt.launch(&lab).await;
    completed(&lab, &attempt).await;
    assert!(objects.all("test") == first, "a second pod replaces nothing");
    assert_eq!(attempt.fetch(&lab).await.unwrap().text("work/r"), uuid);
    attempt.remove(&lab).await;
    lab.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_that_cannot_be_used_is_told_before_anything_is_launched() {
    let Some((lab, objects)) = start(|_| ()).await else { return };
    let attempt = Attempt::script(&lab, "true");
    assert_eq!(lab.executor.validate(&attempt.0.spec).await.unwrap(), []);
    let missing: Vec<_> = lab.executor.abilities().await.into_iter().filter(|one| one.missing.is_some()).collect();
    assert_eq!(missing, []);

    let long = Attempt::script(&lab, "true").with(|spec| spec.timeout = Span(Duration::from_hours(2)));
    let unmet = lab.executor.validate(&long.0.spec).await.unwrap();
    assert!(unmet[0].message.contains("expires"), "{unmet:?}");

    let stranger = executor(&lab, &objects, |storage| "wrong".clone_into(&mut storage.keys.secret_access_key)).await;
    for error in [
        stranger.validate(&attempt.0.spec).await.map(drop).unwrap_err(),
        stranger.launch(&attempt.0).await.map(drop).unwrap_err(),
    ] {
        let ExecutorError::Refused(words) = &error else { panic!("{error:?}") };
        assert!(words.contains("SignatureDoesNotMatch") && words.contains("[executor.kubernetes.s3]"), "{words}");
    }
    let abilities = stranger.abilities().await;
    assert!(abilities[0].item == "storage: put" && abilities[0].missing.is_some(), "{abilities:?}");
    objects.open.send(false).unwrap();
    let late = executor(&lab, &objects, |_| ()).await;
    let error = late.validate(&attempt.0.spec).await.map(drop).unwrap_err();
    assert!(matches!(&error, ExecutorError::Unreachable(words) if words.contains(&objects.endpoint)), "{error:?}");
    objects.open.send(true).unwrap();
    assert!(jobs(&lab).list(&ListParams::default()).await.unwrap().items.is_empty());
    assert_eq!(objects.all("test"), [], "a look leaves nothing");
    lab.finish().await;
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_leaves_the_storage_to_the_next() {
    let Some((lab, objects)) = start(|_| ()).await else { return };
    let with_storage = |program: &Program| {
        let config = std::fs::read_to_string(&program.config).unwrap() + &objects.config();
        std::fs::write(&program.config, config).unwrap();
    };
    for point in
        ["kubernetes.launch.addresses", "kubernetes.launch.created", "kubernetes.s3.part", "kubernetes.remove.job"]
    {
        let program = Program::new(&lab, "cat /src/report.json; exit 1");
        with_storage(&program);
        let mut start = program.start();
        start.env("TEST_KEY_ID", KEY_ID).env("TEST_KEY", KEY).env("DRAGNET_FAIL", format!("{point}:abort"));
        let died: Output = ran(start).await;
        assert!(died.status.code().is_none(), "{point}: {}", said(&died));
        // Without the keys in its environment: they were spooled with the scan.
        let finished = ran(program.command(&["watch", "latest"])).await;
        assert_eq!(finished.status.code(), Some(0), "{point}: {}", said(&finished));
        assert_eq!(program.findings().await.len(), 5, "{point}");
        assert_eq!(objects.all("test"), [], "{point}: removed with the attempt");
    }

    let program = Program::new(&lab, "true");
    with_storage(&program);
    let mut doctor = program.command(&["doctor"]);
    doctor.env("TEST_KEY_ID", KEY_ID).env("TEST_KEY", KEY);
    let words = said(&ran(doctor).await);
    assert!(
        ["put", "conditional put", "range get", "delete"].iter().all(|one| words.contains(&format!("storage: {one}"))),
        "{words}"
    );
    for (key, words) in [("wrong", "SignatureDoesNotMatch"), ("", "the variable TEST_KEY is not set")] {
        let mut start = program.start();
        start.env("TEST_KEY_ID", KEY_ID).env("TEST_KEY", key);
        let refused = ran(start).await;
        assert!(!refused.status.success() && said(&refused).contains(words), "{}", said(&refused));
    }
    assert!(jobs(&lab).list(&ListParams::default()).await.unwrap().items.is_empty());
    lab.finish().await;
}
