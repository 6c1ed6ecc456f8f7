//! Commands that hang, flood, do not read, die or leave something behind, and signals with one in flight: what becomes of the
//! events. (What becomes of the processes: `exec`.)

use std::fs::OpenOptions;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{enqueue, held, store, with_queue};
use crate::exec::{lives, read};
use crate::harness::{Database, Pgfeed, Signal, Stdout, send, wait_until};
use crate::listen::peak_kib;

const MODES: [&str; 3] = ["each", "batch", "stream"];

/// Delivers to a shell command in a folder, until nothing is left.
fn deliver(db: &Database, dir: &TempDir, mode: &str, script: &str) -> Pgfeed {
    let args = ["tail-queue", "q", "-e", "--poll", "100ms", "--backoff", "10ms", "--exec-mode", mode, "--exec-timeout"];
    // All that is not to hang ends long before.
    let pgfeed = db.pgfeed(args).args(["1s", "--max-attempts", "2", "--", "sh", "-c"]).args([&script]);
    pgfeed.current_dir(dir.path())
}

/// A script that does something for each event, `$line`, and takes it in the way of its mode; what has failed before ends it.
fn for_each(mode: &str, what: &str) -> String {
    let take = if mode == "stream" { "id=${line#*\\\"id\\\":}; echo \"${id%%,*}\"" } else { ":" };
    format!("while read -r line; do {what}; echo \"$line\" >> taken; {take}; done")
}

/// The payloads that were taken, in order.
fn taken(dir: &TempDir) -> Vec<String> {
    let payload = |line: &str| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["payload"].as_str().unwrap().to_owned()
    };
    read(dir, "taken").lines().map(payload).collect()
}

fn dead(db: &Database) -> Vec<String> {
    db.rows("SELECT payload || ' after ' || attempts || ': ' || error FROM pgfeed.dead_q ORDER BY id")
}

/// Ends what a script has left behind, whose numbers it has written down.
fn end_what_is_left(dir: &TempDir) {
    for pid in read(dir, "pids").lines() {
        send(Signal::Kill, pid.parse().unwrap());
    }
}

#[test]
fn a_command_that_hangs_is_retried_and_then_dead_and_leaves_nothing() {
    for mode in MODES {
        let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
        db.sql(&enqueue(3, 2));
        let hang = "case $line in *'\"2 1\"'*) sleep 60 & echo $! >> pids; sleep 60;; esac";
        deliver(&db, &dir, mode, &for_each(mode, hang)).run().ok();
        assert_eq!(dead(&db), ["2 1 after 2: timed out after 1.0s"], "{mode}");
        assert_eq!(held(&db), "0 0 1", "{mode}");
        let mut all = taken(&dir);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, ["1 1", "1 2", "2 2", "3 1", "3 2"], "{mode}");
        let pids = read(&dir, "pids");
        assert!(pids.lines().count() >= 2, "{mode}");
        pids.lines().for_each(|pid| wait_until("the grandchild has ended", || !lives(pid)));
    }
}

#[test]
fn a_command_that_a_signal_ends_has_refused() {
    for mode in MODES {
        let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
        db.sql(&enqueue(2, 1));
        deliver(&db, &dir, mode, &for_each(mode, "case $line in *'\"1 1\"'*) kill -9 $$;; esac")).run().ok();
        assert_eq!(dead(&db), ["1 1 after 2: killed by signal 9"], "{mode}");
        assert_eq!(taken(&dir).last().unwrap(), "2 1", "{mode}");
    }
}

#[test]
fn one_that_does_not_read_may_be_content_unless_it_has_to_answer() {
    for mode in MODES {
        let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
        store(&db, &"x".repeat(1 << 20));
        for script in ["exit 0", "exec <&-; exit 0", "exec <&-; sleep 60"] {
            deliver(&db, &dir, mode, script).run().ok();
            let sleeps = script.ends_with("60");
            let dies = sleeps || mode == "stream";
            assert_eq!(held(&db), if dies { "0 0 1" } else { "0 0 0" }, "{mode} {script}");
            db.sql("DELETE FROM pgfeed.dead_q");
            store(&db, &"x".repeat(1 << 20));
        }
    }
}

#[test]
fn a_flood_goes_past_us() {
    for mode in MODES {
        let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
        db.sql(&enqueue(3, 1));
        // In mode stream it floods where answers are expected, without an end of a line and with many.
        let flood = "head -c 30000000 /dev/zero; yes | head -c 3000000";
        let script = format!("{}; : > flooded; sleep 1", for_each(mode, &format!("test -e flooded || {{ {flood}; }}")));
        let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
        let args = ["tail-queue", "q", "--exec-mode", mode, "--", "sh", "-c", &script];
        let run = db.pgfeed(args).current_dir(dir.path()).stdout(Stdout::To(null)).spawn();
        wait_until("all is taken", || held(&db) == "0 0 0");
        assert!(peak_kib(&run) < 40_000, "{mode}: {} KiB", peak_kib(&run));
        assert_eq!(taken(&dir), ["1 1", "2 1", "3 1"], "{mode}");
        run.signal(Signal::Term);
        run.finish().code(130);
    }
}

#[test]
fn a_grandchild_that_holds_the_pipes_holds_no_event() {
    for mode in MODES {
        let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
        db.sql(&enqueue(3, 1));
        // Each process of mode stream takes one event, and ends: what it was given besides is refused once, or comes again.
        let take = for_each(mode, ":");
        let take = if mode == "stream" { take.replace("; done", "; exit 0; done") } else { take };
        let script = format!("sleep 60 <&0 2>/dev/null & echo $! >> pids; {take}");
        let started = Instant::now();
        let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
        deliver(&db, &dir, mode, &script).stdout(Stdout::To(null)).run().ok();
        assert!(started.elapsed() < Duration::from_secs(20), "{mode}: {:?}", started.elapsed());
        end_what_is_left(&dir);
        // Each of its own key: what was not tried comes again in any order.
        let mut taken = taken(&dir);
        taken.sort_unstable();
        assert_eq!(
            (taken, held(&db).as_str()),
            (vec!["1 1".to_owned(), "2 1".to_owned(), "3 1".to_owned()], "0 0 0"),
            "{mode}"
        );
    }
}

#[test]
fn what_is_in_flight_at_a_signal_may_be_finished_and_is_delivered_once() {
    for mode in MODES {
        let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
        db.sql(&enqueue(6, 1));
        let script = for_each(mode, ": > begun; sleep 0.3");
        let args = ["tail-queue", "q", "--batch", "2", "--exec-mode", mode, "--", "sh", "-c", &script];
        let run = db.pgfeed(args).current_dir(dir.path()).spawn();
        wait_until("it is in flight", || dir.path().join("begun").exists());
        run.signal(Signal::Term);
        let output = run.finish().code(130);
        assert!(!output.stderr.contains("refused"), "{mode}: {output}");
        // All that was taken is gone, and nothing else; what was not tried has no attempt behind it.
        let before = taken(&dir);
        let left =
            "SELECT (SELECT count(*) FROM pgfeed.queue_q) + (SELECT count(*) FROM pgfeed.retry_q WHERE attempts = 0)";
        assert_eq!(db.value(left), (6 - before.len()).to_string(), "{mode}");
        assert!((1..=2).contains(&before.len()), "{mode}: {before:?}");
        deliver(&db, &dir, mode, &for_each(mode, ":")).run().ok();
        let mut all = taken(&dir);
        all.sort_unstable();
        assert_eq!(all, ["1 1", "2 1", "3 1", "4 1", "5 1", "6 1"], "{mode}");
    }
}

#[test]
fn what_takes_longer_at_a_signal_comes_again_and_that_was_no_attempt() {
    let runs = MODES.map(|mode| {
        let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
        db.sql(&enqueue(2, 1));
        let args = ["tail-queue", "q", "--exec-mode", mode, "--", "sh", "-c", "read -r line; : > begun; sleep 60"];
        let run = db.pgfeed(args).current_dir(dir.path()).spawn();
        wait_until("it is in flight", || dir.path().join("begun").exists());
        run.signal(Signal::Term);
        (mode, db, dir, run)
    });
    for (mode, db, dir, run) in runs {
        run.finish().code(130);
        assert_eq!(held(&db), "2 0 0", "{mode}");
        deliver(&db, &dir, mode, &for_each(mode, ":")).run().ok();
        assert_eq!(read(&dir, "taken").matches("\"attempt\":1,").count(), 2, "{mode}");
    }
}
