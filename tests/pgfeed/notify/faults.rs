//! A connection that ends, a server that hangs, a signal.

use std::time::{Duration, Instant};

use super::Listener;
use crate::harness::proxy::Mode;
use crate::harness::{Database, Output, Pgfeed, Running, Signal, wait_until};

const UNSURE: &str = "  detail: the connection was lost before the server answered: ";

#[test]
fn an_answer_that_is_lost_leaves_the_outcome_open_and_nothing_is_sent_twice() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let proxy = database.proxy();
    proxy.set(Mode::LoseAnswerTo("pg_notify"));
    let run = Pgfeed::new(["notify", "c", "x"]).env("DATABASE_URL", proxy.url(database.name())).run().code(3);
    run.clone().stderr_has("pgfeed: error: notifying channel \"c\": ");
    run.stderr_has(&format!("{UNSURE}this notification may have been sent; already sent: 0 notifications\n"));
    assert_eq!(listener.rest(), ["x"]);
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn a_lost_answer_in_a_stream_says_what_is_sure_and_what_is_not() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let proxy = database.proxy();
    let args = ["notify", "c", "-l", "--batch", "2", "-o", "json"];
    let mut run = Pgfeed::new(args).env("DATABASE_URL", proxy.url(database.name())).stdin_open().spawn();
    run.write_stdin("1\n2\n");
    assert_eq!(listener.receive(2), ["1", "2"]);
    proxy.set(Mode::LoseAnswerTo("unsure"));
    run.write_stdin("unsure 3\nunsure 4\nunsure 5\n");
    let output = run.finish().code(3);
    output
        .stdout_is("{\"channel\":\"c\",\"sent\":2,\"transactions\":1}\n")
        .stderr_has(&format!("{UNSURE}these 2 notifications may have been sent; already sent: 2 notifications\n"));
    assert_eq!(listener.rest(), ["unsure 3", "unsure 4"]);
    assert_eq!(proxy.accepted(), 1);
}

#[test]
fn a_session_that_is_ended_is_a_lost_connection() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let mut run = database.pgfeed(["notify", "c", "-l", "-o", "json"]).stdin_open().spawn();
    run.write_stdin("1\n");
    assert_eq!(listener.receive(1), ["1"]);
    let session = "pg_stat_activity WHERE application_name = 'pgfeed notify' AND datname = current_database()";
    // A listener hears of a commit before whoever committed does.
    database.wait_for(&format!("SELECT EXISTS (SELECT 1 FROM {session} AND state = 'idle')"));
    database.sql(&format!("SELECT pg_terminate_backend(pid) FROM {session}"));
    database.wait_for(&format!("SELECT NOT EXISTS (SELECT 1 FROM {session})"));
    run.write_stdin("2\n");
    let output = run.finish().code(3);
    output.stderr_has("may have been sent; already sent: 1 notification\n");
}

#[test]
fn a_server_that_is_not_there_is_exit_3() {
    let database = Database::new();
    let proxy = database.proxy();
    proxy.refuse();
    for args in [&["notify", "c", "x"][..], &["notify", "c", "-l"]] {
        let run = Pgfeed::new(args).env("DATABASE_URL", proxy.url(database.name())).stdin("x\n").run().code(3);
        run.stderr_has("connection refused").lacks("may have been sent");
    }
}

#[test]
fn a_signal_in_the_middle_of_a_stream_finishes_what_is_in_hand_and_says_how_much() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    for signal in [Signal::Term, Signal::Int, Signal::Hup] {
        let mut run = database.pgfeed(["notify", "c", "-l", "-o", "json"]).stdin_open().spawn();
        run.write_stdin("1\n");
        assert_eq!(listener.receive(1), ["1"]);
        let started = Instant::now();
        run.signal(signal);
        let output = run.finish().code(130);
        assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
        output.stdout_is("{\"channel\":\"c\",\"sent\":1,\"transactions\":1}\n");
    }
}

#[test]
fn a_signal_under_load_counts_exactly_what_was_sent() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let lines: String = (1..=200_000).map(|n| format!("{n}\n")).collect();
    let run = database.pgfeed(["notify", "c", "-l", "--batch", "10", "-o", "json"]).stdin(lines).spawn();
    assert_eq!(listener.receive(100).len(), 100);
    run.signal(Signal::Term);
    let output = run.finish().code(130);
    let sent = usize::try_from(output.json()[0]["sent"].as_u64().unwrap()).unwrap();
    assert!(sent < 200_000);
    assert_eq!(listener.rest().len() + 100, sent);
}

#[test]
fn a_signal_ends_a_wait_for_the_server() {
    let database = Database::new();
    let proxy = database.proxy();
    for args in [&["notify", "c", "x"][..], &["notify", "c", "-l"]] {
        // In the connect.
        proxy.set(Mode::Stall);
        let before = proxy.accepted();
        let run = Pgfeed::new(args).env("DATABASE_URL", proxy.url(database.name())).stdin_open().spawn();
        wait_until("the server is asked", || proxy.accepted() > before);
        ends_soon(run).stderr_is("");
        proxy.set(Mode::Pass);
    }
    // In a statement.
    let mut listener = Listener::new(&database, "c");
    let mut run =
        Pgfeed::new(["notify", "c", "-l"]).env("DATABASE_URL", proxy.url(database.name())).stdin_open().spawn();
    run.write_stdin("1\n");
    assert_eq!(listener.receive(1), ["1"]);
    proxy.set(Mode::Stall);
    run.write_stdin("2\n");
    ends_soon(run);
}

#[test]
fn a_signal_ends_a_wait_for_stdin() {
    let database = Database::new();
    for args in [&["notify", "c"][..], &["notify", "c", "-l"]] {
        let mut run = database.pgfeed(args).stdin_open().spawn();
        run.write_stdin("x");
        wait_until("signals are watched", || watches_signals(run.pid()));
        ends_soon(run);
    }
}

/// Whether a process has a handler of its own for SIGTERM.
#[cfg(target_os = "linux")]
fn watches_signals(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << 14) != 0
}

#[cfg(not(target_os = "linux"))]
fn watches_signals(_pid: u32) -> bool {
    true
}

#[track_caller]
fn ends_soon(run: Running) -> Output {
    let started = Instant::now();
    run.signal(Signal::Term);
    let output = run.finish().code(130);
    assert!(started.elapsed() < Duration::from_millis(1900), "{:?}", started.elapsed());
    output
}
