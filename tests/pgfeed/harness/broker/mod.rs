//! Engines that sinks deliver to: real ones, private, each in a folder of its own.

#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "amqp")]
mod node;
mod process;
#[cfg(feature = "amqp")]
pub mod rabbitmq;
#[cfg(feature = "redis")]
pub mod redis;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

pub use self::process::{Process, free_port};
use super::proxy::{Cut, Proxy};
use super::{Database, Pgfeed, wait_until};

/// A table `t` whose changes go to the queue `q`.
pub fn database() -> Database {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, v text)");
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    db
}

/// Delivers the queue `q` until nothing is left.
pub fn deliver(db: &Database, url: &str) -> Pgfeed {
    follow(db, url).args(["-e"])
}

/// Delivers the queue `q` until it is told to stop.
pub fn follow(db: &Database, url: &str) -> Pgfeed {
    db.pgfeed(["tail-queue", "q", "--poll", "100ms", "--backoff", "10ms", "--to", url])
}

/// Delivers the queue `q`, verbosely, to a URL with this secret in it, given in either way, until something is `said`; then cuts the
/// connection. Nothing that is said may show the secret.
#[track_caller]
pub fn shows_no_secret(db: &Database, proxy: &Proxy, url: &str, said: &str, secret: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{url}\n")).unwrap();
    let given: [&std::ffi::OsStr; 2] = ["--to-file".as_ref(), file.path().as_os_str()];
    for to in [given, ["--to".as_ref(), url.as_ref()]] {
        let delivering = db.pgfeed(["tail-queue", "q", "-vv", "--poll", "100ms"]).args(to).spawn();
        delivering.wait_stderr(said);
        proxy.cut(Cut::Reset);
        delivering.kill().lacks(secret);
    }
}

/// How many events wait, are retried, and are dead.
#[track_caller]
pub fn held(db: &Database) -> String {
    let count = |kind: &str| format!("(SELECT count(*) FROM pgfeed.{kind}_q)");
    db.value(&format!("SELECT {} || ' ' || {} || ' ' || {}", count("queue"), count("retry"), count("dead")))
}

/// Waits until what waits for another attempt has had so many, each of which was put off.
#[track_caller]
pub fn wait_until_tried_again(db: &Database, times: usize) {
    let mut seen = HashSet::new();
    wait_until("it is tried again", || {
        seen.extend(db.rows("SELECT max(due) FROM pgfeed.retry_q HAVING max(due) IS NOT NULL"));
        seen.len() > times
    });
}

/// The queue and the number of the event that a message id names; behind them stands the time in microseconds.
#[track_caller]
pub fn event_of(message_id: &str) -> &str {
    let (event, at) = message_id.rsplit_once(':').expect("QUEUE:ID:MICROSECONDS");
    assert!(at.len() == 16 && at.bytes().all(|digit| digit.is_ascii_digit()), "{message_id}");
    event
}

/// Checks that of events 1 to `last` each has arrived, none has that was never committed, and the first arrivals of each row are
/// in its order. Returns how many repetitions there are.
#[track_caller]
pub fn all_arrived<'a>(bodies: impl IntoIterator<Item = &'a str>, last: i64) -> usize {
    let (mut seen, mut latest, mut repeated) = (HashSet::new(), HashMap::new(), 0);
    for body in bodies {
        let event: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        let id = event["id"].as_i64().expect("an event of a queue has an id");
        if !seen.insert(id) {
            repeated += 1;
            continue;
        }
        let before = latest.insert(event["payload"]["key"].to_string(), id);
        assert!(before.is_none_or(|before| before < id), "event {id} has come behind {before:?} of its row");
    }
    let missing: Vec<i64> = (1..=last).filter(|id| !seen.contains(id)).collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    assert_eq!(seen.len() as i64, last, "more has arrived than was committed");
    repeated
}
