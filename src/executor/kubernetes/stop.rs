//! Stopping and removing.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::ResourceExt as _;

use super::core::{Core, JOB_NAME};
use super::manifest;
use super::status::Standing;
use crate::executor::ExecutorError;
use crate::failpoint;
use crate::model::id::AttemptName;
use crate::model::spec::label;

/// Time that the containers of a removed attempt have: nothing that they write is wanted any more.
const REMOVAL: Duration = Duration::from_secs(1);

impl Core {
    /// See [`crate::executor::Executor::stop`]. The shim keeps the time, so the order survives this process.
    pub(super) async fn stop_attempt(&self, name: &AttemptName, grace: Duration) -> Result<(), ExecutorError> {
        let Some(look) = self.look(name).await? else { return Ok(()) };
        match look.standing {
            Standing::Ended { .. } | Standing::Lost { .. } => Ok(()),
            // Nothing was found yet.
            Standing::Waiting { .. } | Standing::Podless | Standing::Preparing => {
                self.remove_job(name, &look.job).await
            }
            Standing::Running => {
                let Some(pod) = look.speaking() else {
                    return Err(ExecutorError::Busy(format!("the keeper of {name} does not run yet")));
                };
                let mut speech = self.speak_with_keeper(&pod).await?;
                let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
                Ok(speech.session.cancel(grace_ms).await?)
            }
        }
    }

    /// See [`crate::executor::Executor::remove`].
    pub(super) async fn remove_attempt(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        let job: Option<Job> = self.cluster.get(name.as_str()).await?;
        match &job {
            Some(job) => self.remove_job(name, job).await?,
            None => self.remove_pods(name).await?,
        }
        failpoint::hit("kubernetes.remove.job");
        if job.as_ref().is_none_or(has_secret) {
            self.remove_secret(name.as_str()).await?;
        }
        if self.storage.is_some() {
            self.remove_secret(&manifest::addresses_name(name.as_str())).await?;
            self.remove_stored(name).await?;
        }
        self.forget(name);
        Ok(())
    }

    /// Removes a Job and its pods, which the cluster would leave more time than anybody needs.
    async fn remove_job(&self, name: &AttemptName, job: &Job) -> Result<(), ExecutorError> {
        let ours = job.labels().contains_key(label::ATTEMPT);
        if !ours {
            let message = "its Job does not bear our labels".to_owned();
            return Err(ExecutorError::Conflict { name: name.to_string(), message });
        }
        self.cluster.delete::<Job>(name.as_str(), &job.uid().unwrap_or_default(), None).await?;
        self.remove_pods(name).await
    }

    async fn remove_pods(&self, name: &AttemptName) -> Result<(), ExecutorError> {
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
                self.cluster.delete::<Secret>(name, &secret.uid().unwrap_or_default(), None).await
            }
            _ => Ok(()),
        }
    }
}

fn has_secret(job: &Job) -> bool {
    let pod = job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    pod.and_then(|pod| pod.volumes.as_ref()).into_iter().flatten().any(|volume| volume.secret.is_some())
}
