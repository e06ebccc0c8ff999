//! Finding out what a storage can do: before the first attempt, and for `doctor`.

use bytes::Bytes;

use super::Storage;
use super::objects::{Put, Replace};
use crate::executor::{Ability, ExecutorError};
use crate::model::id::Sha256;
use crate::web::WebError;

/// What is written to find out.
const CONTENT: &[u8] = b"dragnet looks whether this storage can be used";

impl Storage {
    /// Makes sure that the storage can be used; asks once in each process.
    pub(in super::super) async fn ready(&self) -> Result<(), ExecutorError> {
        self.is_conditional().await.map(drop)
    }

    /// Whether it refuses to replace an object when it is asked to.
    pub(super) async fn is_conditional(&self) -> Result<bool, ExecutorError> {
        let known = self.conditional.get_or_try_init(async || {
            let key = self.probe_key();
            self.put(&key, Bytes::from_static(CONTENT), Replace::Yes).await?;
            let conditional = self.refuses(&key).await?;
            self.delete(&key).await?;
            Ok(conditional)
        });
        known.await.copied().map_err(|error: WebError| self.failed(&error))
    }

    /// Tries everything that is needed of it, each for itself.
    pub(in super::super) async fn abilities(&self) -> Vec<Ability> {
        let key = self.probe_key();
        let mut found = Vec::new();
        let mut note = |item: &str, needed: bool, tried: Result<(), String>| {
            let item = format!("storage: {item}");
            found.push(Ability { item, needed, missing: tried.as_ref().err().cloned() });
            tried.is_ok()
        };
        let place = |error: WebError| self.failed(&error).to_string();
        let put = self.put(&key, Bytes::from_static(CONTENT), Replace::Yes).await;
        if !note("put", true, put.map(drop).map_err(place)) {
            return found;
        }
        let conditional = match self.refuses(&key).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("it replaces objects although it is asked not to (If-None-Match)".to_owned()),
            Err(error) => Err(place(error)),
        };
        note("conditional put", false, conditional);
        note("range get", false, self.range(&key).await.map_err(place));
        note("list", true, self.list(&key).await.map(drop).map_err(place));
        note("delete", true, self.delete(&key).await.map_err(place));
        found
    }

    async fn refuses(&self, key: &str) -> Result<bool, WebError> {
        match self.put(key, Bytes::from_static(CONTENT), Replace::No).await {
            Ok(Put::Occupied) => Ok(true),
            // Some know of no such wish, and say so.
            Ok(Put::Done) | Err(WebError::Refused(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn range(&self, key: &str) -> Result<(), WebError> {
        const FROM: usize = 8;
        let Some(answer) = self.get(key, FROM as u64).await? else {
            return Err(WebError::Refused("what was put is not there".to_owned()));
        };
        let bytes = answer.bytes().await?;
        if bytes == CONTENT[FROM..] {
            return Ok(());
        }
        Err(WebError::Refused("it gives the whole object where a part is asked for".to_owned()))
    }

    /// A name that no other process takes at the same time.
    fn probe_key(&self) -> String {
        let nanos = jiff::Timestamp::now().as_nanosecond();
        let unique = Sha256::of(format!("{} {nanos}", std::process::id())).to_string();
        format!("{}probe/{}", self.above(None), &unique[..16])
    }
}
