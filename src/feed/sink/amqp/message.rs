//! Events as messages: where each goes, and what is in it.

use std::borrow::Cow;
use std::fmt::Write as _;

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};

use crate::feed::event::Event;
use crate::feed::sink::body::{Body, message_id};
use crate::feed::sink::template::Template;

/// Survives a restart of the broker, in a durable queue.
const PERSISTENT: u8 = 2;

/// How events become messages.
pub struct Shape {
    pub exchange: Template,
    pub key: Template,
    pub headers: Vec<(ShortString, Template)>,
    pub body: Body,
}

/// A message that is to be published.
pub struct Message {
    pub exchange: ShortString,
    pub key: ShortString,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
    /// About the size of its properties, which must fit into one frame, in bytes.
    pub head_bytes: usize,
}

impl Shape {
    /// Makes the message of an event that has this body.
    ///
    /// # Errors
    /// Why there can be none: what a template asks for and the event does not tell, or a name that is too long.
    pub fn message(&self, event: &Event, body: Vec<u8>) -> Result<Message, String> {
        let by_default_exchange = self.exchange.fixed() == Some("");
        let exchange = self.exchange.fill(event, as_it_is).map_err(|why| format!("exchange: {why}"))?;
        if exchange.is_empty() && !by_default_exchange {
            return Err("exchange: it would be the default one, which delivers to any queue".to_owned());
        }
        // The default exchange knows whole names of queues only.
        let clean = if by_default_exchange { as_it_is } else { as_one_word };
        let key = self.key.fill(event, clean).map_err(|why| format!("key: {why}"))?;
        let (exchange, key) = (short("the exchange", &exchange)?, short("the routing key", &key)?);
        let mut properties = BasicProperties::default()
            .with_delivery_mode(PERSISTENT)
            .with_timestamp(u64::try_from(event.at.as_second()).unwrap_or(0))
            .with_app_id("pgfeed".into());
        let mut head_bytes = 100;
        if let Some(id) = message_id(event) {
            properties = properties.with_message_id(short("the message id", &id)?);
        }
        if !self.headers.is_empty() {
            let mut table = FieldTable::default();
            for (name, template) in &self.headers {
                let value = template.fill(event, as_it_is).map_err(|why| format!("header.{name}: {why}"))?;
                head_bytes += name.as_str().len() + value.len() + 6;
                table.insert(name.clone(), AMQPValue::LongString(LongString::from(value.into_owned())));
            }
            properties = properties.with_headers(table);
        }
        properties = properties.with_content_type(content_type(self.body, &event.payload).into());
        Ok(Message { exchange, key, properties, body, head_bytes })
    }

    /// Whether all events of one source go to one exchange with one routing key: then no event is to blame for where it goes.
    pub fn is_one_route(&self) -> bool {
        self.exchange.is_the_same_for_all() && self.key.is_the_same_for_all()
    }
}

/// What the body of a message is.
fn content_type(body: Body, payload: &str) -> &'static str {
    let is_json = body == Body::Event || serde_json::from_str::<&serde_json::value::RawValue>(payload).is_ok();
    if is_json { "application/json" } else { "text/plain" }
}

fn as_it_is(value: &str) -> Cow<'_, str> {
    Cow::Borrowed(value)
}

/// A value that stays one word of a routing key, and none that a binding could take for a pattern.
fn as_one_word(value: &str) -> Cow<'_, str> {
    if !value.contains(is_special) {
        return Cow::Borrowed(value);
    }
    let mut word = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        match c {
            c if is_special(c) => write!(word, "%{:02X}", c as u32).expect("a String accepts all writes"),
            c => word.push(c),
        }
    }
    Cow::Owned(word)
}

/// What separates the words of a routing key, stands for words in a binding, or would be ambiguous.
fn is_special(c: char) -> bool {
    c.is_ascii_control() || matches!(c, '.' | '*' | '#' | '%')
}

/// A name of the protocol, which has at most 255 bytes.
fn short(what: &str, text: &str) -> Result<ShortString, String> {
    ShortString::try_new(text).map_err(|_| format!("{what} has {} bytes, and 255 is the most", text.len()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::feed::event::Origin;

    fn message(exchange: &str, key: &str, value: &str) -> Result<Message, String> {
        let origin = Origin::Queue { queue: Arc::from("a.q"), id: 9, attempt: 2, key: 1, barrier: false };
        let row = serde_json::json!({"op": "INSERT", "schema": "s", "table": "t", "new": {"v": value}});
        let event = Event { origin, at: Timestamp::UNIX_EPOCH, payload: row.to_string().into() };
        let (exchange, key) = (Template::parse(exchange)?, Template::parse(key)?);
        Shape { exchange, key, headers: Vec::new(), body: Body::Payload }.message(&event, Vec::new())
    }

    #[test]
    fn names_of_queues_stay_as_they_are_and_other_values_are_words() {
        let key = |exchange: &str| message(exchange, "{queue}.{new.v}", "x.#é").unwrap().key.to_string();
        assert_eq!(key(""), "a.q.x.#é");
        assert_eq!(key("topics"), "a%2Eq.x%2E%23é");
    }

    #[test]
    fn names_have_their_limits() {
        let refused = |exchange: &str, key: &str, value: &str| message(exchange, key, value).map(drop).unwrap_err();
        assert_eq!(refused("", "{new.v}", &"x".repeat(256)), "the routing key has 256 bytes, and 255 is the most");
        assert_eq!(refused("{new.v}", "", &"é".repeat(128)), "the exchange has 256 bytes, and 255 is the most");
        assert_eq!(refused("{new.v}", "", ""), "exchange: it would be the default one, which delivers to any queue");
        assert_eq!(refused("x", "{old.v}", ""), "key: the change tells no \"old\"");
        assert!(message("", "{new.v}", &"x".repeat(255)).is_ok());
    }

    proptest! {
        #[test]
        fn a_value_is_one_word_and_can_be_read_back(value in any::<String>()) {
            let word = as_one_word(&value);
            prop_assert!(!word.contains(['.', '*', '#']) && !word.contains(|c: char| c.is_ascii_control()));
            prop_assert_eq!(percent_encoding::percent_decode_str(&word).decode_utf8().unwrap(), &*value);
        }
    }
}
