//! Delivering to NATS: a real server, with and without JetStream.

mod delivered;

use crate::harness::{Database, Pgfeed};

/// A table `t` whose changes go to the queue `q`.
pub fn database() -> Database {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    db
}

/// Delivers until nothing is left.
pub fn deliver(db: &Database, url: &str) -> Pgfeed {
    db.pgfeed(["tail-queue", "q", "-e", "--poll", "100ms", "--backoff", "10ms", "--to", url])
}
