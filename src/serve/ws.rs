//! One client on a WebSocket: it is sent the feed, and what it sends is published.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures_util::SinkExt as _;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::Error as Wrong;

use super::clients::Seat;
use super::entry::Entry;
use super::log::Reader;
use super::publish::Unpublished;
use super::request::Filter;
use super::shared::Shared;

/// "Try again later" (RFC 6455's registry): it was too slow, or the message has to wait.
const TRY_AGAIN: u16 = 1013;
/// How long a client may take to be told that it is over.
const GOODBYE: Duration = Duration::from_secs(1);
/// A pause that is never over.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// A client.
pub struct Client {
    /// What all requests share.
    pub shared: Arc<Shared>,
    /// Its seat.
    pub seat: Seat,
    /// What it wants.
    pub filter: Filter,
    /// Where it is in the log.
    pub reader: Reader,
}

/// How it ends.
enum End {
    /// The client is gone, or does not answer.
    Gone,
    /// It is told why.
    Close(u16, &'static str),
}

type Publishing = Pin<Box<dyn Future<Output = Result<(), Unpublished>> + Send>>;

impl Client {
    /// Talks to the client until one of both ends it.
    pub async fn run(mut self, mut socket: WebSocket, first: Vec<Arc<Entry>>) {
        if let End::Close(code, reason) = self.talk(&mut socket, first).await {
            let reason = Utf8Bytes::from_static(reason);
            let goodbye = socket.send(Message::Close(Some(CloseFrame { code, reason })));
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
    }

    async fn talk(&mut self, socket: &mut WebSocket, first: Vec<Arc<Entry>>) -> End {
        if let Err(end) = self.send(socket, &first).await {
            return end;
        }
        let mut closing = self.shared.closing.clone();
        let mut publishing: Option<Publishing> = None;
        let every = if self.shared.heartbeat.is_zero() { NEVER } else { self.shared.heartbeat };
        let mut beat = tokio::time::interval_at(Instant::now() + every, every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_sign = Instant::now();
        loop {
            let step = tokio::select! {
                portion = self.reader.next() => match portion {
                    Ok(entries) => self.send(socket, &entries).await,
                    Err(_) => Err(self.too_slow()),
                },
                // One message after the other: who floods us waits for its own.
                message = socket.recv(), if publishing.is_none() => {
                    last_sign = Instant::now();
                    self.receive(message).map(|message| publishing = message)
                }
                answer = answer(&mut publishing) => {
                    publishing = None;
                    self.told(socket, answer).await
                }
                _ = beat.tick() => {
                    let silent = publishing.is_none() && last_sign.elapsed() >= every * 2;
                    if silent { Err(End::Gone) } else { self.ping(socket).await }
                }
                () = self.seat.cut() => Err(self.too_slow()),
                () = closing.wait() => {
                    Err(End::Close(close_code::AWAY, "the server is ending"))
                }
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Sends what the client wants to see of a portion.
    async fn send(&mut self, socket: &mut WebSocket, entries: &[Arc<Entry>]) -> Result<(), End> {
        let wanted = entries.iter().filter(|entry| self.filter.passes(entry));
        let write = async {
            for entry in wanted {
                socket.feed(Message::Text(entry.text())).await?;
            }
            socket.flush().await
        };
        self.within_reason(write).await?;
        self.seat.has_seen(self.reader.seen());
        Ok(())
    }

    async fn ping(&self, socket: &mut WebSocket) -> Result<(), End> {
        self.within_reason(socket.send(Message::Ping(Bytes::new()))).await
    }

    /// Waits for a write, but not for a client that does not read.
    async fn within_reason(&self, write: impl Future<Output = Result<(), axum::Error>>) -> Result<(), End> {
        let mut closing = self.shared.closing.clone();
        let patience = if self.shared.heartbeat.is_zero() { NEVER } else { self.shared.heartbeat * 2 };
        tokio::select! {
            // Mostly there is room, and nothing else needs to be asked.
            biased;
            written = write => written.map_err(|_| End::Gone),
            () = self.seat.cut() => Err(self.too_slow()),
            () = tokio::time::sleep(patience) => Err(self.too_slow()),
            () = closing.wait() => Err(End::Gone),
        }
    }

    fn too_slow(&self) -> End {
        self.seat.too_slow();
        End::Close(TRY_AGAIN, "you did not read what was sent: come back")
    }

    /// Begins to publish what the client has sent.
    fn receive(&self, message: Option<Result<Message, axum::Error>>) -> Result<Option<Publishing>, End> {
        match message {
            None | Some(Ok(Message::Close(_))) => Err(End::Gone),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Binary(_))) => Err(End::Close(close_code::UNSUPPORTED, "messages are text")),
            Some(Ok(Message::Text(_))) if self.shared.publishing.is_none() => {
                Err(End::Close(close_code::POLICY, "this server takes no messages"))
            }
            Some(Ok(Message::Text(text))) => {
                let (shared, filter) = (Arc::clone(&self.shared), self.filter.clone());
                Ok(Some(Box::pin(async move { shared.publish(&filter, text.to_string()).await })))
            }
            Some(Err(error)) => Err(broken(error)),
        }
    }

    /// Tells the client that its message was not published. That it was it sees in the feed.
    async fn told(&self, socket: &mut WebSocket, answer: Result<(), Unpublished>) -> Result<(), End> {
        let Err(Unpublished::Refused(why) | Unpublished::Unavailable(why)) = answer else { return Ok(()) };
        let at = format!("{:.6}", jiff::Timestamp::now());
        let record = serde_json::json!({"type": "control", "event": "refused", "at": at, "detail": why});
        self.within_reason(socket.send(Message::Text(record.to_string().into()))).await
    }
}

/// The answer to the message that is being published; there is none while there is no such message.
async fn answer(publishing: &mut Option<Publishing>) -> Result<(), Unpublished> {
    match publishing {
        Some(publishing) => publishing.await,
        None => std::future::pending().await,
    }
}

/// What to say of frames that are none.
fn broken(error: axum::Error) -> End {
    match error.into_inner().downcast_ref() {
        Some(Wrong::Capacity(_)) => End::Close(close_code::SIZE, "the message is too long"),
        Some(Wrong::Utf8(_)) => End::Close(close_code::INVALID, "the message is not UTF-8"),
        Some(Wrong::Protocol(_)) => End::Close(close_code::PROTOCOL, "that is not a WebSocket frame"),
        _ => End::Gone,
    }
}
