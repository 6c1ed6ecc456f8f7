//! Looking at a queue and delivering from it: what is taken, in which order, and what becomes of it when things fail.

mod commands;
mod consuming;
mod failures;
mod faults;
mod floor;
mod large;
mod looking;
mod new_ids;
mod order;
mod reasons;
mod records;
mod retries;
mod rights;
mod slots;
mod stuck;

use crate::harness::{Database, Pgfeed};

/// A database with queue `q`, which nothing feeds but [`enqueue`].
pub fn with_queue() -> Database {
    let db = Database::new();
    make_queue(&db, "q");
    db
}

/// Creates a queue.
#[track_caller]
pub fn make_queue(db: &Database, name: &str) {
    db.sql(&format!("CREATE TABLE feeds_{name} (id int PRIMARY KEY)"));
    db.pgfeed(["install-trigger", &format!("feeds_{name}"), "--queue", name]).run().ok();
}

/// Stores an event of key 1.
#[track_caller]
pub fn store(db: &Database, payload: &str) {
    db.sql(&format!("INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, '{payload}')"));
}

/// SQL that stores events 'key number' for keys and numbers: those of a key in the order of their numbers.
pub fn enqueue(keys: i64, numbers: i64) -> String {
    format!(
        "INSERT INTO pgfeed.queue_q (key, payload) SELECT k, k || ' ' || n
         FROM generate_series(1, {numbers}) n, generate_series(1, {keys}) k ORDER BY n, k"
    )
}

/// A consuming run on queue `q` that prints payloads.
pub fn consume(db: &Database, args: &[&str]) -> Pgfeed {
    db.pgfeed(["tail-queue", "q", "--consume", "-o", "raw"]).args(args)
}

/// How many events wait, are retried, and are dead.
#[track_caller]
pub fn held(db: &Database) -> String {
    let count = |kind: &str| format!("(SELECT count(*) FROM pgfeed.{kind}_q)");
    db.value(&format!("SELECT {} || ' ' || {} || ' ' || {}", count("queue"), count("retry"), count("dead")))
}

/// Checks that lines `key number` hold each number of each key once and in order.
#[track_caller]
pub fn in_order<'a>(lines: impl IntoIterator<Item = &'a str>, keys: i64, numbers: i64) {
    let mut next = std::collections::HashMap::new();
    for line in lines {
        let (key, number) = line.split_once(' ').expect(line);
        let (key, number): (i64, i64) = (key.parse().unwrap(), number.parse().unwrap());
        let expected = next.entry(key).or_insert(1);
        assert_eq!(number, *expected, "of key {key}");
        *expected += 1;
    }
    assert_eq!(next.len() as i64, keys);
    assert!(next.values().all(|next| *next == numbers + 1), "{next:?}");
}
