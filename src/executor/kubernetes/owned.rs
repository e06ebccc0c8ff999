//! Listing and removing what bears our labels.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::ResourceExt as _;

use super::cluster::Object;
use super::core::{Core, JOB_NAME};
use super::manifest;
use super::status::created;
use crate::executor::{ExecutorError, Owned, OwnedKind};
use crate::model::clock::Timestamp;
use crate::model::spec::label;

impl Core {
    /// Lists objects of every kind with a label, or with one value of it. What is being removed already is not among them.
    pub(super) async fn list_labelled(&self, labels: &str) -> Result<Vec<Owned>, ExecutorError> {
        let mut owned = self.list_kind::<Job>(OwnedKind::Job, labels).await?;
        owned.extend(self.list_kind::<Pod>(OwnedKind::Pod, labels).await?);
        owned.extend(self.list_kind::<Secret>(OwnedKind::Secret, labels).await?);
        owned.extend(self.list_kind::<NetworkPolicy>(OwnedKind::NetworkPolicy, labels).await?);
        Ok(owned)
    }

    async fn list_kind<K: Object>(&self, kind: OwnedKind, labels: &str) -> Result<Vec<Owned>, ExecutorError> {
        let (found, _) = self.cluster.list::<K>(labels).await?;
        Ok(found.iter().filter(|one| one.meta().deletion_timestamp.is_none()).map(|one| describe(kind, one)).collect())
    }

    /// See [`crate::executor::Executor::remove_owned`].
    pub(super) async fn remove_listed(&self, owned: &Owned) -> Result<(), ExecutorError> {
        let (name, id) = (owned.name.as_str(), owned.id.as_str());
        match owned.kind {
            OwnedKind::Job => _ = self.cluster.delete::<Job>(name, id, None).await?,
            OwnedKind::Pod => _ = self.cluster.delete::<Pod>(name, id, Some(Duration::from_secs(1))).await?,
            OwnedKind::Secret => _ = self.cluster.delete::<Secret>(name, id, None).await?,
            OwnedKind::NetworkPolicy => {
                super::core::lock(&self.isolated).clear();
                self.cluster.delete::<NetworkPolicy>(name, id, None).await?;
            }
            OwnedKind::Objects => self.remove_listed_stored(owned).await?,
            OwnedKind::Container | OwnedKind::Volume | OwnedKind::Network => {
                return Err(ExecutorError::Refused(format!("a cluster has no {}", owned.kind.as_str())));
            }
        }
        if let (Some(attempt), OwnedKind::Job) = (&owned.attempt, owned.kind) {
            self.forget(attempt);
        }
        Ok(())
    }
}

fn describe<K: Object>(kind: OwnedKind, object: &K) -> Owned {
    let text = |label: &str| object.labels().get(label).cloned().unwrap_or_default();
    let name = object.name_any();
    // Pods have names of their own.
    let of = object.labels().get(JOB_NAME).unwrap_or(&name);
    let of = [manifest::ADDRESSES, manifest::LENDER].iter().find_map(|end| of.strip_suffix(end)).unwrap_or(of);
    let attempt = object.labels().contains_key(label::ATTEMPT).then(|| of.parse().ok()).flatten();
    let made = created(object.meta());
    Owned {
        kind,
        id: object.uid().unwrap_or_default(),
        instance: text(label::INSTANCE),
        attempt,
        role: text(label::ROLE),
        created_at: (made != Timestamp(0)).then_some(made),
        name,
    }
}
