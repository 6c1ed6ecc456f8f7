//! Ids begin anew with TRUNCATE ... RESTART IDENTITY of a queue, while events of before are tried again or dead under the same ones.

use super::{consume, held, in_order, with_queue};
use crate::harness::Database;

/// Empties the queue, and stores events 'key number' with ids from 1 on.
fn begin_anew(db: &Database, key: i64, numbers: i64) {
    db.sql("TRUNCATE pgfeed.queue_q RESTART IDENTITY");
    db.sql(&format!(
        "INSERT INTO pgfeed.queue_q (key, payload) SELECT {key}, '{key} ' || n FROM generate_series(1, {numbers}) n"
    ));
}

/// Lets everything that is in the queue die.
fn bury(db: &Database) {
    db.pgfeed(["-q", "tail-queue", "q", "-e", "--on-error", "dead", "--", "false"]).run().ok();
}

/// Refuses everything that is in the queue, until so many wait for another attempt.
fn refuse(db: &Database, waiting: i64) {
    let running = db.spawn(["tail-queue", "q", "--backoff", "1h", "--", "false"]);
    db.wait_for(&format!("SELECT count(*) = {waiting} FROM pgfeed.retry_q"));
    running.kill();
}

/// What is delivered when everything is due.
fn rest(db: &Database) -> String {
    db.sql("UPDATE pgfeed.retry_q SET due = now() WHERE due IS NOT NULL");
    consume(db, &["-e"]).run().ok().stdout
}

/// What is kept, by ids; how far below zero these are is nobody's business.
fn kept(db: &Database, kind: &str) -> Vec<String> {
    db.rows(&format!(
        "SELECT CASE WHEN id < 0 THEN 'old' ELSE id::text END || ': ' || payload FROM pgfeed.{kind}_q ORDER BY id"
    ))
}

#[test]
fn the_dead_of_before_keep_out_of_the_way() {
    let db = with_queue();
    for key in 1..=3 {
        begin_anew(&db, key, 2);
        bury(&db);
    }
    assert_eq!(kept(&db, "dead"), ["old: 2 1", "old: 2 2", "old: 1 1", "old: 1 2", "1: 3 1", "2: 3 2"]);
    let ids = |condition: &str| {
        db.value(&format!("SELECT string_agg(id::text, ',' ORDER BY id) FROM pgfeed.dead_q WHERE payload {condition}"))
    };
    let dead = |args: &[&str]| db.pgfeed(["tail-queue", "q", "--dead"]).args(args).run().ok();
    dead(&["-o", "raw", "--id", &ids("IN ('2 2', '3 2')")]).stdout_is("2 2\n3 2\n");
    dead(&["--purge", "--id", &ids("IN ('1 1', '3 1')")]).stdout_is("purged 2 dead events of queue \"q\"\n");
    dead(&["--requeue", "--id", &ids("LIKE '2 %'")]).stdout_is("requeued 2 dead events of queue \"q\"\n");
    assert_eq!(rest(&db), "2 1\n2 2\n");
    assert_eq!(held(&db), "0 0 2");
}

#[test]
fn what_is_tried_again_since_before_keeps_out_of_the_way_and_its_order() {
    let db = with_queue();
    begin_anew(&db, 1, 4);
    refuse(&db, 4);
    begin_anew(&db, 2, 3);
    refuse(&db, 7);
    // The fourth is of no new event, and comes behind the others of its key still.
    assert_eq!(kept(&db, "retry"), ["old: 1 1", "old: 1 2", "old: 1 3", "1: 2 1", "2: 2 2", "3: 2 3", "4: 1 4"]);
    let rest = rest(&db);
    let (old, new): (Vec<&str>, Vec<&str>) = rest.lines().partition(|line| line.starts_with('1'));
    assert_eq!((old, new), (vec!["1 1", "1 2", "1 3", "1 4"], vec!["2 1", "2 2", "2 3"]));
}

#[test]
fn what_is_requeued_from_before_comes_beside_what_is_tried_again() {
    let db = with_queue();
    begin_anew(&db, 1, 3);
    bury(&db);
    begin_anew(&db, 2, 3);
    refuse(&db, 3);
    let requeue = db.pgfeed(["tail-queue", "q", "--dead", "--requeue"]).run();
    requeue.ok().stdout_is("requeued 3 dead events of queue \"q\"\n");
    let rest = rest(&db);
    in_order(rest.lines(), 2, 3);
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn a_truncate_of_before_keeps_its_place() {
    let db = with_queue();
    // Of one table: two rows, and a TRUNCATE between them, which alone has the id of a new event.
    db.sql(
        "INSERT INTO pgfeed.retry_q (id, at, key, barrier, payload, attempts, due)
         SELECT id, now(), (1::bigint << 32) + id, id = 2, (ARRAY['first', 'second', 'third'])[id], 1, now() + interval '1 day' FROM generate_series(1, 3) id;
         INSERT INTO pgfeed.queue_q (id, key, payload) OVERRIDING SYSTEM VALUE VALUES (2, 5, 'new')",
    );
    refuse(&db, 4);
    assert_eq!(kept(&db, "retry"), ["old: first", "old: second", "2: new", "3: third"]);
    let rest = rest(&db);
    let old: Vec<&str> = rest.lines().filter(|line| *line != "new").collect();
    assert_eq!(old, ["first", "second", "third"]);
}

#[test]
fn what_got_out_of_the_way_is_shown_to_who_looks() {
    let db = with_queue();
    begin_anew(&db, 1, 1);
    refuse(&db, 1);
    begin_anew(&db, 2, 1);
    refuse(&db, 2);
    assert_eq!(kept(&db, "retry"), ["old: 1 1", "1: 2 1"]);
    let looking = db.pgfeed(["tail-queue", "q", "-o", "raw", "-e"]).run().ok();
    looking.stdout_is("1 1\n2 1\n");
}
