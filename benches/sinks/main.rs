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

    /// Delivers a queue until it is empty: events a second.
    fn drain(&self, queue: &str, events: usize, to: &str) -> f64 {
        let started = Instant::now();
        assert!(self.pgfeed(&["-q", "tail-queue", queue, "-e", "--to", to]).status().unwrap().success());
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
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let server = nats::start();
        ours.push(bench.deliver(&nats::url(&server)));
        theirs.push(nats::bare(&server));
    }
    report("to JetStream; async-nats, 256 unacknowledged", "/s", &mut ours, &mut theirs, ">= 0.8");
    for (fsync, what) in [("no", "to Redis; redis, pipelines of 100"), ("always", "the same, appendfsync always")] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let server = redis::start(fsync);
            ours.push(bench.deliver(&redis::url(&server)));
            theirs.push(redis::bare(&server));
        }
        report(what, "/s", &mut ours, &mut theirs, ">= 0.8");
    }
}
