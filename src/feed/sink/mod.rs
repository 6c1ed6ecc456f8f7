//! Where events go.

#[cfg(feature = "amqp")]
mod amqp;
pub mod exec;
mod file;
pub mod registry;
mod stdout;
#[allow(dead_code)]
mod target;
#[allow(dead_code)]
mod template;

use std::time::Duration;

use super::Sink;
pub use exec::Exec;
pub use registry::Acknowledgement;
pub use stdout::Stdout;

/// How long what takes events may take to acknowledge what was written; then it counts as unavailable.
pub const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(30);
/// The same once a stop is asked for.
pub const ACKNOWLEDGE_AT_STOP: Duration = Duration::from_secs(5);
/// How long after the first signal a feed to a sink may take. For [`signal::watch`](crate::signal::watch).
pub const GRACE: Duration = ACKNOWLEDGE_AT_STOP.saturating_add(Duration::from_secs(1));
