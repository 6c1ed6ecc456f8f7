//! What a process finds in its environment: where an event comes from and what it is about. Never the payload.

use crate::feed::change::Change;
use crate::feed::event::{Event, Origin};

/// All variables that are ours.
pub const NAMES: [&str; 6] =
    ["PGFEED_CHANNEL", "PGFEED_QUEUE", "PGFEED_ID", "PGFEED_OP", "PGFEED_TABLE", "PGFEED_ATTEMPT"];

/// Variables for one process.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Variables(Vec<(&'static str, String)>);

impl Variables {
    /// For a process that gets this event alone.
    pub fn of_event(event: &Event) -> Self {
        let mut variables = match &event.origin {
            Origin::Channel { channel, .. } => vec![("PGFEED_CHANNEL", channel.to_string())],
            Origin::Queue { queue, id, attempt, .. } => vec![
                ("PGFEED_QUEUE", queue.to_string()),
                ("PGFEED_ID", id.to_string()),
                ("PGFEED_ATTEMPT", attempt.to_string()),
            ],
        };
        if let Some(Change { op, schema, table, .. }) = Change::of(&event.payload) {
            variables.extend([("PGFEED_OP", op.into_owned()), ("PGFEED_TABLE", format!("{schema}.{table}"))]);
        }
        Self(variables)
    }

    /// For a process that gets this event and others of the feed: all are of one queue, but they may be of several channels.
    pub fn of_feed(event: &Event) -> Self {
        Self(match &event.origin {
            Origin::Channel { .. } => Vec::new(),
            Origin::Queue { queue, .. } => vec![("PGFEED_QUEUE", queue.to_string())],
        })
    }

    /// The names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;

    fn told(payload: &str) -> String {
        let origin = Origin::Queue { queue: Arc::from("q"), id: 7, attempt: 2, key: 1, barrier: false };
        let event = Event { origin, at: Timestamp::UNIX_EPOCH, payload: payload.into() };
        Variables::of_event(&event).iter().map(|(name, value)| format!("{name}={value} ")).collect()
    }

    #[test]
    fn a_change_tells_its_table() {
        let head = "PGFEED_QUEUE=q PGFEED_ID=7 PGFEED_ATTEMPT=2 ";
        let change =
            r#"{"op":"UPDATE","schema":"public","table":"a \"b\"","key":{"id":7},"new":{"op":[1e999]},"txid":"8"}"#;
        assert_eq!(told(change), format!("{head}PGFEED_OP=UPDATE PGFEED_TABLE=public.a \"b\" "));
        assert_eq!(told("text"), head);
    }

    #[test]
    fn what_only_looks_like_a_change_tells_nothing() {
        let long = "x".repeat(256);
        for (op, schema, table) in [
            ("update", "public", "t"),
            ("UPDATE", "", "t"),
            ("UPDATE", "public", "a\\u0000b"),
            ("UPDATE", "public", &long),
            ("UPDATE", "public", "t\",\"table\":\"u"),
        ] {
            let payload = format!(r#"{{"op":"{op}","schema":"{schema}","table":"{table}"}}"#);
            assert!(!told(&payload).contains("PGFEED_OP"), "{payload}");
        }
        assert!(!told(r#"{"op":"UPDATE","table":"t"}"#).contains("PGFEED_OP"));
        assert!(!told(r#"["UPDATE","public","t"]"#).contains("PGFEED_OP"));
    }

    #[test]
    fn a_feed_of_notifications_tells_nothing_of_one() {
        let origin = Origin::Channel { channel: Arc::from("c"), pid: 1 };
        let event = Event { origin, at: Timestamp::UNIX_EPOCH, payload: "".into() };
        assert_eq!(Variables::of_event(&event).iter().collect::<Vec<_>>(), [("PGFEED_CHANNEL", "c")]);
        assert_eq!(Variables::of_feed(&event).iter().count(), 0);
    }
}
