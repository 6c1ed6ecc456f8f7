//! A TRUNCATE comes after what its table has told before, and before what its table tells later; other tables go on.

use super::{delivered, durable, install};
use crate::harness::Database;
use crate::tail_queue::held;

#[test]
fn a_truncate_comes_after_what_was_before_it_and_before_what_came_later() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &["--events", "insert,truncate", "--payload", "keys"]);
    db.sql("INSERT INTO t SELECT generate_series(1, 300); TRUNCATE t; INSERT INTO t SELECT generate_series(1, 300)");
    let events = delivered(&db, &["-j", "4", "--batch", "7"]);
    assert_eq!(events.len(), 601);
    assert_eq!(events.iter().position(|event| event == r#"{"op":"TRUNCATE"}"#), Some(300));
}

#[test]
fn a_truncate_that_commits_between_looks_is_not_overtaken() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &["--events", "insert,truncate", "--payload", "keys"]);
    let consumer = db.spawn(["tail-queue", "q", "--consume", "-j", "4", "-o", "raw", "--batch", "5", "-n", "820"]);
    let mut writer = db.client();
    for _ in 0..20 {
        writer.batch_execute("INSERT INTO t SELECT generate_series(1, 40)").unwrap();
        writer.batch_execute("TRUNCATE t").unwrap();
    }
    let output = consumer.finish().ok();
    for (n, line) in output.lines().iter().enumerate() {
        assert_eq!(line.contains("TRUNCATE"), n % 41 == 40, "event {n} is {line}");
    }
}

/// Tables `a` and `b` in one queue, with a TRUNCATE of `a` between their rows.
fn two_tables() -> Database {
    let db = Database::new();
    db.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)");
    install(&db, &["a", "b", "--events", "insert,truncate", "--payload", "keys"]);
    db.sql("INSERT INTO b VALUES (1); INSERT INTO a VALUES (1); TRUNCATE a; INSERT INTO a VALUES (2); INSERT INTO b VALUES (2)");
    db
}

/// Delivers so many events with a command that refuses the first row of a table; the next attempt is in an hour.
fn all_but_the_first_of(db: &Database, table: &str, count: &str) -> Vec<String> {
    let refused = format!(r#"*'"table":"{table}","key":{{"id":1}}'*"#);
    let script = format!("read -r line; case $line in {refused}) exit 1;; esac; echo \"$line\"");
    let args = ["tail-queue", "q", "--backoff", "20m", "-n", count, "--", "sh", "-c", &script];
    let told = db.pgfeed(args).run().ok().json();
    told.iter()
        .map(|event| {
            format!(
                "{} {} {}",
                event["payload"]["table"].as_str().unwrap(),
                event["payload"]["op"].as_str().unwrap(),
                event["payload"]["key"]["id"]
            )
        })
        .collect()
}

#[test]
fn it_does_not_wait_for_other_tables() {
    let db = two_tables();
    let expected = ["a INSERT 1", "a TRUNCATE null", "a INSERT 2", "b INSERT 2"];
    assert_eq!(all_but_the_first_of(&db, "b", "4"), expected);
    assert_eq!(held(&db), "0 1 0");
}

#[test]
fn only_its_own_table_waits_for_it() {
    let db = two_tables();
    assert_eq!(all_but_the_first_of(&db, "a", "2"), ["b INSERT 1", "b INSERT 2"]);
    assert_eq!(held(&db), "2 1 0");
    // A worker with batches passes over what waits, and finds it again below what it has taken meanwhile.
    let consumer = db.spawn(["tail-queue", "q", "--consume", "-o", "raw", "--poll", "50ms"]);
    for n in 3..10 {
        db.sql(&format!("INSERT INTO b VALUES ({n})"));
        assert!(consumer.next_line().contains(&format!(r#""table":"b","key":{{"id":{n}}}"#)));
    }
    db.sql("UPDATE pgfeed.retry_q SET due = now()");
    for expected in
        [r#""INSERT","schema":"public","table":"a","key":{"id":1}"#, r#""TRUNCATE""#, r#""table":"a","key":{"id":2}"#]
    {
        let line = consumer.next_line();
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn it_waits_for_its_own_attempts_in_front_of_what_came_later() {
    let db = two_tables();
    let script = r#"read -r line; case $line in *TRUNCATE*) test -e "$HOME/refused" || { touch "$HOME/refused"; exit 1; };; esac; echo "$line""#;
    let told = db.pgfeed(["-q", "tail-queue", "q", "-e", "--backoff", "10ms", "--", "sh", "-c", script]).run().ok();
    let of_a: Vec<String> = told
        .json()
        .iter()
        .map(|event| event["payload"].clone())
        .filter(|payload| payload["table"] == "a")
        .map(|payload| payload["op"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(of_a, ["INSERT", "TRUNCATE", "INSERT"]);
}

/// Rows 1 to 5 (ids 1 to 5), a TRUNCATE (id 6) and rows 1 to 5 again (ids 7 to 11): all dead, and requeued.
fn requeued() -> Database {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &["--events", "insert,truncate", "--payload", "keys"]);
    for sql in
        ["INSERT INTO t SELECT generate_series(1, 5)", "TRUNCATE t", "INSERT INTO t SELECT generate_series(1, 5)"]
    {
        db.sql(sql);
    }
    db.pgfeed(["-q", "tail-queue", "q", "-e", "--on-error", "dead", "--", "false"]).run().ok();
    assert_eq!(held(&db), "0 0 11");
    db.pgfeed(["tail-queue", "q", "--dead", "--requeue"]).run().ok();
    db
}

/// Delivers everything by ids, with a command that refuses one of them once.
fn ids_in_order(db: &Database, refused: i64, args: &[&str]) -> Vec<i64> {
    let script = format!(
        r#"if [ $PGFEED_ID = {refused} ] && mkdir "$HOME/refused" 2>/dev/null; then exit 1; fi; echo $PGFEED_ID"#
    );
    let always = ["-q", "tail-queue", "q", "-e", "--poll", "100ms", "--backoff", "300ms"];
    let told = db.pgfeed(always).args(args).args(["--", "sh", "-c", &script]).run().ok();
    assert_eq!(held(db), "0 0 0");
    told.lines().iter().map(|id| id.parse().unwrap()).collect()
}

#[test]
fn a_requeued_truncate_comes_after_what_was_before_it_and_before_what_came_later() {
    // Several workers have slots of their own: the TRUNCATE waits for others' events, and they for it.
    for args in [&["--batch", "1000"][..], &["--batch", "1"], &["-j", "4"], &["-j", "3", "--unordered"]] {
        for refused in [2, 6, 8] {
            let ids = ids_in_order(&requeued(), refused, args);
            let (before, later) = (&ids[..5], &ids[6..]);
            assert_eq!((ids.len(), ids[5]), (11, 6), "{args:?}, {refused} refused: {ids:?}");
            assert!(before.iter().all(|id| *id < 6) && later.iter().all(|id| *id > 6), "{args:?}: {ids:?}");
        }
    }
}

#[test]
fn a_requeued_truncate_and_the_queue_wait_for_each_other() {
    let db = requeued();
    // Later events are in the queue, and of the earlier ones some as well: given back by hand.
    db.sql(
        "WITH back AS (DELETE FROM pgfeed.retry_q WHERE id IN (1, 4, 5, 9) RETURNING id, at, key, payload)
         INSERT INTO pgfeed.queue_q (id, at, key, payload) OVERRIDING SYSTEM VALUE SELECT * FROM back;
         INSERT INTO t VALUES (6)",
    );
    let ids = ids_in_order(&db, 4, &["-j", "2"]);
    assert_eq!((ids.len(), ids[5]), (12, 6), "{ids:?}");
    assert!(ids[..5].iter().all(|id| *id < 6), "{ids:?}");
}

#[test]
fn a_requeued_truncate_that_is_dead_again_holds_nobody_up() {
    let db = requeued();
    let script = "test $PGFEED_ID != 6 && echo $PGFEED_ID";
    let always = ["-q", "tail-queue", "q", "-e", "--poll", "100ms", "--backoff", "10ms", "--max-attempts", "2"];
    let told = db.pgfeed(always).args(["--", "sh", "-c", script]).run().ok();
    assert_eq!(told.lines().len(), 10, "{told}");
    assert_eq!(held(&db), "0 0 1");
}
