//! Events for people: a line each, aligned, with the change picked out where the payload is one of pgfeed's.

use std::io::Write as _;

use colored::{Color, ColoredString, Colorize};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Format;
use crate::feed::event::{Event, Item, Origin};
use crate::text;

/// Formats events for people. Everything that came from others is escaped.
pub struct Pretty {
    color: bool,
    zone: TimeZone,
    channel_width: usize,
}

/// The part of a change that a person looks at first.
#[derive(Deserialize)]
struct Change<'a> {
    op: &'a str,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow)]
    moved_to: Option<&'a RawValue>,
    #[serde(borrow)]
    new: Option<&'a RawValue>,
    #[serde(borrow)]
    old: Option<&'a RawValue>,
    #[serde(borrow)]
    changed: Option<&'a RawValue>,
    #[serde(default)]
    truncated: bool,
}

impl Pretty {
    /// Makes a format that is `color`ed or not, with the times of the system's time zone.
    pub fn new(color: bool) -> Self {
        Self { color, zone: TimeZone::system(), channel_width: 0 }
    }

    fn paint(&self, words: &str, how: impl FnOnce(&str) -> ColoredString) -> String {
        if self.color { how(words).to_string() } else { words.to_owned() }
    }

    fn describe(&self, payload: &str) -> String {
        let Ok(change) = serde_json::from_str::<Change>(payload) else {
            return text::escape(payload).into_owned();
        };
        let color = match change.op {
            "INSERT" | "SNAPSHOT" => Color::Green,
            "UPDATE" => Color::Yellow,
            "DELETE" | "TRUNCATE" => Color::Red,
            _ => return text::escape(payload).into_owned(),
        };
        let mut words = self.paint(&format!("{:<8}", change.op), |s| s.color(color).bold());
        let mut part = |label: &str, value: Option<&RawValue>, how: fn(&str) -> ColoredString| {
            let Some(value) = value else { return };
            let label = self.paint(label, |s| s.dimmed());
            words.push_str(&format!(" {label}{}", self.paint(&text::escape(value.get()), how)));
        };
        part("", change.key, |s| s.bold());
        part("moved to ", change.moved_to, |s| s.bold());
        part("", change.new, |s| s.normal());
        part("was ", change.changed, |s| s.dimmed());
        part("old ", change.old, |s| s.dimmed());
        if change.truncated {
            words.push_str(&self.paint(" (values too long for a notification)", |s| s.dimmed()));
        }
        words
    }

    fn line(&mut self, event: &Event) -> String {
        let time = event.at.to_zoned(self.zone.clone()).strftime("%H:%M:%S.%3f").to_string();
        let channel = match &event.origin {
            Origin::Channel { channel, .. } => text::escape(channel),
            Origin::Queue { queue, id, .. } => format!("{} {id}", text::escape(queue)).into(),
        };
        self.channel_width = self.channel_width.max(channel.chars().count());
        let channel = format!("{channel:<width$}", width = self.channel_width);
        let (time, channel) = (self.paint(&time, |s| s.dimmed()), self.paint(&channel, |s| s.cyan()));
        format!("{time} {channel} {}", self.describe(&event.payload))
    }
}

impl Format for Pretty {
    fn append(&mut self, out: &mut Vec<u8>, item: &Item) -> bool {
        let Item::Event(event) = item else { return false };
        write!(out, "{}", self.line(event)).expect("a Vec accepts all writes");
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn line(payload: &str) -> String {
        let mut pretty = Pretty { color: false, zone: TimeZone::UTC, channel_width: 0 };
        let at = "2026-11-20T23:28:41.123456Z".parse().unwrap();
        let event =
            Event { origin: Origin::Channel { channel: Arc::from("orders"), pid: 1 }, at, payload: payload.into() };
        pretty.line(&event)
    }

    #[test]
    fn a_change_is_picked_out() {
        let change = r#"{"op":"UPDATE","schema":"public","table":"orders","key":{"id":7},"new":{"id":7,"status":"paid"},"changed":{"status":"new"},"txid":"1"}"#;
        let expected = r#"23:28:41.123 orders UPDATE   {"id":7} {"id":7,"status":"paid"} was {"status":"new"}"#;
        assert_eq!(line(change), expected);
    }

    #[test]
    fn other_payloads_are_shown_escaped() {
        assert_eq!(line("a\x1b[2J\nb"), "23:28:41.123 orders a\\u{001b}[2J\\nb");
        assert_eq!(line(r#"{"op":"x"}"#), r#"23:28:41.123 orders {"op":"x"}"#);
        let sneaky = "{\"op\":\"INSERT\",\"new\":{\"a\":\"\u{202e}\"}}";
        assert_eq!(line(sneaky), "23:28:41.123 orders INSERT   {\"a\":\"\\u{202e}\"}");
    }
}
