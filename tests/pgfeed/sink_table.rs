//! Keeping a table in step: what it follows, what it refuses, and that it is right after every fault.

mod crashes;
mod doubts;
mod faults;
mod following;
mod moving;
mod refusals;
mod setup;

use crate::harness::{Database, Pgfeed};
use crate::tail_queue::held;

/// The table that is watched in most tests.
const MOVIES: &str = "CREATE TABLE movies (movie_id int PRIMARY KEY, title text NOT NULL, note text)";

/// A database with a watched table, queue `q`, and a table for the copy.
fn watched(movies: &str, copy: &str) -> Database {
    let db = Database::new();
    db.sql(movies);
    db.sql(copy);
    db.pgfeed(["install-trigger", "movies", "--queue", "q", "--events", "insert,update,delete,truncate"]).run().ok();
    db
}

/// The URL of a table, with more parameters.
fn url(db: &Database, parameters: &str) -> String {
    // The harness's URLs have parameters of their own.
    let url = db.url();
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{parameters}")
}

/// Delivers from one database to another until the queue is empty.
fn deliver(from: &Database, to: &Database, parameters: &str) -> Pgfeed {
    from.pgfeed(["tail-queue", "q", "-e", "--backoff", "10ms", "--to", &url(to, parameters)])
}
