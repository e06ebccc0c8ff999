//! The calls that are made, with our errors and without the client library's shapes.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerSummary, SystemInfo, Volume, VolumeCreateRequest,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, DownloadFromContainerOptionsBuilder, InspectContainerOptions,
    KillContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
    StartContainerOptions, UploadToContainerOptionsBuilder, WaitContainerOptions,
};
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};

use super::error::from_engine;
use super::identity::Identity;
use super::tunnel::Tunnel;
use crate::executor::ExecutorError;

/// Longest transfer of one archive.
pub(super) const TRANSFER: Duration = Duration::from_hours(1);
/// How often a conflicting removal is looked at again; each time waits a little longer.
const REMOVAL_TRIES: u32 = 20;

/// For how long an engine is trusted to be who it was.
const TRUSTED: Duration = Duration::from_secs(1);

/// A connection to an engine.
#[derive(Debug, Clone)]
pub(super) struct Engine {
    /// The client, for calls that are made in one place only.
    pub docker: Docker,
    /// What its connections go through, when that is ours.
    _tunnel: Option<Arc<Tunnel>>,
    /// Who it was when it was connected to.
    known: Option<Identity>,
    /// When it was seen last that it still is.
    checked: Arc<Mutex<Option<Instant>>>,
}

impl Engine {
    pub(super) fn new(docker: Docker, tunnel: Option<Arc<Tunnel>>) -> Self {
        Self { docker, _tunnel: tunnel, known: None, checked: Arc::default() }
    }

    /// Takes note of who the engine is.
    pub(super) fn known_as(self, identity: Identity) -> Self {
        Self { known: Some(identity), ..self }
    }

    pub(super) async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<String, ExecutorError> {
        let options = CreateContainerOptionsBuilder::new().name(name).build();
        let created = self.docker.create_container(Some(options), body).await;
        created.map(|answer| answer.id).map_err(|error| from_engine(&error))
    }

    /// Starts a container; one that runs already is no error.
    pub(super) async fn start(&self, id: &str) -> Result<(), ExecutorError> {
        let started = self.docker.start_container(id, None::<StartContainerOptions>).await;
        started.map_err(|error| from_engine(&error))
    }

    /// Looks at a container by id or name; `None` when the engine that was connected to does not know it.
    pub(super) async fn inspect(&self, id: &str) -> Result<Option<ContainerInspectResponse>, ExecutorError> {
        let found = found(self.docker.inspect_container(id, None::<InspectContainerOptions>).await)?;
        if found.is_none() {
            self.check().await?;
        }
        Ok(found)
    }

    /// Asks who the engine is.
    pub(super) async fn identity(&self) -> Result<String, ExecutorError> {
        let info = self.docker.info().await.map_err(|error| from_engine(&error))?;
        Ok(self.known.as_ref().map(|known| known.now(&info)).unwrap_or_default())
    }

    /// Asks whether it is still the engine that was connected to. Another one that was set up at its address knows nothing of what the
    /// first holds: what is not there is not gone.
    pub(super) async fn check(&self) -> Result<(), ExecutorError> {
        let info = self.docker.info().await.map_err(|error| from_engine(&error))?;
        self.recognise(&info)?;
        *self.checked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        Ok(())
    }

    /// Like [`Self::check`], but trusts an answer for a moment: none is long enough to end an engine and begin another one, and the question
    /// costs as much as a container.
    pub(super) async fn check_lately(&self) -> Result<(), ExecutorError> {
        let checked = *self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.is_some_and(|at| at.elapsed() < TRUSTED) { Ok(()) } else { self.check().await }
    }

    /// Refuses to take another engine for the one that was connected to.
    pub(super) fn recognise(&self, info: &SystemInfo) -> Result<(), ExecutorError> {
        match &self.known {
            Some(known) if known.now(info) != known.as_str() => Err(ExecutorError::Unreachable(format!(
                "another engine answers at its address: {}, not {}",
                known.now(info),
                known.as_str()
            ))),
            _ => Ok(()),
        }
    }

    /// Lists containers in every state that match the filters.
    pub(super) async fn list(
        &self,
        filters: &HashMap<&str, Vec<String>>,
    ) -> Result<Vec<ContainerSummary>, ExecutorError> {
        let options = ListContainersOptionsBuilder::new().all(true).filters(filters).build();
        self.docker.list_containers(Some(options)).await.map_err(|error| from_engine(&error))
    }

    /// Sends a signal; a container that does not run, or is gone, is no error.
    pub(super) async fn kill(&self, id: &str, signal: &str) -> Result<(), ExecutorError> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        match self.docker.kill_container(id, Some(options)).await.map_err(|error| from_engine(&error)) {
            Err(ExecutorError::NotFound(_) | ExecutorError::Conflict { .. }) => Ok(()),
            result => result,
        }
    }

    /// Removes a container by its identity, with its anonymous volumes, and returns when it is gone.
    pub(super) async fn remove(&self, id: &str) -> Result<(), ExecutorError> {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        for tries in 1..=REMOVAL_TRIES {
            match self.docker.remove_container(id, Some(options.clone())).await.map_err(|error| from_engine(&error)) {
                // Somebody else removes it at this moment.
                Err(ExecutorError::Conflict { .. }) => tokio::time::sleep(Duration::from_millis(20) * tries).await,
                Err(ExecutorError::NotFound(_)) => return Ok(()),
                result => return result,
            }
        }
        Err(ExecutorError::Busy(format!("container {id} is being removed")))
    }

    /// Removes a container that does not run; one that does, or is gone, is left as it is.
    pub(super) async fn remove_idle(&self, id: &str) -> Result<(), ExecutorError> {
        let options = RemoveContainerOptionsBuilder::new().v(true).build();
        match self.docker.remove_container(id, Some(options)).await.map_err(|error| from_engine(&error)) {
            Err(ExecutorError::Conflict { .. } | ExecutorError::NotFound(_)) => Ok(()),
            result => result,
        }
    }

    /// Waits for a container's end and returns its exit code.
    pub(super) async fn wait(&self, id: &str) -> Result<i64, ExecutorError> {
        let mut answers = Box::pin(self.docker.wait_container(id, None::<WaitContainerOptions>));
        match answers.next().await {
            Some(Ok(answer)) => Ok(answer.status_code),
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => Ok(code),
            Some(Err(error)) => Err(from_engine(&error)),
            None => Err(ExecutorError::Unreachable("the answer to a wait ended early".to_owned())),
        }
    }

    /// Unpacks an archive in a container's directory.
    pub(super) async fn put(
        &self,
        id: &str,
        path: &str,
        archive: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), ExecutorError> {
        let options = UploadToContainerOptionsBuilder::new().path(path).build();
        let patient = self.docker.clone().with_timeout(TRANSFER);
        let put = patient.upload_to_container(id, Some(options), bollard::body_try_stream(archive)).await;
        put.map_err(|error| from_engine(&error))
    }

    /// Packs a path of a container, which need not run, into an archive.
    pub(super) fn get(&self, id: &str, path: &str) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin + use<> {
        let options = DownloadFromContainerOptionsBuilder::new().path(path).build();
        let (docker, id) = (self.docker.clone(), id.to_owned());
        let stream = async_stream(docker, id, options);
        Box::pin(stream)
    }

    pub(super) async fn volume(&self, name: &str) -> Result<Option<Volume>, ExecutorError> {
        found(self.docker.inspect_volume(name).await)
    }

    /// Creates a volume; one that exists is kept.
    pub(super) async fn create_volume(&self, name: &str, labels: HashMap<String, String>) -> Result<(), ExecutorError> {
        let request = VolumeCreateRequest { name: Some(name.to_owned()), labels: Some(labels), ..Default::default() };
        self.docker.create_volume(request).await.map(drop).map_err(|error| from_engine(&error))
    }

    /// Removes a volume; one that is gone is no error.
    pub(super) async fn remove_volume(&self, name: &str) -> Result<(), ExecutorError> {
        match self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await.map_err(|error| from_engine(&error)) {
            Err(ExecutorError::NotFound(_)) => Ok(()),
            result => result,
        }
    }
}

fn async_stream(
    docker: Docker,
    id: String,
    options: bollard::query_parameters::DownloadFromContainerOptions,
) -> impl Stream<Item = io::Result<Bytes>> + Send {
    futures::stream::once(async move { docker.download_from_container(&id, Some(options)).map_err(to_io).boxed() })
        .flatten()
}

/// Keeps what the engine said where only an I/O error may pass.
fn to_io(error: bollard::errors::Error) -> io::Error {
    let kind = match &error {
        bollard::errors::Error::DockerResponseServerError { status_code: 404, .. } => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

/// Brings back what [`to_io`] hid.
pub(super) fn from_io(error: &io::Error) -> ExecutorError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<bollard::errors::Error>()) {
        Some(error) => from_engine(error),
        None => ExecutorError::Unreachable(error.to_string()),
    }
}

fn found<T>(result: Result<T, bollard::errors::Error>) -> Result<Option<T>, ExecutorError> {
    match result.map_err(|error| from_engine(&error)) {
        Ok(value) => Ok(Some(value)),
        Err(ExecutorError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
