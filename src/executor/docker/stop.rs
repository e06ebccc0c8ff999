//! Stopping, freezing, removing.

use std::time::Duration;

use super::container;
use super::executor::DockerExecutor;
use super::launch::observed;
use super::place::Place;
use crate::executor::{ExecutorError, Observed, blocking};
use crate::failpoint;
use crate::model::id::AttemptName;

/// How much longer than the grace the shim itself is given, to seal, before it is killed too.
const SEALING: Duration = Duration::from_mins(5);

impl DockerExecutor {
    /// See [`crate::executor::Executor::stop`]. The shim keeps the time, so the order survives this process.
    pub(super) async fn stop_attempt(&self, name: &AttemptName, grace: Duration) -> Result<(), ExecutorError> {
        let Some(found) = self.engine.inspect(name.as_str()).await? else { return Ok(()) };
        let id = found.id.clone().unwrap_or_default();
        if observed(&found) != Observed::Running {
            return Ok(());
        }
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let noted = self.place(name).await?.cancel(&self.engine, &id, grace_ms).await;
        if found.state.is_some_and(|state| state.paused.unwrap_or(false)) {
            self.thaw(&id).await?;
        }
        self.engine.kill(&id, "SIGTERM").await?;
        // The signal alone stops it too, with the job's own grace.
        if let Err(error) = noted {
            tracing::warn!(attempt = %name, %error, "the grace of a stop could not be told to the shim");
        }
        let engine = self.engine.clone();
        tokio::spawn(async move {
            tokio::time::sleep(grace.saturating_add(SEALING)).await;
            engine.kill(&id, "SIGKILL").await.ok();
        });
        Ok(())
    }

    /// See [`crate::executor::Executor::freeze`].
    pub(super) async fn freeze_attempt(&self, name: &AttemptName, frozen: bool) -> Result<(), ExecutorError> {
        let Some((id, _)) = self.inspect_attempt(name).await? else {
            return Err(ExecutorError::NotFound(name.to_string()));
        };
        if !frozen {
            return self.thaw(&id).await;
        }
        match self.engine.docker.pause_container(&id).await.map_err(|error| super::error::from_engine(&error)) {
            Err(ExecutorError::Conflict { message, .. }) if message.contains("already paused") => Ok(()),
            Err(ExecutorError::Conflict { message, .. }) => Err(ExecutorError::Refused(message)),
            result => result,
        }
    }

    async fn thaw(&self, id: &str) -> Result<(), ExecutorError> {
        let thawed = self.engine.docker.unpause_container(id).await.map_err(|error| super::error::from_engine(&error));
        match thawed {
            // It is not frozen, or it has ended.
            Err(ExecutorError::Conflict { .. } | ExecutorError::NotFound(_)) => Ok(()),
            Err(ExecutorError::Busy(message)) if message.contains("is not paused") => Ok(()),
            result => result,
        }
    }

    /// See [`crate::executor::Executor::remove`].
    pub(super) async fn remove_attempt(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        let place = self.place(name).await?;
        let containers = self.list_attempt(name).await?;
        if containers.is_empty() {
            self.engine.check().await?;
        }
        let ids = || containers.iter().filter_map(|container| container.id.as_deref());
        if let Place::Spool(_) = place {
            for id in ids() {
                self.engine.kill(id, "SIGKILL").await?;
            }
            if let Err(error) = self.remove_spool(name).await {
                self.open_spool(name, &place).await?.ok_or(error)?;
                self.remove_spool(name).await?;
            }
        }
        for id in ids() {
            self.engine.remove(id).await?;
        }
        failpoint::hit("docker.remove.containers");
        match place {
            Place::Volume(volume) => self.remove_labelled_volume(&volume, name).await,
            Place::Spool(_) => Ok(()),
        }
    }

    /// Lets us remove an attempt's files, while its container still tells by whom they were made: a scanner may have closed
    /// directories to us, and only its own user can open them. `None` when the container is gone.
    async fn open_spool(&self, name: &AttemptName, place: &Place) -> Result<Option<()>, ExecutorError> {
        let Some(config) = self.engine.inspect(name.as_str()).await?.and_then(|found| found.config) else {
            return Ok(None);
        };
        let helper = format!("dragnet-open-{}", super::transport::random());
        let id = self.engine.create(&helper, container::of_release(&config, place.mounts(&self.agent))).await?;
        self.engine.start(&id).await?;
        self.engine.wait(&id).await?;
        self.engine.remove(&id).await?;
        Ok(Some(()))
    }

    /// Removes the spool's directory of an attempt.
    pub(super) async fn remove_spool(&self, name: &AttemptName) -> Result<(), ExecutorError> {
        self.cursors.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(name);
        let dir = Place::spool(&self.state, name);
        blocking("remove an attempt from the spool", move || match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            result => result,
        })
        .await
    }
}
