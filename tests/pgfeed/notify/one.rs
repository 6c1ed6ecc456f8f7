//! One notification: where the payload comes from.

use std::fs::OpenOptions;

use super::Listener;
use crate::harness::{Database, Stdout};
use crate::listen::shell;

#[test]
fn the_payload_is_the_argument() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let payloads = ["x", "", "two\nlines\n", "it's \"new\"", "$1 %s \\ ;--", "日本 é\u{202e}"];
    for payload in payloads {
        database.pgfeed(["notify", "c", payload]).run().ok().stdout_is("").stderr_is("");
    }
    assert_eq!(listener.rest(), payloads);
}

#[test]
fn a_payload_may_look_like_a_flag() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    database.pgfeed(["notify", "c", "--", "-5"]).run().ok();
    database.pgfeed(["notify", "--", "c", "--help"]).run().ok();
    assert_eq!(listener.rest(), ["-5", "--help"]);
}

#[test]
fn a_dash_and_a_stdin_that_is_no_terminal_are_all_of_stdin() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    // One final newline is removed, and nothing else.
    for (stdin, payload) in [("a\nb\n", "a\nb"), ("x\n\n", "x\n"), ("x\r\n", "x\r"), ("x", "x"), ("\n", ""), ("", "")] {
        database.pgfeed(["notify", "c", "-"]).stdin(stdin).run().ok();
        database.pgfeed(["notify", "c"]).stdin(stdin).run().ok();
        assert_eq!(listener.rest(), [payload, payload]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_payload_on_a_terminal_it_is_empty() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    // util-linux's `script` runs a command in a terminal.
    shell(&database, "exec script -qec \"$PGFEED notify c\" /dev/null").run().ok();
    assert_eq!(listener.rest(), [""]);
}

#[test]
fn an_argument_leaves_stdin_alone() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    shell(&database, "\"$PGFEED\" notify c x && cat").stdin("kept").run().ok().stdout_is("kept");
    assert_eq!(listener.rest(), ["x"]);
}

#[test]
fn odd_channels_mean_themselves() {
    let database = Database::new();
    for channel in ["Upper", "we\"ird", "x; drop table s; --", "*", " ", "日本", "new\nline", &"é".repeat(31)] {
        let mut listener = Listener::new(&database, channel);
        database.pgfeed(["notify", channel, channel]).run().ok();
        assert_eq!(listener.rest(), [channel]);
    }
}

#[test]
fn a_summary_is_printed_for_who_asks() {
    let database = Database::new();
    database
        .pgfeed(["notify", "c", "x", "-o", "text"])
        .run()
        .ok()
        .stderr_is("")
        .stdout_is("sent 1 notification to channel \"c\" in 1 transaction\n");
    database
        .pgfeed(["notify", "we\"ird", "x", "-o", "json"])
        .run()
        .ok()
        .stderr_is("")
        .stdout_is("{\"channel\":\"we\\\"ird\",\"sent\":1,\"transactions\":1}\n");
}

#[test]
fn a_summary_that_nobody_reads_is_no_error_but_a_full_disk_is() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    database.pgfeed(["notify", "c", "1", "-o", "json"]).stdout(Stdout::Head(0)).run().ok().stderr_is("");
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = database.pgfeed(["notify", "c", "2", "-o", "json"]).stdout(Stdout::To(full)).run();
    output.code(1).stderr_is("pgfeed: error: writing to stdout: No space left on device (os error 28)\n");
    shell(&database, "exec \"$PGFEED\" notify c 3 -o json >&-").run().ok().stderr_is("");
    assert_eq!(listener.rest(), ["1", "2", "3"]);
}

#[test]
fn json_is_checked_and_sent_as_it_is() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    for payload in [r#" {"a" : 1e400, "a":2}"#, "[1,2]", "\"text\"", "5", "null"] {
        database.pgfeed(["notify", "c", "--json", payload]).run().ok();
        assert_eq!(listener.rest(), [payload]);
    }
    for payload in ["{", "", "{a:1}", "[1] x", "NaN"] {
        let refused = database.pgfeed(["notify", "c", "--json", payload]).run().code(1);
        refused.stderr_has("pgfeed: error: the payload: it is not valid JSON: ");
    }
    assert!(listener.rest().is_empty());
}
