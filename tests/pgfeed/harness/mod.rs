//! What the tests are written with. It never uses a server that somebody else runs, and never sleeps for readiness.

#[cfg(any(feature = "amqp", feature = "nats", feature = "redis"))]
pub mod broker;
#[cfg(feature = "serve")]
pub mod browser;
mod collect;
mod command;
mod database;
pub mod hang;
pub mod http;
pub mod pooler;
pub mod proxy;
mod running;
mod server;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub use self::command::{Output, Pgfeed, Stdout};
pub use self::database::Database;
pub use self::running::{Running, Signal, send};
pub use self::server::{Server, own_server, own_server_with, server, server_major, standby_of, temp_dir};

/// How long anything may take before the test fails and says what it had seen.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits until something that has no notification of its own is so, such as a state in the catalogue.
///
/// # Panics
/// When it is not so in time; `what` says what was waited for.
#[track_caller]
pub fn wait_until(what: &str, is_so: impl FnMut() -> bool) {
    wait_at_most(DEADLINE, what, is_so);
}

/// The same with another deadline.
///
/// # Panics
/// When it is not so in time.
#[track_caller]
pub fn wait_at_most(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited {limit:?} in vain until {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Tells the threads of a scope to end when it is dropped, so also when the test fails: the scope would wait for them for ever.
#[derive(Debug)]
pub struct Stopping<'a>(pub &'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
