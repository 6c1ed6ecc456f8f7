//! What is stored and delivered of every kind of change.

use super::{delivered, durable, install};
use crate::harness::Database;

#[test]
fn the_queue_is_made_on_first_use() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &[]);
    let tables =
        "SELECT relname FROM pg_class WHERE relnamespace = 'pgfeed'::regnamespace AND relkind = 'r' ORDER BY 1";
    assert_eq!(db.rows(tables), ["dead_q", "queue", "queue_q", "retry_q"]);
    assert_eq!(db.rows("SELECT name FROM pgfeed.queue"), ["q"]);
    let cycles =
        "SELECT seqcycle FROM pg_sequence WHERE seqrelid = pg_get_serial_sequence('pgfeed.queue_q', 'id')::regclass";
    assert_eq!(db.value(cycles), "f");
}

#[test]
fn each_kind_of_payload() {
    let changes = "INSERT INTO t VALUES (1, 'x', 2); UPDATE t SET a = 'y'; DELETE FROM t";
    let expected = [
        ("keys", [r#""INSERT","key":{"id":1}"#, r#""UPDATE","key":{"id":1}"#, r#""DELETE","key":{"id":1}"#]),
        (
            "row",
            [
                r#""INSERT","key":{"id":1},"new":{"id":1,"a":"x","b":2}"#,
                r#""UPDATE","key":{"id":1},"new":{"id":1,"a":"y","b":2}"#,
                r#""DELETE","key":{"id":1},"old":{"id":1,"a":"y","b":2}"#,
            ],
        ),
        (
            "full",
            [
                r#""INSERT","key":{"id":1},"new":{"id":1,"a":"x","b":2}"#,
                r#""UPDATE","key":{"id":1},"new":{"id":1,"a":"y","b":2},"old":{"id":1,"a":"x","b":2}"#,
                r#""DELETE","key":{"id":1},"old":{"id":1,"a":"y","b":2}"#,
            ],
        ),
        (
            "diff",
            [
                r#""INSERT","key":{"id":1},"new":{"id":1,"a":"x","b":2}"#,
                r#""UPDATE","key":{"id":1},"new":{"id":1,"a":"y","b":2},"changed":{"a":"x"}"#,
                r#""DELETE","key":{"id":1},"old":{"id":1,"a":"y","b":2}"#,
            ],
        ),
    ];
    for (payload, events) in expected {
        let db = Database::new();
        durable(&db, "id int PRIMARY KEY, a text, b int", &["--payload", payload]);
        db.sql(changes);
        assert_eq!(delivered(&db, &[]), events.map(|event| format!("{{\"op\":{event}}}")), "{payload}");
    }
}

#[test]
fn several_tables_share_a_queue_and_a_change_can_travel_both_ways() {
    let db = Database::new();
    db.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (name text)");
    install(&db, &["a", "b", "--channel", "live"]);
    let mut feed = crate::live_trigger::feed::Feed::of(&db, ["live"]);
    db.sql("BEGIN; INSERT INTO a VALUES (1); INSERT INTO b VALUES ('x'); COMMIT");
    let stored = delivered(&db, &[]);
    assert_eq!(
        stored,
        [
            r#"{"op":"INSERT","schema":"public","table":"a","key":{"id":1},"new":{"id":1}}"#,
            r#"{"op":"INSERT","schema":"public","table":"b","new":{"name":"x"}}"#,
        ]
    );
    assert_eq!(feed.events().iter().map(|event| event["table"].as_str().unwrap()).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_was_rolled_back_is_never_delivered() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &[]);
    db.sql("BEGIN; INSERT INTO t VALUES (1); ROLLBACK; INSERT INTO t VALUES (2)");
    db.sql("BEGIN; INSERT INTO t VALUES (3); SAVEPOINT s; INSERT INTO t VALUES (4); ROLLBACK TO s; COMMIT");
    assert_eq!(
        delivered(&db, &[]),
        [2, 3].map(|id| format!(r#"{{"op":"INSERT","key":{{"id":{id}}},"new":{{"id":{id}}}}}"#))
    );
}

#[test]
fn keys_of_several_columns_of_none_and_those_that_change() {
    let db = Database::new();
    durable(&db, "a int, b text, c int, PRIMARY KEY (b, a)", &["--payload", "keys"]);
    db.sql("INSERT INTO t VALUES (1, 'x', 0); UPDATE t SET a = 2");
    // The slots of the old key and of the new one.
    let keys = db.rows("SELECT key FROM pgfeed.queue_q ORDER BY id");
    assert_eq!((keys[0] == keys[1], keys[1] == keys[2], keys.len()), (true, false, 3), "{keys:?}");
    assert_eq!(
        delivered(&db, &[]),
        [
            r#"{"op":"INSERT","key":{"b":"x","a":1}}"#,
            r#"{"op":"DELETE","key":{"b":"x","a":1},"moved_to":{"b":"x","a":2}}"#,
            r#"{"op":"UPDATE","key":{"b":"x","a":2}}"#,
        ]
    );
    let db = Database::new();
    durable(&db, "a int", &[]);
    db.sql("INSERT INTO t VALUES (1), (1); UPDATE t SET a = 2");
    assert_eq!(db.value("SELECT count(DISTINCT key) FROM pgfeed.queue_q"), "1");
    let event = |op: &str, a: i32| format!(r#"{{"op":"{op}","new":{{"a":{a}}}}}"#);
    assert_eq!(delivered(&db, &[]), [event("INSERT", 1), event("INSERT", 1), event("UPDATE", 2), event("UPDATE", 2)]);
}

#[test]
fn partitions_tell_their_root() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE t (id int PRIMARY KEY, a int) PARTITION BY RANGE (id);
         CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (10);
         CREATE TABLE high PARTITION OF t FOR VALUES FROM (10) TO (20)",
    );
    install(&db, &["t", "--payload", "keys"]);
    db.sql("INSERT INTO t VALUES (1, 1); UPDATE low SET a = 2; UPDATE t SET id = 11; DELETE FROM high");
    let event = |op: &str, id: i32| format!(r#"{{"op":"{op}","key":{{"id":{id}}}}}"#);
    assert_eq!(
        delivered(&db, &[]),
        [event("INSERT", 1), event("UPDATE", 1), event("DELETE", 1), event("INSERT", 11), event("DELETE", 11)]
    );
}
