//! Bringing results here from the storage: resumed by part and by byte, verified like every other.

use std::io::Write as _;
use std::path::Path;

use futures::StreamExt as _;
use reqwest::StatusCode;

use super::{MANIFEST, Storage};
use crate::executor::collected::{self, TRIES};
use crate::executor::{ExecutorError, Sealed, blocking};
use crate::failpoint;
use crate::model::id::AttemptName;
use crate::model::manifest::Part;
use crate::model::spec::{Launch, files};
use crate::web::WebError;

impl Storage {
    /// Whether an attempt's results are there, all of them.
    pub(in super::super) async fn is_sealed(&self, name: &AttemptName) -> Result<bool, ExecutorError> {
        let key = format!("{}{MANIFEST}", self.directory(name));
        Ok(self.get(&key, 0).await.map_err(|error| self.failed(&error))?.is_some())
    }

    /// Brings manifest and parts into `into`, a directory that exists; `None` when no manifest is there.
    pub(super) async fn collect(&self, launch: &Launch, into: &Path) -> Result<Option<Sealed>, ExecutorError> {
        let Some(manifest) = self.manifest(&launch.name).await.map_err(|error| self.failed(&error))? else {
            return Ok(None);
        };
        let manifest = collected::check(launch, &manifest)?;
        let mut parts = Vec::new();
        for part in &manifest.parts {
            self.collect_part(launch, part, into).await?;
            failpoint::hit("kubernetes.s3.part");
            parts.push(into.join(&part.name));
        }
        collected::finish(&manifest, into).await?;
        Ok(Some(Sealed { manifest, parts, files: None }))
    }

    async fn manifest(&self, name: &AttemptName) -> Result<Option<Vec<u8>>, WebError> {
        let key = format!("{}{MANIFEST}", self.directory(name));
        let Some(answer) = self.get(&key, 0).await? else { return Ok(None) };
        if answer.content_length().is_none_or(|len| len > files::MAX_MANIFEST) {
            return Err(WebError::Refused("its manifest is longer than it can be".to_owned()));
        }
        Ok(Some(answer.bytes().await?.to_vec()))
    }

    async fn collect_part(&self, launch: &Launch, part: &Part, into: &Path) -> Result<(), ExecutorError> {
        for _ in 0..TRIES {
            if collected::is_here(part, into).await? {
                return Ok(());
            }
            self.bring(launch, part, into).await?;
        }
        Err(collected::damaged(launch, part))
    }

    /// Brings what is missing of a part, and puts it in its place.
    async fn bring(&self, launch: &Launch, part: &Part, into: &Path) -> Result<(), ExecutorError> {
        let temporary = collected::temporary(into, &part.name);
        let local = |error: &std::io::Error| ExecutorError::local(format!("write {}", temporary.display()), error);
        let (mut file, from) = collected::resume(&temporary, part).map_err(|error| local(&error))?;
        let key = format!("{}{}", self.directory(&launch.name), part.name);
        let Some(answer) = self.get(&key, from).await.map_err(|error| self.failed(&error))? else {
            let message = format!("{} is not in the {}", part.name, self.place);
            return Err(ExecutorError::Corrupt { name: launch.name.to_string(), message });
        };
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            // It gives the whole, whatever it was asked for.
            file.set_len(0).map_err(|error| local(&error))?;
        }
        let mut left = collected::MAX_PART;
        let mut body = answer.bytes_stream();
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|error| self.failed(&error.into()))?;
            left = left.saturating_sub(bytes.len() as u64);
            if left == 0 {
                break;
            }
            file.write_all(&bytes).map_err(|error| local(&error))?;
        }
        let (into, name) = (into.to_owned(), part.name.clone());
        blocking("keep a part", move || collected::keep(&file, &into, &name)).await
    }
}
