//! What the URL of a Redis server says: where, who, and what is added where.

use std::borrow::Cow;
use std::time::Duration;

use redis::Cmd;

use crate::error::{Error, Result};
use crate::feed::event::{Event, Item};
use crate::feed::sink::address::Address;
use crate::feed::sink::body::{self, Body};
use crate::feed::sink::patience;
use crate::feed::sink::registry::Acknowledgement;
use crate::feed::sink::target::Target;
use crate::feed::sink::template::Template;
use crate::feed::sink::tls::{self, Tls};
use crate::units;

const PORT: u16 = 6379;
/// A longer name is a mistake, in bytes.
const LONGEST_NAME: usize = 1024;

/// For `--to help`.
pub const PARAMETERS: &[(&str, &str)] = &[
    (
        "stream",
        "template of the stream's name; each entry has the fields id (QUEUE:ID:MICROSECONDS) and body [{queue}]",
    ),
    ("maxlen", "trim the stream to about so many entries when one is added [never]"),
    (
        "channel",
        "template of a channel, instead of a stream: what nobody listens to is lost; with listen or --at-most-once",
    ),
    body::PARAMETER,
    patience::PARAMETER,
    tls::PARAMETERS[0],
    tls::PARAMETERS[1],
    tls::PARAMETERS[2],
];

/// What a URL says.
pub struct Options {
    /// Scheme and hosts, for messages.
    pub shown: String,
    pub address: Address,
    pub database: u32,
    pub tls: Option<Tls>,
    /// How long an acknowledgement may take.
    pub within: Duration,
    pub place: Place,
    pub body: Body,
}

/// What takes the events.
pub enum Place {
    Stream { name: Template, maxlen: Option<u64> },
    Channel(Template),
}

impl Options {
    /// Reads a URL.
    ///
    /// # Errors
    /// Usage errors.
    pub fn of(mut target: Target, acknowledgement: Acknowledgement) -> Result<Self> {
        let shown = target.shown().to_owned();
        let refused = |why: &str| Error::usage(format!("--to {shown}: {why}"));
        let address = Address::of(&target, PORT)?;
        if address.user.is_some() && address.password.is_none() {
            return Err(refused("a user needs a password (a password alone is written as :PASSWORD@)"));
        }
        let database = match address.path.as_str() {
            "" => 0,
            number => number.parse().map_err(|_| refused("only the number of a database follows the host"))?,
        };
        let is_encrypted = target.scheme() == "rediss";
        let options = Self {
            tls: Tls::take(&mut target, is_encrypted)?,
            within: patience::take(&mut target)?,
            place: Place::take(&mut target, acknowledgement)?,
            body: Body::take(&mut target)?,
            shown,
            address,
            database,
        };
        target.finish()?;
        Ok(options)
    }

    /// Appends the command that brings an event to its place; returns the place's name, and the length of the command's longest
    /// value, in bytes.
    ///
    /// # Errors
    /// Why there is none.
    pub fn append_command(
        &self,
        out: &mut Vec<u8>,
        item: &Item,
        event: &Event,
        longest: usize,
    ) -> Result<(Box<str>, usize), String> {
        let body = self.body.of(item);
        if body.len() > longest {
            return Err(format!("it is {} bytes long, and the server takes {longest}", body.len()));
        }
        let mut command = Cmd::with_capacity(8, body.len() + 128);
        let name = filled(self.place.name(), event)?;
        match &self.place {
            Place::Channel(_) => command.arg("PUBLISH").arg(name.as_bytes()),
            Place::Stream { maxlen, .. } => {
                command.arg("XADD").arg(name.as_bytes());
                if let Some(maxlen) = maxlen {
                    command.arg("MAXLEN").arg("~").arg(*maxlen);
                }
                // Not an id made of the event's: a stream takes rising ids only, and a transaction that commits late brings a
                // lower one.
                command.arg("*");
                if let Some(id) = body::message_id(event) {
                    command.arg("id").arg(id);
                }
                command.arg("body")
            }
        };
        let length = body.len();
        command.arg(body).write_packed_command(out);
        Ok((name.into(), length))
    }
}

impl Place {
    fn take(target: &mut Target, acknowledgement: Acknowledgement) -> Result<Self> {
        let refused = |target: &Target, why: &str| Error::usage(format!("--to {}: {why}", target.shown()));
        let name = |text: &str| match text {
            "" => Err("it is empty".to_owned()),
            text => Template::parse(text),
        };
        let positive = |text: &str| units::count(text).and_then(|n| if n > 0 { Ok(n) } else { Err("it is 0".into()) });
        let channel = target.take_as("channel", name)?;
        let stream = target.take_as("stream", name)?;
        let maxlen = target.take_as("maxlen", positive)?;
        match (channel, stream) {
            (Some(_), stream) if stream.is_some() || maxlen.is_some() => {
                Err(refused(target, "channel is instead of stream and maxlen"))
            }
            (Some(_), _) if acknowledgement == Acknowledgement::Needed => {
                Err(refused(target, "a channel acknowledges nothing")
                    .hint("use stream instead of channel; or let events be lost with --at-most-once"))
            }
            (Some(channel), _) => Ok(Self::Channel(channel)),
            (None, Some(name)) => Ok(Self::Stream { name, maxlen }),
            (None, None) => Ok(Self::Stream { name: Template::parse("{queue}").expect("it is a template"), maxlen }),
        }
    }

    /// Whether all events of one queue or channel go to the same place.
    pub fn is_the_same_for_all(&self) -> bool {
        self.name().is_the_same_for_all()
    }

    /// What it is, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Stream { .. } => "stream",
            Self::Channel(_) => "channel",
        }
    }

    fn name(&self) -> &Template {
        match self {
            Self::Stream { name, .. } | Self::Channel(name) => name,
        }
    }
}

/// A name is sent with its length in front: whatever is in it, it is no more than a name.
pub(crate) fn filled<'a>(name: &'a Template, event: &Event) -> Result<Cow<'a, str>, String> {
    let name = name.fill(event, |value| Cow::Borrowed(value))?;
    match name.len() {
        0 => Err("the name would be empty".to_owned()),
        1..=LONGEST_NAME => Ok(name),
        length => Err(format!("the name would be {length} bytes long, and {LONGEST_NAME} is the most")),
    }
}
