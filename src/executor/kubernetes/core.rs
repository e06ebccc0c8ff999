//! What all calls of the executor share: the cluster, the rules for pods, and what was seen of each attempt.
//!
//! What the watch has seen saves calls, and is never the last word: an identity is sent along with each removal, a keeper that
//! does not answer is looked for, and what is not known is asked.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod, PodSpec};
use kube::ResourceExt as _;

use super::cluster::Cluster;
use super::manifest::KEEPER;
use super::options::PodRules;
use super::s3::Storage;
use super::speak::{Sessions, Silences};
use super::status::{self, Facts, PULLING, Standing, created, judge};
use crate::executor::ExecutorError;
use crate::letter::StateKey;
use crate::model::id::{AttemptName, InstanceKey, Sha256};
use crate::model::spec::label;

/// The label that the cluster itself puts on a Job's pods, in every version.
pub(super) const JOB_NAME: &str = "job-name";

/// What the event of the reason `SuccessfulCreate` says, before the pod's name (upstream `pkg/controller/controller_utils.go`).
const CREATED_POD: &str = "Created pod: ";

/// Shared by all calls, and by the watches that outlive them.
pub(super) struct Core {
    pub cluster: Cluster,
    pub rules: PodRules,
    /// The state directory.
    pub state: PathBuf,
    pub sessions: Sessions,
    pub silences: Silences,
    /// Where results go beside the pod.
    pub storage: Option<Storage>,
    /// Opens letters; without it none are asked for.
    pub letters: Option<StateKey>,
    /// Whether pods were seen with many more containers than they are made with.
    pub crowded: AtomicBool,
    /// Instances whose policy of isolation this process has made sure of.
    pub isolated: Mutex<Vec<InstanceKey>>,
    /// Trees that were provided, by hash.
    trees: Mutex<HashMap<Sha256, PathBuf>>,
    /// Names of the pods that the cluster made first, of attempts whose pods this process did not see come.
    first: Mutex<HashMap<AttemptName, String>>,
    seen: Mutex<HashMap<AttemptName, Seen>>,
    /// Attempts that were found lost: what was told of them holds, though the cluster may go on trying.
    lost: Mutex<HashMap<AttemptName, Standing>>,
}

/// What was seen of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Its first pod: a second one would run the scanner again.
    pub pod: Identity,
    /// Identity of its Job, once that was seen with our labels.
    pub job: Option<String>,
    /// Whether its pod reads a Secret.
    pub secret: bool,
    /// Whether its scanner has ended and its results can be had, and if so, whether for want of memory.
    pub ended: Option<bool>,
    /// The letter that its scanner's container has left.
    pub letter: Option<Arc<str>>,
    /// Whether that was no good.
    pub passed_over: bool,
}

/// The name of an object, and which object of that name it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub name: String,
    pub uid: String,
}

/// An attempt as it was found.
pub(super) struct Look {
    pub job: Job,
    pub pod: Option<Pod>,
    pub standing: Standing,
    /// From where a watch of the pods goes on.
    pub version: String,
}

impl Core {
    pub(super) fn new(
        cluster: Cluster,
        rules: PodRules,
        state: PathBuf,
        storage: Option<Storage>,
        letters: Option<StateKey>,
    ) -> Self {
        Self {
            cluster,
            rules,
            state,
            sessions: Sessions::default(),
            silences: Silences::default(),
            storage,
            letters,
            crowded: AtomicBool::new(false),
            isolated: Mutex::default(),
            trees: Mutex::default(),
            first: Mutex::default(),
            seen: Mutex::default(),
            lost: Mutex::default(),
        }
    }

    /// Looks at an attempt; `None` when the cluster does not know its Job, or has begun to remove it.
    pub(super) async fn look(&self, name: &AttemptName) -> Result<Option<Look>, ExecutorError> {
        let job: Option<Job> = self.cluster.get(name.as_str()).await?;
        let Some(job) = job.filter(|job| job.metadata.deletion_timestamp.is_none()) else {
            self.forget(name);
            return Ok(None);
        };
        self.look_at(name, job).await.map(Some)
    }

    /// Looks at the pods of a Job.
    pub(super) async fn look_at(&self, name: &AttemptName, job: Job) -> Result<Look, ExecutorError> {
        let had = self.seen(name).is_some();
        let (pods, version) = self.cluster.list::<Pod>(&format!("{JOB_NAME}={name}")).await?;
        let pod = self.choose(name, pods);
        let standing = self.judge_with_events(name, &job, pod.as_ref(), had).await?;
        Ok(Look { job, pod, standing, version })
    }

    /// Judges, asking the events where only they can tell; remembers what saves later calls.
    pub(super) async fn judge_with_events(
        &self,
        name: &AttemptName,
        job: &Job,
        pod: Option<&Pod>,
        had: bool,
    ) -> Result<Standing, ExecutorError> {
        let mut standing = self.judge(name, job, pod, had, None);
        if let Standing::Unexplained = standing {
            let words = match pod {
                Some(pod) => self.hindered(pod).await?,
                None => self.denied(job).await?,
            };
            standing = self.judge(name, job, pod, had, Some(&words));
        }
        if let Some(seen) = lock(&self.seen).get_mut(name) {
            seen.job = job.uid().filter(|_| job.labels().contains_key(label::ATTEMPT));
            let letter = pod.filter(|_| !seen.passed_over).and_then(status::letter);
            (seen.ended, seen.letter) = match standing {
                Standing::Ended { out_of_memory, .. } => (Some(out_of_memory), letter.map(Arc::from)),
                // What another pod of the attempt may have left is not taken.
                _ => (None, None),
            };
        }
        Ok(self.stand_by(name, standing))
    }

    /// Lets a loss stand: a node that waits before it pulls again has not taken back that the image is not to be had. A better reason
    /// replaces the first, and results that come all the same are taken.
    fn stand_by(&self, name: &AttemptName, standing: Standing) -> Standing {
        let mut lost = lock(&self.lost);
        match standing {
            Standing::Ended { .. } => standing,
            Standing::Lost { .. } => {
                lost.insert(name.clone(), standing.clone());
                standing
            }
            _ => lost.get(name).cloned().unwrap_or(standing),
        }
    }

    /// Whether an attempt was found lost.
    pub(super) fn is_lost(&self, name: &AttemptName) -> bool {
        lock(&self.lost).contains_key(name)
    }

    /// Judges by the cluster's clock and by what was seen before. `had` says that whoever looked had seen the pod before: to him, one
    /// that is not there any more is gone, and to others it may not have come yet.
    pub(super) fn judge(
        &self,
        name: &AttemptName,
        job: &Job,
        pod: Option<&Pod>,
        had: bool,
        told: Option<&str>,
    ) -> Standing {
        let seen = self.seen(name);
        let passed_over = seen.as_ref().is_some_and(|seen| seen.passed_over);
        let first = seen.map(|seen| seen.pod.uid).filter(|_| had || pod.is_some());
        judge(&Facts {
            job,
            pod,
            first_pod: first.as_deref(),
            letter: pod.filter(|_| !passed_over).and_then(status::letter).is_some(),
            told,
            now: self.cluster.now(),
            start_timeout: self.rules.options.start_timeout,
        })
    }

    /// Learns which pods were the first of Jobs that were made while this process did not look: clusters before 1.26 begin another
    /// in silence where one was deleted. Only events tell, for an hour; where they may not be read, what is there counts as the first.
    pub(super) async fn learn_first_pods(&self, jobs: &[Job]) -> Result<(), ExecutorError> {
        let attempt = |job: &Job| Some((job.uid()?, job.name_any().parse().ok()?));
        let unseen: HashMap<String, AttemptName> =
            jobs.iter().filter_map(attempt).filter(|(_, name)| self.seen(name).is_none()).collect();
        if unseen.is_empty() {
            return Ok(());
        }
        let mut events =
            match self.cluster.list_fields::<Event>("involvedObject.kind=Job,reason=SuccessfulCreate").await {
                Err(ExecutorError::Refused(_)) => return Ok(()),
                events => events?,
            };
        // Of one second, the name of an event ends with the finer time.
        events.sort_by_cached_key(|event| (event.first_timestamp.as_ref().map(|time| time.0), event.name_any()));
        let mut first = lock(&self.first);
        for event in events {
            let name = event.involved_object.uid.and_then(|uid| unseen.get(&uid));
            let pod = event.message.as_deref().and_then(|message| message.strip_prefix(CREATED_POD));
            if let (Some(name), Some(pod)) = (name, pod) {
                first.entry(name.clone()).or_insert_with(|| pod.to_owned());
            }
        }
        drop(first);
        Ok(())
    }

    /// Chooses the attempt's own pod, and remembers it: the one that was seen or made first, else the oldest.
    pub(super) fn choose(&self, name: &AttemptName, pods: Vec<Pod>) -> Option<Pod> {
        let first = lock(&self.first).get(name).cloned();
        let mut seen = lock(&self.seen);
        let known = seen.get(name).map(|seen| &seen.pod.uid);
        let own = pods.iter().position(|pod| match known {
            Some(uid) => pod.metadata.uid.as_ref() == Some(uid),
            None => first.is_some() && pod.metadata.name == first,
        });
        let mut pods = pods;
        let chosen = match own {
            Some(own) => pods.swap_remove(own),
            None => pods.into_iter().min_by_key(|pod| (created(&pod.metadata), pod.metadata.uid.clone()))?,
        };
        if let (None, Some(uid)) = (known, &chosen.metadata.uid) {
            // Of a first pod that is gone nobody knows the identity any more: it is none that is there.
            let pod = match first.filter(|first| *first != chosen.name_any()) {
                Some(name) => Identity { name, uid: String::new() },
                None => Identity { name: chosen.name_any(), uid: uid.clone() },
            };
            if let Some(spec) = &chosen.spec {
                self.count_containers(spec);
            }
            let secret = has_secret(chosen.spec.as_ref());
            let new = Seen { pod, job: None, secret, ended: None, letter: None, passed_over: false };
            seen.insert(name.clone(), new);
        }
        drop(seen);
        Some(chosen)
    }

    /// Returns the attempts of which a pod was seen.
    pub(super) fn with_pods(&self) -> HashSet<AttemptName> {
        lock(&self.seen).keys().cloned().collect()
    }

    /// Returns what was seen of an attempt, if its pod was.
    pub(super) fn seen(&self, name: &AttemptName) -> Option<Seen> {
        lock(&self.seen).get(name).cloned()
    }

    /// Notes that an attempt's letter is no good: its results are with the keeper or nowhere, which has to be seen.
    pub(super) fn pass_over_letter(&self, name: &AttemptName) {
        if let Some(seen) = lock(&self.seen).get_mut(name) {
            (seen.letter, seen.ended, seen.passed_over) = (None, None, true);
        }
    }

    /// Forgets an attempt that is gone.
    pub(super) fn forget(&self, name: &AttemptName) {
        lock(&self.first).remove(name);
        lock(&self.seen).remove(name);
        lock(&self.lost).remove(name);
        self.sessions.close(name);
        self.silences.forget(name);
    }

    /// Asks the Job's events why it has no pod; empty when they do not say, or may not be read.
    pub(super) async fn denied(&self, job: &Job) -> Result<String, ExecutorError> {
        let fields = format!("involvedObject.uid={},reason=FailedCreate", job.uid().unwrap_or_default());
        Ok(self.last_event(&fields).await?.and_then(|event| event.message).unwrap_or_default())
    }

    /// Asks a pod's events why its node does not begin it; empty when they do not say, or may not be read.
    pub(super) async fn hindered(&self, pod: &Pod) -> Result<String, ExecutorError> {
        let fields = format!("involvedObject.uid={}", pod.uid().unwrap_or_default());
        let Some(event) = self.last_event(&fields).await? else { return Ok(String::new()) };
        let (reason, message) = (event.reason.unwrap_or_default(), event.message.unwrap_or_default());
        let bears = event.type_.as_deref() == Some("Warning") || reason == PULLING;
        Ok(if bears { format!("{reason}: {message}") } else { String::new() })
    }

    /// Returns the newest of the chosen events; `None` also when they may not be read.
    async fn last_event(&self, fields: &str) -> Result<Option<Event>, ExecutorError> {
        let mut events = match self.cluster.list_fields::<Event>(fields).await {
            Err(ExecutorError::Refused(_)) => return Ok(None),
            events => events?,
        };
        events.sort_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0));
        Ok(events.pop())
    }

    pub(super) fn keep_tree(&self, sha256: Sha256, tree: PathBuf) {
        lock(&self.trees).insert(sha256, tree);
    }

    pub(super) fn drop_tree(&self, sha256: Sha256) {
        lock(&self.trees).remove(&sha256);
    }

    /// Returns the directory of a tree that was provided.
    pub(super) fn tree(&self, sha256: Sha256) -> Result<PathBuf, ExecutorError> {
        let tree = lock(&self.trees).get(&sha256).cloned();
        tree.ok_or_else(|| ExecutorError::Refused(format!("tree {sha256} was not provided to this executor")))
    }
}

impl Look {
    /// Returns the name of the pod, if its keeper can be spoken with.
    pub(super) fn speaking(&self) -> Option<String> {
        let pod = self.pod.as_ref()?;
        status::runs(pod, KEEPER).then(|| pod.name_any())
    }
}

/// Whether a pod reads a Secret.
pub(super) fn has_secret(pod: Option<&PodSpec>) -> bool {
    let volumes = pod.and_then(|pod| pod.volumes.as_ref());
    volumes.into_iter().flatten().any(|volume| volume.secret.is_some())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
