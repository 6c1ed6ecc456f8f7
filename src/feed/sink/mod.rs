//! Where events go.

#[cfg(any(feature = "amqp", feature = "http", feature = "nats", feature = "redis"))]
pub(crate) mod address;
#[cfg(feature = "amqp")]
pub(crate) mod amqp;
#[cfg(any(feature = "amqp", feature = "http", feature = "nats", feature = "redis"))]
pub(crate) mod body;
#[cfg(any(feature = "amqp", feature = "nats"))]
mod dead_ends;
pub mod exec;
pub(crate) mod file;
#[cfg(feature = "http")]
pub(crate) mod http;
mod isolate;
#[cfg(any(feature = "nats", feature = "redis"))]
mod judged;
#[cfg(feature = "nats")]
pub(crate) mod nats;
#[cfg(feature = "amqp")]
mod notices;
#[cfg(any(feature = "amqp", feature = "http", feature = "nats", feature = "redis"))]
pub(crate) mod patience;
#[cfg(any(feature = "amqp", feature = "http", feature = "nats", feature = "redis"))]
mod plain;
mod proven;
#[cfg(feature = "redis")]
pub(crate) mod redis;
pub mod registry;
mod stdout;
pub mod table;
pub(crate) mod target;
mod template;
#[cfg(any(feature = "amqp", feature = "nats", feature = "redis"))]
pub(crate) mod tls;

use std::time::Duration;

use super::Sink;
pub use exec::Exec;
pub use registry::Acknowledgement;
pub use stdout::{Out, Progress, Stdout};

/// How long what takes events may take to acknowledge what was written; then it counts as unavailable.
pub const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(30);
/// The same once a stop is asked for.
pub const ACKNOWLEDGE_AT_STOP: Duration = Duration::from_secs(5);
/// How long after the first signal a feed to a sink may take. For [`signal::watch`](crate::signal::watch).
pub const GRACE: Duration = ACKNOWLEDGE_AT_STOP.saturating_add(Duration::from_secs(1));
