//! `pgfeed demo`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::harness::{Database, Pgfeed, Running, Signal, server, wait_until};

/// The demo looks for the server programs itself; `PATH` may not have them.
fn demo(words: &[&str]) -> Pgfeed {
    Pgfeed::new(["demo"]).args(words).env("PGFEED_PG_BIN", server().bin_dir())
}

fn url_of(demo: &Running) -> String {
    // Told once the feed is live.
    demo.wait_stderr("psql");
    let stderr = demo.stderr();
    stderr.lines().find_map(|line| line.strip_prefix("DATABASE_URL=")).unwrap().to_owned()
}

/// The private directory, out of a URL with the socket's folder as the host.
fn directory(url: &str) -> PathBuf {
    let host = url.split('@').nth(1).unwrap().split(':').next().unwrap();
    host.replace("%2F", "/").into()
}

#[test]
fn shows_changes_and_leaves_nothing() {
    let running = demo(&["-n", "12", "--rate", "100"]).spawn();
    let directory = directory(&url_of(&running));
    let output = running.finish().ok();
    let events = output.json();
    assert_eq!(events.len(), 12);
    assert!(events.iter().all(|event| event["type"] == "notification" && event["payload"]["key"]["id"].is_number()));
    assert!(events.iter().any(|event| event["payload"]["changed"].is_object()));
    assert!(!directory.exists());
}

#[test]
fn the_first_change_is_there_in_well_under_two_seconds() {
    let started = Instant::now();
    let running = demo(&["-n", "1"]).spawn();
    running.wait_stdout_line(|line| line.contains("INSERT"));
    let took = started.elapsed();
    running.finish().ok();
    // A laptop needs 0.7 s; the bound leaves room for a machine that is busy with other tests.
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn a_second_terminal_can_connect() {
    let running = demo(&["--no-writes"]).spawn();
    let url = url_of(&running);
    Pgfeed::new(["notify", "orders", "from elsewhere", "-d", &url]).run().ok();
    running.wait_stdout_line(|line| line.contains("from elsewhere"));
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    client.batch_execute("INSERT INTO orders (customer_id, product_id, quantity) VALUES (1, 1, 1)").unwrap();
    running.wait_stdout_line(|line| line.contains("\"op\":\"INSERT\""));
    running.signal(Signal::Int);
    running.finish().code(130);
    wait_until("the directory is removed", || !directory(&url).exists());
}

#[test]
fn nothing_is_left_after_a_kill() {
    let running = demo(&[]).spawn();
    let directory = directory(&url_of(&running));
    running.wait_stdout_line(|line| line.contains("INSERT"));
    assert!(directory.exists());
    running.kill();
    wait_until("the directory is removed", || !directory.exists());
}

#[test]
fn over_tcp_a_password_is_needed() {
    let running = demo(&["--port", "0", "--no-writes"]).spawn();
    let url = url_of(&running);
    Pgfeed::new(["notify", "orders", "over tcp", "-d", &url]).run().ok();
    running.wait_stdout_line(|line| line.contains("over tcp"));
    let (start, rest) = url.split_once("postgres:").unwrap();
    let without = format!("{start}postgres{}", &rest[rest.find('@').unwrap()..]);
    Pgfeed::new(["notify", "orders", "x", "-d", &without]).run().code(3);
    running.signal(Signal::Term);
    running.finish().code(130);
}

#[test]
fn a_command_runs_beside_it_and_its_exit_code_is_ours() {
    let script = "test \"$PGDATABASE\" = shop && echo \"$DATABASE_URL\"; exit 7";
    let output = demo(&["--no-writes", "--", "sh", "-c", script]).run().code(7);
    assert!(output.stdout.starts_with("postgresql://") && output.stdout.lines().count() == 1, "{}", output.stdout);
    demo(&["--", "no-such-program"]).run().code(1).stderr_has("running no-such-program");
}

#[test]
fn the_data_can_be_kept() {
    let dir = tempfile::tempdir().unwrap();
    let kept = dir.path().join("kept");
    demo(&["-n", "1", "--rate", "50", "--keep", kept.to_str().unwrap()]).run().ok();
    assert!(kept.join("data/PG_VERSION").exists());
}

#[test]
fn without_server_programs_it_says_what_installs_them() {
    let empty = tempfile::tempdir().unwrap();
    let told = Pgfeed::new(["demo", "--pg-bin", empty.path().to_str().unwrap()]).run().code(1);
    told.stdout_is("").stderr_has("hint:");
    drop(Database::new());
}
