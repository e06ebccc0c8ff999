//! Launching: create by name, deliver, start; each step may be repeated, and only what was never started is started.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, Mount};

use super::archive;
use super::container;
use super::error::from_failed_start;
use super::executor::DockerExecutor;
use super::place::{Delivery, Place, lock, shim_volume};
use super::transport::{Transport, bind, volume};
use crate::executor::types::secret_file;
use crate::executor::{ExecutorError, Launched, Observed, blocking, tree};
use crate::failpoint;
use crate::model::id::{InstanceKey, Sha256};
use crate::model::spec::{Launch, ShimJob, label, paths};

/// How often a name is tried when it is neither free nor anybody's, each time a little later: the engine reserves a name
/// well before it shows the container.
const CREATE_TRIES: u32 = 12;
/// The first wait between two tries.
const CREATE_WAIT: Duration = Duration::from_millis(25);
/// Where helpers mount the volume that they fill.
const FILL: &str = "/fill";
/// How the names of helpers that fill volumes begin.
const FILLER: &str = "dragnet-fill-";

/// A container that exists under the attempt's name.
struct Named {
    id: String,
    adopted: bool,
    never_started: bool,
}

impl DockerExecutor {
    /// See [`crate::executor::Executor::launch`].
    pub(super) async fn launch_attempt(&self, launch: &Launch) -> Result<Launched, ExecutorError> {
        self.engine.check_lately().await?;
        let place = self.new_place(launch);
        place.make_directories()?;
        let mut mounts = place.mounts(&self.agent);
        mounts.extend(self.tree_mounts(launch).await?);
        if let Place::Volume(name) = &place {
            self.fill_shim_volume(launch).await?;
            self.engine.create_volume(name, launch.labels("scan").into_iter().collect()).await?;
        }
        failpoint::hit("docker.launch.before_create");
        let named = self.create_or_adopt(launch, mounts).await?;
        failpoint::hit("docker.launch.created");
        if named.never_started {
            self.check_volumes(launch, &named.id).await?;
            place.deliver(&self.engine, &named.id, self.delivery(launch).await?).await?;
            failpoint::hit("docker.launch.delivered");
            self.start(launch, &named.id).await?;
            failpoint::hit("docker.launch.started");
        }
        Ok(Launched { engine_id: named.id, adopted: named.adopted })
    }

    fn new_place(&self, launch: &Launch) -> Place {
        match self.transport {
            Transport::Bind => Place::Spool(Place::spool(&self.state, &launch.name)),
            Transport::Volume => Place::Volume(launch.name.to_string()),
        }
    }

    async fn create_or_adopt(&self, launch: &Launch, mounts: Vec<Mount>) -> Result<Named, ExecutorError> {
        let name = launch.name.as_str();
        let body = container::of_attempt(launch, mounts);
        let mut last = None;
        for tries in 1..=CREATE_TRIES {
            match self.engine.create(name, body.clone()).await {
                Ok(id) => return Ok(Named { id, adopted: false, never_started: true }),
                Err(
                    error @ (ExecutorError::Conflict { .. } | ExecutorError::Unreachable(_) | ExecutorError::Busy(_)),
                ) => {
                    // It may have been created all the same, by this call or by another process: the name tells.
                    if let Some(found) = self.engine.inspect(name).await? {
                        return adopt(launch, &found);
                    }
                    last = Some(error);
                    tokio::time::sleep(CREATE_WAIT * tries).await;
                }
                Err(ExecutorError::Image { message, .. }) => {
                    return Err(ExecutorError::Image { image: launch.spec.image.clone(), message });
                }
                Err(error) => return Err(error),
            }
        }
        Err(match last {
            Some(ExecutorError::Conflict { message, .. }) => ExecutorError::Busy(message),
            Some(error) => error,
            None => ExecutorError::NotFound(name.to_owned()),
        })
    }

    /// Starts a container that was never started; an answer that got lost is asked for again.
    async fn start(&self, launch: &Launch, id: &str) -> Result<(), ExecutorError> {
        match self.engine.start(id).await {
            Err(error) if error.is_transient() => match self.engine.inspect(id).await?.as_ref().map(observed) {
                Some(Observed::Running | Observed::Exited { error: None, .. }) => Ok(()),
                Some(Observed::Exited { error: Some(words), .. }) => {
                    Err(from_failed_start(launch.name.as_str(), words))
                }
                Some(Observed::Created) => Err(error),
                None => Err(ExecutorError::NotFound(id.to_owned())),
            },
            result => result,
        }
    }

    async fn delivery(&self, launch: &Launch) -> Result<Delivery, ExecutorError> {
        let job = serde_json::to_vec(&ShimJob::of(launch, self.grace_ms)).unwrap_or_default();
        let input = launch.input().into_bytes();
        let names: Vec<_> = launch
            .spec
            .secrets
            .keys()
            .map(|name| (name.clone(), secret_file(&self.state, launch.scan, name)))
            .collect();
        let secrets = blocking("read the spooled secrets", move || {
            names.into_iter().map(|(name, path)| Ok((name, std::fs::read(path)?))).collect()
        })
        .await?;
        Ok(Delivery { job, input, secrets, uid: container::uid(&launch.spec) })
    }

    /// Returns the mounts of source and databases, and makes sure that they are filled.
    async fn tree_mounts(&self, launch: &Launch) -> Result<Vec<Mount>, ExecutorError> {
        let mut mounts = Vec::new();
        for (sha256, role, target) in trees(launch) {
            mounts.push(match self.transport {
                Transport::Bind => bind(&self.tree(sha256)?, target, true),
                Transport::Volume => {
                    let name = tree_volume(launch.instance, role, sha256);
                    let tree = self.tree(sha256)?;
                    let fill = move || archive::streamed(move |builder| tree::pack(&tree, builder));
                    self.fill_volume(launch, &name, role, fill).await?;
                    volume(&name, target, true)
                }
            });
        }
        Ok(mounts)
    }

    /// Removes the volumes that hold a tree; one that a container uses stays.
    pub(super) async fn remove_tree_volumes(&self, instance: InstanceKey, sha256: Sha256) -> Result<(), ExecutorError> {
        let _nobody_fills = self.lock_filling().await?;
        self.remove_dead_fillers(instance).await?;
        for role in ["source", "data"] {
            let name = tree_volume(instance, role, sha256);
            // First the mark: what is left of a volume without one is filled anew.
            for volume in [complete(&name), name] {
                match self.engine.remove_volume(&volume).await {
                    Ok(()) | Err(ExecutorError::Conflict { .. } | ExecutorError::Busy(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Makes sure, now that the container holds its volumes, that none of them was removed since it was looked at: the
    /// engine would have made it anew, empty, and an empty source has no findings.
    async fn check_volumes(&self, launch: &Launch, id: &str) -> Result<(), ExecutorError> {
        if self.transport == Transport::Bind {
            return Ok(());
        }
        let trees = trees(launch).into_iter().map(|(sha256, role, _)| tree_volume(launch.instance, role, sha256));
        for name in trees.chain([shim_volume(&self.agent)]) {
            if !self.is_filled(&name).await? {
                // It was never started by us; unless somebody else just did, the next launch makes it again.
                self.engine.remove_idle(id).await?;
                return Err(ExecutorError::Busy(format!("volume {name} was removed during the launch")));
            }
        }
        Ok(())
    }

    async fn fill_shim_volume(&self, launch: &Launch) -> Result<(), ExecutorError> {
        let agent = self.agent.path.clone();
        let fill = move || {
            archive::streamed(move |builder| {
                let file = std::fs::File::open(&agent)?;
                let len = file.metadata()?.len();
                builder.append_data(&mut tree::header(tar::EntryType::Regular, 0o755, 0, len), "dragnet", file)
            })
        };
        self.fill_volume(launch, &shim_volume(&self.agent), "shim", fill).await
    }

    /// Returns whether a volume is ours and complete. A second, empty volume says so, for one that is half filled looks no
    /// different; the label tells it from one that the engine made because a container named it.
    async fn is_filled(&self, name: &str) -> Result<bool, ExecutorError> {
        let marker = complete(name);
        let (volume, marker) = tokio::try_join!(self.engine.volume(name), self.engine.volume(&marker))?;
        Ok(marker.is_some() && volume.is_some_and(|volume| volume.labels.contains_key(label::ROLE)))
    }

    /// Fills a volume, unless it is complete.
    async fn fill_volume<S>(
        &self,
        launch: &Launch,
        name: &str,
        role: &str,
        archive: impl FnOnce() -> S + Send,
    ) -> Result<(), ExecutorError>
    where
        S: futures::Stream<Item = std::io::Result<bytes::Bytes>> + Send + 'static,
    {
        if self.is_filled(name).await? {
            return Ok(());
        }
        let _one_at_a_time = self.lock_filling().await?;
        if self.is_filled(name).await? {
            return Ok(());
        }
        self.remove_dead_fillers(launch.instance).await?;
        let (marker, labels) = (complete(name), shared_labels(launch, role));
        self.engine.remove_volume(&marker).await?;
        if self.engine.volume(name).await?.is_some_and(|volume| !volume.labels.contains_key(label::ROLE)) {
            self.engine.remove_volume(name).await?;
        }
        self.engine.create_volume(name, labels.clone()).await?;
        let helper = format!("{FILLER}{}", super::transport::random());
        let mut helper_labels = shared_labels(launch, "helper");
        helper_labels.insert(label::INSTANCE.to_owned(), launch.instance.to_string());
        let body = container::of_helper(&launch.spec.image, helper_labels, vec![volume(name, FILL, false)]);
        let id = match self.engine.create(&helper, body).await {
            Err(ExecutorError::Image { message, .. }) => {
                return Err(ExecutorError::Image { image: launch.spec.image.clone(), message });
            }
            created => created?,
        };
        failpoint::hit("docker.volume.helper");
        let put = self.engine.put(&id, FILL, archive()).await;
        self.engine.remove(&id).await?;
        put?;
        failpoint::hit("docker.volume.filled");
        self.engine.create_volume(&marker, labels).await
    }

    /// Removes the helpers of processes that died while they filled a volume; to be called with the lock on filling.
    async fn remove_dead_fillers(&self, instance: InstanceKey) -> Result<(), ExecutorError> {
        let filters = HashMap::from([
            ("name", vec![format!("^/{FILLER}")]),
            ("label", vec![format!("{}={instance}", label::INSTANCE)]),
        ]);
        for id in self.engine.list(&filters).await?.into_iter().filter_map(|dead| dead.id) {
            self.engine.remove(&id).await?;
        }
        Ok(())
    }

    /// Lets one process of this state fill volumes at a time; the kernel frees the lock of one that dies.
    async fn lock_filling(&self) -> Result<std::fs::File, ExecutorError> {
        lock(self.state.join("shim/filling.lock"), "lock the filling of volumes").await
    }
}

/// Returns the trees of a launch: hash, role, place.
fn trees(launch: &Launch) -> Vec<(Sha256, &'static str, &str)> {
    let source = launch.spec.source.map(|sha256| (sha256, "source", paths::SOURCE));
    let data = launch.spec.data.iter().map(|data| (data.sha256, "data", data.mount.as_str()));
    source.into_iter().chain(data).collect()
}

fn tree_volume(instance: InstanceKey, role: &str, sha256: Sha256) -> String {
    let short = if role == "source" { "src" } else { "data" };
    format!("dn-{instance}-{short}-{}", &sha256.to_string()[..12])
}

/// Returns the name of the volume that marks another as complete.
fn complete(name: &str) -> String {
    format!("{name}-complete")
}

/// Labels of what attempts share; the shim is shared by instances too.
fn shared_labels(launch: &Launch, role: &str) -> HashMap<String, String> {
    let mut labels = HashMap::from([(label::ROLE.to_owned(), role.to_owned())]);
    if role != "shim" {
        labels.insert(label::INSTANCE.to_owned(), launch.instance.to_string());
    }
    labels
}

/// Takes a container that has the name already, if it is this attempt in every respect.
fn adopt(launch: &Launch, found: &ContainerInspectResponse) -> Result<Named, ExecutorError> {
    let conflict = |message: String| ExecutorError::Conflict { name: launch.name.to_string(), message };
    let labels = found.config.as_ref().and_then(|config| config.labels.as_ref());
    for (label, wanted) in launch.labels("scan") {
        let has = labels.and_then(|labels| labels.get(&label)).map_or("", String::as_str);
        if has != wanted {
            return Err(conflict(format!("its {label} is `{has}`, not `{wanted}`")));
        }
    }
    let status = found.state.as_ref().and_then(|state| state.status);
    if matches!(status, Some(ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD)) {
        return Err(ExecutorError::Busy(format!("{} is being removed", launch.name)));
    }
    if let Some(words) = failed_start(found) {
        return Err(from_failed_start(launch.name.as_str(), words));
    }
    let never_started = observed(found) == Observed::Created;
    Ok(Named { id: found.id.clone().unwrap_or_default(), adopted: true, never_started })
}

/// Returns the engine's words on a container that it could not start; it leaves such a container in the state of a new one.
pub(super) fn failed_start(found: &ContainerInspectResponse) -> Option<String> {
    let state = found.state.as_ref()?;
    let new = state.status == Some(ContainerStateStatusEnum::CREATED);
    state.error.clone().filter(|error| new && !error.is_empty())
}

/// Returns how a container stands.
pub(super) fn observed(found: &ContainerInspectResponse) -> Observed {
    let Some(state) = &found.state else { return Observed::Created };
    let error = state.error.clone().filter(|error| !error.is_empty());
    match state.status {
        Some(ContainerStateStatusEnum::CREATED) if error.is_none() => Observed::Created,
        Some(
            ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::PAUSED | ContainerStateStatusEnum::RESTARTING,
        ) => Observed::Running,
        _ => Observed::Exited { code: state.exit_code, out_of_memory: state.oom_killed.unwrap_or(false), error },
    }
}
