//! Reads the events of a batch. (The server streams them while it looks; what DELETE ... RETURNING gives it would keep till the end.)

use std::collections::HashMap;

use postgres::{Client, Row};

pub use super::place::Place;
use super::statements::Statements;
use crate::error::Result;
use crate::queue::batch::{Batch, Taken};
use crate::queue::floor::Above;

/// What was taken.
pub struct Read {
    /// The events, by their ids.
    pub events: Vec<Taken>,
    /// Where each of them stands.
    pub places: Vec<Place>,
    /// Whether there was nothing more.
    pub exhausted: bool,
}

impl Read {
    /// No more than so many.
    pub fn at_most(mut self, events: usize) -> Self {
        self.exhausted &= self.events.len() <= events;
        self.events.truncate(events);
        self.places.truncate(events);
        self
    }
}

/// Reads the oldest events of some slots, which are then to be removed.
///
/// # Errors
/// What the server says.
pub fn oldest(client: &mut Client, statements: &Statements, above: &Above, slots: i64, batch: &Batch) -> Result<Read> {
    let limit = i64::try_from(batch.events).unwrap_or(i64::MAX);
    // All of this size together are no more than asked for.
    let share = i32::try_from(batch.bytes / batch.events.max(1)).unwrap_or(i32::MAX);
    let mut rows =
        statements.take.rows(client, &[&above.floor, &slots, &limit, &share, &above.steps, &above.running])?;
    let found = rows.len();
    rows.truncate(fitting(&rows, batch.bytes));
    let exhausted = found < batch.events && rows.len() == found;
    let large: Vec<Place> =
        rows.iter().filter(|row| row.get::<_, Option<&str>>(PAYLOAD).is_none()).map(|row| row.get(PLACE)).collect();
    let mut fetched = if large.is_empty() { HashMap::new() } else { fetch(client, statements, &large)? };
    // What has no payload was removed by hand a moment ago.
    let mut payload = |row: &Row| row.get::<_, Option<String>>(PAYLOAD).or_else(|| fetched.remove(&row.get(0)));
    let found = rows.iter().filter_map(|row| Some((taken(row, payload(row)?), row.get::<_, Place>(PLACE))));
    let (events, places) = found.unzip();
    Ok(Read { events, places, exhausted })
}

const PAYLOAD: usize = 4;
const BYTES: usize = 5;
const PLACE: usize = 6;

/// How many of the first events fit into so many bytes; one always does.
fn fitting(rows: &[Row], bytes: usize) -> usize {
    let mut held = 0;
    let more = rows.iter().skip(1).zip(rows).take_while(|(_, before)| {
        held += size(before);
        held < bytes
    });
    more.count() + usize::from(!rows.is_empty())
}

/// The bytes of a row's payload.
fn size(row: &Row) -> usize {
    match row.get::<_, Option<&str>>(PAYLOAD) {
        Some(payload) => payload.len(),
        None => row.get::<_, Option<i32>>(BYTES).and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0),
    }
}

fn taken(row: &Row, payload: String) -> Taken {
    let barrier = row.get::<_, Option<bool>>(3).unwrap_or(false);
    Taken { id: row.get(0), at: row.get(1), key: row.get(2), barrier, payload, attempts: 0 }
}

/// The payloads of events that were only measured, by their ids.
fn fetch(client: &mut Client, statements: &Statements, places: &Vec<Place>) -> Result<HashMap<i64, String>> {
    let rows = statements.fetch.rows(client, &[places])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}
