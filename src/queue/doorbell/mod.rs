//! The doorbell: wakes whoever waits for a queue, without a NOTIFY in every commit.

mod bell;
#[cfg(test)]
mod model;
mod protocol;
mod session;

pub use bell::{Bell, Options, Waiter, Waiting};
pub use session::{For, X_CLASS};
