//! Stopping and removing.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::ResourceExt as _;

use super::cluster::Removal;
use super::core::{Core, JOB_NAME, Seen, has_secret};
use super::manifest;
use super::status::Standing;
use crate::executor::ExecutorError;
use crate::failpoint;
use crate::model::id::AttemptName;
use crate::model::spec::label;

/// Time that the containers of a removed attempt have: nothing that they write is wanted any more.
const REMOVAL: Duration = Duration::from_secs(1);

/// How long an attempt that is to stop may be out of reach before it is removed with all that it has found: what is asked to end
/// must end, also where its node does not come back.
const STOPPING: Duration = Duration::from_mins(1);

impl Core {
    /// See [`crate::executor::Executor::stop`]. The shim keeps the time, so the order survives this process.
    pub(super) async fn stop_attempt(&self, name: &AttemptName, grace: Duration) -> Result<(), ExecutorError> {
        let Some(look) = self.look(name).await? else { return Ok(()) };
        match look.standing {
            Standing::Ended { .. } | Standing::Lost { .. } => Ok(()),
            // Nothing was found yet.
            Standing::Waiting { .. } | Standing::Unexplained | Standing::Preparing => {
                self.remove_job(name.as_str(), &look.job).await
            }
            Standing::Running => {
                let Some(pod) = look.speaking() else {
                    return Err(ExecutorError::Busy(format!("the keeper of {name} does not run yet")));
                };
                let mut speech = match self.speak_with_keeper(&pod).await {
                    Err(_) if self.silences.since(&pod) > STOPPING => {
                        return self.remove_job(name.as_str(), &look.job).await;
                    }
                    spoken => spoken?,
                };
                let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
                Ok(speech.session.cancel(grace_ms).await?)
            }
        }
    }

    /// See [`crate::executor::Executor::remove`].
    pub(super) async fn remove_attempt(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        let let_go = self.let_go(name).await?;
        let secret = match self.remove_seen(name).await? {
            Some(seen) => seen.secret,
            None => self.remove_found(name).await?,
        };
        failpoint::hit("kubernetes.remove.job");
        if secret {
            self.remove_secret(name.as_str()).await?;
        }
        if self.storage.is_some() {
            self.remove_secret(&manifest::addresses_name(name.as_str())).await?;
            self.remove_stored(name).await?;
        }
        self.remove_kept(name, let_go).await?;
        self.forget(name);
        Ok(())
    }

    /// Removes the very Job and pod that were seen; `None` when they were not, or are not there any more, or may not be all: where a
    /// pod was lost, the cluster begins another.
    async fn remove_seen(&self, name: &AttemptName) -> Result<Option<Seen>, ExecutorError> {
        let Some(seen) = self.seen(name).filter(|_| !self.is_lost(name)) else { return Ok(None) };
        let Some(job) = &seen.job else { return Ok(None) };
        if self.cluster.delete::<Job>(name.as_str(), job, None).await? == Removal::NotThere {
            return Ok(None);
        }
        self.cluster.delete::<Pod>(&seen.pod.name, &seen.pod.uid, Some(REMOVAL)).await?;
        Ok(Some(seen))
    }

    /// Removes what is found under the name; returns whether there may be a Secret.
    async fn remove_found(&self, name: &AttemptName) -> Result<bool, ExecutorError> {
        let Some(job) = self.cluster.get::<Job>(name.as_str()).await? else {
            self.remove_pods(name.as_str()).await?;
            return Ok(true);
        };
        self.remove_job(name.as_str(), &job).await?;
        Ok(has_secret(job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref())))
    }

    /// Removes a Job and its pods, which the cluster would leave more time than anybody needs.
    pub(super) async fn remove_job(&self, name: &str, job: &Job) -> Result<(), ExecutorError> {
        let ours = job.labels().contains_key(label::ATTEMPT);
        if !ours {
            let message = "its Job does not bear our labels".to_owned();
            return Err(ExecutorError::Conflict { name: name.to_string(), message });
        }
        self.cluster.delete::<Job>(name, &job.uid().unwrap_or_default(), None).await?;
        self.remove_pods(name).await
    }

    async fn remove_pods(&self, name: &str) -> Result<(), ExecutorError> {
        let (pods, _) = self.cluster.list::<Pod>(&format!("{JOB_NAME}={name},{}", label::ATTEMPT)).await?;
        for pod in pods {
            self.cluster.delete::<Pod>(&pod.name_any(), &pod.uid().unwrap_or_default(), Some(REMOVAL)).await?;
        }
        Ok(())
    }

    /// Removes the Secret that its Job did not come to own, or whose owner is gone for so short a time that it is still there.
    async fn remove_secret(&self, name: &str) -> Result<(), ExecutorError> {
        match self.cluster.get::<Secret>(name).await? {
            Some(secret) if secret.labels().contains_key(label::ATTEMPT) => {
                self.cluster.delete::<Secret>(name, &secret.uid().unwrap_or_default(), None).await?;
            }
            _ => {}
        }
        Ok(())
    }
}
