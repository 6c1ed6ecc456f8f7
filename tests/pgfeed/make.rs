//! The first of the two commands of a fresh machine, and what installs what it lacks.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::{Output, Pgfeed, server};

/// A copy of what `make demo` needs, with programs of ours that say what they were called for in the place of those that would take
/// minutes, or change the machine.
struct Checkout {
    dir: TempDir,
}

impl Checkout {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for folder in ["scripts", "bin", "target/release"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        for file in ["Makefile", "Cargo.toml", "scripts/need"] {
            fs::copy(root.join(file), dir.path().join(file)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_pgfeed"), dir.path().join("target/release/pgfeed")).unwrap();
        let checkout = Self { dir };
        checkout.program("rustc", "echo 'rustc 99.0.0'");
        checkout.noted("cargo", "exit 0");
        for manager in ["apt-get", "dnf", "brew", "sudo"] {
            checkout.noted(manager, "exit 1");
        }
        checkout
    }

    fn bin(&self) -> PathBuf {
        self.dir.path().join("bin")
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.bin().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A program that notes how it was called.
    fn noted(&self, name: &str, script: &str) {
        let called = self.dir.path().join("called");
        self.program(name, &format!("echo \"{name} $*\" >>'{}'; {script}", called.display()));
    }

    fn called(&self) -> String {
        fs::read_to_string(self.dir.path().join("called")).unwrap_or_default()
    }

    fn run(&self, words: &[&str], path: &str) -> Output {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        let run = Pgfeed::command(command).current_dir(self.dir.path()).env("PGFEED_PG_BIN", server().bin_dir());
        run.env("PATH", format!("{}:{path}", self.bin().display())).deadline(Duration::from_secs(60)).run()
    }

    fn with_our_path(&self, words: &[&str]) -> Output {
        self.run(words, &std::env::var("PATH").unwrap())
    }
}

#[test]
fn off_a_terminal_make_demo_ends_by_itself_after_twenty_changes() {
    let checkout = Checkout::new();
    let output = checkout.with_our_path(&["make", "demo"]).ok();
    let (events, rest): (Vec<_>, Vec<_>) = output.stdout.lines().partition(|line| line.starts_with('{'));
    assert_eq!(events.len(), 20, "{output}");
    // Nothing is lacking, and nothing was said to be; make shows what it builds.
    assert_eq!(rest, ["cargo build --release --bin pgfeed"]);
    assert_eq!(checkout.called(), "cargo build --release --bin pgfeed\n");
    output.stderr_has("DATABASE_URL=postgresql://");
}

#[test]
fn where_all_is_there_nothing_is_installed_and_nothing_said() {
    let checkout = Checkout::new();
    for purpose in ["demo", "test"] {
        checkout.with_our_path(&["scripts/need", purpose]).ok().stdout_is("").stderr_is("");
    }
    assert!(!checkout.called().contains("install"), "{}", checkout.called());
}

#[test]
fn what_is_missing_is_named_and_installed() {
    let checkout = Checkout::new();
    let few = ["sh", "sed", "dirname", "mkdir", "mktemp", "chmod", "id", "env", "rm", "cat"];
    let places = std::env::var("PATH").unwrap();
    for name in few {
        let found = std::env::split_paths(&places).map(|dir| dir.join(name)).find(|program| program.exists()).unwrap();
        symlink(found, checkout.bin().join(name)).unwrap();
    }
    checkout.program("sudo", "exec \"$@\"");
    checkout.noted("apt-get", "exit 0");
    // A system that keeps everything in one folder has no C compiler in /sbin either.
    let output = checkout.run(&["scripts/need", "demo"], "/nonexistent").ok();
    output.stdout_is("need: missing:\n  a C compiler\nneed: installing with apt-get: gcc libc6-dev\n");
    assert!(
        checkout.called().ends_with(" install -y --no-install-recommends gcc libc6-dev\n"),
        "{}",
        checkout.called()
    );
}
