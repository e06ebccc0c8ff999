//! Executors: the engines that run attempts. Layer 1, I/O: each knows its engine and nothing of scans, plans or the store.
//!
//! # Contract
//! - Every call may be repeated. `launch` is keyed by the attempt's name: a second launch of one name adopts the object that
//!   exists, if instance, scan, job, attempt and specification hash all match, and is refused otherwise.
//! - `launch` never starts what was started before; the shim's exclusive claim is the second barrier.
//! - "Gone" is an observation, never a success. Success is decided by whoever reads the sealed manifest.
//! - An unreachable engine is [`ExecutorError::Unreachable`]; it says nothing about the attempt.
//! - Nothing is removed in a destructor: removal is an explicit call that the driver records and repeats.
//! - What an executor creates carries the labels of [`crate::model::spec::label`], for [`Executor::list_owned`].

mod collected;
pub mod docker;
pub mod error;
pub mod fake;
pub mod kubernetes;
mod observer;
mod tree;
pub mod types;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use error::ExecutorError;
pub use observer::Observer;
pub use types::{
    Ability, Capabilities, Hardening, ImageInfo, Keeping, Launched, LogChunk, Observation, Observed, Owned, OwnedKind,
    Probed, Proof, Sealed, Unmet,
};

use crate::model::id::{AttemptName, InstanceKey, Key8, Sha256};
use crate::model::spec::{JobSpec, Launch};

/// An engine that runs attempts.
#[async_trait]
pub trait Executor: Send + Sync {
    /// Returns what the engine can do; known once connected.
    fn capabilities(&self) -> &Capabilities;

    /// Returns who the engine is: a process drives a scan only if its profile reaches the same identity.
    async fn server_identity(&self) -> Result<String, ExecutorError>;

    /// Finds an image, pulling it only when it is missing and `pull` allows; `progress` is called with words for people.
    async fn resolve_image(
        &self,
        reference: &str,
        pull: bool,
        progress: &Progress<'_>,
    ) -> Result<ImageInfo, ExecutorError>;

    /// Writes an image, as the archive that `docker save` makes, to a new file: so that a scanner can look at it without a
    /// socket of the engine.
    async fn export_image(&self, reference: &str, into: &Path) -> Result<(), ExecutorError>;

    /// Gives the engine the images of an archive, as [`Executor::export_image`] writes it. [`ExecutorError::Refused`] where engines take
    /// images from registries only.
    async fn load_image(&self, _archive: std::fs::File) -> Result<(), ExecutorError> {
        Err(ExecutorError::Refused("it takes images from registries only: push the image to one".to_owned()))
    }

    /// Returns what the engine cannot give to this specification; empty when all can be had.
    async fn validate(&self, spec: &JobSpec) -> Result<Vec<Unmet>, ExecutorError>;

    /// Returns what the engine would not let us do, with words on how to mend it; empty when nothing is missing.
    async fn shortfalls(&self) -> Result<Vec<Unmet>, ExecutorError> {
        Ok(Vec::new())
    }

    /// Tries what attempts use beside the engine, such as object storage; empty when they use nothing.
    async fn abilities(&self) -> Vec<Ability> {
        Vec::new()
    }

    /// Tries whether an attempt without a network is kept from every network, where the engine is only asked for that; `None` where it
    /// sees to that itself. What it makes bears the labels of `instance` and a name that begins with [`probe_name`]; whoever calls
    /// removes all of that afterwards, also when the call was given up.
    async fn probe_isolation(
        &self,
        _instance: InstanceKey,
        _probe: Key8,
        _progress: &Progress<'_>,
    ) -> Result<Option<Probed>, ExecutorError> {
        Ok(None)
    }

    /// Makes a tree (a source snapshot, a database) available to later launches under its hash; idempotent. `tree` is its
    /// directory on this machine, as a snapshot makes it: everybody may read everything in it.
    async fn provide_tree(&self, sha256: Sha256, tree: &Path) -> Result<(), ExecutorError>;

    /// Removes what the engine holds of a tree, unless an attempt uses it; idempotent.
    async fn withdraw_tree(&self, instance: InstanceKey, sha256: Sha256) -> Result<(), ExecutorError>;

    /// Creates and starts an attempt; idempotent by name. Returns when the engine has accepted the start.
    async fn launch(&self, launch: &Launch) -> Result<Launched, ExecutorError>;

    /// Returns the objects that [`Executor::launch`] would make, as the engine's interface takes them, with placeholders for the values of
    /// secrets; nothing where the engine has no such form that people use.
    fn preview(&self, _launch: &Launch) -> Vec<serde_json::Value> {
        Vec::new()
    }

    /// Follows all attempts of an instance with one watch, never a poll for each: first [`Observation::Listing`] with all that exist,
    /// then changes, and with [`Observation::Waiting`] why one that it has taken does not begin, where the engine begins them by itself;
    /// a new listing after each reconnection. While the engine cannot be reached the stream yields
    /// [`Observation::Unreachable`] and goes on trying.
    fn observe(&self, instance: InstanceKey) -> BoxStream<'static, Observation>;

    /// Looks at one attempt by name; `None` when the engine does not know it.
    async fn inspect(&self, name: &AttemptName) -> Result<Option<Observed>, ExecutorError>;

    /// Reads log lines from number `from_seq` on; at most about 1 MiB a call. Empty when there are no more yet.
    async fn logs(&self, name: &AttemptName, from_seq: u64) -> Result<LogChunk, ExecutorError>;

    /// Brings the sealed results of an ended attempt into `into` (a directory that exists): the archive's parts and
    /// `manifest.json`, all verified. Resumes what an earlier call left there. If the attempt ended without sealing, seals it first.
    async fn fetch(&self, launch: &Launch, into: &Path) -> Result<Sealed, ExecutorError>;

    /// Asks the scanner to stop, kills it after `grace`. Returns once the engine has taken the request; what was found is
    /// still sealed. Idempotent; an attempt that has ended or is unknown is no error.
    async fn stop(&self, name: &AttemptName, grace: Duration) -> Result<(), ExecutorError>;

    /// Freezes or thaws the processes of an attempt. [`ExecutorError::Refused`] where the engine cannot.
    async fn freeze(&self, name: &AttemptName, frozen: bool) -> Result<(), ExecutorError>;

    /// Removes all objects of an attempt; idempotent. Acts on identities it has looked up, never on a name alone.
    async fn remove(&self, name: &AttemptName) -> Result<(), ExecutorError>;

    /// Lists everything of an instance, of every kind, with one call for each kind.
    async fn list_owned(&self, instance: InstanceKey) -> Result<Vec<Owned>, ExecutorError>;

    /// Lists everything that bears our labels, whatever the instance.
    async fn list_foreign(&self) -> Result<Vec<Owned>, ExecutorError>;

    /// Removes one listed object, if it still has the identity that was listed; idempotent.
    async fn remove_owned(&self, owned: &Owned) -> Result<(), ExecutorError>;
}

/// Is told, in words for people, how a pull proceeds. (An alias, because `async_trait` would give a lifetime of its own to the
/// text of a closure type that is written out.)
pub type Progress<'a> = dyn Fn(&str) + Send + Sync + 'a;

/// Returns what the names of a probe's objects begin with.
pub fn probe_name(instance: InstanceKey, probe: Key8) -> String {
    format!("dn-{instance}-probe-{probe}")
}

/// A shared executor.
pub type SharedExecutor = Arc<dyn Executor>;

/// Runs file operations where they may take their time.
async fn blocking<T: Send + 'static>(
    action: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ExecutorError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| ExecutorError::local(action, &error)),
        Err(error) => Err(ExecutorError::local(action, &io::Error::other(error))),
    }
}
