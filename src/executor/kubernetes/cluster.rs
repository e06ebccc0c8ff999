//! The calls that are made, with our errors, our deadlines and our pace.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{
    Api, AttachParams, AttachedProcess, DeleteParams, ListParams, ObjectList, Patch, PatchParams, PostParams,
    Preconditions, WatchEvent, WatchParams,
};
use kube::core::Status;
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bucket::Bucket;
use super::connect::{ClusterPlace, Connection};
use super::error::{from_kube, from_status};
use crate::executor::ExecutorError;
use crate::model::clock::Timestamp;
use crate::model::id::Sha256;

/// Length of one watch, in seconds; the server ends it and we begin the next where it ended. A connection that has died without
/// a word is found out by that.
const WATCH_SECONDS: u32 = 30;
/// How much longer than that a watch may be silent.
const WATCH_SLACK: Duration = Duration::from_secs(15);
/// Longest wait for the beginning of a watch or an exec.
const BEGIN: Duration = Duration::from_secs(30);
/// Objects in one page of a list.
const PAGE: u32 = 500;
/// Bytes that an exec may be ahead of its reader.
const BUFFER: usize = 1 << 20;
/// Who we are in the fields that we set.
const MANAGER: &str = "dragnet";

/// Kinds that the executor works with: all live in a namespace.
pub(super) trait Object:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + 'static
{
}

impl<K> Object for K where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + 'static
{
}

/// A connection to one namespace of a cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    api: Client,
    stream: Client,
    bucket: Arc<Bucket>,
    /// How many of the requests have begun a watch.
    watches: Arc<AtomicU64>,
    /// The namespace that everything is in.
    pub namespace: String,
    /// By how much the cluster's clock is ahead of ours, in milliseconds.
    ahead: i64,
}

/// What the server says of itself.
pub(super) struct Server {
    /// `v1.20.2`.
    pub version: String,
    /// `linux/amd64`.
    pub platform: String,
    /// What to know the cluster by where its namespace cannot be read.
    pub address: Sha256,
}

/// What became of a call that removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Removal {
    /// The cluster removes it.
    Begun,
    /// Nothing of this name and identity is there.
    NotThere,
}

/// One step of a watch.
pub(super) enum Change<K> {
    /// It is there, like this.
    Is(Box<K>),
    /// It was deleted, and was like this.
    Gone(Box<K>),
}

impl Cluster {
    /// Connects, and asks the server for its version and time.
    pub(super) async fn connect(place: &ClusterPlace, bucket: Bucket) -> Result<(Self, Server), ExecutorError> {
        let Connection { api, stream, address } = place.connect().await?;
        let request = http::Request::get("/version").body(kube::client::Body::empty()).map_err(ExecutorError::bug)?;
        let before = now();
        let answer = api.send(request).await.map_err(|error| from_kube(&error))?;
        let (head, body) = answer.into_parts();
        let body = body.collect_bytes().await.map_err(|error| from_kube(&error))?;
        if !head.status.is_success() {
            let status = serde_json::from_slice(&body).unwrap_or_else(|_| Status {
                code: head.status.as_u16(),
                message: head.status.to_string(),
                ..Status::default()
            });
            return Err(from_status(&status));
        }
        let version: Version = serde_json::from_slice(&body)
            .map_err(|error| ExecutorError::Refused(format!("{address} does not answer like Kubernetes: {error}")))?;
        let date = head.headers.get(http::header::DATE).and_then(|date| date.to_str().ok()).and_then(parse_date);
        // The header has whole seconds: a difference within that is none.
        let ahead = date.map_or(0, |date| date.since(before)).clamp(-MOST_SKEW, MOST_SKEW);
        let ahead = if ahead.abs() <= 2000 { 0 } else { ahead };
        let namespace = place.namespace.clone();
        let cluster = Self { api, stream, bucket: Arc::new(bucket), watches: Arc::default(), namespace, ahead };
        let server = Server {
            version: version.git_version,
            platform: version.platform,
            address: Sha256::of(format!("{address} {}", place.namespace)),
        };
        Ok((cluster, server))
    }

    /// Returns the time by the cluster's clock.
    pub(super) fn now(&self) -> Timestamp {
        now().plus_ms(self.ahead)
    }

    /// Returns how many requests were made so far, watches aside.
    pub(super) fn calls(&self) -> u64 {
        self.bucket.taken() - self.watches.load(Ordering::Relaxed)
    }

    /// Returns the identity of the namespace; none where reading it is forbidden.
    pub(super) async fn namespace_uid(&self) -> Result<Option<String>, ExecutorError> {
        self.bucket.take().await;
        let namespaces = Api::<Namespace>::all(self.api.clone());
        match namespaces.get(&self.namespace).await {
            Ok(found) => Ok(found.metadata.uid),
            Err(kube::Error::Api(status)) if status.code == 403 => Ok(None),
            Err(error) => Err(from_kube(&error)),
        }
    }

    fn kind<K: Object>(&self) -> Api<K> {
        Api::namespaced(self.api.clone(), &self.namespace)
    }

    pub(super) async fn create<K: Object>(&self, object: &K) -> Result<K, ExecutorError> {
        self.bucket.take().await;
        let options = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        self.kind().create(&options, object).await.map_err(|error| from_kube(&error))
    }

    /// Makes an object that belongs to no namespace.
    pub(super) async fn review<K>(&self, object: &K) -> Result<K, ExecutorError>
    where
        K: Resource<Scope = k8s_openapi::ClusterResourceScope, DynamicType = ()>
            + Clone
            + Debug
            + Serialize
            + DeserializeOwned,
    {
        self.bucket.take().await;
        let all = Api::<K>::all(self.api.clone());
        all.create(&PostParams::default(), object).await.map_err(|error| from_kube(&error))
    }

    pub(super) async fn get<K: Object>(&self, name: &str) -> Result<Option<K>, ExecutorError> {
        self.bucket.take().await;
        self.kind().get_opt(name).await.map_err(|error| from_kube(&error))
    }

    /// Lists what a selector of labels finds, page by page, with the version that a watch goes on from.
    pub(super) async fn list<K: Object>(&self, labels: &str) -> Result<(Vec<K>, String), ExecutorError> {
        self.list_by(&ListParams::default().labels(labels)).await
    }

    /// Lists what a selector of fields finds.
    pub(super) async fn list_fields<K: Object>(&self, fields: &str) -> Result<Vec<K>, ExecutorError> {
        Ok(self.list_by(&ListParams::default().fields(fields)).await?.0)
    }

    async fn list_by<K: Object>(&self, filter: &ListParams) -> Result<(Vec<K>, String), ExecutorError> {
        let mut found = Vec::new();
        let mut options = filter.clone().limit(PAGE);
        loop {
            self.bucket.take().await;
            let page: ObjectList<K> = self.kind().list(&options).await.map_err(|error| from_kube(&error))?;
            found.extend(page.items);
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => options = options.continue_token(&token),
                None => return Ok((found, page.metadata.resource_version.unwrap_or_default())),
            }
        }
    }

    /// Removes one object by its identity; one that is gone, or of another identity, is no error. What it owns goes with it.
    pub(super) async fn delete<K: Object>(
        &self,
        name: &str,
        uid: &str,
        grace: Option<Duration>,
    ) -> Result<Removal, ExecutorError> {
        self.bucket.take().await;
        // Without this word the pods of a Job would be left running.
        let mut options = DeleteParams::background()
            .preconditions(Preconditions { uid: Some(uid.to_owned()), resource_version: None });
        options.grace_period_seconds = grace.map(|grace| u32::try_from(grace.as_secs()).unwrap_or(u32::MAX));
        match self.kind::<K>().delete(name, &options).await.map_err(|error| from_kube(&error)) {
            Ok(_) => Ok(Removal::Begun),
            Err(ExecutorError::NotFound(_) | ExecutorError::Conflict { .. }) => Ok(Removal::NotThere),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn merge<K: Object>(&self, name: &str, patch: &serde_json::Value) -> Result<(), ExecutorError> {
        self.bucket.take().await;
        let options = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let patched = self.kind::<K>().patch(name, &options, &Patch::Merge(patch)).await;
        patched.map(drop).map_err(|error| from_kube(&error))
    }

    /// Follows a kind from a version on; ends with an error, [`ExecutorError::Busy`] when the version is too old by now.
    pub(super) fn watch<K: Object>(
        &self,
        labels: &str,
        version: String,
    ) -> BoxStream<'static, Result<Change<K>, ExecutorError>> {
        let watching = Watching { cluster: self.clone(), labels: labels.to_owned(), version, events: None };
        let next = |mut watching: Watching<K>| async move { Ok(Some((watching.next().await?, watching))) };
        futures::stream::try_unfold(watching, next).boxed()
    }

    async fn open<K: Object>(
        &self,
        labels: &str,
        version: &str,
    ) -> Result<BoxStream<'static, kube::Result<WatchEvent<K>>>, ExecutorError> {
        self.bucket.take().await;
        self.watches.fetch_add(1, Ordering::Relaxed);
        let options = WatchParams::default().labels(labels).timeout(WATCH_SECONDS);
        let api = Api::<K>::namespaced(self.stream.clone(), &self.namespace);
        match tokio::time::timeout(BEGIN, api.watch(&options, version)).await {
            Ok(opened) => Ok(opened.map_err(|error| from_kube(&error))?.boxed()),
            Err(_) => Err(ExecutorError::Unreachable("a watch did not begin".to_owned())),
        }
    }

    /// Runs a program of ours in a container; its standard input stays open for as long as the answer is held.
    pub(super) async fn exec(
        &self,
        pod: &str,
        container: &str,
        argv: &[&str],
    ) -> Result<AttachedProcess, ExecutorError> {
        self.bucket.take().await;
        let options = AttachParams {
            container: Some(container.to_owned()),
            stdin: true,
            stdout: true,
            stderr: false,
            tty: false,
            max_stdin_buf_size: Some(BUFFER),
            max_stdout_buf_size: Some(BUFFER),
            max_stderr_buf_size: None,
        };
        let pods = Api::<Pod>::namespaced(self.stream.clone(), &self.namespace);
        match tokio::time::timeout(BEGIN, pods.exec(pod, argv.iter().copied(), &options)).await {
            Ok(started) => started.map_err(|error| from_kube(&error)),
            Err(_) => Err(ExecutorError::Unreachable("an exec did not begin".to_owned())),
        }
    }
}

/// A watch that is taken up again where the server has ended it.
struct Watching<K> {
    cluster: Cluster,
    labels: String,
    version: String,
    events: Option<BoxStream<'static, kube::Result<WatchEvent<K>>>>,
}

impl<K: Object> Watching<K> {
    async fn next(&mut self) -> Result<Change<K>, ExecutorError> {
        let patience = Duration::from_secs(WATCH_SECONDS.into()) + WATCH_SLACK;
        loop {
            let events = match &mut self.events {
                Some(events) => events,
                None => self.events.insert(self.cluster.open(&self.labels, &self.version).await?),
            };
            let event = match tokio::time::timeout(patience, events.next()).await {
                Err(_) => return Err(ExecutorError::Unreachable("a watch has gone silent".to_owned())),
                Ok(Some(event)) => event.map_err(|error| from_kube(&error))?,
                Ok(None) => {
                    self.events = None;
                    continue;
                }
            };
            match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    self.note(&object);
                    return Ok(Change::Is(Box::new(object)));
                }
                WatchEvent::Deleted(object) => {
                    self.note(&object);
                    return Ok(Change::Gone(Box::new(object)));
                }
                WatchEvent::Bookmark(bookmark) => self.version = bookmark.metadata.resource_version,
                WatchEvent::Error(status) => return Err(from_status(&status)),
            }
        }
    }

    fn note(&mut self, object: &K) {
        if let Some(version) = &object.meta().resource_version {
            self.version.clone_from(version);
        }
    }
}

/// No clock is believed to be more wrong than this, in milliseconds.
const MOST_SKEW: i64 = 24 * 3600 * 1000;

#[derive(serde::Deserialize)]
struct Version {
    #[serde(rename = "gitVersion")]
    git_version: String,
    platform: String,
}

fn now() -> Timestamp {
    crate::model::clock::Clock::System.now()
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp(time.timestamp().as_millisecond()))
}
