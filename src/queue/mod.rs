//! The durable queue: its tables, the doorbell that wakes whoever waits for it, and how events are taken and settled.

mod batch;
pub mod doorbell;
mod floor;
mod peek;
mod registry;
mod slots;
mod taker;

pub use batch::{Batch, Failure, Fate, Order, Taken};
pub use peek::Peek;
pub use registry::{Queue, Trust, check_name, create, create_statements, drop_statements, find, list};
pub use taker::{Taker, delay};

/// Keeps the plans of a session from depending on statistics, which are always wrong for a table that fills and empties.
const STEADY_PLANS: &str =
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off; SET plan_cache_mode = force_generic_plan";
