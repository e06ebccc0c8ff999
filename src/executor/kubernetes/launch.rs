//! Launching: Secret, Job, owner, delivery; each step may be repeated, and a name is created once.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::ResourceExt as _;
use serde_json::{Value, json};

use futures::StreamExt as _;

use super::cluster::Change;
use super::core::{Core, JOB_NAME, Look, lock};
use super::manifest;
use super::session::Delivery;
use super::status::Standing;
use crate::executor::types::secret_file;
use crate::executor::{ExecutorError, Launched, blocking};
use crate::failpoint;
use crate::model::id::{AttemptName, InstanceKey};
use crate::model::pod::{self, Order};
use crate::model::scanner::Network;
use crate::model::spec::{Launch, label};

/// How often a delivery is begun again after its connection was cut.
const DELIVERIES: u32 = 5;
/// What is shown in the place of a secret.
const PLACEHOLDER: &[u8] = b"placeholder";

impl Core {
    /// See [`crate::executor::Executor::launch`].
    pub(super) async fn launch_attempt(&self, launch: &Launch) -> Result<Launched, ExecutorError> {
        let order = Order::of(launch, self.shim_job(launch));
        if launch.spec.network == Network::None {
            self.isolate(launch.instance).await?;
        }
        if !launch.spec.secrets.is_empty() {
            self.create_secret(launch).await?;
            failpoint::hit("kubernetes.launch.secret");
        }
        self.create_addresses(launch).await?;
        let (job, adopted) = self.create_or_adopt(launch, &order).await?;
        failpoint::hit("kubernetes.launch.created");
        self.give_addresses_to(&job).await?;
        if !launch.spec.secrets.is_empty() {
            self.give_secret_to(&job).await?;
            failpoint::hit("kubernetes.launch.owned");
        }
        if order.needs_delivery() {
            Box::pin(self.deliver(launch, &order, job.clone())).await?;
            failpoint::hit("kubernetes.launch.delivered");
        }
        Ok(Launched { engine_id: job.uid().unwrap_or_default(), adopted })
    }

    /// See [`crate::executor::Executor::preview`].
    pub(super) fn preview(&self, launch: &Launch) -> Vec<Value> {
        let order = Order::of(launch, self.shim_job(launch));
        let secrets: BTreeMap<_, _> =
            launch.spec.secrets.keys().map(|name| (name.clone(), PLACEHOLDER.to_vec())).collect();
        let policy = (launch.spec.network == Network::None).then(|| json!(manifest::isolation(launch.instance)));
        let secret = (!secrets.is_empty()).then(|| json!(manifest::secret(launch, secrets)));
        let job = json!(manifest::job(launch, &order, &self.rules, self.storage.is_some()));
        policy.into_iter().chain(secret).chain([job]).collect()
    }

    pub(super) fn grace_ms(&self) -> u64 {
        u64::try_from(self.rules.options.grace.as_millis()).unwrap_or(u64::MAX)
    }

    /// Makes sure of the policy that cuts pods without a network off: one for each instance, once in each process.
    async fn isolate(&self, instance: InstanceKey) -> Result<(), ExecutorError> {
        if lock(&self.isolated).contains(&instance) {
            return Ok(());
        }
        match self.cluster.create(&manifest::isolation(instance)).await {
            Ok(_) | Err(ExecutorError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        lock(&self.isolated).push(instance);
        Ok(())
    }

    async fn create_secret(&self, launch: &Launch) -> Result<(), ExecutorError> {
        let files: Vec<_> = launch
            .spec
            .secrets
            .keys()
            .map(|name| (name.clone(), secret_file(&self.state, launch.scan, name)))
            .collect();
        let values: BTreeMap<_, _> = blocking("read the spooled secrets", move || {
            files.into_iter().map(|(name, path)| Ok((name, std::fs::read(path)?))).collect()
        })
        .await?;
        self.create_or_keep(launch, &manifest::secret(launch, values)).await
    }

    /// Creates a Secret, unless it is there already.
    async fn create_or_keep(&self, launch: &Launch, secret: &Secret) -> Result<(), ExecutorError> {
        let role = secret.labels().get(label::ROLE).map_or("", String::as_str);
        match self.cluster.create(secret).await {
            Ok(_) => Ok(()),
            Err(error @ (ExecutorError::Conflict { .. } | ExecutorError::Unreachable(_) | ExecutorError::Busy(_))) => {
                match self.cluster.get::<Secret>(&secret.name_any()).await? {
                    Some(found) => check(launch, role, found.labels()),
                    None => Err(busy(error)),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// The Job owns its Secret: the cluster removes the one with the other.
    async fn give_secret_to(&self, job: &Job) -> Result<(), ExecutorError> {
        self.give(&job.name_any(), job).await
    }

    async fn give(&self, secret: &str, job: &Job) -> Result<(), ExecutorError> {
        let (name, uid) = (job.name_any(), job.uid().unwrap_or_default());
        let owner = json!({ "apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid });
        self.cluster.merge::<Secret>(secret, &json!({ "metadata": { "ownerReferences": [owner] } })).await
    }

    /// Creates the Secret with the addresses that the keeper brings the results to.
    async fn create_addresses(&self, launch: &Launch) -> Result<(), ExecutorError> {
        let Some(storage) = &self.storage else { return Ok(()) };
        let upload = storage.upload(launch).await?;
        self.create_or_keep(launch, &manifest::addresses(launch, &upload)).await?;
        failpoint::hit("kubernetes.launch.addresses");
        Ok(())
    }

    async fn give_addresses_to(&self, job: &Job) -> Result<(), ExecutorError> {
        match &self.storage {
            Some(_) => self.give(&manifest::addresses_name(&job.name_any()), job).await,
            None => Ok(()),
        }
    }

    async fn create_or_adopt(&self, launch: &Launch, order: &Order) -> Result<(Job, bool), ExecutorError> {
        match self.cluster.create(&manifest::job(launch, order, &self.rules, self.storage.is_some())).await {
            Ok(job) => Ok((job, false)),
            // It may have been created all the same, by this call or by another process: the name tells.
            Err(error @ (ExecutorError::Conflict { .. } | ExecutorError::Unreachable(_) | ExecutorError::Busy(_))) => {
                let Some(found) = self.cluster.get::<Job>(launch.name.as_str()).await? else { return Err(busy(error)) };
                check(launch, "scan", found.labels())?;
                if found.metadata.deletion_timestamp.is_some() {
                    return Err(ExecutorError::Busy(format!("{} is being removed", launch.name)));
                }
                Ok((found, true))
            }
            Err(error) => Err(error),
        }
    }

    /// Brings the pod what it waits for, once it does; an attempt that is past that has everything.
    async fn deliver(&self, launch: &Launch, order: &Order, job: Job) -> Result<(), ExecutorError> {
        let items = self.items(launch, order)?;
        let mut last = None;
        let mut known = Some(job);
        for _ in 0..DELIVERIES {
            let pod = match Box::pin(self.await_prepare(&launch.name, known.take())).await? {
                (Standing::Preparing, Some(pod)) => pod,
                (Standing::Lost { error, .. }, _) => return Err(error),
                _ => return Ok(()),
            };
            let delivered = match self.speak_with_prepare(&pod).await {
                Ok(mut speech) => speech.session.deliver(&items).await.map_err(ExecutorError::from),
                Err(error) => Err(error),
            };
            match delivered {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() => last = Some(error),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        Err(last.unwrap_or_else(|| ExecutorError::Busy(format!("{} takes no delivery", launch.name))))
    }

    fn items(&self, launch: &Launch, order: &Order) -> Result<Vec<Delivery>, ExecutorError> {
        let mut items = Vec::new();
        if order.job.is_none() {
            let job = self.shim_job(launch);
            items.push(Delivery::Job(serde_json::to_vec(&job).unwrap_or_default()));
            items.push(Delivery::Input(launch.input().into_bytes()));
        }
        if let Some(source) = launch.spec.source {
            items.push(Delivery::Tree { place: pod::SOURCE.to_owned(), tree: self.tree(source)? });
        }
        for data in &launch.spec.data {
            items.push(Delivery::Tree { place: pod::data_place(&data.name), tree: self.tree(data.sha256)? });
        }
        Ok(items)
    }

    /// Follows an attempt's pod until it can be delivered to, is past that, or never will be; returns the pod's name with it.
    /// `job` is the Job, if it was seen a moment ago.
    async fn await_prepare(
        &self,
        name: &AttemptName,
        mut job: Option<Job>,
    ) -> Result<(Standing, Option<String>), ExecutorError> {
        loop {
            let look = match job.take() {
                Some(job) => self.look_at(name, job).await?,
                None => self.look(name).await?.ok_or_else(|| ExecutorError::NotFound(name.to_string()))?,
            };
            let Standing::Waiting { until, .. } = look.standing else {
                return Ok((look.standing, look.pod.map(|pod| pod.name_any())));
            };
            let left = u64::try_from(until.since(self.cluster.now())).unwrap_or(0);
            // What was told by then is looked at anew; a watch that breaks is no more than a reason to look again.
            let left = Duration::from_millis(left).max(Duration::from_millis(100));
            match tokio::time::timeout(left, self.next_standing(name, look)).await {
                Ok(Ok(Some(found))) => return Ok(found),
                Err(_) | Ok(Ok(None)) => {}
                Ok(Err(error)) => return Err(error),
            }
        }
    }

    /// Follows the pods of an attempt until it no longer merely waits; `None` when it has to be looked at as a whole.
    async fn next_standing(
        &self,
        name: &AttemptName,
        look: Look,
    ) -> Result<Option<(Standing, Option<String>)>, ExecutorError> {
        let mut changes = self.cluster.watch::<Pod>(&format!("{JOB_NAME}={name}"), look.version);
        while let Some(change) = changes.next().await {
            let Change::Is(pod) = change? else { return Ok(None) };
            let Some(pod) = self.choose(name, vec![*pod]) else { return Ok(None) };
            match self.judge(name, &look.job, Some(&pod), true, None) {
                Standing::Waiting { until, .. } if until > self.cluster.now() => {}
                Standing::Waiting { .. } | Standing::Unexplained => return Ok(None),
                standing => return Ok(Some((standing, Some(pod.name_any())))),
            }
        }
        Ok(None)
    }
}

/// An object that was there when we created and is not there now will be tried again.
pub(super) fn busy(error: ExecutorError) -> ExecutorError {
    match error {
        ExecutorError::Conflict { message, .. } => ExecutorError::Busy(message),
        error => error,
    }
}

/// Takes an object that has the name already, if it is this attempt's in every respect.
fn check(launch: &Launch, role: &str, labels: &BTreeMap<String, String>) -> Result<(), ExecutorError> {
    for (label, wanted) in launch.labels(role) {
        let has = labels.get(&label).map_or("", String::as_str);
        if has != wanted {
            let message = format!("its {label} is `{has}`, not `{wanted}`");
            return Err(ExecutorError::Conflict { name: launch.name.to_string(), message });
        }
    }
    Ok(())
}
