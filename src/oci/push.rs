//! The image to a registry.
//!
//! Source: OCI Distribution Specification 1.1, "Pushing": "Pushing a blob monolithically" by POST then PUT, "Pushing Manifests", and
//! "Checking if content exists in the registry".

use bytes::Bytes;
use reqwest::{Method, StatusCode};

use super::image::{Blob, Image, MANIFEST};
use super::reference::Reference;
use super::session::{Call, RegistryError, Session, Trouble, digest, patiently};
use crate::model::registry::Login;

const OCTETS: &str = "application/octet-stream";

/// Pushes an image: what the registry has already is not sent again, and the manifest, which makes it visible, comes last.
pub async fn push(image: &Image, to: &Reference, login: &Login) -> Result<(), RegistryError> {
    send(image, to, login).await.map_err(|trouble| trouble.at(to, login))
}

async fn send(image: &Image, to: &Reference, login: &Login) -> Result<(), Trouble> {
    let mut session = Session::new(to, "pull,push", login)?;
    for blob in [&image.layer, &image.config] {
        patiently(async || give(&mut session, blob).await).await?;
    }
    patiently(async || publish(&mut session, &image.manifest, to.tag()).await).await
}

/// Gives the registry a blob that it does not have. May be repeated: an upload that was not finished is nothing.
async fn give(session: &mut Session<'_>, blob: &Blob) -> Result<(), Trouble> {
    let known = Call::new(Method::HEAD, session.url(&format!("blobs/{}", blob.digest()))?);
    let answer = session.send(&known).await?;
    match answer.status() {
        StatusCode::OK => return Ok(()),
        StatusCode::NOT_FOUND => {}
        _ => return Err(session.failure(answer).await),
    }
    let begin = Call::new(Method::POST, session.url("blobs/uploads/")?).body(OCTETS, Bytes::new());
    let answer = session.send(&begin).await?;
    if answer.status() != StatusCode::ACCEPTED {
        return Err(session.failure(answer).await);
    }
    let mut place = session.location(&answer)?;
    place.query_pairs_mut().append_pair("digest", &blob.digest());
    let answer = session.send(&Call::new(Method::PUT, place).body(OCTETS, blob.bytes.clone())).await?;
    match answer.status() {
        StatusCode::CREATED => Ok(()),
        _ => Err(session.failure(answer).await),
    }
}

async fn publish(session: &mut Session<'_>, manifest: &Blob, tag: &str) -> Result<(), Trouble> {
    let call = Call::new(Method::PUT, session.url(&format!("manifests/{tag}"))?).body(MANIFEST, manifest.bytes.clone());
    let answer = session.send(&call).await?;
    if answer.status() != StatusCode::CREATED {
        return Err(session.failure(answer).await);
    }
    match digest(answer.headers()) {
        Some(found) if found != manifest.sha256 => {
            Err(Trouble::untrusted(format!("it made sha256:{found} of {}, which is another image", manifest.digest())))
        }
        _ => Ok(()),
    }
}
