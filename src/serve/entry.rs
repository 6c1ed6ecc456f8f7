//! One event or control record, encoded once for all clients: as a message of a WebSocket, and as one of an event stream.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::ws::Utf8Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::feed::event::{Event, Item, Origin};
use crate::feed::format::{Format as _, Json};

/// The longest event in JSON, in bytes. Of a longer one only the head is shown: every client holds what it is being sent.
const LONGEST_BYTES: usize = 1 << 20;

/// An encoded event or control record.
#[derive(Debug)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// What filters look at.
    pub subject: Subject,
    /// When it came.
    pub at: Instant,
    stream: Bytes,
    text: Utf8Bytes,
}

/// What filters look at.
#[derive(Debug)]
pub enum Subject {
    /// A record about the feed itself, which concerns everybody.
    Feed,
    /// An event.
    Event {
        /// Its channel; none when it comes from a queue.
        channel: Option<Arc<str>>,
        /// What it tells, when its payload is a change.
        change: Option<Change>,
    },
}

/// A change of a table, as far as filters care.
#[derive(Debug)]
pub struct Change {
    /// As in the payload, such as `INSERT`.
    pub op: String,
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
}

/// The head of a payload that is a change.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    op: Cow<'a, str>,
    #[serde(borrow)]
    schema: Cow<'a, str>,
    #[serde(borrow)]
    table: Cow<'a, str>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    txid: Option<&'a RawValue>,
    #[serde(borrow)]
    at: Option<&'a RawValue>,
}

impl Entry {
    /// Encodes an item under a number and the id that clients know it by.
    pub fn new(seq: u64, id: &str, item: &Item) -> Self {
        let (stream, json) = encode(id, item);
        let stream = Bytes::from(stream);
        let text = Utf8Bytes::try_from(stream.slice(json)).expect("JSON made of strings is UTF-8");
        Self { seq, subject: subject(item), at: Instant::now(), stream, text }
    }

    /// The message of a WebSocket; shared, not copied.
    pub fn text(&self) -> Utf8Bytes {
        self.text.clone()
    }

    /// The message of an event stream, with the empty line that ends it; shared, not copied.
    pub fn stream(&self) -> Bytes {
        self.stream.clone()
    }

    /// Memory held, in bytes: the message and about what surrounds it.
    pub fn held_bytes(&self) -> usize {
        self.stream.len() + size_of::<Self>() + 64
    }
}

/// The message of an event stream, and where its JSON stands. That has no line breaks: nothing in it can end the message.
fn encode(id: &str, item: &Item) -> (Vec<u8>, std::ops::Range<usize>) {
    let mut out = Vec::with_capacity(512);
    if let Item::Control(control) = item {
        // A type of its own, so that `onmessage` hears of events only.
        writeln!(out, "event: {}", control.kind.name()).expect("a Vec accepts all writes");
    }
    write!(out, "id: {id}\ndata: ").expect("a Vec accepts all writes");
    let start = out.len();
    append_json(&mut out, item);
    if out.len() - start > LONGEST_BYTES
        && let Item::Event(event) = item
    {
        out.truncate(start);
        append_json(&mut out, &Item::Event(shortened(event)));
    }
    // The id stands in the JSON as well, for those who have no other place for it.
    out.pop();
    write!(out, r#","event_id":"{id}"}}"#).expect("a Vec accepts all writes");
    let json = start..out.len();
    out.extend_from_slice(b"\n\n");
    (out, json)
}

fn append_json(out: &mut Vec<u8>, item: &Item) {
    Json { control: true }.append(out, item);
}

/// What is left of an event that is too long: as of a change that does not fit into a notification, its head.
fn shortened(event: &Event) -> Event {
    let mut payload = serde_json::Map::new();
    if let Ok(head) = serde_json::from_str::<Head>(&event.payload) {
        payload.insert("op".into(), head.op.into());
        payload.insert("schema".into(), head.schema.into());
        payload.insert("table".into(), head.table.into());
        for (name, value) in [("key", head.key), ("txid", head.txid), ("at", head.at)] {
            let value = value.filter(|value| value.get().len() < LONGEST_BYTES / 4);
            if let Some(value) = value.and_then(|value| serde_json::from_str(value.get()).ok()) {
                payload.insert(name.into(), value);
            }
        }
    }
    payload.insert("truncated".into(), true.into());
    payload.insert("bytes".into(), event.payload.len().into());
    Event { payload: serde_json::Value::Object(payload).to_string().into(), ..event.clone() }
}

fn subject(item: &Item) -> Subject {
    let Item::Event(event) = item else { return Subject::Feed };
    let channel = match &event.origin {
        Origin::Channel { channel, .. } => Some(Arc::clone(channel)),
        Origin::Queue { .. } => None,
    };
    let change = event.payload.starts_with('{').then(|| serde_json::from_str::<Head>(&event.payload).ok()).flatten();
    let change = change.map(|head| Change {
        op: head.op.into_owned(),
        schema: head.schema.into_owned(),
        table: head.table.into_owned(),
    });
    Subject::Event { channel, change }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::feed::event::{Control, ControlKind};

    fn entry(payload: &str) -> Entry {
        let origin = Origin::Channel { channel: Arc::from("orders"), pid: 1 };
        let event = Event { origin, at: Timestamp::UNIX_EPOCH, payload: payload.into() };
        Entry::new(7, "e-7", &Item::Event(event))
    }

    #[test]
    fn both_forms_carry_the_id() {
        let entry = entry(r#"{"op":"INSERT","schema":"public","table":"orders"}"#);
        let json = r#"{"type":"notification","channel":"orders","pid":1,"at":"1970-01-01T00:00:00.000000Z","payload":{"op":"INSERT","schema":"public","table":"orders"},"event_id":"e-7"}"#;
        assert_eq!(entry.text().as_str(), json);
        assert_eq!(entry.stream(), format!("id: e-7\ndata: {json}\n\n"));
        let Subject::Event { channel, change: Some(change) } = &entry.subject else { panic!("{entry:?}") };
        assert_eq!((channel.as_deref(), change.table.as_str()), (Some("orders"), "orders"));
    }

    #[test]
    fn a_control_record_is_an_event_of_its_own_type() {
        let control = Control::now(ControlKind::Gap, &Arc::from([Arc::from("c")]), None, None);
        let entry = Entry::new(1, "e-1", &Item::Control(control));
        let stream = String::from_utf8(entry.stream().to_vec()).unwrap();
        assert!(stream.starts_with("event: gap\nid: e-1\ndata: {\"type\":\"control\",\"event\":\"gap\""), "{stream}");
    }

    #[test]
    fn of_an_event_that_is_too_long_the_head_is_left() {
        let long = "x".repeat(LONGEST_BYTES);
        let change =
            format!(r#"{{"op":"INSERT","schema":"s","table":"t","key":{{"id":7}},"new":{{"x":"{long}"}},"txid":"8"}}"#);
        let text = entry(&change).text().to_string();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let head = serde_json::json!({"op": "INSERT", "schema": "s", "table": "t", "key": {"id": 7}, "txid": "8",
                                      "truncated": true, "bytes": change.len()});
        assert_eq!(value["payload"], head);
        let value: serde_json::Value = serde_json::from_str(&entry(&long).text()).unwrap();
        assert_eq!(value["payload"], serde_json::json!({"truncated": true, "bytes": long.len()}));
    }

    proptest! {
        #[test]
        fn no_payload_can_end_a_message_or_begin_another(payload in any::<String>()) {
            let stream = String::from_utf8(entry(&payload).stream().to_vec()).unwrap();
            let lines: Vec<&str> = stream.split(['\n', '\r']).collect();
            prop_assert_eq!(lines.len(), 4);
            prop_assert_eq!((lines[0], lines[2]), ("id: e-7", ""));
            prop_assert!(lines[1].starts_with("data: "));
        }
    }
}
