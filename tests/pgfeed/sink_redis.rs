//! Delivering to Redis: a real server, streams and channels.

mod delivered;

use crate::harness::{Database, Pgfeed};

/// Delivers until nothing is left.
pub fn deliver(db: &Database, url: &str) -> Pgfeed {
    db.pgfeed(["tail-queue", "q", "-e", "--poll", "100ms", "--backoff", "10ms", "--to", url])
}
