//! Listing and removing what bears our labels.

use std::collections::HashMap;

use bollard::models::ContainerSummary;
use bollard::query_parameters::{ListNetworksOptionsBuilder, ListVolumesOptionsBuilder};

use super::collect::sealer_name;
use super::error::from_engine;
use super::executor::DockerExecutor;
use crate::executor::{ExecutorError, Owned, OwnedKind};
use crate::model::clock::Timestamp;
use crate::model::id::{AttemptName, InstanceKey};
use crate::model::spec::label;

/// What a kubelet puts on each of its containers.
const POD: &str = "io.kubernetes.pod.uid";

impl DockerExecutor {
    /// Lists containers, volumes and networks with a label, or with one value of it.
    pub(super) async fn list_labelled(&self, filter: String) -> Result<Vec<Owned>, ExecutorError> {
        let filters = HashMap::from([("label", vec![filter])]);
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let mut owned = Vec::new();
        for container in self.engine.list(&filters).await? {
            let name = container.names.and_then(|names| names.into_iter().next()).unwrap_or_default();
            let created = container.created.map(|seconds| Timestamp(seconds.saturating_mul(1000)));
            let labels = container.labels.unwrap_or_default();
            // A kubelet may use this engine too, and gives its containers the labels of their pods: they are not ours.
            if labels.contains_key(POD) {
                continue;
            }
            let name = name.trim_start_matches('/').to_owned();
            owned.push(describe(OwnedKind::Container, name, container.id.unwrap_or_default(), &labels, created));
        }
        let listed = self.engine.docker.list_volumes(Some(volumes)).await.map_err(|error| from_engine(&error))?;
        for volume in listed.volumes.unwrap_or_default() {
            let created = volume.created_at.as_deref().and_then(parse_time);
            let id = volume_identity(&volume);
            owned.push(describe(OwnedKind::Volume, volume.name, id, &volume.labels, created));
        }
        let listed = self.engine.docker.list_networks(Some(networks)).await.map_err(|error| from_engine(&error))?;
        for network in listed {
            let created = network.created.as_deref().and_then(parse_time);
            let labels = network.labels.unwrap_or_default();
            let (name, id) = (network.name.unwrap_or_default(), network.id.unwrap_or_default());
            owned.push(describe(OwnedKind::Network, name, id, &labels, created));
        }
        Ok(owned)
    }

    /// See [`crate::executor::Executor::list_owned`].
    pub(super) async fn list_of_instance(&self, instance: InstanceKey) -> Result<Vec<Owned>, ExecutorError> {
        self.list_labelled(format!("{}={instance}", label::INSTANCE)).await
    }

    /// Lists an attempt's containers: its own and the one that seals.
    pub(super) async fn list_attempt(&self, name: &AttemptName) -> Result<Vec<ContainerSummary>, ExecutorError> {
        // Docker matches names with their slash, Podman without.
        let names = vec![format!("^/?{name}$"), format!("^/?{}$", sealer_name(name.as_str()))];
        self.engine.list(&HashMap::from([("name", names), ("label", vec![label::ATTEMPT.to_owned()])])).await
    }

    /// Removes the volume of an attempt, if it is that.
    pub(super) async fn remove_labelled_volume(&self, volume: &str, name: &AttemptName) -> Result<(), ExecutorError> {
        match self.engine.volume(volume).await? {
            Some(found) if found.labels.contains_key(label::ATTEMPT) => self.engine.remove_volume(volume).await,
            Some(_) => Err(ExecutorError::Conflict {
                name: name.to_string(),
                message: "its volume does not bear our labels".to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// See [`crate::executor::Executor::remove_owned`].
    pub(super) async fn remove_listed(&self, owned: &Owned) -> Result<(), ExecutorError> {
        match owned.kind {
            OwnedKind::Container => {
                self.engine.remove(&owned.id).await?;
                match &owned.attempt {
                    Some(attempt) if owned.role == "scan" => self.remove_spool(attempt).await,
                    _ => Ok(()),
                }
            }
            OwnedKind::Volume => match self.engine.volume(&owned.name).await? {
                Some(found) if volume_identity(&found) == owned.id => self.engine.remove_volume(&owned.name).await,
                _ => Ok(()),
            },
            OwnedKind::Job | OwnedKind::Pod | OwnedKind::Secret | OwnedKind::NetworkPolicy | OwnedKind::Objects => {
                Err(ExecutorError::Refused(format!("Docker has no {}", owned.kind.as_str())))
            }
            OwnedKind::Network => {
                match self.engine.docker.remove_network(&owned.id).await.map_err(|error| from_engine(&error)) {
                    Err(ExecutorError::NotFound(_)) => Ok(()),
                    result => result,
                }
            }
        }
    }
}

/// Volumes have names only; with the time of their making a name is an identity.
fn volume_identity(volume: &bollard::models::Volume) -> String {
    format!("{}@{}", volume.name, volume.created_at.as_deref().unwrap_or_default())
}

fn describe(
    kind: OwnedKind,
    name: String,
    id: String,
    labels: &HashMap<String, String>,
    created_at: Option<Timestamp>,
) -> Owned {
    let text = |label: &str| labels.get(label).cloned().unwrap_or_default();
    let attempt = labels.contains_key(label::ATTEMPT).then(|| name.strip_suffix("-seal").unwrap_or(&name).parse().ok());
    Owned {
        kind,
        id,
        instance: text(label::INSTANCE),
        attempt: attempt.flatten(),
        role: text(label::ROLE),
        created_at,
        name,
    }
}

fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| Timestamp(time.as_millisecond()))
}
