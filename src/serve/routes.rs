//! The routes, and what every answer has in common.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;

use super::access::SUBPROTOCOL;
use super::clients::{Line, Transport};
use super::metrics;
use super::page;
use super::publish::Unpublished;
use super::refusal::Refusal;
use super::request::{Begin, Request, Served};
use super::shared::{LONGEST_MESSAGE_BYTES, Publishes, Shared};
use super::{sse, ws};

/// How long a client may take to send a message in the body of a request.
const BODY_TIME: Duration = Duration::from_secs(10);
/// How much is read and written at once, in bytes: every WebSocket has such buffers.
const READ_BUFFER: usize = 4096;
const WRITE_BUFFER: usize = 16 * 1024;

type Words = Query<Vec<(String, String)>>;

/// All routes.
pub fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .merge(page::routes())
        .route("/ws", get(web_socket))
        .route("/sse", get(event_stream))
        .route("/publish", post(publish))
        .route("/feed.json", get(about))
        .route("/healthz", get(health))
        .route("/metrics", get(measure))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), admit))
        .with_state(shared)
}

/// Gives every answer, also a refusal, the headers that all have.
async fn admit(State(shared): State<Arc<Shared>>, request: axum::extract::Request, next: Next) -> Response {
    let path = request.uri().path();
    // Whoever asks for our health may know us by any name.
    let page = if path == "/healthz" { Ok(None) } else { shared.access.check_page(request.headers()) };
    let elsewhere = page.as_ref().is_ok_and(Option::is_some);
    let origin = request.headers().get(header::ORIGIN).filter(|_| elsewhere).cloned();
    let mut response = match page {
        Err(refusal) => refusal.into_response(),
        Ok(Some(_)) if request.method() == Method::OPTIONS => preflight(),
        Ok(_) if path == "/healthz" || page::is_part(path) => next.run(request).await,
        Ok(_) => match shared.access.check_token(request.headers()) {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        },
    };
    // One request a connection: who sends many and reads no answer would keep its place for ever.
    let goes_on = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    if !goes_on {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response
}

/// What a page elsewhere may send along, when it asks before it sends.
fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type, last-event-id"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

async fn web_socket(
    State(shared): State<Arc<Shared>>,
    Extension(line): Extension<Arc<Line>>,
    Query(words): Words,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let request = Request::parse(&words, &shared.served)?;
    let (first, reader) = shared.begin(&request);
    let seat = shared.clients.sit(Transport::WebSocket, reader.seen(), line).ok_or_else(full)?;
    let client = ws::Client { shared, seat, filter: request.filter, reader };
    Ok(upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(LONGEST_MESSAGE_BYTES)
        .max_frame_size(LONGEST_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .on_upgrade(|socket| client.run(socket, first)))
}

async fn event_stream(
    State(shared): State<Arc<Shared>>,
    Extension(line): Extension<Arc<Line>>,
    Query(words): Words,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut request = Request::parse(&words, &shared.served)?;
    // What a browser sends by itself when it comes back is newer than what stands in the address.
    if let Some(id) = headers.get(HeaderName::from_static("last-event-id")) {
        request.begin = Begin::Behind(id.to_str().unwrap_or_default().to_owned());
    }
    let (first, reader) = shared.begin(&request);
    let seat = shared.clients.sit(Transport::EventStream, reader.seen(), line).ok_or_else(full)?;
    Ok(sse::respond(&shared, seat, request.filter, &first, reader))
}

fn full() -> Refusal {
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "there are too many clients already: come back later")
}

/// Publishes the body of the request.
async fn publish(
    State(shared): State<Arc<Shared>>,
    Query(words): Words,
    request: axum::extract::Request,
) -> Result<StatusCode, Refusal> {
    let filter = Request::parse(&words, &shared.served)?.filter;
    if shared.publishing.is_none() {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "this server takes no messages"));
    }
    let body = tokio::time::timeout(BODY_TIME, to_bytes(request.into_body(), LONGEST_MESSAGE_BYTES)).await;
    let body = body.map_err(|_| Refusal::new(StatusCode::REQUEST_TIMEOUT, "the message did not come"))?;
    let too_long = format!("the message is longer than {LONGEST_MESSAGE_BYTES} bytes, or did not come");
    let body = body.map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, too_long))?;
    let message = String::from_utf8(body.into());
    let message = message.map_err(|_| Refusal::new(StatusCode::BAD_REQUEST, "the message is not UTF-8"))?;
    match shared.publish(&filter, message).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        Err(Unpublished::Refused(why)) => Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why)),
        Err(Unpublished::Unavailable(why)) => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)),
    }
}

/// What is served here, for the page and for programs.
async fn about(State(shared): State<Arc<Shared>>) -> Response {
    let publishes = shared.publishing.as_ref().map(|(publishes, _)| match publishes {
        Publishes::Notification => json!({"as": "notification"}),
        Publishes::Event => json!({"as": "event"}),
        Publishes::Row(table) => json!({"as": "row", "table": table}),
    });
    let mut about = json!({"version": env!("CARGO_PKG_VERSION"), "publish": publishes});
    match &shared.served {
        Served::Channels(channels) => about["channels"] = channels.iter().map(AsRef::as_ref).collect(),
        Served::Queue(queue) => about["queue"] = queue.as_ref().into(),
    }
    ([(header::CONTENT_TYPE, "application/json")], about.to_string()).into_response()
}

async fn health(State(shared): State<Arc<Shared>>) -> Result<&'static str, Refusal> {
    let (_, live) = shared.log.now();
    if live {
        return Ok("ok\n");
    }
    Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "the database is away"))
}

async fn measure(State(shared): State<Arc<Shared>>) -> Response {
    let text = shared.metrics.text(&shared.clients, &shared.log);
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}
