//! Forms of the output, and that no payload can break them.

use serde_json::Value;

use super::{listen, listening, notify, notify_with, shell, timeless};
use crate::harness::Database;

#[test]
fn json_is_one_exact_line_with_the_sender_and_the_time() {
    let database = Database::new();
    let run = listen(&database, ["orders", "-n", "2"]);
    let mut client = database.client();
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let before = jiff::Timestamp::now();
    notify_with(&mut client, "orders", "it's \"new\"");
    notify_with(&mut client, "orders", r#"{"id": 7, "n": 1.10}"#);
    let output = run.finish().ok();
    let head = format!(r#"{{"type":"notification","channel":"orders","pid":{pid},"at":T,"payload":"#);
    let lines: Vec<String> = output.lines().into_iter().map(timeless).collect();
    assert_eq!(lines, [format!(r#"{head}"it's \"new\""}}"#), format!(r#"{head}{{"id": 7, "n": 1.10}}}}"#)]);
    let at: jiff::Timestamp = output.json()[0]["at"].as_str().unwrap().parse().unwrap();
    // The time is cut to microseconds.
    assert!(at.as_microsecond() >= before.as_microsecond() && at <= jiff::Timestamp::now(), "{at}");
    output.stderr_is("pgfeed: listening on orders\n");
}

#[test]
fn auto_is_json_without_a_terminal() {
    let database = Database::new();
    let run = listen(&database, ["c", "-o", "auto", "-n", "1"]);
    notify(&database, "c", "x");
    run.finish().ok().stdout_has(r#"{"type":"notification","channel":"c","#);
}

#[test]
#[cfg(target_os = "linux")]
fn auto_is_pretty_on_a_terminal() {
    let database = Database::new();
    // util-linux's `script` runs a command in a terminal.
    let run = shell(&database, r#"exec script -qec "$PGFEED listen c -n 1" /dev/null"#).env("TERM", "dumb").spawn();
    run.wait_stdout_line(|line| line.contains("listening on c"));
    notify(&database, "c", "a\u{1b}[2J");
    let line = run.wait_stdout_line(|line| line.contains("[2J"));
    assert!(line.ends_with(" c a\\u{001b}[2J\r"), "{line:?}");
    run.finish().ok();
}

#[test]
fn raw_is_the_payload_and_a_newline() {
    let database = Database::new();
    let run = listen(&database, ["c", "-o", "raw", "-n", "3", "--control"]);
    notify(&database, "c", "a\u{1b}[2J\u{202e}é");
    notify(&database, "c", "");
    notify(&database, "c", "two\nlines\r\n");
    run.finish().ok().stdout_is("a\u{1b}[2J\u{202e}é\n\ntwo\nlines\r\n\n");
}

#[test]
fn nul_ends_events_instead_of_a_newline() {
    let database = Database::new();
    let run = listen(&database, ["c", "-o", "raw", "-0", "-n", "2"]);
    notify(&database, "c", "two\nlines");
    notify(&database, "c", "");
    run.finish().ok().stdout_is("two\nlines\0\0");
    let run = listen(&database, ["c", "-0", "-n", "1"]);
    notify(&database, "c", "x");
    let output = run.finish().ok();
    assert!(output.stdout.ends_with("\"payload\":\"x\"}\0") && !output.stdout.contains('\n'), "{output}");
}

#[test]
fn pretty_escapes_whatever_could_fool_a_terminal() {
    let database = Database::new();
    let run = listen(&database, ["c", "a\u{1b}", "-o", "pretty", "-n", "4"]);
    notify(&database, "c", "\u{1b}]0;title\u{7} \u{9b}2J \u{202e}gpj.exe\u{2066} \r{\"fake\":1}\nline \u{7f}\t");
    notify(&database, "c", "{\"op\":\"INSERT\",\"key\":{\"id\":7},\"new\":{\"id\":7,\"name\":\"a\u{202e}b\"}}");
    notify(&database, "c", "日本 é");
    notify(&database, "a\u{1b}", "x");
    let output = run.finish().ok();
    let shown: Vec<&str> = output.lines().iter().map(|line| &line[line.find(' ').unwrap()..]).collect();
    let expected = [
        r#" c \u{001b}]0;title\u{0007} \u{009b}2J \u{202e}gpj.exe\u{2066} \r{"fake":1}\nline \u{007f}\t"#,
        r#" c INSERT   {"id":7} {"id":7,"name":"a\u{202e}b"}"#,
        " c 日本 é",
        r" a\u{001b} x",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn colour_is_only_for_who_asks() {
    let database = Database::new();
    for (when, coloured) in [("always", true), ("auto", false), ("never", false)] {
        let run = database.pgfeed(["listen", "c", "-o", "pretty", "-n", "1", "--color", when]).spawn();
        run.wait_stderr("listening");
        notify(&database, "c", "x");
        assert_eq!(run.finish().ok().stdout.contains("\u{1b}["), coloured, "{when}");
    }
}

#[test]
fn the_usual_variables_decide_on_colour() {
    let database = Database::new();
    let cases: [(&[&str], bool); 10] = [
        (&["CLICOLOR_FORCE=1"], true),
        (&["CLICOLOR_FORCE=0"], false),
        (&["CLICOLOR_FORCE=1", "NO_COLOR=1"], false),
        (&["CLICOLOR_FORCE=1", "NO_COLOR=0"], false),
        (&["CLICOLOR_FORCE=1", "NO_COLOR="], true),
        (&["PG_COLOR=always"], true),
        (&["PG_COLOR=auto"], false),
        (&["PG_COLOR=always", "NO_COLOR=1"], false),
        (&["PG_COLOR=never", "CLICOLOR_FORCE=1"], true),
        (&["PG_COLOR=always", "TERM=dumb"], true),
    ];
    for (variables, coloured) in cases {
        // On stderr as on stdout: the error is about a table that is not there.
        let mut run = database.pgfeed(["install-trigger", "none"]);
        for (name, value) in variables.iter().filter_map(|variable| variable.split_once('=')) {
            run = run.env(name, value);
        }
        assert_eq!(run.run().code(2).stderr.contains("\u{1b}["), coloured, "{variables:?}");
    }
    let forced = database.pgfeed(["install-trigger", "none", "--color", "always"]).env("NO_COLOR", "1");
    assert!(forced.run().code(2).stderr.contains("\u{1b}["));
}

#[test]
fn control_records_tell_the_beginning_and_the_end() {
    let database = Database::new();
    let run = listen(&database, ["a", "b", "--control", "-n", "1"]);
    notify(&database, "b", "x");
    let output = run.finish().ok();
    let lines = output.lines();
    assert_eq!(timeless(lines[0]), r#"{"type":"control","event":"ready","at":T,"channels":["a","b"]}"#);
    assert_eq!(
        timeless(lines[2]),
        r#"{"type":"control","event":"stopped","at":T,"channels":["a","b"],"detail":"the count is reached"}"#
    );
    assert_eq!(lines.len(), 3);
}

#[test]
fn without_control_there_are_events_only() {
    let database = Database::new();
    listen(&database, ["c", "-t", "1s"]).finish().ok().stdout_is("");
}

#[test]
fn every_payload_is_one_line_and_comes_back_exactly() {
    let database = Database::new();
    let payloads = payloads();
    let run = listen(&database, ["c", "-n", &payloads.len().to_string()]);
    let mut client = database.client();
    payloads.iter().for_each(|payload| notify_with(&mut client, "c", payload));
    let output = run.finish().ok();
    assert_eq!(output.lines().len(), payloads.len());
    for (line, payload) in output.lines().iter().zip(&payloads) {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(event["payload"].as_str(), Some(payload.as_str()), "{line}");
    }
}

/// Payloads that are no JSON objects or arrays, though some look like it.
fn payloads() -> Vec<String> {
    let mut payloads: Vec<String> = (1..=0xff).map(|code| format!("<{}>", char::from(code))).collect();
    let texts = [
        "",
        "x",
        "{",
        "[",
        "]",
        "{]",
        "[1] x",
        "[1,]",
        "{\"a\":NaN}",
        "{a:1}",
        "{'a':1}",
        "[01]",
        "NaN",
        "1e400",
        "1",
        "null",
        "true",
        "\"text\"",
        "[\"\t\"]",
        "[\"\n\"]",
        "\u{feff}[]",
        "\u{c}[]",
        "\u{2028}\u{2029}",
        "\u{1b}]0;x\u{7}",
        "\u{1b}[2J",
        "\u{9b}2J",
        "\r{\"fake\":1},",
        "\r\n",
        "\n{\"type\":\"notification\"},\n",
        "${IFS}",
        "$(id)",
        "`id`",
        "-rf",
        "=cmd|' /C calc'!A0",
        "\u{202e}\u{2066}",
        "日本 emoji😀 é",
        "\\u0000",
        "'; DROP TABLE t; --",
    ];
    payloads.extend(texts.map(str::to_owned));
    payloads.extend([7998, 7999].map(|length| "x".repeat(length)));
    payloads.push(format!("{}x", "é".repeat(3999)));
    payloads
}

#[test]
fn objects_and_arrays_are_embedded_byte_for_byte() {
    let database = Database::new();
    let deep = format!("{}{}", "[".repeat(3900), "]".repeat(3900));
    let exact = [
        "{}",
        "[]",
        r#"{"a":9007199254740993}"#,
        r#"[12345678901234567890.12345678901234567890]"#,
        "[1e400,-0,1.0,1.10]",
        r#"{"a":1,"a":2}"#,
        r#"["\u0000","\ud800","\/"]"#,
        "[\"\u{2028}\u{7f}\u{9b}\u{202e}\"]",
        r#"{ "a" : [ 1 ,2 ] }"#,
        "[\t1]",
        &deep,
    ];
    let broken = [("{\"a\":\n 1,\r\n\"b\":[]}", "{\"a\":  1,  \"b\":[]}"), (" \n[1]\n", "[1]")];
    let all: Vec<(&str, &str)> = exact.iter().map(|&json| (json, json)).chain(broken).collect();
    let run = listen(&database, ["c", "-n", &all.len().to_string()]);
    let mut client = database.client();
    all.iter().for_each(|(payload, _)| notify_with(&mut client, "c", payload));
    let output = run.finish().ok();
    assert_eq!(output.lines().len(), all.len());
    for (line, (_, json)) in output.lines().iter().zip(&all) {
        assert!(line.ends_with(&format!(r#","payload":{json}}}"#)), "{line}");
    }
}

#[test]
fn an_event_is_visible_before_the_next_is_sent() {
    let database = Database::new();
    let run = listening(database.pgfeed(["listen", "c", "-o", "raw"]));
    let mut client = database.client();
    for n in 0..50 {
        notify_with(&mut client, "c", &n.to_string());
        assert_eq!(run.next_line(), n.to_string());
    }
}

#[test]
fn quiet_is_silent() {
    let database = Database::new();
    let run = database.pgfeed(["listen", "c", "-q", "--control", "-n", "1"]).spawn();
    run.wait_stdout_line(|line| line.contains(r#""event":"ready""#));
    notify(&database, "c", "x");
    run.finish().ok().stderr_is("");
}
