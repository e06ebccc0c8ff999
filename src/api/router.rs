//! The endpoints, and what every request must pass before one of them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Json};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tower::Service as _;

use super::auth::Principal;
use super::health::{Health, Status};
use super::listen::Work;
use super::problem::Problem;
use super::{Shown, host, metrics};

/// Most requests in work at once; who asks [`ALIVE`] is not counted.
const MOST: usize = 32;
/// How long a request may take, its body and the answer.
const REQUEST: Duration = Duration::from_secs(10);
/// Most bytes of a request's body.
const BODY: usize = 64 << 10;
/// Whether the process lives.
const ALIVE: &str = "/healthz";
/// What is open to all that reach the address.
const OPEN: [&str; 2] = [ALIVE, "/readyz"];

/// What endpoints work with.
#[derive(Clone)]
struct Desk {
    shown: Shown,
    health: Health,
    places: Arc<Semaphore>,
}

/// Makes the endpoints.
pub(super) fn router(shown: Shown) -> Router {
    let desk = Desk { shown, health: Health::default(), places: Arc::new(Semaphore::new(MOST)) };
    Router::new()
        .route(ALIVE, get(healthz))
        .route("/readyz", get(readyz))
        .route("/workers", get(workers))
        .route("/metrics", get(scrape))
        .fallback(nowhere)
        .method_not_allowed_fallback(not_so)
        .layer(from_fn_with_state(desk.clone(), bounded))
        .layer(from_fn_with_state(desk.clone(), known))
        .layer(from_fn(sealed))
        .with_state(desk)
}

/// Answers one request.
pub(super) async fn answer(mut router: Router, request: Request) -> Response {
    // A router is always ready, and has no errors of its own.
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Nothing is kept on the way, and nobody guesses what an answer is.
async fn sealed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Finds out who asks, and refuses whom it has to.
async fn known(State(desk): State<Desk>, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let door = desk.shown.door.borrow().clone();
    if door.is_loopback() {
        host::check(&parts)?;
    }
    let principal = match door.authenticate(&parts) {
        Ok(principal) => principal,
        Err(_) if OPEN.contains(&parts.uri.path()) => Principal::Anonymous,
        Err(problem) => return Err(problem),
    };
    parts.extensions.insert(principal);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// Bounds what a request may cost. A body that comes slowly holds its connection alone, which goes when another needs the room.
async fn bounded(State(desk): State<Desk>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let work = request.extensions_mut().remove::<Work>();
    if request.uri().path() == ALIVE {
        return Ok(next.run(request).await);
    }
    let too_large = || Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {BODY} bytes"));
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY as u64) {
        return Err(too_large());
    }
    let answered = timeout(REQUEST, async {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BODY).await.map_err(|_| too_large())?;
        let _busy = work.map(Work::begin);
        let full = |_| Problem::new(StatusCode::TOO_MANY_REQUESTS, format!("{MOST} requests are in work already"));
        let _place = desk.places.try_acquire().map_err(full)?;
        Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
    });
    let late = |_| {
        let limit = REQUEST.as_secs();
        Problem::new(StatusCode::REQUEST_TIMEOUT, format!("a request has {limit} s, with its body and its answer"))
    };
    answered.await.map_err(late)?
}

async fn healthz() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

async fn readyz(State(desk): State<Desk>, Extension(principal): Extension<Principal>) -> Response {
    let readiness = desk.health.readiness(&desk.shown).await;
    let code = if readiness.status == Status::Failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    let told = if principal == Principal::Anonymous { readiness.without_words() } else { readiness };
    (code, Json(told)).into_response()
}

async fn workers(State(desk): State<Desk>) -> Result<Response, Problem> {
    let store = desk.shown.apps.borrow().store.clone();
    let daemon = blocking(move || store.daemon()).await?;
    Ok(Json(json!({ "schema": "dragnet.daemon/v1", "daemon": daemon })).into_response())
}

async fn scrape(State(desk): State<Desk>, headers: HeaderMap) -> Result<Response, Problem> {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let form = metrics::Form::of(accepted);
    let store = desk.shown.apps.borrow().store.clone();
    let vitals = desk.shown.vitals.clone();
    let text = blocking(move || metrics::scrape(&store, &vitals, form)).await?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(form.content_type()))], text).into_response())
}

/// Runs what reads files and the database where it holds nobody up.
async fn blocking<T: Send + 'static, E: std::fmt::Display + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    let failed = |detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
    spawn_blocking(work).await.map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))
}

async fn nowhere() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "here are /healthz, /readyz, /workers and /metrics")
}

async fn not_so() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this takes GET and HEAD only")
}
