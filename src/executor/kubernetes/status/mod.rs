//! How an attempt stands, judged from what the cluster shows of its Job and its pod. Pure: one table, tested row by row.
//!
//! A Job whose pod can never start stays "active" for ever as far as the cluster is concerned, and one whose pod was deleted may
//! count as complete: neither is believed. What ends an attempt is the end of its scan container, with its results in the pod's
//! status or the keeper still there to hand them out, or a state of the pod that cannot get better.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use super::error::is_quota;
use super::manifest::{KEEPER, PREPARE, SCAN};
use crate::executor::{ExecutorError, Observed};
use crate::letter::is_letter;
use crate::model::clock::Timestamp;
use crate::model::spec::exit_code;
use crate::model::wait::{Wait, WaitReason};

/// How long a pod is waited for before the Job's events are asked why there is none.
const PODLESS: Duration = Duration::from_secs(10);
/// How long a node may say nothing of a container before the pod's events are asked why it does not begin.
const SILENT: Duration = Duration::from_secs(15);
/// How long a missing Secret or a wrong reference in the pod may still be mended.
const CONFIG_GRACE: Duration = Duration::from_secs(30);
/// How long the node may fail to make a container.
const CREATE_GRACE: Duration = Duration::from_mins(2);

/// What to do where the node cannot have the image of our own containers.
const AGENT_HINT: &str = "; it holds dragnet itself: `dragnet agent-image --push REGISTRY/NAME` makes it, and `[executor.kubernetes] \
    agent_image` names it, or `dragnet agent-image --load` gives it to the local engine, where that is the node's";

/// The reason of the event that says that a node pulls an image.
pub(super) const PULLING: &str = "Pulling";

/// What a judgement rests on.
pub(super) struct Facts<'a> {
    pub job: &'a Job,
    /// Its pod, if it has one.
    pub pod: Option<&'a Pod>,
    /// Identity of the pod that was seen first, if one was.
    pub first_pod: Option<&'a str>,
    /// Whether the pod's status holds its results, as far as is known.
    pub letter: bool,
    /// What the last event says that bears on it: of the Job where there is no pod, else of the pod. None if it was not asked for,
    /// empty if there is none.
    pub told: Option<&'a str>,
    /// The time by the cluster's clock.
    pub now: Timestamp,
    /// Longest time from the Job's making to the start of its first container.
    pub start_timeout: Duration,
}

/// How an attempt stands.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// Not started yet; nothing changes by itself before `until`.
    Waiting {
        /// When to judge again without an event.
        until: Timestamp,
        /// Why it waits, where that is more than the usual moment.
        why: Option<Wait>,
    },
    /// There is no pod, or its node says nothing of it, and only events say why.
    Unexplained,
    /// `prepare` runs: it takes what is delivered.
    Preparing,
    /// The scanner's container runs.
    Running,
    /// It ran to its end, and the keeper has what it left, or the pod's status has.
    Ended {
        /// Exit code of the shim.
        code: i64,
        /// Whether the node killed it for want of memory.
        out_of_memory: bool,
    },
    /// It ended, or will never start, and leaves nothing.
    Lost {
        /// Exit code of the shim, if it ran.
        code: Option<i64>,
        /// Whether the node killed it for want of memory.
        out_of_memory: bool,
        /// What is known.
        error: ExecutorError,
    },
}

impl Standing {
    /// Returns what is told of it.
    pub(super) fn observed(&self) -> Observed {
        match self {
            Self::Waiting { .. } | Self::Unexplained | Self::Preparing => Observed::Created,
            Self::Running => Observed::Running,
            Self::Ended { code, out_of_memory } => {
                Observed::Exited { code: Some(*code), out_of_memory: *out_of_memory, error: None }
            }
            Self::Lost { code, out_of_memory, error } => {
                Observed::Exited { code: *code, out_of_memory: *out_of_memory, error: Some(error.to_string()) }
            }
        }
    }

    fn lost(error: ExecutorError) -> Self {
        Self::Lost { code: None, out_of_memory: false, error }
    }
}

/// Judges.
pub(super) fn judge(facts: &Facts<'_>) -> Standing {
    let deadline = failed_condition(facts.job).filter(|(reason, _)| reason == "DeadlineExceeded");
    let standing = match facts.pod {
        Some(pod) if facts.first_pod.is_some_and(|first| pod.metadata.uid.as_deref() != Some(first)) => {
            Standing::lost(vanished(facts, "was deleted, and the cluster has begun another"))
        }
        Some(pod) => of_pod(facts, pod),
        None => without_pod(facts),
    };
    match (standing, deadline) {
        (ended @ Standing::Ended { .. }, _) => ended,
        (_, Some((_, message))) => Standing::lost(ExecutorError::TimedOut(message)),
        (standing, None) => standing,
    }
}

fn without_pod(facts: &Facts<'_>) -> Standing {
    if facts.first_pod.is_some() {
        return Standing::lost(vanished(facts, "was deleted"));
    }
    if let Some((reason, message)) = failed_condition(facts.job) {
        return Standing::lost(vanished(facts, &format!("is gone ({reason}: {message})")));
    }
    if has_condition(facts.job, "Complete") {
        return Standing::lost(vanished(facts, "is gone"));
    }
    let asked = created(&facts.job.metadata).plus_ms(millis(PODLESS.min(facts.start_timeout)));
    let Some(words) = facts.told else {
        return if facts.now < asked { Standing::Waiting { until: asked, why: None } } else { Standing::Unexplained };
    };
    let lower = words.to_lowercase();
    let quota = is_quota(&lower);
    if lower.contains("forbidden") && !quota {
        return Standing::lost(ExecutorError::Refused(words.to_owned()));
    }
    let none = format!("the cluster has made no pod; {words}");
    let why = if quota {
        Wait::new(WaitReason::Quota, words)
    } else {
        Wait::new(WaitReason::Engine, none.trim_end_matches("; "))
    };
    until_start(
        facts,
        Some(why),
        || {
            if quota { ExecutorError::Resource(words.to_owned()) } else { never(facts, &none) }
        },
    )
}

fn of_pod(facts: &Facts<'_>, pod: &Pod) -> Standing {
    let scan = state(pod, SCAN);
    if let Some(ended) = scan.and_then(|state| state.terminated.as_ref()) {
        return of_ended(facts, pod, ended);
    }
    if let Some(error) = taken_away(facts, pod) {
        return Standing::lost(error);
    }
    if scan.is_some_and(|state| state.running.is_some()) {
        return Standing::Running;
    }
    let prepare = state(pod, PREPARE);
    if let Some(ended) = prepare.and_then(|state| state.terminated.as_ref()).filter(|ended| ended.exit_code != 0) {
        return Standing::lost(not_prepared(ended));
    }
    if prepare.is_some_and(|state| state.running.is_some()) {
        return Standing::Preparing;
    }
    match [PREPARE, SCAN, KEEPER].iter().find_map(|name| stuck(facts, pod, name)) {
        Some(standing) => standing,
        None => not_begun(facts, pod),
    }
}

/// The scanner's container has ended: if it has left no letter, whether its results can be had depends on the keeper alone.
fn of_ended(facts: &Facts<'_>, pod: &Pod, ended: &ContainerStateTerminated) -> Standing {
    let (code, reason) = (i64::from(ended.exit_code), ended.reason.as_deref().unwrap_or_default());
    let out_of_memory = reason == "OOMKilled";
    let lost = |error| Standing::Lost { code: Some(code), out_of_memory, error };
    if matches!(reason, "ContainerCannotRun" | "StartError") {
        return lost(ExecutorError::NotStarted(ended.message.clone().unwrap_or_else(|| reason.to_owned())));
    }
    if facts.letter {
        return Standing::Ended { code, out_of_memory };
    }
    let keeper = state(pod, KEEPER);
    if keeper.is_some_and(|state| state.running.is_some()) && reason != "ContainerStatusUnknown" {
        return Standing::Ended { code, out_of_memory };
    }
    if let Some(error) = taken_away(facts, pod) {
        return lost(error);
    }
    if keeper.is_some_and(|state| state.terminated.is_some()) || reason == "ContainerStatusUnknown" {
        return lost(ExecutorError::NoResults {
            name: name(facts),
            message: "the container that kept its results has ended before they were fetched".to_owned(),
        });
    }
    // Both begin together; one that is late is waited for.
    match stuck(facts, pod, KEEPER) {
        Some(Standing::Lost { error, .. }) => lost(error),
        _ => Standing::Running,
    }
}

/// Why a pod is no longer allowed to run, if it is not.
fn taken_away(facts: &Facts<'_>, pod: &Pod) -> Option<ExecutorError> {
    let status = pod.status.as_ref();
    let reason = status.and_then(|status| status.reason.as_deref()).unwrap_or_default();
    let message = status.and_then(|status| status.message.as_deref()).unwrap_or_default();
    let words = format!("{reason}: {message}");
    let disruption = status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    let disruption = disruption.clone().find(|one| one.type_ == "DisruptionTarget" && one.status == "True");
    let lower = message.to_lowercase();
    match reason {
        "Evicted" if lower.contains("exceeds") => {
            return Some(ExecutorError::Resource(words));
        }
        "Evicted" | "Preempting" | "Preempted" => return Some(ExecutorError::Evicted(words)),
        "NodeLost" | "NodeShutdown" | "Shutdown" | "Terminated" => return Some(ExecutorError::NodeLost(words)),
        "DeadlineExceeded" => return Some(ExecutorError::TimedOut(words)),
        // The node would not take what the scheduler had sent it.
        "UnexpectedAdmissionError" | "NodeAffinity" => return Some(ExecutorError::Resource(words)),
        reason if reason.starts_with("OutOf") => return Some(ExecutorError::Resource(words)),
        _ => {}
    }
    if let Some(condition) = disruption {
        let (why, message) = (condition.reason.as_deref().unwrap_or_default(), condition.message.as_deref());
        let words = format!("{why}: {}", message.unwrap_or_default());
        let node = matches!(why, "DeletionByTaintManager" | "DeletionByPodGC" | "TerminationByKubelet");
        return Some(if node { ExecutorError::NodeLost(words) } else { ExecutorError::Evicted(words) });
    }
    if let Some(by) = &pod.metadata.deletion_timestamp {
        // The cluster deletes the pods of a Job whose time is up before it says so.
        let late = past_deadline(facts.job, &pod.metadata, by);
        return Some(late.unwrap_or_else(|| vanished(facts, "is being deleted")));
    }
    let phase = status.and_then(|status| status.phase.as_deref()).unwrap_or_default();
    // A phase that is final although no container has said so: the node has not come back.
    let ran = matches!(phase, "Succeeded" | "Failed") && status.is_some_and(|one| one.container_statuses.is_none());
    ran.then(|| vanished(facts, &format!("has ended ({phase}; {words})")))
}

/// What became of a Job whose pod, which is to be gone `by` then, was deleted after the Job's deadline. Both times are the cluster's.
fn past_deadline(job: &Job, pod: &ObjectMeta, by: &Time) -> Option<ExecutorError> {
    let limit = job.spec.as_ref()?.active_deadline_seconds?;
    let Time(start) = job.status.as_ref()?.start_time.as_ref()?;
    let deleted = by.0.as_second() - pod.deletion_grace_period_seconds.unwrap_or(0);
    (deleted >= start.as_second().saturating_add(limit))
        .then(|| ExecutorError::TimedOut(format!("its Job was active for longer than its deadline of {limit} s")))
}

/// Why a container does not start, if it says so: at once where that cannot change, else when its time is up.
fn stuck(facts: &Facts<'_>, pod: &Pod, container: &str) -> Option<Standing> {
    let waiting = state(pod, container)?.waiting.as_ref()?;
    let (reason, message) = (waiting.reason.as_deref()?, waiting.message.as_deref().unwrap_or_default());
    let words = format!("{reason}: {message}");
    let image = || {
        let hint = if container == SCAN { "" } else { AGENT_HINT };
        ExecutorError::Image { image: image_of(pod, container), message: format!("{words}{hint}") }
    };
    let why = |reason| Some(Wait::new(reason, words.trim_end_matches(": ")));
    let within = |grace: Duration, reason, error: ExecutorError| {
        let until = created(&pod.metadata).plus_ms(millis(grace.min(facts.start_timeout)));
        if facts.now < until { Standing::Waiting { until, why: why(reason) } } else { Standing::lost(error) }
    };
    match reason {
        "InvalidImageName" | "ErrImageNeverPull" => Some(Standing::lost(image())),
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageInspect" | "RegistryUnavailable" => Some(if is_final(message) {
            Standing::lost(image())
        } else {
            until_start(facts, why(WaitReason::Image), image)
        }),
        "CreateContainerConfigError" => {
            Some(within(CONFIG_GRACE, WaitReason::Reference, ExecutorError::Refused(words.clone())))
        }
        "CreateContainerError" => {
            Some(within(CREATE_GRACE, WaitReason::Container, ExecutorError::NotStarted(words.clone())))
        }
        "RunContainerError" => Some(Standing::lost(ExecutorError::NotStarted(words))),
        _ => None,
    }
}

/// Whether a registry's words mean that the image will never come.
fn is_final(message: &str) -> bool {
    let lower = message.to_lowercase();
    ["manifest unknown", "not found", "pull access denied", "denied:", "unauthorized", "no matching manifest"]
        .iter()
        .any(|words| lower.contains(words))
        && !lower.contains("toomanyrequests")
        && !lower.contains("no such host")
}

/// `prepare` has failed: the agent's image is at fault, or what was delivered.
fn not_prepared(ended: &ContainerStateTerminated) -> ExecutorError {
    let (reason, message) = (ended.reason.as_deref().unwrap_or_default(), ended.message.as_deref().unwrap_or_default());
    let words = format!("its preparation ended with {} ({reason}) {message}", ended.exit_code);
    if reason == "OOMKilled" { ExecutorError::Resource(words) } else { ExecutorError::NotStarted(words) }
}

/// Waits until the start's time is up.
fn until_start(facts: &Facts<'_>, why: Option<Wait>, error: impl FnOnce() -> ExecutorError) -> Standing {
    let until = created(&facts.job.metadata).plus_ms(millis(facts.start_timeout));
    if facts.now < until { Standing::Waiting { until, why } } else { Standing::lost(error()) }
}

/// No container says why it does not begin: the scheduler does, or the pod's events, or it is the usual moment.
fn not_begun(facts: &Facts<'_>, pod: &Pod) -> Standing {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    if let Some(one) = conditions.clone().find(|one| one.type_ == "PodScheduled" && one.status == "False") {
        let (reason, message) = (one.reason.as_deref().unwrap_or_default(), one.message.as_deref().unwrap_or_default());
        let why = Wait::new(WaitReason::Place, format!("{reason}: {message}"));
        return until_start(facts, Some(why), || never(facts, &format!("no node takes its pod: {message}")));
    }
    let asked = progressed(pod).plus_ms(millis(SILENT));
    let words = match facts.told {
        Some(words) => words,
        None if facts.now < asked => return earlier(asked, until_start(facts, None, || silent(facts, pod, ""))),
        None => return Standing::Unexplained,
    };
    let reason = if words.starts_with(PULLING) { WaitReason::Pull } else { WaitReason::Machine };
    let why = (!words.is_empty()).then(|| Wait::new(reason, words));
    until_start(facts, why, || silent(facts, pod, words))
}

/// When a pod was last seen to come on: it was made, or its preparation ended.
fn progressed(pod: &Pod) -> Timestamp {
    let prepared = state(pod, PREPARE).and_then(|state| state.terminated.as_ref()?.finished_at.as_ref());
    prepared.map_or_else(|| created(&pod.metadata), |Time(at)| Timestamp(at.as_millisecond()))
}

/// Judges again at `asked` at the latest.
fn earlier(asked: Timestamp, standing: Standing) -> Standing {
    match standing {
        Standing::Waiting { until, why } => Standing::Waiting { until: until.min(asked), why },
        standing => standing,
    }
}

fn silent(facts: &Facts<'_>, pod: &Pod, words: &str) -> ExecutorError {
    let waiting = [PREPARE, SCAN, KEEPER].iter().find_map(|name| state(pod, name)?.waiting.as_ref()?.reason.clone());
    let pod = format!("its pod is {}", waiting.as_deref().unwrap_or("not begun by its node"));
    never(facts, format!("{pod}; {words}").trim_end_matches("; "))
}

fn never(facts: &Facts<'_>, message: &str) -> ExecutorError {
    let limit = crate::model::unit::Span(facts.start_timeout);
    ExecutorError::NeverScheduled { name: name(facts), message: format!("not within {limit}: {message}") }
}

fn vanished(facts: &Facts<'_>, message: &str) -> ExecutorError {
    ExecutorError::NotFound(format!("{} any more: its pod {message}", name(facts)))
}

fn name(facts: &Facts<'_>) -> String {
    facts.job.metadata.name.clone().unwrap_or_default()
}

fn state<'p>(pod: &'p Pod, container: &str) -> Option<&'p ContainerState> {
    let status = pod.status.as_ref()?;
    let all = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    let mut named = all.filter(|status: &&ContainerStatus| status.name == container);
    named.next()?.state.as_ref()
}

/// Returns the letter that a pod's status shows. A shim that did not seal has written none: what is there then is the scanner's own.
pub(super) fn letter(pod: &Pod) -> Option<&str> {
    let ended =
        state(pod, SCAN)?.terminated.as_ref().filter(|ended| ended.exit_code == i32::from(exit_code::SEALED))?;
    ended.message.as_deref().filter(|text| is_letter(text))
}

/// Whether a container runs.
pub(super) fn runs(pod: &Pod, container: &str) -> bool {
    state(pod, container).is_some_and(|state| state.running.is_some())
}

fn image_of(pod: &Pod, container: &str) -> String {
    let spec = pod.spec.as_ref();
    let init = spec.and_then(|spec| spec.init_containers.as_ref()).into_iter().flatten();
    let mut all = init.chain(spec.into_iter().flat_map(|spec| &spec.containers));
    all.find(|one| one.name == container).and_then(|one| one.image.clone()).unwrap_or_default()
}

fn failed_condition(job: &Job) -> Option<(String, String)> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let failed = conditions.iter().find(|one| one.type_ == "Failed" && one.status == "True")?;
    Some((failed.reason.clone().unwrap_or_default(), failed.message.clone().unwrap_or_default()))
}

fn has_condition(job: &Job, kind: &str) -> bool {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    conditions.clone().any(|one| one.type_ == kind && one.status == "True")
}

/// Whether the cluster has done with a Job.
pub(super) fn is_over(job: &Job) -> bool {
    ["Complete", "Failed"].iter().any(|kind| has_condition(job, kind))
}

/// Returns when an object was made; what does not say so is as old as can be, and is judged at once.
pub(super) fn created(meta: &ObjectMeta) -> Timestamp {
    meta.creation_timestamp.as_ref().map_or(Timestamp(0), |Time(at)| Timestamp(at.as_millisecond()))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
