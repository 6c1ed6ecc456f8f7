//! Signals with a command in flight, and what is left behind.

use std::time::{Duration, Instant};

use super::{lives, read, script};
use crate::harness::{Database, Running, Signal, send, wait_until};
use crate::listen::notify;

/// A run with a command in flight that has told its number.
fn in_flight(database: &Database, dir: &tempfile::TempDir, flags: &[&str], command: &str) -> Running {
    // One that was there before has left its own, perhaps.
    drop(std::fs::remove_file(dir.path().join("pid")));
    let run = script(database, dir, flags, &format!("echo $$ > pid; {command}"));
    notify(database, "c", "x");
    wait_until("the command runs", || read(dir, "pid").ends_with('\n'));
    run
}

#[test]
fn a_command_in_flight_may_finish() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    for mode in ["each", "batch", "stream"] {
        let run = in_flight(&database, &dir, &["--exec-mode", mode], "sleep 2; cat");
        let started = Instant::now();
        run.signal(Signal::Term);
        notify(&database, "c", "y");
        let output = run.finish().code(130).stderr_is("pgfeed: listening on c\n");
        assert_eq!(output.lines().len(), 1, "{output}");
        assert!(started.elapsed() < Duration::from_millis(3900), "{:?}", started.elapsed());
    }
}

#[test]
fn one_that_takes_longer_than_five_seconds_is_ended() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = in_flight(&database, &dir, &[], "trap '' TERM; while :; do sleep 1; done");
    let started = Instant::now();
    run.signal(Signal::Term);
    run.finish().code(130).stdout_is("").stderr_is("pgfeed: listening on c\n");
    let took = started.elapsed();
    assert!((Duration::from_secs(5)..Duration::from_millis(7900)).contains(&took), "{took:?}");
    wait_until("the command has ended", || !lives(&read(&dir, "pid")));
}

#[test]
fn a_second_signal_ends_all_at_once() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = in_flight(&database, &dir, &[], "trap '' TERM; exec sleep 60");
    let started = Instant::now();
    run.signal(Signal::Term);
    // Two equal signals could arrive as one.
    run.signal(Signal::Int);
    run.finish().code(130);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    wait_until("the command has ended", || !lives(&read(&dir, "pid")));
}

#[test]
fn a_kill_ends_the_command_too() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    for mode in ["each", "stream"] {
        let run = in_flight(&database, &dir, &["--exec-mode", mode], "trap '' TERM; cat; sleep 60; :");
        // What the shell has started lives on, and holds our stdout and stderr.
        run.signal(Signal::Kill);
        wait_until("the command has ended", || !lives(&read(&dir, "pid")));
        drop(run);
    }
}

#[test]
fn an_idle_stream_ends_with_us_at_once() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = in_flight(&database, &dir, &["--exec-mode", "stream"], "cat > in; echo end");
    wait_until("it has read", || read(&dir, "in").ends_with('\n'));
    let started = Instant::now();
    run.signal(Signal::Term);
    run.finish().code(130).stdout_is("end\n").stderr_is("pgfeed: listening on c\n");
    assert!(started.elapsed() < Duration::from_millis(1900), "{:?}", started.elapsed());
}

#[test]
fn without_a_command_in_flight_a_signal_is_answered_at_once() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = script(&database, &dir, &[], "cat");
    let started = Instant::now();
    run.signal(Signal::Int);
    run.finish().code(130).stdout_is("");
    assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
}

#[test]
fn a_command_that_is_told_to_stop_with_us_has_refused_nothing() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = in_flight(&database, &dir, &[], "exec sleep 60");
    run.signal(Signal::Term);
    // As a service manager does, to every process of the service.
    send(Signal::Term, read(&dir, "pid").trim().parse().unwrap());
    run.finish().code(130).stderr_is("pgfeed: listening on c\n");
}
