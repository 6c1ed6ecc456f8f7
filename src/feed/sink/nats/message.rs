//! A message for NATS, and what was made of it.

use async_nats::{HeaderMap, Subject, header};
use bytes::Bytes;

use super::options::Options;
use super::subject;
use crate::feed::event::{Event, Item};
use crate::feed::sink::body;
use crate::feed::sink::judged::Judged;

/// A message to publish.
pub struct Message {
    pub subject: Subject,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// As the server counts it, in bytes.
    pub size: usize,
    pub fate: Fate,
}

/// How far a message has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was not sent.
    Unsent,
    /// It was sent, and nothing is known of it.
    Sent,
    /// Its subject belongs to no stream, or to another than the expected one.
    Stray,
    /// We may not publish to its subject.
    Denied,
    /// What became of it.
    Known(Judged),
}

impl Message {
    /// The message of an event.
    ///
    /// # Errors
    /// Why there can be none.
    pub fn of(event: &Event, item: &Item, options: &Options) -> Result<Self, String> {
        let subject = Subject::from(subject::of(&options.subject, event)?);
        let body = Bytes::from(options.body.of(item));
        let (mut headers, mut lines) = (HeaderMap::new(), 0);
        let mut add = |name: header::HeaderName, value: String| {
            lines += AsRef::<str>::as_ref(&name).len() + value.len() + ": \r\n".len();
            headers.insert(name, value);
        };
        if let Some(id) = body::message_id(event) {
            add(header::NATS_MESSAGE_ID, id);
        }
        if let Some(stream) = &options.stream {
            add(header::NATS_EXPECTED_STREAM, stream.clone());
        }
        let frame = if lines > 0 { "NATS/1.0\r\n\r\n".len() } else { 0 };
        let size = body.len() + lines + frame;
        Ok(Self { subject, headers, body, size, fate: Fate::Unsent })
    }
}
