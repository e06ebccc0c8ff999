//! What all calls of the executor share: the cluster, the rules for pods, and what was seen of each attempt.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::ResourceExt as _;

use super::cluster::Cluster;
use super::manifest::KEEPER;
use super::options::PodRules;
use super::s3::Storage;
use super::speak::Sessions;
use super::status::{self, Facts, Standing, created, judge};
use crate::executor::ExecutorError;
use crate::model::id::{AttemptName, InstanceKey, Sha256};

/// The label that the cluster itself puts on a Job's pods, in every version.
pub(super) const JOB_NAME: &str = "job-name";

/// Shared by all calls, and by the watches that outlive them.
pub(super) struct Core {
    pub cluster: Cluster,
    pub rules: PodRules,
    /// The state directory.
    pub state: PathBuf,
    pub sessions: Sessions,
    /// Where results go beside the pod.
    pub storage: Option<Storage>,
    /// Instances whose policy of isolation this process has made sure of.
    pub isolated: Mutex<Vec<InstanceKey>>,
    /// Trees that were provided, by hash.
    trees: Mutex<HashMap<Sha256, PathBuf>>,
    /// The first pod of each attempt, by name and identity: a second one would run the scanner again.
    pods: Mutex<HashMap<AttemptName, String>>,
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
    pub(super) fn new(cluster: Cluster, rules: PodRules, state: PathBuf, storage: Option<Storage>) -> Self {
        Self {
            cluster,
            rules,
            state,
            sessions: Sessions::default(),
            storage,
            isolated: Mutex::default(),
            trees: Mutex::default(),
            pods: Mutex::default(),
        }
    }

    /// Looks at an attempt; `None` when the cluster does not know its Job, or has begun to remove it.
    pub(super) async fn look(&self, name: &AttemptName) -> Result<Option<Look>, ExecutorError> {
        let job: Option<Job> = self.cluster.get(name.as_str()).await?;
        let Some(job) = job.filter(|job| job.metadata.deletion_timestamp.is_none()) else {
            self.forget(name);
            return Ok(None);
        };
        let (pods, version) = self.cluster.list::<Pod>(&format!("{JOB_NAME}={name}")).await?;
        let pod = self.choose(name, pods);
        let mut standing = self.judge(name, &job, pod.as_ref(), None);
        if let Standing::Podless = standing {
            let words = self.denied(&job).await?;
            standing = self.judge(name, &job, None, Some(&words));
        }
        Ok(Some(Look { job, pod, standing, version }))
    }

    /// Judges by the cluster's clock and by what was seen before.
    pub(super) fn judge(&self, name: &AttemptName, job: &Job, pod: Option<&Pod>, denied: Option<&str>) -> Standing {
        let first = lock(&self.pods).get(name).cloned();
        judge(&Facts {
            job,
            pod,
            first_pod: first.as_deref(),
            denied,
            now: self.cluster.now(),
            start_timeout: self.rules.start_timeout,
        })
    }

    /// Chooses the attempt's own pod, and remembers it: the one that was seen first, else the oldest.
    pub(super) fn choose(&self, name: &AttemptName, pods: Vec<Pod>) -> Option<Pod> {
        let mut seen = lock(&self.pods);
        let known = seen.get(name);
        let own = pods.iter().position(|pod| known.is_some() && pod.metadata.uid.as_ref() == known);
        let mut pods = pods;
        let chosen = match own {
            Some(own) => pods.swap_remove(own),
            None => pods.into_iter().min_by_key(|pod| (created(&pod.metadata), pod.metadata.uid.clone()))?,
        };
        if let (None, Some(uid)) = (known, &chosen.metadata.uid) {
            seen.insert(name.clone(), uid.clone());
        }
        drop(seen);
        Some(chosen)
    }

    /// Forgets an attempt that is gone.
    pub(super) fn forget(&self, name: &AttemptName) {
        lock(&self.pods).remove(name);
        self.sessions.close(name);
    }

    /// Asks the Job's events why it has no pod; empty when they do not say, or may not be read.
    pub(super) async fn denied(&self, job: &Job) -> Result<String, ExecutorError> {
        let fields = format!("involvedObject.uid={},reason=FailedCreate", job.uid().unwrap_or_default());
        let mut events = match self.cluster.list_fields::<Event>(&fields).await {
            Err(ExecutorError::Refused(_)) => return Ok(String::new()),
            events => events?,
        };
        events.sort_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0));
        Ok(events.pop().and_then(|event| event.message).unwrap_or_default())
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

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
