//! Bringing a file of any size here, from an address that somebody has named.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Client, Response, Url};

use super::{WebError, client, failure};

/// Longest silence of a server.
const SILENCE: Duration = Duration::from_mins(1);
/// Most addresses that lead to one another.
const HOPS: usize = 10;
/// Tries, and the first wait between two of them.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is said how far it is, in bytes.
const STEP: u64 = 16 << 20;

/// Why a file did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The address cannot be used, or what stands behind it.
    #[error(transparent)]
    Web(#[from] WebError),
    /// It cannot be written here.
    #[error(transparent)]
    Local(#[from] std::io::Error),
}

/// Downloads what `address` names, of `limit` bytes at most; begun anew where that may help. From an encrypted address nobody is led
/// to a plain one. `say` is told how far it is.
pub async fn download(
    address: &str,
    into: &mut File,
    limit: u64,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), DownloadError> {
    let url = checked(address)?;
    let client = client(None, SILENCE)?;
    let mut attempt = 1;
    loop {
        match once(&client, url.clone(), into, limit, say).await {
            Err(DownloadError::Web(error)) if error.passes() && attempt < TRIES => {
                say(&format!("it did not arrive ({error}); once more"));
                tokio::time::sleep(PAUSE * attempt).await;
                attempt += 1;
                into.set_len(0)?;
                into.rewind()?;
            }
            done => return done,
        }
    }
}

async fn once(
    client: &Client,
    url: Url,
    into: &mut File,
    limit: u64,
    say: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), DownloadError> {
    let mut answer = follow(client, url).await?;
    let (total, mut got, mut said) = (answer.content_length(), 0, 0);
    while let Some(chunk) = answer.chunk().await.map_err(WebError::from)? {
        got += chunk.len() as u64;
        if got > limit {
            return Err(WebError::Refused(format!("it is longer than {} MiB", limit >> 20)).into());
        }
        into.write_all(&chunk)?;
        if got - said >= STEP {
            said = got;
            let of = total.map(|total| format!(" of {}", total >> 20)).unwrap_or_default();
            say(&format!("fetching: {}{of} MiB", got >> 20));
        }
    }
    Ok(into.flush()?)
}

/// Asks for the address, and those that it leads to.
async fn follow(client: &Client, mut url: Url) -> Result<Response, WebError> {
    for _ in 0..HOPS {
        let answer = client.get(url.clone()).send().await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let next = answer.headers().get(LOCATION).filter(|_| answer.status().is_redirection());
        let Some(next) = next.and_then(|next| url.join(next.to_str().ok()?).ok()) else {
            return Err(failure(answer).await);
        };
        if next.scheme() != url.scheme() && next.scheme() != "https" {
            return Err(WebError::Refused(format!("it leads to {}, which is not encrypted", shown(next.as_str()))));
        }
        url = next;
    }
    Err(WebError::Refused(format!("it leads on and on, more than {HOPS} times")))
}

fn checked(address: &str) -> Result<Url, WebError> {
    let url: Url = address.parse().map_err(|error| WebError::Refused(format!("it is no address ({error})")))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(WebError::Refused("files are fetched by https and http only".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(WebError::Refused(
            "it has a user or a password in it, which would stand in every report".to_owned(),
        ));
    }
    Ok(url)
}

/// Returns an address as it may be shown: without a password, and without what stands behind `?`, which may be a key.
pub fn shown(address: &str) -> String {
    without_credentials(address.split(['?', '#']).next().unwrap_or(address))
}

/// Removes user and password from an address. What scp writes as `git@host:path` holds no secret.
pub fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}")
}
