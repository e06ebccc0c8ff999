//! HTTP of our own: one way to make a client, here and in containers that hold nothing but this program.
//!
//! Trusted are the authorities of the web, which are part of the program, those of the system where it has any, and those that
//! the user names. What an answer means is for whoever asked; here is only told apart what may pass.

mod download;
mod guard;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Client, ClientBuilder, Response, StatusCode};

pub use download::{DownloadError, download, shown, without_credentials};
pub use guard::{FORBIDDEN, guarded, guarded_client, is_forbidden};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// Most bytes that are read of an answer that says what is wrong.
const MAX_FAILURE: usize = 64 << 10;

/// Why a request was of no use.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WebError {
    /// No answer, a broken one, or a fault that the server expects to pass.
    #[error("{0}")]
    Away(String),
    /// The server does not accept who asks, or no longer: 401, 403.
    #[error("{0}")]
    Denied(String),
    /// The server will not do it, however often it is asked.
    #[error("{0}")]
    Refused(String),
    /// No client can be made of what was given.
    #[error("{0}")]
    Setup(String),
}

impl WebError {
    /// Whether the same request may succeed later.
    pub const fn passes(&self) -> bool {
        matches!(self, Self::Away(_))
    }
}

impl From<reqwest::Error> for WebError {
    fn from(error: reqwest::Error) -> Self {
        // The address may be all that is needed to read what is there.
        Self::Away(chain(&error.without_url()))
    }
}

/// Makes a client; `ca` is PEM, `silence` the longest wait for bytes of an answer.
pub fn client(ca: Option<&str>, silence: Duration) -> Result<Client, WebError> {
    builder(ca, silence)?.build().map_err(setup)
}

fn setup(error: reqwest::Error) -> WebError {
    WebError::Setup(chain(&error.without_url()))
}

fn builder(ca: Option<&str>, silence: Duration) -> Result<ClientBuilder, WebError> {
    // Inside a container nobody has chosen one yet.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let own = ca.map_or(Ok(Vec::new()), |pem| Certificate::from_pem_bundle(pem.as_bytes()).map_err(setup))?;
    if ca.is_some() && own.is_empty() {
        return Err(WebError::Setup("there is no certificate in the bundle".to_owned()));
    }
    // Certificates of a system that do not read are the system's affair.
    let roots = roots().into_iter().filter_map(|der| Certificate::from_der(&der).ok()).chain(own);
    Ok(Client::builder()
        .tls_certs_only(roots)
        .connect_timeout(CONNECT)
        .read_timeout(silence)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("dragnet/", env!("CARGO_PKG_VERSION"))))
}

/// Returns the authorities that are trusted, as DER: those of the web, and those of the system where it has any.
pub fn roots() -> Vec<Vec<u8>> {
    let web = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|der| der.as_ref().to_vec());
    let native = rustls_native_certs::load_native_certs().certs;
    web.chain(native.iter().map(|der| der.as_ref().to_vec())).collect()
}

/// Reads an answer's body; refused when it has more than `limit` bytes, whatever the answer said of itself.
pub async fn body(mut answer: Response, limit: usize) -> Result<Bytes, WebError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(WebError::Refused(format!("it is longer than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// Returns a server's words as they may be shown: little of them, and nothing that a terminal would obey.
pub fn clean(words: &str) -> String {
    words.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Returns what an answer that is none of those expected means, in the server's words as far as it has any.
pub async fn failure(answer: Response) -> WebError {
    let status = answer.status();
    let body = body(answer, MAX_FAILURE).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let words = match (element(&text, "Code"), element(&text, "Message")) {
        (Some(code), Some(message)) => format!("{} ({code}: {message})", status.as_u16()),
        (Some(code), None) => format!("{} ({code})", status.as_u16()),
        _ => status.to_string(),
    };
    let words = clean(&words);
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => WebError::Denied(words),
        StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS => WebError::Away(words),
        // Not known to it today, nor tomorrow.
        StatusCode::NOT_IMPLEMENTED => WebError::Refused(words),
        status if status.is_server_error() => WebError::Away(words),
        _ => WebError::Refused(words),
    }
}

/// Returns the text of an XML element, for people.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(words, _)| words)
}

/// Says an error with its causes: the outermost words are mostly that there was one.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_made_without_any_help_of_the_system() {
        assert!(client(None, CONNECT).is_ok());
        assert!(matches!(client(Some("no certificate"), CONNECT), Err(WebError::Setup(_))));
    }

    #[test]
    fn the_servers_words_are_found() {
        let text =
            "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
        assert_eq!(
            (element(text, "Code"), element(text, "Message")),
            (Some("AccessDenied"), Some("Request has expired"))
        );
        assert_eq!(element("<Code>", "Code"), None);
    }
}
