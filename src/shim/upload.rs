//! Bringing sealed results to object storage, by addresses that were signed for this attempt alone.
//!
//! The manifest goes last: it is there when everything is. What is there already is never replaced: either it is what an earlier
//! try of ours has brought, or it is of another pod of the same attempt, whose results then stand.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_LENGTH, IF_NONE_MATCH};
use reqwest::{Client, StatusCode};

use super::attempt::Attempt;
use super::error::{During as _, ShimError};
use super::patience::Stop;
use super::seal;
use crate::beneath;
use crate::model::clock::Clock;
use crate::model::id::Sha256;
use crate::model::manifest::{Manifest, Part};
use crate::model::retry::mix;
use crate::model::spec::files;
use crate::model::upload::{Slot, Upload};
use crate::web::{self, WebError};

/// How often one object is tried.
const TRIES: u32 = 6;
/// First and greatest upper bound of the wait between two tries, in milliseconds.
const WAIT_MS: (u64, u64) = (1_000, 60_000);
/// Longest silence of the storage.
const SILENCE: Duration = Duration::from_secs(45);
/// Longest time for one object: a part within it asks for little more than a megabit a second.
const OBJECT: Duration = Duration::from_mins(2);
/// Longest description that is read, in bytes: a Secret is no longer.
const MAX_BYTES: u64 = 1 << 20;

/// Why results stay in the pod.
#[derive(Debug, thiserror::Error)]
pub(super) enum UploadError {
    /// A file of ours could not be read.
    #[error(transparent)]
    Shim(#[from] ShimError),
    /// The storage, or the way to it.
    #[error("the storage does not take them: {0}")]
    Web(#[from] WebError),
    /// Results of another pod are there, and are not complete.
    #[error("another pod of this attempt has left {0} in the storage")]
    Occupied(String),
    /// More parts than there are addresses.
    #[error("there are addresses for {slots} parts, not for {parts}")]
    TooMany {
        /// How many parts there are.
        parts: usize,
        /// How many could be brought.
        slots: usize,
    },
}

/// Reads where results are to be brought; `None` when they are to be kept.
pub(super) fn read(path: &Path) -> Result<Option<Upload>, ShimError> {
    // The engine puts a link in the file's place, to exchange it as a whole.
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.during("open the addresses of the storage")?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes).during("read the addresses of the storage")?;
    let upload: Upload = serde_json::from_slice(&bytes)
        .map_err(|error| ShimError::Invalid { path: "the file with the addresses of the storage", error })?;
    match upload.version {
        Upload::VERSION => Ok(Some(upload)),
        version => Err(ShimError::Version(version, Upload::VERSION)),
    }
}

/// Brings an attempt's sealed results there. Returns once they are, whoever has brought them.
pub(super) fn send(attempt: &Attempt, upload: &Upload, stop: &Stop) -> Result<(), UploadError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.during("start the upload")?;
    let client = web::client(upload.ca.as_deref(), SILENCE)?;
    runtime.block_on(Sender { client, upload, attempt, stop }.send())
}

struct Sender<'a> {
    client: Client,
    upload: &'a Upload,
    attempt: &'a Attempt,
    stop: &'a Stop,
}

/// What became of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Done,
    /// Something has its name already.
    Occupied,
}

impl Sender<'_> {
    async fn send(&self) -> Result<(), UploadError> {
        let text = seal::manifest(self.attempt).ok_or(ShimError::NeverClaimed)?;
        let manifest: Manifest =
            serde_json::from_slice(&text).map_err(|error| ShimError::Invalid { path: files::MANIFEST, error })?;
        let (parts, slots) = (manifest.parts.len(), self.upload.parts.len());
        if parts > slots {
            return Err(UploadError::TooMany { parts, slots });
        }
        if self.is_sealed().await? {
            return Ok(());
        }
        for (part, slot) in manifest.parts.iter().zip(&self.upload.parts) {
            self.send_part(part, slot).await?;
            crate::failpoint::hit("shim.uploaded.part");
        }
        match self.put(&self.upload.manifest, &text).await? {
            Put::Done => Ok(()),
            Put::Occupied if self.is_sealed().await? => Ok(()),
            Put::Occupied => Err(UploadError::Occupied("a manifest".to_owned())),
        }
    }

    async fn send_part(&self, part: &Part, slot: &Slot) -> Result<(), UploadError> {
        let path = format!("{}/{}", files::SEAL, part.name);
        let bytes = beneath::read(&self.attempt.root, &path, part.len).during("read a part")?;
        match self.put(slot, &bytes).await? {
            Put::Done => Ok(()),
            // Perhaps by an earlier try of ours, whose answer was lost.
            Put::Occupied if self.get(slot).await?.is_some_and(|there| Sha256::of(there) == part.sha256) => Ok(()),
            Put::Occupied => Err(UploadError::Occupied(part.name.clone())),
        }
    }

    /// Whether the manifest of this attempt is in the storage.
    async fn is_sealed(&self) -> Result<bool, UploadError> {
        let Some(bytes) = self.get(&self.upload.manifest).await? else { return Ok(false) };
        let job = &self.attempt.job;
        let manifest = serde_json::from_slice::<Manifest>(&bytes).ok();
        Ok(manifest.is_some_and(|manifest| manifest.name == job.name && manifest.spec == job.spec))
    }

    async fn put(&self, slot: &Slot, bytes: &[u8]) -> Result<Put, WebError> {
        let body = bytes::Bytes::copy_from_slice(bytes);
        self.insist(async || {
            let mut request = self.client.put(&slot.put).timeout(OBJECT).header(CONTENT_LENGTH, body.len());
            if self.upload.conditional {
                request = request.header(IF_NONE_MATCH, "*");
            }
            let answer = request.body(body.clone()).send().await?;
            match answer.status() {
                StatusCode::PRECONDITION_FAILED => Ok(Put::Occupied),
                status if status.is_success() => Ok(Put::Done),
                _ => Err(web::failure(answer).await),
            }
        })
        .await
    }

    /// Reads an object; `None` when there is none.
    async fn get(&self, slot: &Slot) -> Result<Option<Vec<u8>>, WebError> {
        self.insist(async || {
            let answer = self.client.get(&slot.get).timeout(OBJECT).send().await?;
            match answer.status() {
                StatusCode::NOT_FOUND => Ok(None),
                status if status.is_success() => Ok(Some(answer.bytes().await?.to_vec())),
                _ => Err(web::failure(answer).await),
            }
        })
        .await
    }

    /// Tries again what may pass, with full jitter, until the tries are used up or an order to end has come.
    async fn insist<T>(&self, once: impl AsyncFn() -> Result<T, WebError>) -> Result<T, WebError> {
        let mut tried = 1;
        loop {
            match once().await {
                Err(error) if error.passes() && tried < TRIES && !self.stop.is_ordered() => {
                    // Nothing else is done meanwhile.
                    self.stop.wait(Instant::now().checked_add(wait(tried)), || None::<()>);
                    tried += 1;
                }
                result => return result,
            }
        }
    }
}

fn wait(tried: u32) -> Duration {
    let bound = (WAIT_MS.0 << (tried - 1).min(16)).min(WAIT_MS.1);
    let seed = u64::try_from(Clock::System.now().0).unwrap_or_default() ^ u64::from(std::process::id());
    Duration::from_millis(mix(seed.wrapping_add(u64::from(tried))) % (bound + 1))
}
