//! The address that is listened at, and the connections to it.
//!
//! Connections are bounded in number. When there are as many as may be, a new one takes the place of the oldest that has no request in
//! work: who opens many and says nothing, or says it slowly, shuts nobody else out.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{ApiError, Shown, router};

/// Most connections at once.
const MOST: usize = 128;
/// How long a client may take for the head of a request, and how long a connection may lie idle.
const HEAD: Duration = Duration::from_secs(10);
/// Most bytes of the head of a request.
const HEAD_BYTES: usize = 16 << 10;
/// How long requests in work may go on when the server ends.
const LAST: Duration = Duration::from_secs(2);
/// How long to wait when the system has no more files for connections.
const SHORTAGE: Duration = Duration::from_millis(200);

/// What listens.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    ending: CancellationToken,
    serving: JoinHandle<()>,
}

impl Server {
    /// Takes an address and serves there; [`ApiError::Listen`] when the system does not give it.
    pub async fn listen(address: SocketAddr, shown: Shown) -> Result<Self, ApiError> {
        let refused = |source| ApiError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let ending = CancellationToken::new();
        let router = router::router(shown);
        let serving = tokio::spawn(serve(listener, router, ending.clone()));
        Ok(Self { address, ending, serving })
    }

    /// Returns the address, with the port that the system chose where it was to choose.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends: requests in work are answered, if that does not take long.
    pub async fn end(self) {
        self.ending.cancel();
        // A task that has panicked has ended, too.
        drop(self.serving.await);
    }
}

/// A connection.
struct Open {
    task: AbortHandle,
    /// Requests in work.
    busy: Arc<AtomicU32>,
}

async fn serve(listener: TcpListener, router: Router, ending: CancellationToken) {
    let (mut tasks, mut open) = (JoinSet::new(), VecDeque::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = tasks.join_next() => continue,
            () = ending.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not taken");
                tokio::time::sleep(SHORTAGE).await;
                continue;
            }
        };
        make_room(&mut open, &mut tasks).await;
        let busy = Arc::new(AtomicU32::new(0));
        let task = tasks.spawn(connection(stream, router.clone(), Arc::clone(&busy), ending.clone()));
        open.push_back(Open { task, busy });
    }
    drop(listener);
    let ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST, ended).await.is_err() {
        tracing::debug!("connections were cut: their requests took too long");
    }
}

/// Makes sure that there may be one more connection.
async fn make_room(open: &mut VecDeque<Open>, tasks: &mut JoinSet<()>) {
    loop {
        open.retain(|one| !one.task.is_finished());
        if open.len() < MOST {
            return;
        }
        if let Some(idle) = open.iter().position(|one| one.busy.load(Ordering::Relaxed) == 0) {
            if let Some(one) = open.remove(idle) {
                one.task.abort();
            }
        } else {
            // Requests end by themselves: each has a limit of time.
            drop(tasks.join_next().await);
        }
    }
}

async fn connection(stream: TcpStream, router: Router, busy: Arc<AtomicU32>, ending: CancellationToken) {
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let (router, mut request) = (router.clone(), request.map(Body::new));
        request.extensions_mut().insert(Work(Arc::clone(&busy)));
        async move { Ok::<Response, Infallible>(router::answer(router, request).await) }
    });
    let mut http = http1::Builder::new();
    // No HTTP/2 as long as nothing speaks gRPC: less to be attacked.
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(HEAD_BYTES);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

/// What a request is told of the connection that it came by.
#[derive(Clone)]
pub(super) struct Work(Arc<AtomicU32>);

/// A request in work: its connection stays.
pub(super) struct Busy(Arc<AtomicU32>);

impl Work {
    /// Begins, once all of the request is there.
    pub(super) fn begin(self) -> Busy {
        self.0.fetch_add(1, Ordering::Relaxed);
        Busy(self.0)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
