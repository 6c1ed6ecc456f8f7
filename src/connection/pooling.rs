//! Finds out whether a pooler lends the server's sessions out transaction by transaction.
//!
//! Then nothing of a session can be relied upon: LISTEN is forgotten, session locks and settings go to strangers, and a
//! prepared statement is somewhere else. That is proven here and not guessed: two clients are seen in one session, or one
//! client in two.

use std::time::Duration;

use postgres::{Client, SimpleQueryMessage};

use super::line::Line;
use super::retire;
use crate::bounded::{self, Outcome};
use crate::error::{Error, Result};

/// What stands between us and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// Nothing, or something that leaves a session to its client.
    None,
    /// Something that lends sessions for a transaction, or for a statement.
    Transaction,
}

/// How often both clients are asked. An idle pool shows itself the first time: what was given back last is lent first, or, in
/// turns, the same client gets another. On a busy one others come in between.
const ROUNDS: usize = 5;
/// How long each step of the second client may take. Where sessions are not shared there may be none left for it.
const OTHER_CLIENT: Duration = Duration::from_secs(2);

/// The session that a client is in: process numbers alone are not enough where several servers take turns.
const SESSION: &str =
    "SELECT pg_catalog.concat(pg_catalog.pg_backend_pid(), ' ', pg_catalog.pg_postmaster_start_time())";

/// Compares the sessions of `client` with those of a second one, which `connect` makes.
///
/// # Errors
/// What the server says to `client`. A second client that cannot be had proves nothing.
pub(super) fn probe(
    client: &mut Client,
    connect: impl FnOnce(&Line) -> Result<Client> + Send + 'static,
) -> Result<Pooling> {
    let line = Line::default();
    let its_line = line.clone();
    let mut other = match bounded::run(Some(OTHER_CLIENT), move || connect(&its_line)) {
        Outcome::Done(other) => other.ok(),
        Outcome::Expired | Outcome::Died => None,
    };
    let pooling = compare(client, &mut other);
    if let Some(other) = other {
        retire(other, &line, OTHER_CLIENT);
    }
    pooling
}

fn compare(client: &mut Client, other: &mut Option<Client>) -> Result<Pooling> {
    let first = session(client)?;
    for _ in 0..ROUNDS {
        if theirs(other).is_some_and(|theirs| theirs == first) || session(client)? != first {
            return Ok(Pooling::Transaction);
        }
    }
    Ok(Pooling::None)
}

/// The session of the other client, who is lent to a thread: he may wait for one for as long as the pooler likes, and is left
/// there then.
fn theirs(other: &mut Option<Client>) -> Option<String> {
    let mut client = other.take()?;
    let asked = bounded::run(Some(OTHER_CLIENT), move || (session(&mut client), client));
    let Outcome::Done((session, client)) = asked else { return None };
    *other = Some(client);
    session.ok()
}

fn session(client: &mut Client) -> Result<String> {
    client
        .simple_query(SESSION)?
        .iter()
        .find_map(|answer| match answer {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .ok_or_else(|| Error::connection("what answers there is not a PostgreSQL server").permanent())
}
