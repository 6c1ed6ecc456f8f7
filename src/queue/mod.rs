//! The durable queue: its tables, the doorbell that wakes whoever waits for it, and how events are taken and settled.

mod barrier;
mod batch;
pub mod doorbell;
mod floor;
mod lock;
mod peek;
mod reached;
mod registry;
mod slots;
mod taker;
mod way;

use postgres::Transaction;

use crate::connection::{Connection, Pooling};
use crate::error::Result;

pub use batch::{Batch, Failure, Fate, Order, Taken};
pub use lock::LockClass;
pub use peek::Peek;
pub use registry::{
    Queue, Trust, check_name, create, create_statements, drop_empty_statements, drop_statements, find, is_whole, list,
    may_fill, missing, rights_to_look,
};
pub use taker::{Take, Taker, delay};
pub use way::{Way, put};

/// Keeps the plans of a session from depending on statistics, which are always wrong for a table that fills and empties.
const STEADY_PLANS: &str =
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan";

/// Settings as those of one transaction, where the session belongs to others as well.
fn of_transaction(settings: &str) -> String {
    settings.replace("SET ", "SET LOCAL ")
}

/// Begins a transaction that looks at a queue.
fn begin(connection: &mut Connection) -> Result<Transaction<'_>> {
    let is_pooled = connection.pooling() == Pooling::Transaction;
    let mut transaction = connection.begin()?;
    if is_pooled {
        transaction.batch_execute(&of_transaction(STEADY_PLANS))?;
    }
    Ok(transaction)
}
