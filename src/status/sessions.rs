//! Sessions: those of pgfeed, those that listen, and those that are in the way of others.

use std::time::Duration;

use postgres::Transaction;
use serde::Serialize;

use super::seconds;
use crate::connection::ask;
use crate::error::Result;

/// A session of pgfeed, or one that seems to listen.
#[derive(Debug, Serialize)]
pub struct Session {
    /// The server's process.
    pub pid: i32,
    /// What it calls itself.
    pub application: String,
    /// As whom.
    pub role: Option<String>,
    /// Where it is.
    pub client: String,
    /// What it does, as the server calls that; empty where that is not told.
    pub state: String,
    /// How long it has been there.
    pub age_seconds: Option<f64>,
    /// Whether the last that it said was LISTEN.
    pub listens: bool,
}

/// Somebody who may keep the notification queue from being emptied.
#[derive(Debug, Serialize)]
pub struct Suspect {
    /// The server's process.
    pub pid: i32,
    /// What it calls itself.
    pub application: String,
    /// As whom.
    pub role: Option<String>,
    /// In which database: the queue is that of all.
    pub database: Option<String>,
    /// What it does.
    pub why: String,
    /// For how long.
    pub for_seconds: Option<f64>,
}

/// Whoever keeps dead rows from being removed.
#[derive(Debug, Serialize)]
pub struct Holder {
    /// `session`, `replication slot` or `prepared transaction`.
    pub kind: String,
    /// Which.
    pub who: String,
    /// How many transactions have begun since.
    pub transactions: i64,
    /// For how long.
    pub for_seconds: Option<f64>,
}

impl Session {
    /// How long it has been there.
    pub fn age(&self) -> Option<Duration> {
        seconds(self.age_seconds)
    }
}

impl Holder {
    /// For how long.
    pub fn held(&self) -> Option<Duration> {
        seconds(self.for_seconds)
    }
}

pub(super) fn read(transaction: &mut Transaction) -> Result<Vec<Session>> {
    let rows = ask::rows(transaction, include_str!("../../sql/status_sessions.sql"), &[])?;
    let session = |row: &postgres::Row| Session {
        pid: row.get("pid"),
        application: row.get("application"),
        role: row.get("role"),
        client: row.get("client"),
        state: row.get("state"),
        age_seconds: row.get("age_seconds"),
        listens: row.get::<_, Option<bool>>("listens").unwrap_or(false),
    };
    Ok(rows.iter().map(session).collect())
}

/// Who may hold the tail of the notification queue.
///
/// # Errors
/// What the server says.
pub fn suspects(transaction: &mut Transaction) -> Result<Vec<Suspect>> {
    let rows = ask::rows(transaction, include_str!("../../sql/status_notification_queue.sql"), &[])?;
    let suspect = |row: &postgres::Row| Suspect {
        pid: row.get("pid"),
        application: row.get("application"),
        role: row.get("role"),
        database: row.get("database"),
        why: row.get("why"),
        for_seconds: row.get("for_seconds"),
    };
    Ok(rows.iter().map(suspect).collect())
}

/// Who has the oldest snapshot.
///
/// # Errors
/// What the server says.
pub fn oldest_snapshot(transaction: &mut Transaction) -> Result<Option<Holder>> {
    let row = ask::maybe_row(transaction, include_str!("../../sql/status_horizon.sql"), &[])?;
    Ok(row.map(|row| Holder {
        kind: row.get("kind"),
        who: row.get("who"),
        transactions: row.get("transactions"),
        for_seconds: row.get("for_seconds"),
    }))
}
