//! The table, row by row.

#![expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the rows of a table are short")]

use serde_json::{Value, json};

use super::*;
use crate::model::outcome::FailureReason::{self, *};

const START: &str = "2026-01-01T00:00:00Z";
const NAME: &str = "dn-00000000-00000001-test-0-a01";

/// What a row comes to.
#[derive(Debug, PartialEq)]
enum Is {
    Waiting(i64),
    Waits(i64, WaitReason),
    Unexplained,
    Preparing,
    Running,
    Ended(i64, bool),
    Lost(FailureReason),
}

/// Judges so many seconds after the Job was made, with a start timeout of 60 s.
fn at(seconds: i64, job: Value, pod: Option<Value>, told: Option<&str>) -> Is {
    match standing(seconds, job, pod, told) {
        Standing::Waiting { until, why: None } => Is::Waiting(until.since(start()) / 1000),
        Standing::Waiting { until, why: Some(why) } => Is::Waits(until.since(start()) / 1000, why.reason),
        Standing::Unexplained => Is::Unexplained,
        Standing::Preparing => Is::Preparing,
        Standing::Running => Is::Running,
        Standing::Ended { code, out_of_memory } => Is::Ended(code, out_of_memory),
        Standing::Lost { error, .. } => Is::Lost(error.to_failure().reason),
    }
}

fn start() -> Timestamp {
    Timestamp(START.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn standing(seconds: i64, job: Value, pod: Option<Value>, told: Option<&str>) -> Standing {
    let meta = json!({ "name": NAME, "uid": "j", "creationTimestamp": START });
    let job: Job = serde_json::from_value(json!({ "metadata": meta, "status": job })).unwrap();
    let pod: Option<Pod> = pod.map(|pod| serde_json::from_value(pod).unwrap());
    let facts = Facts {
        job: &job,
        pod: pod.as_ref(),
        first_pod: None,
        letter: pod.as_ref().and_then(letter).is_some(),
        told,
        now: start().plus_ms(seconds * 1000),
        start_timeout: Duration::from_mins(1),
    };
    judge(&facts)
}

fn pod(status: Value) -> Option<Value> {
    let containers = json!([{ "name": "scan", "image": "scanner:1" }, { "name": "keeper", "image": "agent:1" }]);
    let init = json!([{ "name": "prepare", "image": "agent:1" }]);
    let meta = json!({ "name": "p", "uid": "p", "creationTimestamp": START });
    Some(json!({ "metadata": meta, "spec": { "containers": containers, "initContainers": init }, "status": status }))
}

fn container(name: &str, state: Value) -> Value {
    json!({ "name": name, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state })
}

fn main(scan: Value, keeper: Value) -> Value {
    json!({
        "phase": "Running",
        "initContainerStatuses": [container("prepare", json!({ "terminated": { "exitCode": 0 } }))],
        "containerStatuses": [container("scan", scan), container("keeper", keeper)],
    })
}

fn init(state: Value) -> Value {
    let waiting = json!({ "waiting": { "reason": "PodInitializing" } });
    json!({
        "phase": "Pending",
        "initContainerStatuses": [container("prepare", state)],
        "containerStatuses": [container("scan", waiting.clone()), container("keeper", waiting)],
    })
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({ "waiting": { "reason": reason, "message": message } })
}

fn ended(code: i64, reason: &str) -> Value {
    json!({ "terminated": { "exitCode": code, "reason": reason } })
}

fn running() -> Value {
    json!({ "running": {} })
}

fn with(mut status: Value, more: Value) -> Value {
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    status
}

#[test]
fn a_pod_goes_its_way() {
    let none = json!({});
    let scheduled = json!({ "phase": "Pending" });
    for (status, is) in [
        (scheduled, Is::Waiting(15)),
        (init(waiting("PodInitializing", "")), Is::Waiting(15)),
        (init(running()), Is::Preparing),
        (main(waiting("ContainerCreating", ""), waiting("ContainerCreating", "")), Is::Waiting(15)),
        (main(running(), waiting("ContainerCreating", "")), Is::Running),
        (main(running(), running()), Is::Running),
        (main(ended(0, "Completed"), running()), Is::Ended(0, false)),
        (main(ended(251, "Error"), running()), Is::Ended(251, false)),
        (main(ended(137, "OOMKilled"), running()), Is::Ended(137, true)),
        // The keeper begins a moment later.
        (main(ended(0, "Completed"), waiting("ContainerCreating", "")), Is::Running),
    ] {
        assert_eq!(at(5, none.clone(), pod(status.clone()), None), is, "{status}");
    }
}

#[test]
fn a_letter_in_the_status_is_an_end_whatever_becomes_of_the_pod() {
    let left =
        |code: i64, text: &str| json!({ "terminated": { "exitCode": code, "reason": "Completed", "message": text } });
    let letter = || left(0, "dn1.text");
    let (none, killed) = (json!({}), ended(137, "Error"));
    let evicted = json!({ "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory." });
    for (status, is) in [
        (main(letter(), running()), Is::Ended(0, false)),
        (main(letter(), waiting("ContainerCreating", "")), Is::Ended(0, false)),
        (main(letter(), killed.clone()), Is::Ended(0, false)),
        (with(main(letter(), killed.clone()), evicted), Is::Ended(0, false)),
        // Written by a scanner, whose shim was killed, or by the kubelet.
        (main(left(137, "dn1.text"), running()), Is::Ended(137, false)),
        (main(left(137, "dn1.text"), killed.clone()), Is::Lost(Killed)),
        (main(left(0, "Error on reading termination log"), killed.clone()), Is::Lost(Killed)),
        (main(ended(0, "Completed"), left(0, "dn1.text")), Is::Lost(Killed)),
    ] {
        assert_eq!(at(5, none.clone(), pod(status.clone()), None), is, "{status}");
    }
    let late = json!({ "conditions": [{ "type": "Failed", "status": "True", "reason": "DeadlineExceeded" }] });
    assert_eq!(at(5, late, pod(main(letter(), killed)), None), Is::Ended(0, false));
}

#[test]
fn a_pod_that_cannot_start_is_an_end() {
    let none = json!({});
    for (state, early, late) in [
        (waiting("ErrImageNeverPull", ""), Is::Lost(ImageUnavailable), Is::Lost(ImageUnavailable)),
        (waiting("InvalidImageName", ""), Is::Lost(ImageUnavailable), Is::Lost(ImageUnavailable)),
        (waiting("ErrImagePull", "manifest unknown"), Is::Lost(ImageUnavailable), Is::Lost(ImageUnavailable)),
        (waiting("ImagePullBackOff", "i/o timeout"), Is::Waits(60, WaitReason::Image), Is::Lost(ImageUnavailable)),
        (
            waiting("ErrImagePull", "lookup r: no such host"),
            Is::Waits(60, WaitReason::Image),
            Is::Lost(ImageUnavailable),
        ),
        (
            waiting("CreateContainerConfigError", "secret not found"),
            Is::Waits(30, WaitReason::Reference),
            Is::Lost(SpecRefused),
        ),
        (
            waiting("CreateContainerError", "deadline"),
            Is::Waits(60, WaitReason::Container),
            Is::Lost(ProgramNotStarted),
        ),
        (waiting("RunContainerError", "exec"), Is::Lost(ProgramNotStarted), Is::Lost(ProgramNotStarted)),
        (waiting("ErrImageInspect", ""), Is::Waits(60, WaitReason::Image), Is::Lost(ImageUnavailable)),
        (waiting("RegistryUnavailable", ""), Is::Waits(60, WaitReason::Image), Is::Lost(ImageUnavailable)),
        (waiting("ContainerCreating", ""), Is::Waiting(15), Is::Unexplained),
        (ended(1, "Error"), Is::Lost(ProgramNotStarted), Is::Lost(ProgramNotStarted)),
        (ended(137, "OOMKilled"), Is::Lost(NoSpace), Is::Lost(NoSpace)),
    ] {
        assert_eq!(at(5, none.clone(), pod(init(state.clone())), None), early, "{state} early");
        assert_eq!(at(61, none.clone(), pod(init(state.clone())), None), late, "{state} late");
        if state.get("waiting").is_some() {
            let scan = main(state.clone(), waiting("ContainerCreating", ""));
            assert_eq!(at(61, none.clone(), pod(scan), None), late, "{state} of the scanner");
        }
    }
    for reason in ["ContainerCannotRun", "StartError"] {
        let status = main(ended(128, reason), running());
        assert_eq!(at(5, none.clone(), pod(status), None), Is::Lost(ProgramNotStarted));
    }
}

#[test]
fn a_pod_that_nothing_takes_is_waited_for_until_its_time_is_up() {
    let condition = json!([{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1" }]);
    let status = json!({ "phase": "Pending", "conditions": condition });
    assert_eq!(at(1, json!({}), pod(status.clone()), None), Is::Waits(60, WaitReason::Place));
    assert_eq!(at(59, json!({}), pod(status.clone()), None), Is::Waits(60, WaitReason::Place));
    assert_eq!(words(1, pod(status.clone()), None), "Unschedulable: 0/1");
    assert_eq!(at(60, json!({}), pod(status), None), Is::Lost(NeverScheduled));
}

#[test]
fn a_job_without_a_pod_is_explained_by_its_events() {
    let none = json!({});
    let quota = "Error creating: pods \"x\" is forbidden: exceeded quota: q, requested: pods=1";
    let policy = "Error creating: pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\"";
    assert_eq!(at(9, none.clone(), None, None), Is::Waiting(10));
    assert_eq!(at(10, none.clone(), None, None), Is::Unexplained);
    assert_eq!(at(10, none.clone(), None, Some("")), Is::Waits(60, WaitReason::Engine));
    assert_eq!(words(10, None, Some("")), "the cluster has made no pod");
    assert_eq!(words(10, None, Some("Error creating: EOF")), "the cluster has made no pod; Error creating: EOF");
    assert_eq!(words(10, None, Some(quota)), quota);
    assert_eq!(at(60, none.clone(), None, Some("")), Is::Lost(NeverScheduled));
    assert_eq!(at(10, none.clone(), None, Some(quota)), Is::Waits(60, WaitReason::Quota));
    assert_eq!(at(60, none.clone(), None, Some(quota)), Is::Lost(NoSpace));
    assert_eq!(at(10, none, None, Some(policy)), Is::Lost(SpecRefused));
}

#[test]
fn a_pod_of_which_its_node_says_nothing_is_explained_by_its_events() {
    let none = json!({});
    let silent = pod(json!({ "phase": "Pending" }));
    let mount = "FailedMount: MountVolume.SetUp failed for volume \"token\" : secret \"t\" not found";
    let pulling = "Pulling: Pulling image \"scanner:1\"";
    assert_eq!(at(14, none.clone(), silent.clone(), None), Is::Waiting(15));
    for seconds in [15, 60] {
        assert_eq!(at(seconds, none.clone(), silent.clone(), None), Is::Unexplained);
    }
    assert_eq!(at(15, none.clone(), silent.clone(), Some("")), Is::Waiting(60));
    assert_eq!(at(15, none.clone(), silent.clone(), Some(mount)), Is::Waits(60, WaitReason::Machine));
    assert_eq!(at(15, none.clone(), silent.clone(), Some(pulling)), Is::Waits(60, WaitReason::Pull));
    assert_eq!(words(15, silent.clone(), Some(mount)), mount);
    let late = standing(60, none.clone(), silent, Some(mount));
    let Standing::Lost { error, .. } = late else { panic!("{late:?}") };
    assert_eq!(error.to_failure().reason, NeverScheduled);
    assert!(error.to_string().ends_with(&format!("its pod is not begun by its node; {mount}")), "{error}");
    // Its preparation took a while, and its scanner has just as long to begin.
    let mut prepared = main(waiting("PodInitializing", ""), waiting("PodInitializing", ""));
    prepared["initContainerStatuses"][0]["state"]["terminated"]["finishedAt"] = json!("2026-01-01T00:00:20Z");
    assert_eq!(at(34, none.clone(), pod(prepared.clone()), None), Is::Waiting(35));
    assert_eq!(at(35, none, pod(prepared), None), Is::Unexplained);
}

/// The words that a wait is told in.
fn words(seconds: i64, pod: Option<Value>, told: Option<&str>) -> String {
    match standing(seconds, json!({}), pod, told) {
        Standing::Waiting { why: Some(why), .. } => why.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pod_that_was_taken_away_is_lost() {
    let none = json!({});
    for (more, reason) in [
        (json!({ "reason": "Evicted", "message": "The node was low on resource: memory." }), Evicted),
        // The node is full, of whatever: elsewhere, or later, there is room.
        (
            json!({ "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage. Container scan was using 9Mi" }),
            Evicted,
        ),
        (json!({ "reason": "Evicted", "message": "Usage of EmptyDir volume \"out\" exceeds the limit" }), NoSpace),
        (json!({ "reason": "NodeLost" }), NodeLost),
        (json!({ "reason": "Terminated", "message": "node shutdown" }), NodeLost),
        (json!({ "reason": "DeadlineExceeded" }), TimedOut),
        (json!({ "reason": "OutOfcpu" }), NoSpace),
        (disrupted("PreemptionByScheduler"), Evicted),
        (disrupted("EvictionByEvictionAPI"), Evicted),
        (disrupted("DeletionByTaintManager"), NodeLost),
    ] {
        let more = with(more, json!({ "phase": "Failed" }));
        for status in
            [with(main(running(), running()), more.clone()), with(main(ended(0, ""), ended(0, "")), more.clone()), more]
        {
            assert_eq!(at(5, none.clone(), pod(status.clone()), None), Is::Lost(reason), "{status}");
        }
    }
    let deleted = |status| {
        let mut pod = pod(status).unwrap();
        pod["metadata"]["deletionTimestamp"] = json!(START);
        Some(pod)
    };
    assert_eq!(at(5, none.clone(), deleted(main(running(), running())), None), Is::Lost(Vanished));
    // What it left can still be had.
    assert_eq!(at(5, none.clone(), deleted(main(ended(0, ""), running())), None), Is::Ended(0, false));
    assert_eq!(at(5, none.clone(), pod(main(ended(0, ""), ended(0, ""))), None), Is::Lost(Killed));
    assert_eq!(at(5, none.clone(), pod(main(ended(137, "ContainerStatusUnknown"), running())), None), Is::Lost(Killed));
    assert_eq!(at(5, none, pod(json!({ "phase": "Failed" })), None), Is::Lost(Vanished));
}

fn disrupted(reason: &str) -> Value {
    json!({ "conditions": [{ "type": "DisruptionTarget", "status": "True", "reason": reason, "message": "m" }] })
}

#[test]
fn a_job_is_never_believed_without_its_pod() {
    let condition = |kind: &str, reason: &str| json!({ "conditions": [{ "type": kind, "status": "True", "reason": reason, "message": "m" }] });
    assert_eq!(at(5, condition("Complete", ""), None, None), Is::Lost(Vanished));
    assert_eq!(at(5, condition("Failed", "BackoffLimitExceeded"), None, None), Is::Lost(Vanished));
    assert_eq!(at(5, condition("Failed", "DeadlineExceeded"), None, None), Is::Lost(TimedOut));
    let late = condition("Failed", "DeadlineExceeded");
    assert_eq!(at(5, late.clone(), pod(main(running(), running())), None), Is::Lost(TimedOut));
    assert_eq!(at(5, late, pod(main(ended(0, ""), running())), None), Is::Ended(0, false));
}

#[test]
fn a_pod_that_is_deleted_after_the_deadline_of_its_job_is_late() {
    let after = |seconds: i64| {
        let meta = json!({ "name": NAME, "uid": "j", "creationTimestamp": START });
        let job = json!({ "metadata": meta, "spec": { "activeDeadlineSeconds": 60, "template": {} }, "status": { "startTime": START } });
        let job: Job = serde_json::from_value(job).unwrap();
        let mut pod: Pod = serde_json::from_value(pod(main(running(), running())).unwrap()).unwrap();
        let start = START.parse::<jiff::Timestamp>().unwrap();
        // It is marked with the time by which it is to be gone.
        let by = start + jiff::SignedDuration::from_secs(seconds + 30);
        pod.metadata.deletion_timestamp = Some(Time(by));
        pod.metadata.deletion_grace_period_seconds = Some(30);
        let (now, start_timeout) = (created(&job.metadata).plus_ms(seconds * 1000), Duration::from_mins(1));
        match judge(&Facts {
            job: &job,
            pod: Some(&pod),
            first_pod: None,
            letter: false,
            told: None,
            now,
            start_timeout,
        }) {
            Standing::Lost { error, .. } => error.to_failure().reason,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!([after(59), after(60)], [Vanished, TimedOut]);
}

#[test]
fn a_second_pod_is_not_the_attempt() {
    let job: Job = serde_json::from_value(json!({ "metadata": { "name": NAME, "creationTimestamp": START } })).unwrap();
    let second: Pod = serde_json::from_value(pod(main(running(), running())).unwrap()).unwrap();
    for pod in [Some(&second), None] {
        let now = created(&job.metadata);
        let start_timeout = Duration::from_mins(1);
        let facts = Facts { job: &job, pod, first_pod: Some("another"), letter: true, told: None, now, start_timeout };
        let standing = judge(&facts);
        let Standing::Lost { error, .. } = standing else { panic!("{standing:?}") };
        assert_eq!(error.to_failure().reason, Vanished);
    }
}
