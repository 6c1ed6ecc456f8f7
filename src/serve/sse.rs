//! One client on an event stream (server-sent events): the body of a response that does not end.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::clients::Seat;
use super::closing::Closing;
use super::entry::Entry;
use super::log::Reader;
use super::request::Filter;
use super::shared::Shared;

/// A comment, which keeps those in between from thinking that nobody is there.
const PING: &[u8] = b": ping\n\n";
/// How long a browser waits before it comes back.
const RETRY: &[u8] = b"retry: 1000\n\n";

struct Stream {
    waiting: VecDeque<Bytes>,
    seat: Seat,
    filter: Filter,
    reader: Reader,
    closing: Closing,
    heartbeat: Duration,
}

/// Answers with a stream of what the client wants to see.
pub fn respond(shared: &Shared, seat: Seat, filter: Filter, first: &[Arc<Entry>], reader: Reader) -> Response {
    let first = std::iter::once(Bytes::from_static(RETRY)).chain(first.iter().map(|entry| entry.stream()));
    let (closing, heartbeat) = (shared.closing.clone(), shared.heartbeat);
    let stream = Stream { waiting: first.collect(), seat, filter, reader, closing, heartbeat };
    let body = Body::from_stream(stream::unfold(stream, |mut stream| async {
        stream.next().await.map(|bytes| (Ok::<_, Infallible>(bytes), stream))
    }));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        // nginx would hold the stream back to fill its buffers.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, body).into_response()
}

impl Stream {
    /// The next piece; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.waiting.pop_front() {
                return Some(piece);
            }
            // What was handed over is written: this is asked for when there is room again.
            self.seat.has_seen(self.reader.seen());
            let heartbeat = if self.heartbeat.is_zero() { Duration::MAX } else { self.heartbeat };
            tokio::select! {
                portion = self.reader.next() => {
                    let Ok(portion) = portion else {
                        self.seat.too_slow();
                        return None;
                    };
                    let wanted = portion.iter().filter(|entry| self.filter.passes(entry));
                    self.waiting.extend(wanted.map(|entry| entry.stream()));
                }
                () = tokio::time::sleep(heartbeat) => return Some(Bytes::from_static(PING)),
                () = self.closing.wait() => return None,
            }
        }
    }
}
