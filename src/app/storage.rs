//! The keys to object storage: from where the configuration points, or as they were when the scan was started.

use std::path::Path;

use super::{App, AppError, secrets};
use crate::config::S3Config;
use crate::executor::kubernetes::{S3Keys, S3Options};
use crate::executor::types::secret_file;
use crate::model::id::ScanKey;
use crate::model::scanner::SecretRef;
use crate::store::StoreError;

/// Where a scan's keys are spooled, below its secrets. No scanner's secret has a name with a slash.
const ACCESS_KEY_ID: &str = "s3/access_key_id";
const SECRET_ACCESS_KEY: &str = "s3/secret_access_key";
const SESSION_TOKEN: &str = "s3/session_token";

/// Makes the options of a storage, if one is configured. Keys that cannot be had here any more are those that the scan was
/// started with.
pub(super) fn options(app: &App, config: &S3Config, scan: Option<ScanKey>) -> Result<Option<S3Options>, AppError> {
    let Some(bucket) = config.bucket.clone() else { return Ok(None) };
    let endpoint = config.endpoint.clone().ok_or_else(|| missing("endpoint"))?;
    let resolved = keys(app, config);
    let spooled = || scan.and_then(|scan| read_spooled(app, scan));
    let keys = match resolved {
        Ok(keys) => keys.ok_or_else(|| missing("bucket"))?,
        Err(error) => spooled().ok_or(error)?,
    };
    let read = |path: &String| {
        std::fs::read_to_string(path)
            .map_err(|error| AppError::Storage { key: "ca", message: format!("{path}: {error}") })
    };
    Ok(Some(S3Options {
        endpoint,
        region: config.region.clone(),
        bucket,
        prefix: config.prefix.clone(),
        path_style: config.path_style,
        keys,
        expires: config.expires.0,
        ca: config.ca.as_ref().map(read).transpose()?,
    }))
}

/// Reads the keys from where they are, if a storage is configured.
pub(super) fn keys(app: &App, config: &S3Config) -> Result<Option<S3Keys>, AppError> {
    if config.bucket.is_none() {
        return Ok(None);
    }
    let needed = |key, reference: &Option<SecretRef>| {
        let reference = reference.as_ref().ok_or_else(|| missing(key))?;
        resolve(app, key, reference)
    };
    Ok(Some(S3Keys {
        access_key_id: needed("access_key_id", &config.access_key_id)?,
        secret_access_key: needed("secret_access_key", &config.secret_access_key)?,
        session_token: config.session_token.as_ref().map(|one| resolve(app, "session_token", one)).transpose()?,
    }))
}

fn missing(key: &'static str) -> AppError {
    AppError::Storage { key, message: "a bucket is named, and this is not".to_owned() }
}

fn resolve(app: &App, key: &'static str, reference: &SecretRef) -> Result<String, AppError> {
    let refused = |message: String| AppError::Storage { key, message };
    let bytes = secrets::resolve(app, reference).map_err(refused)?;
    let text = String::from_utf8(bytes).map_err(|_| refused("it is not text".to_owned()))?;
    // Files mostly end with a line.
    Ok(text.trim_end().to_owned())
}

/// Keeps the keys for whoever drives the scan after this process.
pub(super) fn spool(state: &Path, scan: ScanKey, keys: &S3Keys) -> Result<(), StoreError> {
    let token = keys.session_token.as_ref().map(|token| (SESSION_TOKEN, token));
    let all = [(ACCESS_KEY_ID, &keys.access_key_id), (SECRET_ACCESS_KEY, &keys.secret_access_key)];
    all.into_iter().chain(token).try_for_each(|(name, content)| secrets::spool(state, scan, name, content.as_bytes()))
}

fn read_spooled(app: &App, scan: ScanKey) -> Option<S3Keys> {
    let read = |name| std::fs::read_to_string(secret_file(app.store.dir(), scan, name)).ok();
    Some(S3Keys {
        access_key_id: read(ACCESS_KEY_ID)?,
        secret_access_key: read(SECRET_ACCESS_KEY)?,
        session_token: read(SESSION_TOKEN),
    })
}
