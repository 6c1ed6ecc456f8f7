//! pgfeed: turns PostgreSQL tables into feeds. The binary in `main.rs` is a thin shell around [`run()`].
//!
//! Arrows run one way: `commands` → {`cli` | `trigger`, `feed`, `bench`, `serve`, `status`, `doctor`, `cluster`} → `connection` → the
//! leaves.

// What only a part uses that was left out is no mistake of a lean build.
#![cfg_attr(
    not(all(feature = "amqp", feature = "nats", feature = "redis", feature = "http", feature = "serve")),
    allow(dead_code, unused_imports)
)]

mod backoff;
mod bench;
mod bounded;
mod cli;
pub mod cluster;
mod commands;
mod connection;
mod digest;
mod doctor;
pub mod error;
mod exit;
mod failpoint;
mod feed;
mod progress;
mod queue;
mod secret;
#[cfg(feature = "serve")]
mod serve;
mod signal;
pub mod sql;
mod status;
mod stop;
mod sys;
mod term;
mod text;
mod trigger;
mod units;

pub use commands::run;
pub use exit::Exit;
