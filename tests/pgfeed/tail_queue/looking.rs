//! Looking takes nothing.

use super::{consume, enqueue, held, make_queue, store, with_queue};
use crate::harness::{Database, Stdout, wait_until};

#[test]
fn it_shows_the_oldest_first_and_takes_nothing() {
    let db = with_queue();
    db.sql(&enqueue(2, 3));
    // What waits for another attempt stands in its place.
    db.sql(
        "WITH failed AS (DELETE FROM pgfeed.queue_q WHERE id IN (2, 4) RETURNING *)
         INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts) SELECT id, at, key, barrier, payload, 1 FROM failed",
    );
    let all = "1 1\n2 1\n1 2\n2 2\n1 3\n2 3\n";
    for batch in ["1", "2", "1000"] {
        db.pgfeed(["tail-queue", "-o", "raw", "-e", "--batch", batch]).run().ok().stdout_is(all).stderr_is("");
    }
    db.pgfeed(["tail-queue", "-o", "raw", "-n", "2"]).run().ok().stdout_is("1 1\n2 1\n");
    assert_eq!(held(&db), "4 2 0");
    let shown = db.pgfeed(["tail-queue", "q", "-n", "2"]).run().ok().json();
    assert_eq!((&shown[1]["type"], &shown[1]["queue"], &shown[1]["id"]), (&"event".into(), &"q".into(), &2.into()));
    assert_eq!(
        (&shown[0]["attempt"], &shown[1]["attempt"], &shown[1]["payload"]),
        (&1.into(), &2.into(), &"2 1".into())
    );
}

#[test]
fn large_events_are_not_all_held_at_once() {
    let db = with_queue();
    db.sql("INSERT INTO pgfeed.queue_q (key, payload) SELECT n, repeat('x', 3000000) FROM generate_series(1, 40) n");
    let out = tempfile::NamedTempFile::new().unwrap();
    let words = ["tail-queue", "q", "-o", "raw"];
    let looking = db.pgfeed(words).stdout(Stdout::To(out.reopen().unwrap())).spawn();
    wait_until("all is shown", || out.as_file().metadata().unwrap().len() == 40 * 3_000_001);
    let status = std::fs::read_to_string(format!("/proc/{}/status", looking.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
    assert!(peak.parse::<u64>().unwrap() < 80 * 1024, "{peak} KiB");
    // Pages that are full of bytes lose nothing, and repeat nothing.
    db.sql(&format!("TRUNCATE pgfeed.queue_q; {}", enqueue(2, 3)));
    let all = "1 1\n2 1\n1 2\n2 2\n1 3\n2 3\n";
    for bytes in ["1", "6", "7"] {
        db.pgfeed(words).args(["-e", "--batch-bytes", bytes]).run().ok().stdout_is(all);
    }
}

#[test]
fn it_follows_and_shows_what_commits_late() {
    let db = with_queue();
    let mut late = db.client();
    late.batch_execute("BEGIN; INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, 'late')").unwrap();
    store(&db, "early");
    let looking = db.spawn(["tail-queue", "-o", "raw", "--poll", "100ms"]);
    assert_eq!(looking.next_line(), "early");
    late.batch_execute("COMMIT").unwrap();
    assert_eq!(looking.next_line(), "late");
    store(&db, "last");
    assert_eq!(looking.next_line(), "last");
    looking.signal(crate::harness::Signal::Int);
    looking.finish().code(130).stdout_is("early\nlate\nlast\n").stderr_is("");
    assert_eq!(held(&db), "3 0 0");
}

#[test]
fn it_shows_what_was_restored_from_another_cluster() {
    let db = with_queue();
    db.sql(&enqueue(2, 2));
    // Transactions that this cluster has not had yet, as after pg_dump and psql into a new one.
    let restored = "(pg_current_xact_id()::text::bigint + 1000 * id)::text::xid8";
    db.sql(&format!("UPDATE pgfeed.queue_q SET xid = {restored} WHERE id > 1"));
    db.pgfeed(["tail-queue", "-o", "raw", "-e", "--batch", "3"]).run().ok().stdout_is("1 1\n2 1\n1 2\n2 2\n");
    let looking = db.spawn(["tail-queue", "-o", "raw", "--poll", "50ms"]);
    store(&db, "next");
    db.wait_for("SELECT pg_current_xact_id()::text::bigint > 0");
    assert_eq!((0..5).map(|_| looking.next_line()).collect::<Vec<_>>(), ["1 1", "2 1", "1 2", "2 2", "next"]);
    // The transactions come to the numbers of those that were restored: they are not shown again.
    db.sql("UPDATE pgfeed.queue_q SET xid = pg_current_xact_id() WHERE id <= 4");
    store(&db, "last");
    assert_eq!(looking.next_line(), "last");
}

#[test]
fn it_goes_on_when_its_session_is_ended() {
    let db = with_queue();
    db.sql(&enqueue(1, 1));
    let looking = db.spawn(["tail-queue", "-o", "raw", "--poll", "100ms"]);
    assert_eq!(looking.next_line(), "1 1");
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgfeed tail-queue' AND datname = current_database()");
    store(&db, "next");
    assert_eq!(looking.next_line(), "next");
}

#[test]
fn which_queue() {
    let db = Database::new();
    db.pgfeed(["tail-queue"]).run().code(2).stderr_has("there is no queue here");
    for queue in ["b", "a"] {
        make_queue(&db, queue);
    }
    db.pgfeed(["tail-queue"])
        .run()
        .code(2)
        .stderr_has("there is more than one queue")
        .stderr_has("the queues are: a, b");
    db.pgfeed(["tail-queue", "c"])
        .run()
        .code(2)
        .stderr_has("there is no queue \"c\"")
        .stderr_has("the queues are: a, b");
    db.pgfeed(["tail-queue", "a", "-e", "-o", "raw"]).run().ok().stdout_is("");
}

#[test]
fn there_is_one_that_looks() {
    let db = with_queue();
    db.pgfeed(["tail-queue", "q", "-j", "2"]).run().code(2).stderr_has("--jobs: whoever only looks is alone");
    let refused = db.pgfeed(["tail-queue", "q", "--unordered"]).run().code(2).stdout_is("");
    refused
        .stderr_has("--unordered: whoever only looks")
        .stderr_has("hint: it is for what is taken: --consume, --to or a command");
}

#[test]
fn limits_end_it() {
    let db = with_queue();
    for mode in [&[][..], &["--consume"]] {
        let tail = |args: &[&str]| db.pgfeed(["tail-queue", "q"]).args(mode).args(args).run();
        tail(&["-t", "200ms"]).ok().stdout_is("");
        tail(&["--idle-timeout", "200ms"]).ok().stdout_is("");
        tail(&["-t", "200ms", "-n", "1"]).code(124).stdout_is("");
        tail(&["--idle-timeout", "200ms", "-n", "1"]).code(124).stdout_is("");
        tail(&["-e", "-n", "5"]).ok().stdout_is("");
    }
    db.sql(&enqueue(1, 3));
    consume(&db, &["-n", "5", "-e", "-j", "4"]).run().ok().stdout_is("1 1\n1 2\n1 3\n");
}

#[test]
fn a_queue_that_is_made_anew_is_looked_at_from_its_beginning() {
    type Anew = fn(&Database);
    let anew: [(&str, Anew); 2] = [
        ("dropped", |db| {
            db.pgfeed(["uninstall-trigger", "--queue", "q"]).run().ok();
            db.pgfeed(["install-trigger", "feeds_q", "--queue", "q"]).run().ok();
        }),
        ("emptied", |db| db.sql("TRUNCATE pgfeed.queue_q RESTART IDENTITY")),
    ];
    for (how, anew) in anew {
        for consumes in [true, false] {
            let db = with_queue();
            let words: &[&str] = if consumes { &["--consume"] } else { &[] };
            let running = db.pgfeed(["tail-queue", "q", "-o", "raw", "--poll", "1h"]).args(words).spawn();
            // Its floor rises far above the ids that begin anew.
            for _ in 0..5 {
                db.sql(&enqueue(20, 1));
                db.sql("SELECT pg_notify('pgfeed:q', '')");
                for _ in 0..20 {
                    running.next_line();
                }
            }
            if consumes {
                db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
            } else {
                db.sql("DELETE FROM pgfeed.queue_q");
            }
            anew(&db);
            for n in 1..=3 {
                db.sql(&format!(
                    "INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, '{how} {n}'); SELECT pg_notify('pgfeed:q', '')"
                ));
                assert_eq!(running.next_line(), format!("{how} {n}"), "{words:?}");
            }
        }
    }
}
