//! Subjects: what an event tells becomes a part of one, and nothing more.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::feed::event::Event;
use crate::feed::sink::template::Template;

/// A value is one token of a subject: no separator, no wildcard, nothing that ends the protocol's line, and no `$`, with which
/// the names begin that the server itself listens on. Characters beyond ASCII are encoded as well.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'.').add(b'*').add(b'>').add(b'$').add(b'%');

/// The server ends a connection whose protocol line is longer than 4096 bytes, and the line holds more than the subject.
const LONGEST: usize = 1024;

/// Reads a template of subjects.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Template, String> {
    let template = Template::parse(text)?;
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || c == '*' || c == '>';
    if template.literals().any(|text| text.contains(is_wrong)) {
        return Err("a subject to publish to has no spaces and no wildcards".to_owned());
    }
    Ok(template)
}

/// The subject of an event.
///
/// # Errors
/// Why it has none.
pub fn of(template: &Template, event: &Event) -> Result<String, String> {
    let subject = template.fill(event, |value| Cow::from(utf8_percent_encode(value, UNSAFE)))?;
    if subject.split('.').any(str::is_empty) {
        return Err(format!("the subject \"{subject}\" has an empty part"));
    }
    if subject.len() > LONGEST {
        return Err(format!("the subject would be {} bytes long, and {LONGEST} is the most", subject.len()));
    }
    Ok(subject.into_owned())
}

/// Whether a stream with this among its subjects takes a subject.
pub fn is_covered(subject: &str, pattern: &str) -> bool {
    let (mut parts, mut patterns) = (subject.split('.'), pattern.split('.'));
    loop {
        match (parts.next(), patterns.next()) {
            (Some(_), Some(">")) | (None, None) => return true,
            (Some(_), Some("*")) => {}
            (Some(part), Some(pattern)) if part == pattern => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::feed::event::Origin;

    fn subject(template: &str, value: &str) -> Result<String, String> {
        let payload = serde_json::json!({"op": "INSERT", "schema": "s", "table": "t", "key": {"k": value}}).to_string();
        let origin = Origin::Queue { queue: Arc::from("q"), id: 9, attempt: 1, key: 1, barrier: false };
        let event = Event { origin, at: Timestamp::UNIX_EPOCH, payload: payload.into() };
        of(&parse(template)?, &event)
    }

    #[test]
    fn a_value_is_one_token() {
        for (value, token) in [
            ("plain-7_x", "plain-7_x"),
            ("a.b*c>d", "a%2Eb%2Ac%3Ed"),
            ("a b\r\nPUB x 0", "a%20b%0D%0APUB%20x%200"),
            ("$JS", "%24JS"),
            ("100%", "100%25"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(subject("x.{key}", value), Ok(format!("x.{token}")));
        }
    }

    #[test]
    fn what_is_no_subject_is_refused() {
        for template in ["", "a b", "a.*", "a.>", "a\t", "{nix}"] {
            assert!(parse(template).is_err(), "{template}");
        }
        for template in [".{key}", "{key}.", "a..{key}"] {
            assert!(subject(template, "x").is_err(), "{template}");
        }
        assert!(subject("a.{key}", "").is_err());
        assert!(subject("{key}", &"x".repeat(LONGEST)).is_ok());
        assert!(subject("{key}", &"x".repeat(LONGEST + 1)).is_err());
    }

    #[test]
    fn a_stream_takes_what_its_subjects_cover() {
        for (pattern, covered, others) in [
            ("a.b", &["a.b"][..], &["a", "a.b.c", "a.c", "b.a"][..]),
            ("a.*", &["a.b", "a.c"], &["a", "a.b.c", "b.c"]),
            ("*.b", &["a.b"], &["a.c", "b"]),
            ("a.>", &["a.b", "a.b.c"], &["a", "b.a"]),
            (">", &["a", "a.b"], &[]),
            ("a.*.c.>", &["a.b.c.d.e"], &["a.b.c", "a.b.d.e"]),
        ] {
            assert!(covered.iter().all(|subject| is_covered(subject, pattern)), "{pattern}");
            assert!(!others.iter().any(|subject| is_covered(subject, pattern)), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn no_value_is_more_than_a_token(value in any::<String>().prop_filter("no token", |value| !value.is_empty())) {
            if let Ok(subject) = subject("a.{key}.b", &value) {
                prop_assert_eq!(subject.split('.').count(), 3);
                prop_assert!(!subject.contains(|c: char| c.is_whitespace() || c.is_control() || "*>$".contains(c)));
            }
        }
    }
}
