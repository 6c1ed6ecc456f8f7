//! Batches of events as plain data: what is taken, and what becomes of it.

use std::time::Duration;

use jiff::Timestamp;
use postgres::Row;

/// Whether the order of a row's events is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By taking from slots that nobody else takes from.
    Ordered,
    /// No: whoever comes first takes.
    Unordered,
}

/// An event that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Its number, which stays the same in every attempt.
    pub id: i64,
    /// When it was written.
    pub at: Timestamp,
    /// The hash of table and key.
    pub key: i64,
    /// Whether it waits for everything older of its table.
    pub barrier: bool,
    /// What it tells.
    pub payload: String,
    /// How many attempts have failed.
    pub attempts: i32,
}

/// An event of the batch that was not delivered.
#[derive(Debug, Clone)]
pub struct Failure<'a> {
    /// The event.
    pub event: &'a Taken,
    /// What becomes of it.
    pub fate: Fate,
    /// Why.
    pub reason: Option<&'a str>,
}

/// What becomes of an event that was not delivered.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    /// Another attempt after this delay.
    Retry(Duration),
    /// Nobody has tried to deliver it: waits behind the older events of its key.
    Behind,
    /// Nobody has tried to deliver it: comes again after this delay, or behind the older events of its key, if there are any.
    Later(Duration),
    /// No more attempts.
    Bury,
}

impl Fate {
    /// Whether what has led to it was an attempt to deliver the event.
    pub fn is_attempt(self) -> bool {
        matches!(self, Self::Retry(_) | Self::Bury)
    }
}

/// How many events to take at once.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// At most this many.
    pub events: usize,
    /// At most about this many bytes of payload, though one event always.
    pub bytes: usize,
}

/// RETURNING promises no order.
pub(super) fn in_order(rows: &[Row], attempts: impl Fn(&Row) -> i32) -> Vec<Taken> {
    let mut events: Vec<Taken> = rows
        .iter()
        .map(|row| Taken {
            id: row.get(0),
            at: row.get(1),
            key: row.get(2),
            barrier: row.get(3),
            payload: row.get(4),
            attempts: attempts(row),
        })
        .collect();
    if !events.is_sorted_by_key(|event| event.id) {
        events.sort_unstable_by_key(|event| event.id);
    }
    events
}
