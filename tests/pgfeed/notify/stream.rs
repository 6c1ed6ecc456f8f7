//! A notification for every line or record of stdin.

use super::Listener;
use crate::harness::Database;
use crate::listen::{listening, numbers};

#[test]
fn every_line_is_a_notification() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    // Empty lines count, a carriage return is data, and the last line needs no newline.
    let output = database.pgfeed(["notify", "c", "-l"]).stdin("a\n\nb\r\n\n  c\nd").run().ok();
    // How many transactions is a matter of chance: a pause before the end sends what came before it.
    output.stdout_is("").stderr_has("pgfeed: sent 6 notifications to channel \"c\" in ");
    assert_eq!(listener.rest(), ["a", "", "b\r", "", "  c", "d"]);
}

#[test]
fn every_record_is_a_notification() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    for (stdin, records) in [("two\nlines\0\0x\0", ["two\nlines", "", "x"]), ("a\0b\0c", ["a", "b", "c"])] {
        database.pgfeed(["notify", "c", "-0"]).stdin(stdin).run().ok();
        assert_eq!(listener.rest(), records);
    }
}

#[test]
fn nothing_is_sent_for_nothing() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let output = database.pgfeed(["notify", "c", "-l", "-o", "json"]).run().ok();
    output.stderr_is("").stdout_is("{\"channel\":\"c\",\"sent\":0,\"transactions\":0}\n");
    assert!(listener.rest().is_empty());
}

#[test]
fn equal_lines_stay_separate() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let output = database.pgfeed(["notify", "c", "-l", "-o", "json"]).stdin("a\na\nb\na\nb\nb\n").run().ok();
    // a | a b | a b | b: a batch is cut where the server would fold two lines into one.
    output.stdout_is("{\"channel\":\"c\",\"sent\":6,\"transactions\":4}\n");
    assert_eq!(listener.rest(), ["a", "a", "b", "a", "b", "b"]);
}

#[test]
fn a_batch_is_a_transaction() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let lines: String = (1..=10).map(|n| format!("{n}\n")).collect();
    for (batch, transactions) in [("1", 10), ("3", 4), ("10", 1), ("1k", 1)] {
        let run =
            database.pgfeed(["notify", "c", "-l", "--batch", batch, "-o", "json"]).stdin(lines.as_str()).run().ok();
        run.stdout_is(&format!("{{\"channel\":\"c\",\"sent\":10,\"transactions\":{transactions}}}\n"));
        assert_eq!(numbers(listener.rest()), (1..=10).collect::<Vec<_>>());
    }
    database
        .pgfeed(["notify", "c", "-l", "--batch", "0"])
        .run()
        .code(2)
        .stderr_is("pgfeed: error: --batch 0 would send nothing\n");
}

#[test]
fn a_hundred_thousand_lines_arrive_in_order() {
    let database = Database::new();
    let run = listening(database.pgfeed(["listen", "c", "-o", "raw", "-n", "100000"]));
    let lines: String = (1..=100_000).map(|n| format!("{n}\n")).collect();
    let sent = database.pgfeed(["notify", "c", "-l", "-o", "json"]).stdin(lines).run().ok();
    assert_eq!(sent.json()[0]["sent"], 100_000);
    assert_eq!(numbers(run.finish().ok().lines()), (1..=100_000).collect::<Vec<_>>());
}

#[test]
fn a_line_is_sent_when_no_more_input_is_ready() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let mut run = database.pgfeed(["notify", "c", "-l", "-o", "json"]).stdin_open().spawn();
    for n in 1..=5 {
        run.write_stdin(&format!("{n}\n"));
        assert_eq!(listener.receive(1), [n.to_string()]);
    }
    // Half a line is not sent before its end.
    run.write_stdin("half");
    run.write_stdin(" of it\nand");
    assert_eq!(listener.receive(1), ["half of it"]);
    run.close_stdin();
    run.finish().ok().stdout_is("{\"channel\":\"c\",\"sent\":7,\"transactions\":7}\n");
    assert_eq!(listener.rest(), ["and"]);
}

#[test]
fn lines_that_are_long_and_many_arrive_whole() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let lines: Vec<String> = (0..200).map(|n| format!("{n} {}", "é".repeat(3990))).collect();
    database.pgfeed(["notify", "c", "-l"]).stdin(lines.join("\n")).run().ok();
    assert!(listener.rest() == lines);
}

#[test]
fn a_payload_and_a_stream_exclude_each_other() {
    let database = Database::new();
    database.pgfeed(["notify", "c", "x", "-l"]).run().code(2);
    database.pgfeed(["notify", "c", "-l", "-0"]).run().code(2);
}
