//! Sealed results on the volume of a claim: what is left of an attempt whose pod is gone.
//!
//! The keeper holds results in its pod as ever and has a copy on the claim, so nothing is asked of the claim as long as the pod is there.
//! Only then a *lender* is begun, a Job of one container of ours that mounts nothing but the claim; it gives what the attempt has there,
//! verified like every other, and removes it. What was not sealed is not there, and its attempt is lost.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::ResourceExt as _;

use super::cluster::Change;
use super::core::{Core, JOB_NAME};
use super::launch::busy;
use super::manifest::{self, KEEPER};
use super::session::collect;
use super::speak::Speech;
use super::status::{self, Standing, created};
use crate::executor::{Ability, ExecutorError, Observed, Sealed, Unmet};
use crate::failpoint;
use crate::model::id::AttemptName;
use crate::model::spec::{Launch, label};

/// Longest wait for the pods of a removed attempt to end; one whose node is gone does not.
const ENDING: Duration = Duration::from_secs(20);

impl Core {
    fn claim(&self) -> Option<&str> {
        self.rules.options.results_claim.as_deref()
    }

    /// Fetches what the pod holds, or what has outlived it.
    pub(super) async fn fetch_kept(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        let lost = match Box::pin(self.fetch_held(launch, into)).await {
            Err(error) if self.claim().is_some() && self.may_have_sealed(&launch.name, &error) => error,
            fetched => return fetched,
        };
        match self.fetch_lent(launch, into).await {
            Ok(Some(sealed)) => Ok(self.told_by_pod(launch, sealed).await),
            Ok(None) => Err(lost),
            Err(error @ (ExecutorError::Corrupt { .. } | ExecutorError::Local { .. })) => Err(error),
            Err(error) if error.is_transient() => Err(error),
            Err(error) => {
                tracing::warn!(attempt = %launch.name, %error, "whether the claim has results cannot be seen");
                Err(lost)
            }
        }
    }

    async fn fetch_lent(&self, launch: &Launch, into: &Path) -> Result<Option<Sealed>, ExecutorError> {
        let mut speech = self.speak_with_lender(&launch.name).await?;
        match speech.session.manifest(Duration::ZERO).await? {
            Some(_) => collect(&mut speech.session, launch, into).await.map(Some),
            None => Ok(None),
        }
    }

    /// Whether an attempt that is lost in this way may have been sealed before.
    fn may_have_sealed(&self, name: &AttemptName, error: &ExecutorError) -> bool {
        match error {
            // What is fetched has ended: a pod that has not is another, which the cluster has begun in the place of one that is gone.
            ExecutorError::Busy(_)
            | ExecutorError::NotFound(_)
            | ExecutorError::NoResults { .. }
            | ExecutorError::Evicted(_)
            | ExecutorError::NodeLost(_)
            | ExecutorError::TimedOut(_) => true,
            // Where there was no room for a pod, there was none to seal.
            ExecutorError::Resource(_) => self.seen(name).is_some(),
            _ => false,
        }
    }

    /// Looks at an attempt whose Job the cluster does not know: results on the claim are an end.
    pub(super) async fn inspect_kept(&self, name: &AttemptName) -> Result<Option<Observed>, ExecutorError> {
        if self.claim().is_none() {
            return Ok(None);
        }
        let looked =
            async { Ok(self.speak_with_lender(name).await?.session.manifest(Duration::ZERO).await?.is_some()) };
        match looked.await {
            Ok(true) => Ok(Some(Observed::Exited { code: None, out_of_memory: false, error: None })),
            // The lender has nothing more to give.
            Ok(false) => self.remove_lender(name).await.map(|()| None),
            Err(error) if ExecutorError::is_transient(&error) => Err(error),
            Err(error) => {
                tracing::warn!(attempt = %name, %error, "whether the claim has results cannot be seen");
                Ok(None)
            }
        }
    }

    /// Has an attempt's keeper remove its copy; returns whether nothing of the attempt is on the claim. To be called before its Job is
    /// removed, which takes the keeper with it.
    pub(super) async fn let_go(&self, name: &AttemptName) -> Result<bool, ExecutorError> {
        if self.claim().is_none() {
            return Ok(true);
        }
        let Some(look) = self.look(name).await? else { return Ok(false) };
        match &look.standing {
            Standing::Waiting { .. } | Standing::Unexplained | Standing::Preparing => return Ok(true),
            Standing::Lost { error, .. } if !self.may_have_sealed(name, error) => return Ok(true),
            Standing::Lost { .. } | Standing::Running | Standing::Ended { .. } => {}
        }
        let Some(pod) = look.speaking() else { return Ok(false) };
        let told = async { Ok::<_, ExecutorError>(self.speak_with_keeper(&pod).await?.session.acknowledge().await?) };
        Ok(told.await.is_ok())
    }

    /// Removes what an attempt has on the claim, if it may have something there, and its lender. To be called when no keeper can bring
    /// anything any more.
    pub(super) async fn remove_kept(&self, name: &AttemptName, let_go: bool) -> Result<(), ExecutorError> {
        if self.claim().is_none() {
            return Ok(());
        }
        // Where there is a lender, a pod of the attempt is gone, and the one that was asked is another.
        let lent = self.cluster.get::<Job>(&manifest::lender_name(name)).await?.is_some();
        if lent || !let_go {
            // A keeper that is being ended may still be at work.
            tokio::time::timeout(ENDING, self.ended(name)).await.unwrap_or(Ok(()))?;
            self.speak_with_lender(name).await?.session.acknowledge().await?;
            failpoint::hit("kubernetes.remove.kept");
        }
        self.remove_lender(name).await
    }

    async fn remove_lender(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        let lender = manifest::lender_name(name);
        match self.cluster.get::<Job>(&lender).await? {
            Some(job) => self.remove_job(&lender, &job).await,
            None => Ok(()),
        }
    }

    /// Waits until an attempt has no pod any more.
    async fn ended(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        let labels = format!("{JOB_NAME}={name},{}", label::ATTEMPT);
        let (pods, version) = self.cluster.list::<Pod>(&labels).await?;
        let mut left: HashSet<_> = pods.iter().map(kube::ResourceExt::uid).collect();
        let mut changes = self.cluster.watch::<Pod>(&labels, version);
        while !left.is_empty()
            && let Some(change) = changes.next().await
        {
            if let Change::Gone(pod) = change? {
                left.remove(&pod.uid());
            }
        }
        Ok(())
    }

    async fn speak_with_lender(&self, name: &AttemptName) -> Result<Speech, ExecutorError> {
        let pod = self.lender(name).await?;
        self.speak(&pod, KEEPER, &manifest::lent(name)).await
    }

    /// Makes sure of an attempt's lender, and returns the name of its pod once that runs.
    async fn lender(&self, name: &AttemptName) -> Result<String, ExecutorError> {
        let claim = self.claim().unwrap_or_default();
        let lender = manifest::lender(name, claim, &self.rules);
        let job = match self.cluster.create(&lender).await {
            Err(error @ (ExecutorError::Conflict { .. } | ExecutorError::Unreachable(_) | ExecutorError::Busy(_))) => {
                self.cluster.get::<Job>(&lender.name_any()).await?.ok_or_else(|| busy(error))?
            }
            created => created?,
        };
        if !job.labels().contains_key(label::ATTEMPT) {
            let message = "it does not bear our labels".to_owned();
            return Err(ExecutorError::Conflict { name: lender.name_any(), message });
        }
        if job.metadata.deletion_timestamp.is_some() || status::is_over(&job) {
            self.cluster.delete::<Job>(&lender.name_any(), &job.uid().unwrap_or_default(), None).await?;
            return Err(ExecutorError::Busy(format!("{} has ended", lender.name_any())));
        }
        let by = created(&job.metadata)
            .plus_ms(i64::try_from(self.rules.options.start_timeout.as_millis()).unwrap_or(i64::MAX));
        let left = Duration::from_millis(u64::try_from(by.since(self.cluster.now())).unwrap_or(0));
        match tokio::time::timeout(left, self.begun(&lender.name_any())).await {
            Ok(begun) => begun,
            Err(_) => Err(ExecutorError::NeverScheduled {
                name: lender.name_any(),
                message: format!("the pod that reads the claim {claim} does not begin: can its volume be mounted?"),
            }),
        }
    }

    /// Waits until the pod of a lender runs.
    async fn begun(&self, lender: &str) -> Result<String, ExecutorError> {
        let labels = format!("{JOB_NAME}={lender}");
        let (pods, version) = self.cluster.list::<Pod>(&labels).await?;
        let runs = |pod: &Pod| pod.metadata.deletion_timestamp.is_none() && status::runs(pod, KEEPER);
        if let Some(pod) = pods.iter().find(|pod| runs(pod)) {
            return Ok(pod.name_any());
        }
        let mut changes = self.cluster.watch::<Pod>(&labels, version);
        while let Some(change) = changes.next().await {
            if let Change::Is(pod) = change?
                && runs(&pod)
            {
                return Ok(pod.name_any());
            }
        }
        Err(ExecutorError::Unreachable("the watch of pods ended".to_owned()))
    }

    /// Returns what is unmet when results could not be kept on the claim. Where it may not be looked at, its absence is found by the pods.
    pub(super) async fn claim_unmet(&self) -> Result<Option<Unmet>, ExecutorError> {
        let Some(claim) = self.claim() else { return Ok(None) };
        let missing = match self.cluster.get::<PersistentVolumeClaim>(claim).await {
            Err(ExecutorError::Refused(_)) => None,
            Err(error) => return Err(error),
            Ok(found) => found.as_ref().map_or_else(|| Some(self.no_claim(claim)), is_lost),
        };
        Ok(missing.map(|message| Unmet { item: format!("claim {claim}"), message }))
    }

    /// Returns whether results can be kept on the claim, if one is named.
    pub(super) async fn claim_ability(&self) -> Option<Ability> {
        let claim = self.claim()?;
        let missing = match self.cluster.get::<PersistentVolumeClaim>(claim).await {
            Err(error) => Some(error.to_string()),
            Ok(None) => Some(self.no_claim(claim)),
            Ok(Some(found)) => match phase(&found) {
                "Bound" => None,
                other => Some(format!("it is {other}, not Bound: it has no volume yet")),
            },
        };
        Some(Ability { item: format!("claim {claim}"), needed: true, missing })
    }

    fn no_claim(&self, claim: &str) -> String {
        let namespace = &self.cluster.namespace;
        format!(
            "the namespace {namespace} has no PersistentVolumeClaim {claim}, which `[executor.kubernetes] results_claim` names"
        )
    }
}

/// Returns the words for a claim whose volume is gone for good. One that waits for its first pod is none.
fn is_lost(claim: &PersistentVolumeClaim) -> Option<String> {
    (phase(claim) == "Lost").then(|| "it is Lost: its volume is gone".to_owned())
}

fn phase(claim: &PersistentVolumeClaim) -> &str {
    claim.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
}
