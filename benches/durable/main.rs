//! What the durable queue costs writers and how fast it is delivered, each figure beside what it is compared with, in one run.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement that fails should say so")]

#[path = "../common/mod.rs"]
mod common;
mod deliver;
mod drain;
mod write;

use std::path::PathBuf;
use std::process::Command;

use common::{RUNS, header, median, report};
use pgfeed::cluster::{Cluster, Durability};
use postgres::{Client, NoTls};

/// A server that waits for its disk, and the programs.
pub struct Bench {
    cluster: Cluster,
    pgfeed: PathBuf,
}

impl Bench {
    fn client(&self) -> Client {
        Client::connect(&self.cluster.url("postgres"), NoTls).unwrap()
    }

    fn pgfeed(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.pgfeed);
        command.args(words).env("DATABASE_URL", self.cluster.url("postgres"));
        command
    }

    fn install(&self, words: &[&str]) {
        let output = self.pgfeed(&[&["install-trigger"], words].concat()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn main() {
    let builder = Cluster::builder().setting("max_wal_size", "4GB").setting("shared_buffers", "256MB");
    let cluster = builder.durability(Durability::Real).start().unwrap();
    let bench = Bench { cluster, pgfeed: env!("CARGO_BIN_EXE_pgfeed").into() };
    header();
    write::bulk(&bench);
    drain::run(&bench);
    deliver::commands(&bench);
}
