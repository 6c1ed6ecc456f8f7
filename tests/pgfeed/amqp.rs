//! Delivering to RabbitMQ: the real one, and what becomes of events whatever happens to it.

// What looks at a broker from the other side.
pub mod client;
// What arrives, and where.
mod delivering;
// What RabbitMQ does not take.
mod refusing;
// Brokers that are away, die, stand still or block; deaths of pgfeed.
mod outages;
// Passwords, TLS, certificates.
mod logins;
// Kills of pgfeed at every moment.
#[cfg(debug_assertions)]
mod crash;

use std::time::Duration;

use crate::harness::broker::rabbitmq::RabbitMq;
use crate::harness::{Database, Output, Pgfeed, wait_at_most};
use crate::tail_queue::{held, with_queue};
use client::Client;

/// How long anything may take that waits for pgfeed to try again, for which it takes up to half a minute.
const PATIENCE: Duration = Duration::from_secs(120);

/// A database with queue `q`, and a queue of that database's name in a broker.
fn with_queues(broker: &RabbitMq) -> (Database, Client) {
    let (db, client) = (with_queue(), Client::of(broker));
    client.declare(db.name());
    (db, client)
}

/// A run that delivers queue `q` to RabbitMQ.
fn deliver(db: &Database, url: &str, args: &[&str]) -> Pgfeed {
    let always = ["tail-queue", "q", "--to", url, "--poll", "100ms", "--backoff", "10ms"];
    db.pgfeed(always).args(args).deadline(PATIENCE)
}

/// The same until nothing is left.
#[track_caller]
fn drain(db: &Database, url: &str) -> Output {
    deliver(db, url, &["-e"]).run()
}

/// Waits until everything was delivered.
#[track_caller]
fn wait_until_delivered(db: &Database) {
    wait_at_most(PATIENCE, "all is delivered", || held(db) == "0 0 0");
}

/// The URL of a broker with parameters, of which `key` is the name of the database's own queue.
fn to_queue_of(db: &Database, broker: &RabbitMq) -> String {
    format!("{}?key={}", broker.url(), db.name())
}
