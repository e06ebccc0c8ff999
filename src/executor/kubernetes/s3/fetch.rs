//! Which way an attempt's results come, and what is removed with it.

use std::path::Path;
use std::time::Duration;

use super::Storage;
use crate::executor::kubernetes::core::Core;
use crate::executor::{ExecutorError, Observed, Owned, OwnedKind, Sealed, Unmet};
use crate::model::id::{AttemptName, InstanceKey};
use crate::model::manifest::ExitCause;
use crate::model::spec::{JobSpec, Launch};
use crate::model::unit::Span;

impl Core {
    /// See [`crate::executor::Executor::fetch`].
    pub(in super::super) async fn fetch_results(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError> {
        let Some(storage) = &self.storage else { return self.fetch_kept(launch, into).await };
        // What is wrong with the storage is no matter as long as the pod has the results.
        if let Ok(Some(sealed)) = storage.collect(launch, into).await {
            return Ok(self.told_by_pod(launch, sealed).await);
        }
        match Box::pin(self.fetch_held(launch, into)).await {
            // They may have come there meanwhile, and the keeper may have left; only the storage knows.
            Err(error) if !error.is_transient() => match storage.collect(launch, into).await {
                Ok(Some(sealed)) => Ok(self.told_by_pod(launch, sealed).await),
                Ok(None) => Err(error),
                Err(corrupt @ (ExecutorError::Corrupt { .. } | ExecutorError::Local { .. })) => Err(corrupt),
                Err(unknown) => Err(ExecutorError::Unreachable(unknown.to_string())),
            },
            fetched => fetched,
        }
    }

    /// Waits, where results are on their way to the storage, until they are there or stay in the pod; returns them if they are.
    pub(in super::super) async fn fetch_stored(
        &self,
        launch: &Launch,
        into: &Path,
    ) -> Result<Option<Sealed>, ExecutorError> {
        match &self.storage {
            Some(storage) => Ok(storage.collect(launch, into).await.unwrap_or_default()),
            None => Ok(None),
        }
    }

    /// Adds to results of a killed shim what only the pod knows, if it is still there.
    pub(in super::super) async fn told_by_pod(&self, launch: &Launch, sealed: Sealed) -> Sealed {
        if sealed.manifest.exit.cause != ExitCause::ShimKilled {
            return sealed;
        }
        let observed = self.look(&launch.name).await.ok().flatten().map(|look| look.standing.observed());
        let out_of_memory = matches!(observed, Some(Observed::Exited { out_of_memory: true, .. }));
        crate::executor::collected::told_of_memory(sealed, out_of_memory)
    }

    /// Returns what is unmet when a pod's addresses may be no good any more before its results are.
    pub(in super::super) fn too_short(&self, storage: &Storage, spec: &JobSpec) -> Option<Unmet> {
        let options = &self.rules.options;
        let needed = [options.start_timeout, spec.timeout.0, options.hold]
            .into_iter()
            .fold(Duration::ZERO, Duration::saturating_add);
        (storage.expires() < needed).then(|| Unmet {
            item: "object storage".to_owned(),
            message: format!(
                "`[executor.kubernetes.s3] expires` is {}, and start_timeout, the scanner's timeout and hold are {} together; a \
                 signature is good for 7 days at most",
                Span(storage.expires()),
                Span(needed)
            ),
        })
    }

    /// Looks at an attempt whose Job the cluster does not know: results in the storage are an end.
    pub(in super::super) async fn inspect_stored(&self, name: &AttemptName) -> Result<Option<Observed>, ExecutorError> {
        match &self.storage {
            Some(storage) if storage.is_sealed(name).await? => {
                Ok(Some(Observed::Exited { code: None, out_of_memory: false, error: None }))
            }
            _ => Ok(None),
        }
    }

    /// Removes an attempt's objects from the storage.
    pub(in super::super) async fn remove_stored(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        match &self.storage {
            Some(storage) => storage.remove(&storage.directory(name)).await,
            None => Ok(()),
        }
    }

    /// Lists what an instance, or everybody, has in the storage: one object for each attempt.
    pub(in super::super) async fn list_stored(
        &self,
        instance: Option<InstanceKey>,
    ) -> Result<Vec<Owned>, ExecutorError> {
        match &self.storage {
            Some(storage) => storage.owned(instance).await,
            None => Ok(Vec::new()),
        }
    }

    /// Removes what [`Self::list_stored`] has listed.
    pub(in super::super) async fn remove_listed_stored(&self, owned: &Owned) -> Result<(), ExecutorError> {
        match &self.storage {
            Some(storage) => storage.remove(&owned.id).await,
            None => Err(ExecutorError::Refused("no object storage is configured".to_owned())),
        }
    }
}

impl Storage {
    /// Removes everything below a directory. The manifest goes first: what is left of a removal that is cut short is no result.
    async fn remove(&self, directory: &str) -> Result<(), ExecutorError> {
        let mut listed = self.list(directory).await.map_err(|error| self.failed(&error))?;
        listed.sort_by(|a, b| a.key.cmp(&b.key));
        for one in &listed {
            self.delete(&one.key).await.map_err(|error| self.failed(&error))?;
        }
        Ok(())
    }

    async fn owned(&self, instance: Option<InstanceKey>) -> Result<Vec<Owned>, ExecutorError> {
        let above = instance.map_or_else(|| self.above(None), |instance| self.of_instance(instance));
        let root = self.above(None);
        let mut owned: Vec<Owned> = Vec::new();
        for one in self.list(&above).await.map_err(|error| self.failed(&error))? {
            let Some([instance, name, _]) = one
                .key
                .strip_prefix(&root)
                .map(|rest| rest.split('/').collect::<Vec<_>>())
                .and_then(|parts| <[&str; 3]>::try_from(parts).ok())
            else {
                continue;
            };
            // Whatever else is in the bucket is not ours.
            let Ok(attempt) = name.parse::<AttemptName>() else { continue };
            let directory = self.directory(&attempt);
            match owned.iter_mut().find(|known| known.id == directory) {
                Some(known) => known.created_at = known.created_at.min(one.modified).or(known.created_at),
                None => owned.push(Owned {
                    kind: OwnedKind::Objects,
                    name: name.to_owned(),
                    id: directory,
                    instance: instance.to_owned(),
                    attempt: Some(attempt),
                    role: "results".to_owned(),
                    created_at: one.modified,
                }),
            }
        }
        Ok(owned)
    }
}
