//! What the live feed costs, each figure beside what it is compared with, in one run: `make bench`.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a measurement that fails should say so")]

#[path = "../common/mod.rs"]
mod common;
mod listener;
mod sending;
mod stalled;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{RUNS, header, report};
use pgfeed::cluster::Cluster;
use postgres::{Client, NoTls};

/// The server, the programs, and how often everything is repeated.
pub struct Bench {
    cluster: Cluster,
    pgfeed: PathBuf,
    reference: PathBuf,
}

impl Bench {
    fn client(&self) -> Client {
        Client::connect(&self.url(), NoTls).unwrap()
    }

    fn url(&self) -> String {
        self.cluster.url("postgres")
    }

    fn pgfeed(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.pgfeed);
        command.args(words).env("DATABASE_URL", self.url());
        command
    }
}

fn main() {
    let cluster = Cluster::builder().setting("max_wal_size", "4GB").start().unwrap();
    let bench = Bench { reference: compile_reference(), pgfeed: env!("CARGO_BIN_EXE_pgfeed").into(), cluster };
    header();
    listener::cpu(&bench);
    listener::latency(&bench);
    sending::lines(&bench);
    sending::start_up(&bench);
    stalled::run(&bench);
}

/// Compiles the C program with the libpq that is installed.
fn compile_reference() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/live/listen.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("listen-reference");
    let include = Command::new("pg_config").arg("--includedir").output().unwrap().stdout;
    let include = format!("-I{}", String::from_utf8(include).unwrap().trim());
    let status = Command::new("cc").args(["-O2", &include, "-o"]).arg(&program).arg(source).arg("-lpq").status();
    assert!(status.unwrap().success(), "the C program needs libpq's headers");
    program
}
