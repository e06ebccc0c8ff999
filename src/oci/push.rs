//! The image to a registry, by the OCI distribution API.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};

use super::image::{Blob, Image, MANIFEST};
use super::reference::Reference;
use crate::model::registry::{Credentials, Login, RegistryFault};

/// Time to reach a registry.
const CONNECT: Duration = Duration::from_secs(30);
/// Longest silence of a registry that was reached.
const SILENCE: Duration = Duration::from_mins(2);

/// Why an image could not be pushed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reference} cannot be pushed: {registry} {fault}: {message}")]
pub struct PushError {
    /// Where it was to go.
    pub reference: String,
    /// The registry's host.
    pub registry: String,
    /// What is wrong.
    pub fault: RegistryFault,
    /// The registry's words.
    pub message: String,
}

/// The way out to registries, as the environment has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For HTTP.
    pub http: Option<String>,
    /// For HTTPS.
    pub https: Option<String>,
    /// Hosts that are reached without.
    pub none: Option<String>,
}

/// Pushes an image: what the registry has already is not sent again, and the manifest, which makes it visible, comes last.
pub async fn push(image: &Image, to: &Reference, login: &Login, proxies: &Proxies) -> Result<(), PushError> {
    let failed = |fault, message: &str| PushError {
        reference: to.to_string(),
        registry: to.registry().to_owned(),
        fault,
        message: message.to_owned(),
    };
    // The client library panics where there are none, whatever it is given beside them.
    if rustls_native_certs::load_native_certs().certs.is_empty() {
        let words = "this machine has no certificates of authorities";
        return Err(failed(RegistryFault::Untrusted, words));
    }
    let auth = match &login.credentials {
        None => RegistryAuth::Anonymous,
        Some(Credentials::Password { username, password }) => RegistryAuth::Basic(username.clone(), password.clone()),
        Some(Credentials::Token(token)) => RegistryAuth::Bearer(token.clone()),
        Some(Credentials::Identity(_)) => {
            let words = "they are an identity token, which only pulls can use; log in with a name and a password";
            return Err(failed(RegistryFault::WrongCredentials, words));
        }
    };
    let sent = send(image, to, &auth, proxies).await;
    sent.map_err(|error| {
        let fault = fault(&error, login);
        let message = message(&error);
        match fault {
            RegistryFault::NoCredentials | RegistryFault::WrongCredentials => failed(fault, &login.explain(&message)),
            _ => failed(fault, &message),
        }
    })
}

async fn send(
    image: &Image,
    to: &Reference,
    auth: &RegistryAuth,
    proxies: &Proxies,
) -> Result<(), OciDistributionError> {
    let client = Client::try_from(config(to, proxies))?;
    let to = to.inner();
    client.auth(to, auth, RegistryOperation::Push).await?;
    for blob in [&image.layer, &image.config] {
        let Blob { bytes, .. } = blob;
        let digest = blob.digest();
        if !client.blob_exists(to, &digest).await? {
            client.push_blob(to, bytes.clone(), &digest).await?;
        }
    }
    let manifest: Bytes = image.manifest.bytes.clone();
    client.push_manifest_raw(to, manifest, MANIFEST.parse().unwrap_or_else(|_| unreachable!("{MANIFEST}"))).await?;
    Ok(())
}

fn config(to: &Reference, proxies: &Proxies) -> ClientConfig {
    // Beside the system's certificates, which may be of one company alone, those of the web.
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let roots = roots.map(|root| Certificate { encoding: CertificateEncoding::Der, data: root.to_vec() });
    ClientConfig {
        protocol: if to.is_local() { ClientProtocol::Http } else { ClientProtocol::Https },
        extra_root_certificates: roots.collect(),
        connect_timeout: Some(CONNECT),
        read_timeout: Some(SILENCE),
        user_agent: concat!("dragnet/", env!("CARGO_PKG_VERSION")),
        https_proxy: proxies.https.clone(),
        http_proxy: proxies.http.clone(),
        no_proxy: proxies.none.clone(),
        ..ClientConfig::default()
    }
}

fn fault(error: &OciDistributionError, login: &Login) -> RegistryFault {
    let of_status = |status: u16| match status {
        401 | 403 => login.fault(),
        400..500 => RegistryFault::Refused,
        _ => RegistryFault::Away,
    };
    match error {
        OciDistributionError::AuthenticationFailure(_) | OciDistributionError::UnauthorizedError { .. } => {
            login.fault()
        }
        OciDistributionError::RegistryError { envelope, .. } => {
            let denied = |code: &OciErrorCode| matches!(code, OciErrorCode::Unauthorized | OciErrorCode::Denied);
            let denied = envelope.errors.iter().any(|error| denied(&error.code));
            if denied { login.fault() } else { RegistryFault::Refused }
        }
        OciDistributionError::ServerError { code, .. } => of_status(*code),
        OciDistributionError::RequestError(error) => {
            error.status().map_or(RegistryFault::Away, |status| of_status(status.as_u16()))
        }
        _ => RegistryFault::Away,
    }
}

/// Returns the error's words with what it comes from.
fn message(error: &OciDistributionError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}
