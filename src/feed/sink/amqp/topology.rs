//! Exchanges and queues: what is not there is told before anything is published to it, and made when that was asked for.

use std::collections::HashSet;

use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Connection, Error, ExchangeKind};

use super::message::Message;
use super::trouble::{Trouble, code, code_of, of_another_kind, words};

/// What to make where it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declare {
    /// A durable queue of the classic kind, named as the routing key.
    Queue,
    /// A replicated one.
    Quorum,
    Direct,
    Fanout,
    Topic,
    Headers,
}

impl Declare {
    /// Reads the parameter.
    ///
    /// # Errors
    /// What it may be.
    pub fn read(value: &str) -> Result<Self, String> {
        Ok(match value {
            "queue" => Self::Queue,
            "quorum" => Self::Quorum,
            "direct" => Self::Direct,
            "fanout" => Self::Fanout,
            "topic" => Self::Topic,
            "headers" => Self::Headers,
            _ => return Err("it is queue, quorum, direct, fanout, topic or headers".to_owned()),
        })
    }

    /// Whether it is a queue, which the default exchange delivers to by its name.
    pub fn is_queue(self) -> bool {
        matches!(self, Self::Queue | Self::Quorum)
    }

    fn kind(self) -> ExchangeKind {
        match self {
            Self::Queue | Self::Quorum | Self::Direct => ExchangeKind::Direct,
            Self::Fanout => ExchangeKind::Fanout,
            Self::Topic => ExchangeKind::Topic,
            Self::Headers => ExchangeKind::Headers,
        }
    }
}

/// What a connection has seen to be there.
#[derive(Default)]
pub struct Known(HashSet<String>);

impl Known {
    /// Makes sure that what a message goes to is there. The broker would end the channel for an exchange that is not, and say
    /// so of none of the messages in flight. Whether a queue is bound, only publishing tells.
    ///
    /// # Errors
    /// That there is no such exchange, or that what is missing could not be made.
    pub async fn check(
        &mut self,
        connection: &Connection,
        message: &Message,
        declare: Option<Declare>,
    ) -> Result<Option<String>, Trouble> {
        let queue = declare.filter(|declare| declare.is_queue());
        let name = match (message.exchange.as_str(), queue) {
            ("", None) => return Ok(None),
            ("", Some(_)) => &message.key,
            _ => &message.exchange,
        };
        if self.0.contains(name.as_str()) {
            return Ok(None);
        }
        let there = match queue {
            Some(queue) => ensure_queue(connection, name, queue).await,
            None => ensure_exchange(connection, name, declare).await,
        };
        match there {
            Ok(differs) => {
                self.0.insert(name.to_string());
                let what = if queue.is_some() { "queue" } else { "exchange" };
                Ok(differs.map(|said| of_another_kind(what, name.as_str(), &said)))
            }
            Err(error) if queue.is_none() && code_of(&error).is_some() => Err(Trouble::exchange(name.as_str(), &error)),
            Err(error) => Err(Trouble::Passing(words(&error))),
        }
    }
}

/// On a channel of its own, since the broker ends the channel of whoever asks for what is not there. Returns in what it differs
/// from what was to be made.
async fn ensure_exchange(
    connection: &Connection,
    name: &ShortString,
    declare: Option<Declare>,
) -> Result<Option<String>, Error> {
    let asked = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
    let channel = connection.create_channel().await?;
    let found = channel.exchange_declare(name.clone(), ExchangeKind::Direct, asked, FieldTable::default()).await;
    let Some(declare) = declare else { return found.map(|()| None) };
    let is_there = is_there(found)?;
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let channel = connection.create_channel().await?;
    let declared = channel.exchange_declare(name.clone(), declare.kind(), durable, FieldTable::default()).await;
    if is_there { difference(declared, &["type"]) } else { declared.map(|()| None) }
}

/// What the answer says to whoever has asked for a thing.
fn is_there(found: Result<(), Error>) -> Result<bool, Error> {
    match found {
        Ok(()) => Ok(true),
        Err(error) if code_of(&error) == Some(code::NOT_FOUND) => Ok(false),
        Err(error) => Err(error),
    }
}

/// To ask for a thing does not tell of which kind it is; to declare it again does. Returns what the broker says when one of these
/// arguments differs; whatever else is different, or who may make such things, does not matter to whoever finds one.
fn difference(declared: Result<(), Error>, arguments: &[&str]) -> Result<Option<String>, Error> {
    let Err(error) = declared else { return Ok(None) };
    let Some(code) = code_of(&error) else { return Err(error) };
    let said = words(&error);
    let differs = arguments.iter().any(|argument| said.contains(&format!("inequivalent arg '{argument}' ")));
    Ok(Some(said).filter(|_| code == code::PRECONDITION_FAILED && differs))
}

/// Makes a durable queue, unless it is there. Returns in what that differs from what was to be made.
///
/// # Errors
/// What the broker says.
pub(crate) async fn ensure_queue(
    connection: &Connection,
    name: &ShortString,
    declare: Declare,
) -> Result<Option<String>, Error> {
    let asked = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let channel = connection.create_channel().await?;
    let found = channel.queue_declare(name.clone(), asked, FieldTable::default()).await.map(drop);
    let is_there = is_there(found)?;
    // Whoever wants just a queue has one, whatever its kind.
    if is_there && declare != Declare::Quorum {
        return Ok(None);
    }
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let mut arguments = FieldTable::default();
    if declare == Declare::Quorum {
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    }
    let channel = connection.create_channel().await?;
    let declared = channel.queue_declare(name.clone(), durable, arguments).await.map(drop);
    // Queues that are not durable are not replicated either.
    if is_there { difference(declared, &["x-queue-type", "durable"]) } else { declared.map(|()| None) }
}
