//! Engines that sinks deliver to: real ones, private, each in a folder of its own.

#[cfg(feature = "nats")]
pub mod nats;
mod process;

pub use self::process::Process;
