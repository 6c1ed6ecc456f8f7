//! What a taker asks the server in front of a batch.

use postgres::Row;

use crate::queue::floor::Horizon;
use crate::queue::registry::Storage;

/// What the server said in front of a batch.
#[derive(Debug, Clone)]
pub struct Facts {
    pub horizon: Horizon,
    pub retry_is_due: bool,
    pub anything_retries: bool,
    pub barrier_waits: bool,
    /// The file that the queue is stored in.
    pub storage: Storage,
}

impl Facts {
    /// Reads the answer.
    pub fn of(row: &Row) -> Self {
        Self {
            horizon: Horizon::of(row),
            retry_is_due: row.get("retry_is_due"),
            anything_retries: row.get("anything_retries"),
            barrier_waits: row.get("barrier_waits"),
            storage: row.get("storage"),
        }
    }

    /// Whether events may have to wait for others: then a batch depends on what becomes of the one in front.
    pub fn anything_waits(&self) -> bool {
        self.anything_retries || self.barrier_waits
    }
}
