//! How fast the sinks take a backlog, each beside what it is compared with, in one run.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement that fails should say so")]

#[path = "../common/mod.rs"]
mod common;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
#[allow(dead_code)]
#[path = "../../tests/pgfeed/harness/http.rs"]
mod server;
mod table;

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use common::{RUNS, header, median, report};
use pgfeed::cluster::{Cluster, Durability};
use postgres::{Client, NoTls};

/// A server and the program.
pub struct Bench {
    cluster: Cluster,
    pgfeed: PathBuf,
}

impl Bench {
    fn client(&self, database: &str) -> Client {
        Client::connect(&self.cluster.url(database), NoTls).unwrap()
    }

    /// Delivers a queue until it is empty; gives the events a second.
    fn drain(&self, queue: &str, events: usize, to: &str) -> f64 {
        let mut command = Command::new(&self.pgfeed);
        command.args(["-q", "tail-queue", queue, "-e", "--to", to]);
        let started = Instant::now();
        assert!(command.env("DATABASE_URL", self.cluster.url("postgres")).status().unwrap().success());
        events as f64 / started.elapsed().as_secs_f64()
    }
}

fn main() {
    let builder = Cluster::builder().setting("max_wal_size", "4GB").setting("shared_buffers", "256MB");
    let cluster = builder.durability(Durability::Real).start().unwrap();
    let bench = Bench { cluster, pgfeed: env!("CARGO_BIN_EXE_pgfeed").into() };
    header();
    table::run(&bench);
    #[cfg(feature = "http")]
    http::run(&bench);
}
