//! One repository of a registry, over HTTP: who we are is said when it is asked, and to the registry alone.
//!
//! Source: OCI Distribution Specification 1.1, "API" and "Error Codes"; RFC 9110 §11 for how a registry asks, §15.4 for where it
//! sends us. A registry is not trusted: what it says is bounded, what it names by a hash is hashed, and where it sends us hears nothing
//! of our credentials.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Deserialize;

use super::reference::{Reference, is_loopback};
use crate::model::id::Sha256;
use crate::model::registry::{Login, RegistryFault};
use crate::web::{self, WebError};

/// Longest silence of a registry that was reached.
const SILENCE: Duration = Duration::from_mins(2);
/// Most bytes of an answer that says what is wrong.
const MAX_WORDS: usize = 64 << 10;
/// Most times that one request is sent elsewhere.
const MAX_REDIRECTS: usize = 5;
/// How often something that may pass is tried, and the first pause between; each is twice the one before.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// Why a registry did not do what it was asked for.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{registry} {fault}: {message}")]
pub struct RegistryError {
    /// The image that it is about.
    pub reference: String,
    /// The registry's host.
    pub registry: String,
    /// What is wrong.
    pub fault: RegistryFault,
    /// The registry's words.
    pub message: String,
}

/// What went wrong, before it is said where.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) fault: RegistryFault,
    pub(super) message: String,
    /// Whether the same may succeed in a moment.
    again: bool,
}

impl Trouble {
    pub(super) fn new(fault: RegistryFault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), again: false }
    }

    pub(super) fn untrusted(message: impl Into<String>) -> Self {
        Self::new(RegistryFault::Untrusted, message)
    }

    /// Says what it is about; trouble with credentials may come from those that could not be had.
    pub(super) fn at(self, reference: &Reference, login: &Login) -> RegistryError {
        let Self { fault, message, .. } = self;
        let message = match fault {
            RegistryFault::NoCredentials | RegistryFault::WrongCredentials => login.explain(&message),
            _ => message,
        };
        RegistryError { reference: reference.to_string(), registry: reference.registry().to_owned(), fault, message }
    }
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        WebError::from(error).into()
    }
}

impl From<WebError> for Trouble {
    fn from(error: WebError) -> Self {
        let (again, message) = (error.passes(), error.to_string());
        Self { fault: RegistryFault::Away, message, again }
    }
}

/// Does what may be repeated until it succeeds, fails for good, or was tried often enough.
pub(super) async fn patiently<T>(mut step: impl AsyncFnMut() -> Result<T, Trouble>) -> Result<T, Trouble> {
    let mut pause = PAUSE;
    for _ in 1..TRIES {
        match step().await {
            Err(trouble) if trouble.again => tokio::time::sleep(pause).await,
            end => return end,
        }
        pause *= 2;
    }
    step().await
}

/// A request that may be sent again.
#[derive(Debug, Clone)]
pub(super) struct Call {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    pub(super) fn new(method: Method, url: Url) -> Self {
        Self { method, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// Says what answers are understood.
    pub(super) fn accept(mut self, media_types: &'static str) -> Self {
        self.headers.insert(ACCEPT, HeaderValue::from_static(media_types));
        self
    }

    pub(super) fn body(mut self, media_type: &'static str, bytes: Bytes) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        self.body = bytes;
        self
    }
}

/// What we are in a repository, and what we may do there.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) client: Client,
    pub(super) login: &'a Login,
    /// What tokens are asked for, `repository:NAME:pull`.
    pub(super) scope: String,
    root: Url,
    authorization: Option<HeaderValue>,
}

impl<'a> Session<'a> {
    /// Begins; nothing is sent yet. `actions` are `pull` or `pull,push`.
    pub(super) fn new(reference: &Reference, actions: &str, login: &'a Login) -> Result<Self, Trouble> {
        let root = format!("{}/v2/{}/", reference.address(), reference.repository());
        Ok(Self {
            client: web::client(None, SILENCE)?,
            login,
            scope: format!("repository:{}:{actions}", reference.repository()),
            root: Url::parse(&root).map_err(|error| Trouble::new(RegistryFault::Refused, error.to_string()))?,
            authorization: None,
        })
    }

    /// Returns an address below the repository's.
    pub(super) fn url(&self, path: &str) -> Result<Url, Trouble> {
        self.follow(&self.root, path)
    }

    /// Returns where an answer's `Location` leads.
    pub(super) fn location(&self, answer: &Response) -> Result<Url, Trouble> {
        let location = answer.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| Trouble::new(RegistryFault::Away, "it does not say where to go on"))?;
        self.follow(answer.url(), location)
    }

    fn follow(&self, from: &Url, to: &str) -> Result<Url, Trouble> {
        let url = from.join(to).map_err(|error| Trouble::untrusted(format!("it leads to no address: {error}")))?;
        self.permit(url)
    }

    /// Refuses an address where others could listen.
    pub(super) fn permit(&self, url: Url) -> Result<Url, Trouble> {
        let stays_here = self.root.scheme() == "http" && url.host_str().is_some_and(is_loopback);
        match url.scheme() {
            "https" => Ok(url),
            "http" if stays_here => Ok(url),
            _ => {
                let host = url.host_str().unwrap_or_default();
                Err(Trouble::untrusted(format!("it leads to {host} by {}, which is not encrypted", url.scheme())))
            }
        }
    }

    /// Sends a request; says who we are when it is asked, or asked anew.
    pub(super) async fn send(&mut self, call: &Call) -> Result<Response, Trouble> {
        let answer = self.ask(call).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || !self.is_registry(answer.url()) {
            return Ok(answer);
        }
        match self.authorize(answer.headers()).await? {
            None => Ok(answer),
            Some(authorization) => {
                self.authorization = Some(authorization);
                self.ask(call).await
            }
        }
    }

    /// Sends a request, and where it is told to if it only reads.
    async fn ask(&self, call: &Call) -> Result<Response, Trouble> {
        let mut url = call.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.client.request(call.method.clone(), url.clone()).headers(call.headers.clone());
            if let Some(authorization) = self.authorization.as_ref().filter(|_| self.is_registry(&url)) {
                request = request.header(AUTHORIZATION, authorization);
            }
            let answer = request.body(call.body.clone()).send().await?;
            if !call.method.is_safe() || !is_redirect(answer.status()) {
                return Ok(answer);
            }
            url = self.location(&answer)?;
        }
        Err(Trouble::untrusted(format!("it leads from one address to the next, more than {MAX_REDIRECTS} times")))
    }

    fn is_registry(&self, url: &Url) -> bool {
        url.origin() == self.root.origin()
    }

    /// Returns what an answer that is none of those expected means, in the registry's words as far as it has any.
    pub(super) async fn failure(&self, answer: Response) -> Trouble {
        let status = answer.status();
        let body = web::body(answer, MAX_WORDS).await.unwrap_or_default();
        let words = match serde_json::from_slice::<Errors>(&body).ok().and_then(Errors::words) {
            Some(words) => format!("{} ({words})", status.as_u16()),
            None => status.to_string(),
        };
        let fault = match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.login.fault(),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => RegistryFault::Away,
            status if status.is_client_error() => RegistryFault::Refused,
            _ => RegistryFault::Away,
        };
        // Who is asked too often is not asked at once again.
        Trouble { fault, message: web::clean(&words), again: status.is_server_error() }
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Returns the digest that a registry says the content of its answer has, if it is one that we know.
pub(super) fn digest(headers: &HeaderMap) -> Option<Sha256> {
    headers.get("docker-content-digest")?.to_str().ok()?.strip_prefix("sha256:")?.parse().ok()
}

/// "Error Codes": what an answer of 4xx may hold.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<Error>,
}

#[derive(Deserialize)]
struct Error {
    code: String,
    #[serde(default)]
    message: String,
}

impl Errors {
    fn words(self) -> Option<String> {
        let Error { code, message } = self.errors.into_iter().next()?;
        Some(if message.is_empty() { code } else { format!("{code}: {message}") })
    }
}
