//! Fetching an archive that is a scan's target.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Client, Response, Url};
use tempfile::NamedTempFile;

use super::Say;
use crate::artifact::SourceError;
use crate::web::{self, WebError};

/// Longest silence of a server.
const SILENCE: Duration = Duration::from_mins(1);
/// Most addresses that lead to one another.
const HOPS: usize = 10;
/// Tries, and the first wait between two of them.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// Most bytes of an archive.
const MAX_BYTES: u64 = 8 << 30;
/// How often it is said how far it is, in bytes.
const STEP: u64 = 16 << 20;

/// Fetches what `address` names into a file below `artifacts`; none where it is a path of this machine.
pub(super) async fn fetch(artifacts: &Path, address: &str, say: Say<'_>) -> Result<Option<NamedTempFile>, SourceError> {
    if !address.contains("://") {
        return Ok(None);
    }
    let failed = |message: String| SourceError::Fetch { address: without_query(address).to_owned(), message };
    let url = checked(address).map_err(failed)?;
    let home = artifacts.join("src");
    let draft = || {
        std::fs::create_dir_all(&home)?;
        tempfile::Builder::new().prefix(".tmp-archive-").tempfile_in(&home)
    };
    let client = web::client(None, SILENCE).map_err(|error| failed(error.to_string()))?;
    for attempt in 1.. {
        let mut file = draft().map_err(|error| SourceError::local(&home, error))?;
        match download(&client, url.clone(), &mut file, say).await {
            Ok(()) => return Ok(Some(file)),
            Err(Broken::Local(error)) => return Err(SourceError::local(file.path(), error)),
            Err(Broken::Web(error)) if error.passes() && attempt < TRIES => {
                say(&format!("the archive did not arrive ({error}); once more"));
                tokio::time::sleep(PAUSE * attempt).await;
            }
            Err(Broken::Web(error)) => return Err(failed(error.to_string())),
        }
    }
    Ok(None)
}

/// Why a download ended.
enum Broken {
    Web(WebError),
    Local(std::io::Error),
}

impl<E: Into<WebError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::Web(error.into())
    }
}

async fn download(client: &Client, url: Url, file: &mut NamedTempFile, say: Say<'_>) -> Result<(), Broken> {
    let mut answer = follow(client, url).await?;
    let (total, mut got, mut said) = (answer.content_length(), 0, 0);
    while let Some(chunk) = answer.chunk().await.map_err(WebError::from)? {
        got += chunk.len() as u64;
        if got > MAX_BYTES {
            return Err(WebError::Refused("it is longer than 8 GiB".to_owned()).into());
        }
        file.write_all(&chunk).map_err(Broken::Local)?;
        if got - said >= STEP {
            said = got;
            let of = total.map(|total| format!(" of {} MiB", total >> 20)).unwrap_or_default();
            say(&format!("fetching the archive: {} MiB{of}", got >> 20));
        }
    }
    file.flush().map_err(Broken::Local)
}

/// Asks for the address, and those that it leads to; from an encrypted one never to a plain one.
async fn follow(client: &Client, mut url: Url) -> Result<Response, WebError> {
    for _ in 0..HOPS {
        let answer = client.get(url.clone()).send().await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let next = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection());
        let Some(next) = next.and_then(|next| url.join(next.to_str().ok()?).ok()) else {
            return Err(web::failure(answer).await);
        };
        if next.scheme() != url.scheme() && next.scheme() != "https" {
            let words = format!("it leads to {}, which is not encrypted", without_query(next.as_str()));
            return Err(WebError::Refused(words));
        }
        url = next;
    }
    Err(WebError::Refused(format!("it leads on and on, more than {HOPS} times")))
}

fn checked(address: &str) -> Result<Url, String> {
    let url: Url = address.parse().map_err(|error| format!("it is no address ({error})"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("archives are fetched by https and http, or are files of this machine".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user or a password in it, which would stand in every report".to_owned());
    }
    Ok(url)
}

/// What stands behind `?` may be a key.
fn without_query(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or(address)
}
