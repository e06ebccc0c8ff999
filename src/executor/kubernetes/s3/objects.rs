//! Single requests: put, get, list, delete.

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, IF_NONE_MATCH, RANGE};
use reqwest::{Response, StatusCode};
use rusty_s3::S3Action as _;
use rusty_s3::actions::ListObjectsV2;

use super::{AT_ONCE, Storage};
use crate::model::clock::Timestamp;
use crate::web::{self, WebError};

/// Whether an object may replace another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replace {
    /// It may.
    Yes,
    /// The storage is asked to refuse.
    No,
}

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there.
    Done,
    /// Something was there before.
    Occupied,
}

/// An object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub key: String,
    pub modified: Option<Timestamp>,
}

impl Storage {
    pub(super) async fn put(&self, key: &str, bytes: Bytes, replace: Replace) -> Result<Put, WebError> {
        let mut put = self.bucket.put_object(Some(&self.credentials), key);
        if replace == Replace::No {
            put.headers_mut().insert("if-none-match", "*");
        }
        let mut request = self.client.put(put.sign(AT_ONCE)).header(CONTENT_LENGTH, bytes.len());
        if replace == Replace::No {
            request = request.header(IF_NONE_MATCH, "*");
        }
        let answer = request.body(bytes).send().await?;
        match answer.status() {
            StatusCode::PRECONDITION_FAILED => Ok(Put::Occupied),
            status if status.is_success() => Ok(Put::Done),
            _ => Err(web::failure(answer).await),
        }
    }

    /// Begins to read an object at a byte; `None` when there is none. Whether the answer begins there is for the caller to see.
    pub(super) async fn get(&self, key: &str, from: u64) -> Result<Option<Response>, WebError> {
        let url = self.bucket.get_object(Some(&self.credentials), key).sign(AT_ONCE);
        let mut request = self.client.get(url);
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        let answer = request.send().await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            _ => Err(web::failure(answer).await),
        }
    }

    /// Removes an object; one that is gone is no error.
    pub(super) async fn delete(&self, key: &str) -> Result<(), WebError> {
        let url = self.bucket.delete_object(Some(&self.credentials), key).sign(AT_ONCE);
        let answer = self.client.delete(url).send().await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(()),
            status if status.is_success() => Ok(()),
            _ => Err(web::failure(answer).await),
        }
    }

    /// Lists all objects whose names begin so.
    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, WebError> {
        let mut listed = Vec::new();
        let mut token = None;
        loop {
            let mut list = self.bucket.list_objects_v2(Some(&self.credentials));
            list.with_prefix(prefix);
            if let Some(token) = token {
                list.with_continuation_token(token);
            }
            let answer = self.client.get(list.sign(AT_ONCE)).send().await?;
            if !answer.status().is_success() {
                return Err(web::failure(answer).await);
            }
            let text = answer.text().await?;
            let page = ListObjectsV2::parse_response(&text)
                .map_err(|error| WebError::Refused(format!("its list of objects does not read: {error}")))?;
            listed.extend(page.contents.into_iter().map(|one| {
                Listed {
                    key: one.key,
                    modified: one
                        .last_modified
                        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
                        .map(|at| Timestamp(at.as_millisecond())),
                }
            }));
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(listed);
            }
        }
    }
}
