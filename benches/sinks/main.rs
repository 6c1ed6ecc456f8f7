//! How fast the sinks take a backlog, each beside what it is compared with in the same run: for an engine the bare client
//! library, which publishes the same messages with the same guarantees.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement that fails should say so")]

#[path = "../common/mod.rs"]
mod common;
mod engine;
mod http;
mod nats;
mod redis;
#[allow(dead_code)]
#[path = "../../tests/pgfeed/harness/http.rs"]
mod server;
mod table;

use std::process::Command;
use std::time::Instant;

use common::{RUNS, header, median, report};
use pgfeed::cluster::{Cluster, Durability};
use postgres::{Client, NoTls};

const EVENTS: usize = 200_000;

/// A server with a queue.
pub struct Bench {
    cluster: Cluster,
}

impl Bench {
    fn pgfeed(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgfeed"));
        command.args(words).env("DATABASE_URL", self.cluster.url("postgres"));
        command
    }

    fn client(&self, database: &str) -> Client {
        Client::connect(&self.cluster.url(database), NoTls).unwrap()
    }

    fn fill(&self) {
        let fill = format!(
            "TRUNCATE pgfeed.queue_drain;
             INSERT INTO pgfeed.queue_drain (key, payload) SELECT hashint8extended(n % 1000, 0), format(
               '{{\"op\":\"INSERT\",\"schema\":\"public\",\"table\":\"orders\",\"key\":{{\"id\":%s}},\"new\":{{\"id\":%s,\"status\":\"new\",\"amount\":12.5}}}}',
               n, n) FROM generate_series(1, {EVENTS}) n"
        );
        let mut client = self.client("postgres");
        client.batch_execute(&fill).unwrap();
        client.batch_execute("VACUUM ANALYZE pgfeed.queue_drain").unwrap();
        client.batch_execute("CHECKPOINT").unwrap();
    }

    /// Events a second.
    fn deliver(&self, url: &str) -> f64 {
        self.fill();
        self.drain("drain", EVENTS, url)
    }

    /// The same with two workers.
    fn deliver_by_two(&self, url: &str) -> f64 {
        self.fill();
        self.drain_with(&["-j", "2"], "drain", EVENTS, url)
    }

    /// Delivers a queue until it is empty: events a second.
    fn drain(&self, queue: &str, events: usize, to: &str) -> f64 {
        self.drain_with(&[], queue, events, to)
    }

    fn drain_with(&self, words: &[&str], queue: &str, events: usize, to: &str) -> f64 {
        let started = Instant::now();
        let words = [&["-q", "tail-queue", queue, "-e", "--to", to], words].concat();
        assert!(self.pgfeed(&words).status().unwrap().success());
        events as f64 / started.elapsed().as_secs_f64()
    }
}

/// The bodies that pgfeed sends.
pub fn bodies() -> impl Iterator<Item = (usize, Vec<u8>)> {
    (1..=EVENTS).map(|n| {
        let event = format!(
            r#"{{"type":"event","queue":"drain","id":{n},"attempt":1,"at":"2026-11-20T23:28:41.123456Z","payload":{{"op":"INSERT","schema":"public","table":"orders","key":{{"id":{n}}},"new":{{"id":{n},"status":"new","amount":12.5}}}}}}"#
        );
        (n, event.into_bytes())
    })
}

fn main() {
    let builder = Cluster::builder().setting("max_wal_size", "4GB").setting("shared_buffers", "256MB");
    let bench = Bench { cluster: builder.durability(Durability::Real).start().unwrap() };
    assert!(bench.pgfeed(&["-q", "notify", "--queue", "drain", "--create", "x"]).status().unwrap().success());
    header();
    table::run(&bench);
    http::run(&bench);
    beside_bare("to JetStream; async-nats, 256 unacknowledged", || {
        let server = nats::start();
        let url = nats::url(&server);
        (bench.deliver(&url), bench.deliver_by_two(&url), nats::bare(&server))
    });
    for (fsync, what) in [("no", "to Redis; redis, pipelines of 100"), ("always", "the same, appendfsync always")] {
        beside_bare(what, || {
            let server = redis::start(fsync);
            let url = redis::url(&server);
            (bench.deliver(&url), bench.deliver_by_two(&url), redis::bare(&server))
        });
    }
}

/// One worker, two, and the bare library in turn.
fn beside_bare(what: &str, run: impl Fn() -> (f64, f64, f64)) {
    let (mut one, mut two, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for (by_one, by_two, by_bare) in (0..RUNS).map(|_| run()) {
        one.push(by_one);
        two.push(by_two);
        bare.push(by_bare);
    }
    report(what, "/s", &mut one, &mut bare, ">= 0.8");
    report("  with two workers", "/s", &mut two, &mut bare, ">= 0.8");
}
