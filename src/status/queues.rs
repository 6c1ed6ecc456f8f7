//! The queues: how full they are, how fast they move, and who consumes them.

use std::collections::BTreeMap;
use std::time::Duration;

use postgres::{Row, Transaction};
use serde::Serialize;

use super::seconds;
use crate::connection::ask;
use crate::error::{Error, Result};
use crate::queue::{self, LockClass};
use crate::sql;

/// Counting ends here.
const MOST: i64 = 1_000_000;

/// One queue.
#[derive(Debug, Default, Serialize)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Events to be delivered.
    pub waiting: i64,
    /// Events to be delivered again.
    pub retrying: i64,
    /// Events that get no more attempts.
    pub dead: i64,
    /// Whether some of these numbers are a million because counting ends there.
    pub at_least: bool,
    /// The age of the oldest event that is not dead.
    pub oldest_seconds: Option<f64>,
    /// Events added in a second; none when it could not be measured.
    pub added_per_second: Option<f64>,
    /// Events delivered in a second.
    pub delivered_per_second: Option<f64>,
    /// Who consumes it or waits for it.
    pub consumers: Vec<Consumer>,
    /// Why nothing is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip)]
    last_id: Option<i64>,
    #[serde(skip)]
    at: f64,
}

/// A session that consumes a queue, or waits for it.
#[derive(Debug, Serialize)]
pub struct Consumer {
    /// The server's process.
    pub pid: i32,
    /// What it calls itself.
    pub application: String,
    /// Where it is.
    pub client: String,
    /// What it does.
    pub mode: Mode,
    /// How many of the 64 slots it owns.
    pub slots: u32,
}

/// What a consumer's session does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Takes events and keeps their order.
    Ordered,
    /// Takes events in any order.
    Unordered,
    /// Waits for events.
    Waits,
}

impl Queue {
    /// The age of the oldest event.
    pub fn oldest(&self) -> Option<Duration> {
        seconds(self.oldest_seconds)
    }

    /// Fills in the rates. Dead events that somebody deletes meanwhile count as delivered.
    pub(super) fn measure_since(&mut self, before: &Self) {
        let (Some(last_id), Some(earlier)) = (self.last_id, before.last_id) else { return };
        let took = self.at - before.at;
        if took <= 0.0 || self.at_least || before.at_least {
            return;
        }
        let added = (last_id - earlier) as f64;
        let held = |queue: &Self| (queue.waiting + queue.retrying + queue.dead) as f64;
        self.added_per_second = Some(added / took);
        // An id is drawn before the event can be seen: for a moment there may seem to be fewer.
        self.delivered_per_second = Some(((added + held(before) - held(self)) / took).max(0.0));
    }
}

pub(super) fn read(transaction: &mut Transaction, schema: &str) -> Result<Vec<Queue>> {
    let locks = ask::rows(transaction, include_str!("../../sql/status_consumers.sql"), &[])?;
    let mut queues = Vec::new();
    for queue in queue::list(transaction, schema)? {
        let mut one = look(transaction, &queue)?;
        one.consumers = consumers(&locks, queue.id);
        queues.push(one);
    }
    Ok(queues)
}

fn look(transaction: &mut Transaction, queue: &queue::Queue) -> Result<Queue> {
    let (table, retry, dead) = (queue.table(), queue.retry_table(), queue.dead_table());
    let (ids, most) = (sql::literal(&queue.ids()), MOST.to_string());
    let places = [("queue", table.as_str()), ("retry", &retry), ("dead", &dead), ("ids", &ids), ("most", &most)];
    let query = sql::fill(include_str!("../../sql/status_queue.sql"), &places);
    // What fails must not end the whole transaction.
    let mut savepoint = transaction.transaction()?;
    let name = queue.name.clone();
    let row = match ask::row(&mut savepoint, &query, &[]) {
        Ok(row) => row,
        Err(error) if error.as_db_error().is_some() => {
            return Ok(Queue { name, error: Some(Error::from(error).to_string()), ..Queue::default() });
        }
        Err(error) => return Err(error.into()),
    };
    let [waiting, retrying, dead] = ["waiting", "retrying", "dead"].map(|kind| row.get::<_, i64>(kind));
    Ok(Queue {
        name,
        waiting,
        retrying,
        dead,
        at_least: [waiting, retrying, dead].contains(&MOST),
        oldest_seconds: row.get("oldest_seconds"),
        // None was drawn yet.
        last_id: row.get::<_, bool>("sees_ids").then(|| row.get::<_, Option<i64>>("last_id").unwrap_or(0)),
        at: row.get("at"),
        ..Queue::default()
    })
}

/// Who holds locks of this queue. Writers hold X shared for a moment, and are no consumers.
fn consumers(locks: &[Row], queue_id: i32) -> Vec<Consumer> {
    let mut found: BTreeMap<i32, Consumer> = BTreeMap::new();
    for lock in locks {
        let Some(class) = LockClass::of(lock.get("class")) else { continue };
        let (pid, is_shared): (i32, bool) = (lock.get("pid"), lock.get("is_shared"));
        if class.queue_of(lock.get("object")) != queue_id || (class == LockClass::Front && is_shared) {
            continue;
        }
        let consumer = found.entry(pid).or_insert_with(|| Consumer {
            pid,
            application: lock.get("application"),
            client: lock.get("client"),
            mode: Mode::Waits,
            slots: 0,
        });
        match class {
            LockClass::Slot => consumer.slots += 1,
            LockClass::Member | LockClass::Aside => consumer.mode = Mode::Ordered,
            LockClass::Unordered => consumer.mode = Mode::Unordered,
            LockClass::Front | LockClass::Behind => {}
        }
    }
    found.into_values().collect()
}
