//! What a tag means: the digest that a registry has under it.
//!
//! Source: OCI Distribution Specification 1.1, "Pulling manifests" and "Checking if content exists in the registry". The digest is that
//! of what the tag names, an index where there is one: which of its images fits is for the machine that runs it, and the machines of a
//! cluster need not be alike. It is asked for by HEAD, which registries that count pulls do not count; only one that does not say the
//! digest then is asked for the manifest itself, and what comes is hashed.

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response, StatusCode};

use super::reference::Reference;
use super::session::{Call, RegistryError, Session, Trouble, digest, patiently};
use crate::model::id::Sha256;
use crate::model::registry::{Login, RegistryFault};
use crate::web::{self, WebError};

/// Indexes and manifests, of OCI and of Docker.
const ACCEPTED: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";
/// Most bytes of a manifest; what the specification wants every registry to take.
const MAX_MANIFEST: usize = 4 << 20;

/// Returns the digest of what a registry has under a tag.
pub async fn resolve(reference: &Reference, login: &Login) -> Result<Sha256, RegistryError> {
    look(reference, login).await.map_err(|trouble| trouble.at(reference, login))
}

async fn look(reference: &Reference, login: &Login) -> Result<Sha256, Trouble> {
    let mut session = Session::new(reference, "pull", login)?;
    let url = session.url(&format!("manifests/{}", reference.tag()))?;
    let call = |method: Method| Call::new(method, url.clone()).accept(ACCEPTED);
    let answer = patiently(async || found(&mut session, &call(Method::HEAD)).await).await?;
    match digest(answer.headers()) {
        Some(digest) => Ok(digest),
        None => patiently(async || hashed(found(&mut session, &call(Method::GET)).await?).await).await,
    }
}

async fn found(session: &mut Session<'_>, call: &Call) -> Result<Response, Trouble> {
    let answer = session.send(call).await?;
    match answer.status() {
        StatusCode::OK => Ok(answer),
        StatusCode::NOT_FOUND => Err(Trouble::new(RegistryFault::NoImage, session.failure(answer).await.message)),
        _ => Err(session.failure(answer).await),
    }
}

/// Hashes a manifest.
async fn hashed(answer: Response) -> Result<Sha256, Trouble> {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !ACCEPTED.split(", ").any(|accepted| accepted == kind) {
        let words = format!("its answer is no manifest but `{}`", web::clean(kind));
        return Err(Trouble::new(RegistryFault::Away, words));
    }
    let named = digest(answer.headers());
    let body = web::body(answer, MAX_MANIFEST).await.map_err(|error| match error {
        WebError::Refused(words) => Trouble::untrusted(format!("its manifest cannot be read: {words}")),
        error => error.into(),
    })?;
    let sha256 = Sha256::of(&body);
    match named {
        Some(named) if named != sha256 => {
            Err(Trouble::untrusted(format!("it sends sha256:{sha256} and says that it is sha256:{named}")))
        }
        _ => Ok(sha256),
    }
}
