//! Taking events by printing them.

use std::fs::OpenOptions;
use std::process::Command;

use super::{consume, enqueue, held, in_order, with_queue};
use crate::harness::{Pgfeed, Stdout};

#[test]
fn what_is_printed_is_gone() {
    let db = with_queue();
    db.sql(&enqueue(3, 2));
    consume(&db, &["-e"]).run().ok().stdout_is("1 1\n2 1\n3 1\n1 2\n2 2\n3 2\n").stderr_is("");
    assert_eq!(held(&db), "0 0 0");
    consume(&db, &["-e"]).run().ok().stdout_is("").stderr_is("");
}

#[test]
fn a_count_is_exact_with_four_workers() {
    let db = with_queue();
    db.sql(&enqueue(100, 10));
    for (count, batch) in [("37", "5"), ("1", "1000"), ("250", "7")] {
        let output = consume(&db, &["-j", "4", "-n", count, "--batch", batch]).run().ok();
        assert_eq!(output.lines().len().to_string(), count);
    }
    assert_eq!(held(&db), format!("{} 0 0", 1000 - 37 - 1 - 250));
}

#[test]
fn four_workers_keep_the_order_of_each_row() {
    let db = with_queue();
    db.sql(&enqueue(50, 40));
    let output = consume(&db, &["-j", "4", "-e", "--batch", "9"]).run().ok();
    in_order(output.lines(), 50, 40);
}

#[test]
fn batches_are_bounded_by_rows_and_by_bytes() {
    let db = with_queue();
    let sizes = |args: &[&str]| {
        db.sql("INSERT INTO pgfeed.queue_q (key, payload) SELECT n, repeat('x', 100) FROM generate_series(1, 10) n");
        let command = ["--exec-mode", "batch", "-e", "--", "sh", "-c", "cat | wc -l"];
        let output = db.pgfeed(["tail-queue", "q"]).args(args).args(command).run().ok();
        output.lines().iter().map(|line| line.trim().parse().unwrap()).collect::<Vec<u32>>()
    };
    assert_eq!(sizes(&["--batch", "4"]), [4, 4, 2]);
    assert_eq!(sizes(&["--batch-bytes", "300"]), [3, 3, 3, 1]);
    // One event always fits.
    assert_eq!(sizes(&["--batch-bytes", "1"]), [1; 10]);
}

#[test]
fn printing_to_nowhere_is_refused() {
    let db = with_queue();
    db.sql(&enqueue(1, 1));
    let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    consume(&db, &[]).stdout(Stdout::To(null)).run().code(2).stderr_has("--consume would throw the events away");
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", r#"exec "$0" tail-queue q --consume >&-"#, env!("CARGO_BIN_EXE_pgfeed")]);
    let closed = Pgfeed::command(shell).env("DATABASE_URL", db.url()).run();
    closed.code(2).stderr_has("stdout is closed or /dev/null");
    assert_eq!(held(&db), "1 0 0");
}

#[test]
fn a_full_disk_is_an_error_and_the_events_stay() {
    let db = with_queue();
    db.sql(&enqueue(1, 5));
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    consume(&db, &["-e"]).stdout(Stdout::To(full)).run().code(1).stderr_has("No space left on device");
    assert_eq!(held(&db), "5 0 0");
}

#[test]
fn a_reader_that_goes_away_costs_nothing() {
    let db = with_queue();
    db.sql("INSERT INTO pgfeed.queue_q (key, payload) SELECT n, repeat('x', 1000) FROM generate_series(1, 5000) n");
    consume(&db, &["--batch", "1000"]).stdout(Stdout::Head(1)).run().ok().stderr_is("");
    let left: i64 = db.value("SELECT count(*) FROM pgfeed.queue_q").parse().unwrap();
    // Batches grow from 4 events to what was asked for.
    assert!([5000, 4996, 4980, 4916, 4660].contains(&left), "half a batch was taken: {left} are left");
}
