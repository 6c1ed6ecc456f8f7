//! What a message of an engine holds, and what it is known by.

use super::target::Target;
use crate::error::Result;
use crate::feed::event::{Event, Item, Origin};
use crate::feed::format::{Format as _, Json, Raw};

/// The parameter that chooses, for `--to help`.
pub const PARAMETER: (&str, &str) =
    ("body", "event: the JSON object that -o json prints, or payload: what was sent [event]");

/// What usually stands around a payload, in bytes.
const ENVELOPE: usize = 192;

/// What a message holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// The event as a JSON object.
    Event,
    /// Its payload alone.
    Payload,
}

impl Body {
    /// Takes the parameter out.
    ///
    /// # Errors
    /// A usage error when it is neither.
    pub fn take(target: &mut Target) -> Result<Self> {
        Ok(target.take_as("body", Self::read)?.unwrap_or(Self::Event))
    }

    /// Reads the parameter's value.
    ///
    /// # Errors
    /// That it is neither.
    pub fn read(value: &str) -> Result<Self, String> {
        match value {
            "event" => Ok(Self::Event),
            "payload" => Ok(Self::Payload),
            _ => Err("it is event or payload".to_owned()),
        }
    }

    /// The body of an event.
    pub fn of(self, item: &Item) -> Vec<u8> {
        let payload = match item {
            Item::Event(event) => event.payload.len(),
            Item::Control(_) => 0,
        };
        // In one piece, unless much has to be escaped: to grow it again and again is a tenth of what a message costs us.
        let mut body = Vec::with_capacity(payload + ENVELOPE);
        match self {
            Self::Event => Json { control: false }.append(&mut body, item),
            Self::Payload => Raw.append(&mut body, item),
        };
        body
    }
}

/// What to deduplicate by: the queue's name, the event's id, and when it was written, in microseconds since 1970; the same in every
/// attempt. The time is there because ids start over with a queue that is made anew, because those that a failover has lost are
/// given again, and because other databases have queues of that name. A notification has none.
pub fn message_id(event: &Event) -> Option<String> {
    match &event.origin {
        Origin::Channel { .. } => None,
        Origin::Queue { queue, id, .. } => Some(format!("{queue}:{id}:{}", event.at.as_microsecond())),
    }
}
