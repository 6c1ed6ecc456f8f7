//! When it stops by itself.

use std::time::{Duration, Instant};

use super::{listen, listening, notify, notify_with, send_numbers};
use crate::harness::proxy::Mode;
use crate::harness::{Database, Pgfeed};

#[test]
fn a_count_is_exact_even_in_the_middle_of_a_burst() {
    let database = Database::new();
    let run = listen(&database, ["c", "-n", "1500", "-o", "raw"]);
    send_numbers(&mut database.client(), 1, 4000, 8);
    let output = run.finish().ok();
    assert_eq!(super::numbers(output.lines()), (1..=1500).collect::<Vec<_>>());
    output.stderr_is("pgfeed: listening on c\n");
}

#[test]
fn a_count_of_nothing_is_done_at_once() {
    let database = Database::new();
    database.pgfeed(["listen", "c", "-n", "0"]).run().ok().stdout_is("");
}

#[test]
fn time_over_is_success_without_a_count_and_124_with_one() {
    let database = Database::new();
    // The time begins with the process, and must be enough for the connect.
    let run = |limit, count: &[&str]| listening(database.pgfeed(["listen", "c", "-o", "raw", limit, "2s"]).args(count));
    let started = Instant::now();
    let runs = ["-t", "--idle-timeout"]
        .map(|limit| [(run(limit, &[]), 0), (run(limit, &["-n", "2"]), 124), (run(limit, &["-n", "1"]), 0)]);
    notify(&database, "c", "x");
    for (run, code) in runs.into_iter().flatten() {
        run.finish().code(code).stdout_is("x\n").stderr_is("pgfeed: listening on c\n");
    }
    assert!(started.elapsed() >= Duration::from_secs(2));
}

#[test]
fn events_put_the_idle_timeout_off_but_not_the_timeout() {
    let database = Database::new();
    let mut client = database.client();
    let run = listen(&database, ["c", "-o", "raw", "--idle-timeout", "1s", "-n", "5"]);
    let started = Instant::now();
    for n in 0..5 {
        // Together longer than the limit.
        std::thread::sleep(Duration::from_millis(300));
        notify_with(&mut client, "c", &n.to_string());
    }
    run.finish().ok().stdout_is("0\n1\n2\n3\n4\n");
    assert!(started.elapsed() > Duration::from_secs(1));

    let mut run = listen(&database, ["c", "-o", "raw", "-t", "1s"]);
    let deadline = Instant::now() + Duration::from_secs(10);
    while run.is_running() {
        assert!(Instant::now() < deadline, "a steady stream keeps it from ending");
        notify_with(&mut client, "c", "x");
    }
    run.finish().ok();
}

#[test]
fn the_record_of_the_end_says_which_limit_it_was() {
    let database = Database::new();
    let output = listen(&database, ["c", "--control", "-t", "1s"]).finish().ok();
    assert_eq!(output.json()[1]["detail"], "the time is over");
}

#[test]
fn time_that_is_over_before_there_was_a_connection_is_no_success() {
    let database = Database::new();
    let proxy = database.proxy();
    proxy.set(Mode::Stall);
    let run = |count: &[&str]| {
        let args = ["listen", "c", "-t", "200ms"];
        Pgfeed::new(args).args(count).env("DATABASE_URL", proxy.url(database.name())).run()
    };
    run(&[]).code(3).stdout_is("").stderr_is("pgfeed: error: the time was over before there was a connection\n");
    run(&["-n", "1"]).code(124).stdout_is("").stderr_is("");
}
