//! How fast the sinks take a backlog, each beside what it is compared with in the same run: `bench queue --to` an engine, beside its
//! client library alone, which publishes the same messages with the same guarantees; and the demo's scenario through RabbitMQ.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement that fails should say so")]

#[path = "../common/mod.rs"]
mod common;
mod engine;
#[path = "../../tests/pgfeed/harness/broker/node.rs"]
mod node;
#[allow(dead_code)]
#[path = "../../tests/pgfeed/harness/http.rs"]
mod server;
mod table;

use std::any::Any;
use std::process::Command;
use std::time::Instant;

use common::{RUNS, header, median, report};
use pgfeed::cluster::{Cluster, Durability};
use postgres::{Client, NoTls};
use serde_json::Value;
use server::{Http, Reply};

/// A server with queues.
pub struct Bench {
    cluster: Cluster,
}

/// What takes events, for as long as this lives, and its URL.
type Place = (String, Box<dyn Any>);

/// A sink that is measured beside its client library.
struct Sink {
    name: &'static str,
    what: &'static str,
    /// How large the backlog is; with a time it is of 200,000 events.
    amount: [&'static str; 2],
    start: fn(&Bench) -> Place,
}

const SINKS: &[Sink] = &[
    Sink { name: "rabbitmq", what: "to RabbitMQ", amount: ["-n", "40k"], start: rabbitmq },
    Sink { name: "nats", what: "to JetStream", amount: ["-T", "1s"], start: nats },
    Sink { name: "redis", what: "to Redis that keeps nothing", amount: ["-T", "1s"], start: |_| redis("no") },
    Sink {
        name: "redis-synced",
        what: "to Redis that syncs each write",
        amount: ["-T", "1s"],
        start: |_| redis("yes"),
    },
    Sink { name: "http", what: "to HTTP, a request an event", amount: ["-n", "10k"], start: http },
    Sink { name: "file", what: "to a file", amount: ["-T", "1s"], start: file },
    Sink { name: "upserts", what: "to another database, upserts", amount: ["-T", "1s"], start: upserts },
];

fn rabbitmq(_: &Bench) -> Place {
    let engine = engine::rabbitmq();
    // The library alone removes what is declared under the queue's name.
    (format!("amqp://127.0.0.1:{}/?declare=queue", engine.port), Box::new(engine))
}

fn nats(_: &Bench) -> Place {
    let engine = engine::nats();
    (format!("nats://127.0.0.1:{}?stream=OURS&create=ours&subject=ours", engine.port), Box::new(engine))
}

fn redis(appendonly: &str) -> Place {
    let engine = engine::redis(appendonly);
    (format!("redis://127.0.0.1:{}", engine.port), Box::new(engine))
}

fn http(_: &Bench) -> Place {
    let server = Http::start(|_, _| Reply::status(204));
    (format!("http://127.0.0.1:{}/", server.port()), Box::new(server))
}

fn file(_: &Bench) -> Place {
    let dir = tempfile::tempdir().unwrap();
    (format!("file:{}", dir.path().join("events").display()), Box::new(dir))
}

fn upserts(bench: &Bench) -> Place {
    bench.make_database("other");
    let table = "DROP TABLE IF EXISTS copied; CREATE TABLE copied (id bigint PRIMARY KEY, stamp text NOT NULL)";
    bench.client("other").batch_execute(table).unwrap();
    (bench.table_url("other", "copied"), Box::new(()))
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

    /// Makes a database, unless it is there.
    fn make_database(&self, name: &str) {
        let mut client = self.client("postgres");
        if client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name]).unwrap().is_none() {
            client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        }
    }

    /// What `--to` needs to keep a table in step.
    fn table_url(&self, database: &str, table: &str) -> String {
        let url = self.cluster.url(database);
        format!("{url}{}table={table}", if url.contains('?') { '&' } else { '?' })
    }

    /// Delivers a queue until it is empty: events a second.
    fn drain(&self, queue: &str, events: usize, to: &str) -> f64 {
        let started = Instant::now();
        assert!(self.pgfeed(&["-q", "tail-queue", queue, "-e", "--to", to]).status().unwrap().success());
        events as f64 / started.elapsed().as_secs_f64()
    }

    /// One worker and two, beside as many of the library, each time with a new engine.
    fn beside_library(&self, sink: &Sink) {
        let mut took: [[Vec<f64>; 2]; 2] = Default::default();
        let mut library = String::new();
        for _ in 0..RUNS {
            let (url, _place) = (sink.start)(self);
            let words = ["bench", "-q", "queue", "-o", "json", "--warmup", "0", "--listeners", "1,2", "--to", &url];
            let output = self.pgfeed(&[&words[..], &sink.amount].concat()).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let report: Value = serde_json::from_slice(&output.stdout).unwrap();
            let rows = report["rows"].as_array().unwrap();
            let sinks = rows.iter().filter(|row| row["case"] == "drain into the sink");
            for (row, [ours, theirs]) in sinks.zip(&mut took) {
                let same = |other: &&Value| other["case"] == row["baseline"] && other["listeners"] == row["listeners"];
                let alone = rows.iter().find(same).unwrap();
                library = alone["case"].as_str().unwrap().to_owned();
                ours.push(row["rate"]["median"].as_f64().unwrap());
                theirs.push(alone["rate"]["median"].as_f64().unwrap());
            }
        }
        let [[one, alone], [two, both]] = &mut took;
        report(&format!("{}; {library}", sink.what), "/s", one, alone, ">= 0.8");
        report("  with two workers; two of the library", "/s", two, both, "");
    }
}

/// All four rows of the demo's scenario.
fn sync(bench: &Bench) {
    let (url, _place) = rabbitmq(bench);
    let url = url.split('?').next().unwrap();
    assert!(bench.pgfeed(&["bench", "-q", "sync", "-n", "10k", "--to", url]).status().unwrap().success());
}

/// All of them, or those that are named: `cargo bench --bench sinks -- nats sync`.
fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|one| one == name);
    let builder = Cluster::builder().setting("max_wal_size", "4GB").setting("shared_buffers", "256MB");
    let bench = Bench { cluster: builder.durability(Durability::Real).start().unwrap() };
    header();
    if wanted("table") {
        table::run(&bench);
    }
    SINKS.iter().filter(|sink| wanted(sink.name)).for_each(|sink| bench.beside_library(sink));
    if wanted("sync") {
        sync(&bench);
    }
}
