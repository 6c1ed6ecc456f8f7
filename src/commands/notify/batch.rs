//! Checks payloads as the server will, and sends them, a transaction for each batch.

use std::error::Error as _;
use std::fmt::Display;
use std::io;

use postgres::Client;
use postgres::error::Severity;

use super::Sent;
use crate::connection::Pooling;
use crate::connection::ask::{self, Question};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::queue::Queue;
use crate::sql;

/// The longest payload, in bytes of the server's encoding (`NOTIFY_PAYLOAD_MAX_LENGTH` less one, async.c).
const MAX_PAYLOAD_BYTES: usize = 7999;
/// What is as long as this is no payload in any encoding (a character has at most 4 bytes), and nobody reads it to its end.
pub const TOO_LONG_BYTES: usize = 32_000;
const LONG_HINT: &str = "a notification carries little: store the data, and notify its key";

/// How a payload's length is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The server stores the bytes that we send.
    Bytes,
    /// Its encoding may need fewer bytes than UTF-8, though never fewer than characters: it has the last word.
    Characters,
    /// Not at all: an event of a queue may be as long as a text of the server, 1 GB.
    Not,
}

impl Counted {
    /// Asks the server for its encoding.
    ///
    /// # Errors
    /// What the server says.
    pub fn by_server(client: &mut Client) -> Result<Self> {
        let encoding: String = ask::row(client, "SHOW server_encoding", &[])?.get(0);
        Ok(if matches!(encoding.as_str(), "UTF8" | "SQL_ASCII") { Self::Bytes } else { Self::Characters })
    }
}

/// What a payload must be.
#[derive(Debug, Clone, Copy)]
pub struct Checker {
    /// Valid JSON.
    pub json: bool,
    /// Not too long, counted so.
    pub counted: Counted,
}

impl Checker {
    /// Checks a payload; `name` tells it from others, as in `line 3`.
    ///
    /// # Errors
    /// What is wrong with it (exit 1).
    pub fn check(self, payload: Vec<u8>, name: impl Display) -> Result<String> {
        let refused = |why: String| Error::failed(why).doing(name.to_string());
        let too_long = |length: String| {
            refused(format!("it is {length} bytes long, and the longest is {MAX_PAYLOAD_BYTES}")).hint(LONG_HINT)
        };
        // First of all, since its end may be missing, and with it a part of a character.
        if self.counted != Counted::Not && payload.len() >= TOO_LONG_BYTES {
            return Err(too_long(format!("{TOO_LONG_BYTES} or more")));
        }
        let payload = String::from_utf8(payload).map_err(|error| {
            let at = error.utf8_error().valid_up_to() + 1;
            refused(format!("byte {at} is not valid UTF-8"))
                .hint("a payload is text: encode other data, as with base64")
        })?;
        if payload.contains('\0') {
            return Err(refused("it contains a NUL character, which PostgreSQL cannot store".to_owned()));
        }
        let length = match self.counted {
            Counted::Bytes => payload.len(),
            Counted::Characters => payload.chars().count(),
            Counted::Not => 0,
        };
        if length > MAX_PAYLOAD_BYTES {
            return Err(too_long(payload.len().to_string()));
        }
        if self.json
            && let Err(error) = serde_json::from_str::<&serde_json::value::RawValue>(&payload)
        {
            return Err(refused(format!("it is not valid JSON: {error}")));
        }
        Ok(payload)
    }
}

/// Where payloads go.
#[derive(Debug, Clone)]
pub enum Target {
    /// They notify a channel.
    Channel(String),
    /// They become events of a queue.
    Queue(Queue),
}

impl Target {
    /// What one payload becomes.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Channel(_) => "notification",
            Self::Queue(_) => "event",
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Channel(name) => write!(f, "channel \"{name}\""),
            Self::Queue(queue) => write!(f, "queue \"{}\"", queue.name),
        }
    }
}

/// Sends to one target.
pub struct Sender<'a> {
    client: &'a mut Client,
    pooling: Pooling,
    target: &'a Target,
    many: Option<Question>,
    sent: Sent,
}

impl<'a> Sender<'a> {
    /// Sends with this connection.
    pub fn new(client: &'a mut Client, pooling: Pooling, target: &'a Target) -> Self {
        Self { client, pooling, target, many: None, sent: Sent::default() }
    }

    /// Sends payloads in one transaction. To a channel they must differ: the server folds equal notifications.
    ///
    /// # Errors
    /// What the server says; then none of them was sent. When the connection was lost nobody knows, and the error says so.
    pub fn send(&mut self, payloads: &[String]) -> Result<()> {
        let sent = match (self.target, payloads) {
            (_, []) => return Ok(()),
            (Target::Channel(channel), [payload]) => self.notify_one(channel, payload),
            (Target::Channel(channel), payloads) => self.notify_many(channel, payloads),
            (Target::Queue(queue), payloads) => self.enqueue(queue, payloads),
        };
        sent.map_err(|error| {
            let lost = ends_connection(&error);
            let error = Error::from(error);
            let error = if lost { self.unsure(error, payloads.len()) } else { explain(error, self.target) };
            error.doing(match self.target {
                Target::Channel(_) => format!("notifying {}", self.target),
                Target::Queue(_) => format!("storing in {}", self.target),
            })
        })?;
        self.sent.payloads += payloads.len() as u64;
        self.sent.transactions += 1;
        Ok(())
    }

    /// What was sent so far.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// The server may have committed before the connection was lost: trying again could send everything twice.
    fn unsure(&self, error: Error, payloads: usize) -> Error {
        let unit = self.target.unit();
        let them = if payloads == 1 { format!("this {unit}") } else { format!("these {payloads} {unit}s") };
        let already = self.sent.already(unit);
        error
            .exiting(Exit::Connection)
            .detail(format!("the connection was lost before the server answered: {them} may have been sent; {already}"))
    }

    /// With its types named, a statement needs one round trip instead of two.
    fn notify_one(&mut self, channel: &str, payload: &str) -> Result<(), postgres::Error> {
        let statement = "SELECT pg_catalog.pg_notify($1, $2)";
        ask::row(self.client, statement, &[&channel, &payload])?;
        Ok(())
    }

    fn notify_many(&mut self, channel: &str, payloads: &[String]) -> Result<(), postgres::Error> {
        // Counted, so that the answer is one row and not one for each payload.
        let text = "SELECT pg_catalog.count(pg_catalog.pg_notify($1, payload)::pg_catalog.text) \
                    FROM pg_catalog.unnest($2::pg_catalog.text[]) AS payload";
        let statement = self.prepared(|| text.to_owned())?;
        statement.row(self.client, &[&channel, &payloads])?;
        Ok(())
    }

    fn enqueue(&mut self, queue: &Queue, payloads: &[String]) -> Result<(), postgres::Error> {
        let text = || {
            let places = [("queue", queue.table()), ("payloads", "$1::text[]".to_owned())];
            let lock = [("queue_id", queue.id.to_string()), ("doorbell", sql::literal(&queue.doorbell()))];
            let places: Vec<(&str, &str)> =
                places.iter().chain(&lock).map(|(name, value)| (*name, value.as_str())).collect();
            sql::fill(include_str!("../../../sql/enqueue.sql"), &places)
        };
        let statement = self.prepared(text)?;
        statement.row(self.client, &[&payloads])?;
        Ok(())
    }

    /// The statement for many payloads, made once.
    fn prepared(&mut self, text: impl FnOnce() -> String) -> Result<Question, postgres::Error> {
        if let Some(statement) = &self.many {
            return Ok(statement.clone());
        }
        Ok(self.many.insert(Question::ready(self.client, self.pooling, &text())?).clone())
    }
}

/// Whether the connection is lost with this error. The driver's own `is_closed` knows it one read later.
fn ends_connection(error: &postgres::Error) -> bool {
    match error.as_db_error() {
        Some(server) => matches!(server.parsed_severity(), Some(Severity::Fatal | Severity::Panic)),
        None => error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<io::Error>),
    }
}

fn explain(error: Error, target: &Target) -> Error {
    match (error.sqlstate(), target) {
        (Some("25006"), Target::Channel(_)) => {
            error.hint("this server is a standby, and NOTIFY works on a primary only")
        }
        (Some("25006"), Target::Queue(_)) => error.hint("this server is a standby: connect to its primary"),
        (Some("22023"), Target::Channel(_)) => error.hint(LONG_HINT),
        (Some("54000"), Target::Channel(_)) => {
            error.hint("some listener does not read: pg_stat_activity shows who waits for ClientWrite")
        }
        (Some("42501"), Target::Channel(_)) => {
            error.hint("EXECUTE on pg_notify(text, text) has been revoked from this role")
        }
        (Some("42501"), Target::Queue(_)) => {
            error.hint("it needs USAGE on pgfeed's schema, SELECT on its table queue, and INSERT on the queue's own")
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(payload: &[u8], counted: Counted, json: bool) -> Result<String> {
        Checker { json, counted }.check(payload.to_vec(), "line 3")
    }

    #[test]
    fn lengths_are_counted_as_the_server_does() {
        let (fits, long) = ("é".repeat(3999), "é".repeat(4000));
        assert!(check(fits.as_bytes(), Counted::Bytes, false).is_ok());
        assert!(check(long.as_bytes(), Counted::Bytes, false).is_err());
        assert!(check(long.as_bytes(), Counted::Characters, false).is_ok());
        assert!(check(&[b'x'; 7999], Counted::Bytes, false).is_ok());
        assert!(check(&[b'x'; 8000], Counted::Characters, false).is_err());
        // The last character of this one is cut in the middle.
        let cut = &"日".repeat(20_000).into_bytes()[..TOO_LONG_BYTES];
        let told = check(cut, Counted::Bytes, false).unwrap_err().to_string();
        assert_eq!(told, "line 3: it is 32000 or more bytes long, and the longest is 7999");
    }

    #[test]
    fn refusals_name_the_payload() {
        let told = |payload: &[u8], json| check(payload, Counted::Bytes, json).unwrap_err().to_string();
        assert_eq!(told(b"ab\xff", false), "line 3: byte 3 is not valid UTF-8");
        assert!(told(b"a\0b", false).starts_with("line 3: it contains a NUL"));
        assert!(told(b"{", true).starts_with("line 3: it is not valid JSON"));
        assert!(check(b"{\"a\":1e400}", Counted::Bytes, true).is_ok());
    }
}
