//! The rule of barriers, as parts of the statements that take.

use super::registry::Queue;
use crate::sql;

/// The tables of a queue, which the rule looks into.
pub struct Barriers {
    queue: String,
    retry: String,
}

impl Barriers {
    /// Those of a queue.
    pub fn of(queue: &Queue) -> Self {
        Self { queue: queue.table(), retry: queue.retry_table() }
    }

    /// SQL for the id below which no event has to be asked about.
    pub fn first(&self) -> String {
        sql::part(include_str!("../../sql/first_barrier.sql"), &[("queue", &self.queue), ("retry", &self.retry)])
    }

    /// SQL for whether the event of a row may go on, whose table has this alias.
    pub fn unhindered(&self, row: &str) -> String {
        let event = format!("{row}.id AS id, {row}.key AS key, {row}.barrier AS barrier");
        let places = [("queue", self.queue.as_str()), ("retry", &self.retry), ("event", &event)];
        sql::part(include_str!("../../sql/unhindered.sql"), &places)
    }
}
