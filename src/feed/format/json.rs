//! One JSON object a line. A payload that is a JSON object or array is embedded as it is, so that no number loses a digit.

use std::io::Write as _;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde_json::value::RawValue;

use super::Format;
use crate::feed::event::{About, Control, Event, Item, Origin};

/// Formats events as JSON lines.
#[derive(Debug, Clone, Copy)]
pub struct Json {
    /// Whether control records are written too.
    pub control: bool,
}

impl Format for Json {
    fn append(&mut self, out: &mut Vec<u8>, item: &Item) -> bool {
        match item {
            Item::Event(event) => append_event(out, event),
            Item::Control(control) if self.control => append_control(out, control),
            Item::Control(_) => return false,
        }
        true
    }
}

fn append_event(out: &mut Vec<u8>, event: &Event) {
    let written = match &event.origin {
        Origin::Channel { channel, pid } => {
            out.extend_from_slice(br#"{"type":"notification","channel":"#);
            append_string(out, channel);
            write!(out, r#","pid":{pid}"#)
        }
        Origin::Queue { queue, id, attempt, .. } => {
            out.extend_from_slice(br#"{"type":"event","queue":"#);
            append_string(out, queue);
            write!(out, r#","id":{id},"attempt":{attempt}"#)
        }
    };
    written.expect("a Vec accepts all writes");
    out.extend_from_slice(br#","at":""#);
    append_time(out, event.at);
    out.extend_from_slice(br#"","payload":"#);
    append_payload(out, &event.payload);
    out.push(b'}');
}

/// Appends `2026-11-20T23:28:41.123456Z`: what jiff would write, without its generality, which is a good part of what an event costs.
fn append_time(out: &mut Vec<u8>, at: Timestamp) {
    let time = Offset::UTC.to_datetime(at);
    let Ok(year) = u32::try_from(time.year()) else {
        return write!(out, "{at:.6}").expect("a Vec accepts all writes");
    };
    let micros = time.subsec_nanosecond().unsigned_abs() / 1000;
    let parts = [
        (year, 4, b'-'),
        (u32::from(time.month().unsigned_abs()), 2, b'-'),
        (u32::from(time.day().unsigned_abs()), 2, b'T'),
        (u32::from(time.hour().unsigned_abs()), 2, b':'),
        (u32::from(time.minute().unsigned_abs()), 2, b':'),
        (u32::from(time.second().unsigned_abs()), 2, b'.'),
        (micros, 6, b'Z'),
    ];
    for (mut number, digits, behind) in parts {
        let start = out.len();
        out.resize(start + digits, b'0');
        for digit in out[start..].iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).expect("a digit");
            number /= 10;
        }
        out.push(behind);
    }
}

/// Appends a control record.
pub fn append_control(out: &mut Vec<u8>, control: &Control) {
    let head = format!(r#"{{"type":"control","event":"{}","at":"{:.6}","#, control.kind.name(), control.at);
    out.extend_from_slice(head.as_bytes());
    match &control.about {
        About::Channels(channels) => {
            out.extend_from_slice(br#""channels":["#);
            for (n, channel) in channels.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                append_string(out, channel);
            }
            out.push(b']');
        }
        About::Queue(queue) => {
            out.extend_from_slice(br#""queue":"#);
            append_string(out, queue);
        }
    }
    if let Some(down) = control.down {
        write!(out, r#","down_ms":{}"#, down.as_millis()).expect("a Vec accepts all writes");
    }
    if let Some(detail) = &control.detail {
        out.extend_from_slice(br#","detail":"#);
        append_string(out, detail);
    }
    out.push(b'}');
}

/// Embeds an object or an array, with line breaks (which can only stand between its tokens) made spaces; all else is a string.
pub fn append_payload(out: &mut Vec<u8>, payload: &str) {
    let nested = payload.trim_ascii_start().starts_with(['{', '[']);
    let Some(raw) = nested.then(|| serde_json::from_str::<&RawValue>(payload).ok()).flatten() else {
        return append_string(out, payload);
    };
    let start = out.len();
    out.extend_from_slice(raw.get().as_bytes());
    for byte in &mut out[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}

fn append_string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a string is always JSON, and a Vec accepts all writes");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::feed::event::ControlKind;

    fn line(payload: &str) -> String {
        let at = "2026-11-20T23:28:41.1234564Z".parse().unwrap();
        let event = Event {
            origin: Origin::Channel { channel: Arc::from("or\"ders"), pid: 4711 },
            at,
            payload: payload.into(),
        };
        let mut out = Vec::new();
        assert!(Json { control: false }.append(&mut out, &Item::Event(event)));
        String::from_utf8(out).unwrap()
    }

    fn payload(text: &str) -> String {
        let line = line(text);
        let head =
            r#"{"type":"notification","channel":"or\"ders","pid":4711,"at":"2026-11-20T23:28:41.123456Z","payload":"#;
        line.strip_prefix(head).unwrap().strip_suffix('}').unwrap().to_owned()
    }

    #[test]
    fn objects_and_arrays_are_embedded_as_they_are() {
        for json in
            [r#"{"a":12345678901234567890.1234567890123456789}"#, "[1e400]", "[]", r#"{"a":1,"a":2}"#, "[\"\\ud800\"]"]
        {
            assert_eq!(payload(json), json);
        }
        assert_eq!(payload("{\"a\":\r\n 1}\n"), "{\"a\":   1}");
        let deep = "[".repeat(3000) + &"]".repeat(3000);
        assert_eq!(payload(&deep), deep);
    }

    #[test]
    fn everything_else_is_a_string() {
        for (text, json) in [("", "\"\""), ("1", "\"1\""), ("null", "\"null\""), ("{", "\"{\""), ("[1] x", "\"[1] x\"")]
        {
            assert_eq!(payload(text), json);
        }
        assert_eq!(payload("\u{1b}]0;x\u{7}\r\n\u{2028}"), "\"\\u001b]0;x\\u0007\\r\\n\u{2028}\"");
    }

    #[test]
    fn control_records() {
        let control = Control {
            kind: ControlKind::Gap,
            at: Timestamp::UNIX_EPOCH,
            about: About::Channels(Arc::from([Arc::from("a"), Arc::from("b\"")])),
            down: Some(Duration::from_millis(1830)),
            detail: Some("why\n".to_owned()),
        };
        let mut out = Vec::new();
        let item = Item::Control(control);
        assert!(!Json { control: false }.append(&mut out, &item) && out.is_empty());
        assert!(Json { control: true }.append(&mut out, &item));
        let expected = r#"{"type":"control","event":"gap","at":"1970-01-01T00:00:00.000000Z","channels":["a","b\""],"down_ms":1830,"detail":"why\n"}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn a_time_is_what_jiff_writes(micros in Timestamp::MIN.as_microsecond()..Timestamp::MAX.as_microsecond()) {
            let at = Timestamp::from_microsecond(micros).unwrap();
            let mut out = Vec::new();
            append_time(&mut out, at);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("{at:.6}"));
        }

        #[test]
        fn any_payload_is_one_line_that_parses_back(text in any::<String>()) {
            let line = line(&text);
            prop_assert!(!line.contains(['\n', '\r']));
            let back: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let Some(string) = back["payload"].as_str() {
                prop_assert_eq!(string, text);
            }
        }

        #[test]
        fn whatever_looks_like_json_still_makes_one_valid_line(text in r#"[\[\{][\[\]\{\}:,"0-9a\\ \n\r]{0,12}"#) {
            let line = line(&text);
            prop_assert!(!line.contains(['\n', '\r']));
            prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
        }
    }
}
