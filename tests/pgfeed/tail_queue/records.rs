//! Control records of a feed from a queue.

use super::{consume, enqueue, with_queue};
use crate::harness::{Database, Running, Signal, proxy::Cut};

/// What kinds of lines there are so far.
fn kinds(lines: &[String]) -> Vec<String> {
    let kind = |line: &String| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["queue"], "q", "{line}");
        line["event"].as_str().unwrap_or("an event").to_owned()
    };
    lines.iter().map(kind).collect()
}

/// Loses its connections once, and is stopped when it has them again.
fn lines_of(db: &Database, args: &[&str]) -> Vec<String> {
    let proxy = db.proxy();
    let args = [&["tail-queue", "q", "--control", "-o", "json", "--poll", "100ms"], args].concat();
    let running: Running = db.pgfeed(args).env("DATABASE_URL", proxy.url(db.name())).spawn();
    let mut lines = vec![running.next_line(), running.next_line()];
    proxy.refuse();
    proxy.cut(Cut::Reset);
    lines.push(running.next_line());
    proxy.accept();
    lines.push(running.next_line());
    assert!(lines[3].contains("\"down_ms\":"), "{lines:?}");
    db.sql(&enqueue(1, 1));
    lines.push(running.next_line());
    running.signal(Signal::Int);
    let output = running.finish().code(130);
    lines.push(output.lines().last().unwrap().to_string());
    lines
}

#[test]
fn of_one_that_consumes() {
    let db = with_queue();
    db.sql(&enqueue(1, 1));
    assert_eq!(kinds(&lines_of(&db, &["--consume"])), ["ready", "an event", "lost", "ready", "an event", "stopped"]);
}

#[test]
fn of_one_that_looks() {
    let db = with_queue();
    db.sql(&enqueue(1, 1));
    assert_eq!(kinds(&lines_of(&db, &[])), ["ready", "an event", "lost", "gap", "an event", "stopped"]);
}

#[test]
fn of_several_workers_who_are_about_to_end() {
    let db = with_queue();
    let args = ["--consume", "--control", "-o", "json", "-j", "2", "-n", "1", "--poll", "100ms"];
    let running = db.pgfeed(["tail-queue", "q"]).args(args).env("PGAPPNAME", "records").spawn();
    let mut lines = vec![running.next_line()];
    // One that owns slots: the session that waits for the workers owns none.
    db.wait_for("SELECT count(DISTINCT pid) = 2 FROM pg_locks WHERE classid = 1885824595 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
    db.sql("SELECT pg_terminate_backend(min(pid)) FROM pg_locks WHERE classid = 1885824595 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
    lines.extend([running.next_line(), running.next_line()]);
    db.sql(&enqueue(1, 1));
    lines.extend(running.finish().ok().lines().into_iter().skip(3).map(ToString::to_string));
    assert_eq!(kinds(&lines), ["ready", "lost", "ready", "an event", "stopped"]);
}

#[test]
fn only_where_they_are_asked_for() {
    let db = with_queue();
    db.sql(&enqueue(1, 1));
    consume(&db, &["-e", "--control"]).run().ok().stdout_is("1 1\n");
    db.sql(&enqueue(1, 1));
    let output = db.pgfeed(["tail-queue", "q", "-e", "--control"]).run().ok();
    assert_eq!(
        kinds(&output.lines().iter().map(ToString::to_string).collect::<Vec<_>>()),
        ["ready", "an event", "stopped"]
    );
    let output = db.pgfeed(["tail-queue", "q", "-e"]).run().ok();
    assert_eq!(kinds(&output.lines().iter().map(ToString::to_string).collect::<Vec<_>>()), ["an event"]);
}
