//! Results through object storage that speaks S3: an optional second way beside the session with the keeper.
//!
//! The pod gets addresses that were signed for its own objects and no key ([`Storage::upload`]); the keys stay here. What is in
//! the storage with its manifest is safe from everything that happens to the pod, and is looked for first; whatever else is the
//! case, the session is still there. Nothing of an attempt depends on which way its results came: both are verified alike.
//!
//! ```text
//! PREFIX/INSTANCE/ATTEMPT/part-0000 …   pieces of the archive
//! PREFIX/INSTANCE/ATTEMPT/manifest.json written last
//! ```

mod collect;
mod fetch;
mod objects;
mod probe;

use std::fmt;
use std::time::Duration;

use reqwest::{Client, Url};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle};
use tokio::sync::OnceCell;

use crate::executor::ExecutorError;
use crate::model::id::{AttemptName, InstanceKey};
use crate::model::manifest::Part;
use crate::model::spec::Launch;
use crate::model::upload::{Slot, Upload};
use crate::web::{self, WebError};

/// Longest life of a signature.
pub const MAX_EXPIRES: Duration = Duration::from_hours(7 * 24);
/// Life of the addresses that we use ourselves, at once: clocks differ.
const AT_ONCE: Duration = Duration::from_mins(15);
/// Longest silence of the storage.
const SILENCE: Duration = Duration::from_secs(45);
/// The manifest's name.
const MANIFEST: &str = "manifest.json";

/// Which storage, and who we are to it.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// Its address, `https://s3.example`, as pods reach it too.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What all names begin with; may be empty.
    pub prefix: String,
    /// Whether the bucket is named in the path rather than in the host.
    pub path_style: bool,
    /// Who we are.
    pub keys: S3Keys,
    /// How long a pod's addresses are good, at most [`MAX_EXPIRES`].
    pub expires: Duration,
    /// Certificates of authorities (PEM) to trust beside those of the web.
    pub ca: Option<String>,
}

/// Keys to a storage. Shows nothing when debugged.
#[derive(Clone)]
pub struct S3Keys {
    /// Whose.
    pub access_key_id: String,
    /// The key itself.
    pub secret_access_key: String,
    /// What temporary keys have beside.
    pub session_token: Option<String>,
}

impl fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Keys(…)")
    }
}

/// A bucket that can be used.
pub(super) struct Storage {
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
    expires: Duration,
    ca: Option<String>,
    client: Client,
    /// Where it is, for people.
    place: String,
    /// Whether it can refuse to replace an object; known once it was used.
    conditional: OnceCell<bool>,
}

impl Storage {
    /// Reads the options; asks nobody yet.
    pub(super) fn new(options: S3Options) -> Result<Self, ExecutorError> {
        let refused = |why: String| ExecutorError::Refused(format!("`[executor.kubernetes.s3]` {why}"));
        if options.expires > MAX_EXPIRES || options.expires.is_zero() {
            return Err(refused("expires: a signature is good for 7 days at most".to_owned()));
        }
        let endpoint: Url = options.endpoint.parse().map_err(|error| refused(format!("endpoint: {error}")))?;
        let style = if options.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let place = format!("bucket {} at {}", options.bucket, options.endpoint);
        let bucket = Bucket::new(endpoint, style, options.bucket, options.region)
            .map_err(|error| refused(format!("endpoint and bucket: {error}")))?;
        let client = web::client(options.ca.as_deref(), SILENCE).map_err(|error| refused(error.to_string()))?;
        let S3Keys { access_key_id, secret_access_key, session_token } = options.keys;
        let credentials = match session_token {
            Some(token) => Credentials::new_with_token(access_key_id, secret_access_key, token),
            None => Credentials::new(access_key_id, secret_access_key),
        };
        let prefix = options.prefix.trim_matches('/').to_owned();
        let (expires, ca) = (options.expires, options.ca);
        Ok(Self { bucket, credentials, prefix, expires, ca, client, place, conditional: OnceCell::new() })
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// How long a pod's addresses are good.
    pub(super) const fn expires(&self) -> Duration {
        self.expires
    }

    /// Signs the addresses of an attempt's objects.
    pub(super) async fn upload(&self, launch: &Launch) -> Result<Upload, ExecutorError> {
        let conditional = self.is_conditional().await?;
        let directory = self.directory(&launch.name);
        let part = |number: u64| self.slot(&format!("{directory}part-{number:04}"), conditional);
        // All have the same length: numbers, signatures and times do.
        let slot = serde_json::to_string(&part(0)).unwrap_or_default().len() as u64 + 1;
        let parts = Upload::slots(&launch.spec.limits, Part::BYTES, slot);
        Ok(Upload {
            version: Upload::VERSION,
            parts: (0..parts).map(part).collect(),
            manifest: self.slot(&format!("{directory}{MANIFEST}"), conditional),
            conditional,
            ca: self.ca.clone(),
        })
    }

    fn slot(&self, key: &str, conditional: bool) -> Slot {
        let mut put = self.bucket.put_object(Some(&self.credentials), key);
        if conditional {
            // Signed, so that nobody who has the address can replace what is there.
            put.headers_mut().insert("if-none-match", "*");
        }
        let get = self.bucket.get_object(Some(&self.credentials), key);
        Slot { put: put.sign(self.expires).into(), get: get.sign(self.expires).into() }
    }

    /// What the names of an attempt's objects begin with. Its own name begins with the instance.
    fn directory(&self, name: &AttemptName) -> String {
        let instance = name.as_str().split('-').nth(1).unwrap_or_default();
        format!("{}{name}/", self.above(Some(instance)))
    }

    /// What the names of an instance's objects begin with, or of all.
    fn above(&self, instance: Option<&str>) -> String {
        let prefix = Some(self.prefix.as_str()).filter(|prefix| !prefix.is_empty());
        let parts = [prefix, instance].into_iter().flatten();
        parts.flat_map(|part| [part, "/"]).collect()
    }

    fn of_instance(&self, instance: InstanceKey) -> String {
        self.above(Some(instance.as_str()))
    }

    /// Says who has failed.
    fn failed(&self, error: &WebError) -> ExecutorError {
        let words = format!("{}: {error}", self.place);
        match error {
            WebError::Away(_) => ExecutorError::Unreachable(words),
            WebError::Denied(_) => ExecutorError::Refused(format!(
                "{words}; look at the keys that `[executor.kubernetes.s3]` names, and at what they may do"
            )),
            WebError::Refused(_) | WebError::Setup(_) => ExecutorError::Refused(words),
        }
    }
}

#[cfg(test)]
mod tests;
