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

type Measurement = (&'static str, fn(&Bench));

const MEASUREMENTS: [Measurement; 3] = [("bulk", write::bulk), ("drain", drain::run), ("commands", deliver::commands)];

/// All of them, or those that are named: `cargo bench --bench durable -- drain`.
fn main() {
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |name: &str| named.is_empty() || named.iter().any(|one| one == name);
    let builder = Cluster::builder().setting("max_wal_size", "4GB").setting("shared_buffers", "256MB");
    let cluster = builder.durability(Durability::Real).start().unwrap();
    let bench = Bench { cluster, pgfeed: env!("CARGO_BIN_EXE_pgfeed").into() };
    header();
    MEASUREMENTS.iter().filter(|(name, _)| wanted(name)).for_each(|(_, measure)| measure(&bench));
}
