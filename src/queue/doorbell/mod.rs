//! The doorbell: wakes whoever waits for a queue, without a NOTIFY in every commit.

mod bell;
mod look;
#[cfg(test)]
mod model;
mod protocol;
mod session;

pub use bell::{Bell, Options, Waiter, Waiting};
pub use look::For;
pub use session::X_CLASS;
