//! Partitions, inheritance, and what else is not an ordinary table.

use super::feed::{Feed, Writer, install};
use crate::harness::Database;

/// Two levels: t -> low (ids below 100) -> low_a (k = 'a'), low_b; t -> high.
const PARTITIONED: &str = "CREATE TABLE t (id int, k text, PRIMARY KEY (id, k)) PARTITION BY RANGE (id);
    CREATE TABLE low PARTITION OF t FOR VALUES FROM (0) TO (100) PARTITION BY LIST (k);
    CREATE TABLE low_a PARTITION OF low FOR VALUES IN ('a');
    CREATE TABLE low_b PARTITION OF low FOR VALUES IN ('b');
    CREATE TABLE high PARTITION OF t FOR VALUES FROM (100) TO (200)";

fn event(op: &str, id: u32, k: &str) -> String {
    format!(r#"{{"op":"{op}","key":{{"id":{id},"k":"{k}"}}}}"#)
}

#[test]
fn partitions_of_any_level_are_told_by_the_name_of_their_root() {
    let db = Database::new();
    db.sql(PARTITIONED);
    install(&db, ["t", "--payload", "keys", "--events", "insert,update,delete,truncate"]);
    let mut feed = Feed::of(&db, ["t"]);
    let warnings = Writer::of(&db).sql(
        "INSERT INTO t VALUES (1, 'a'); INSERT INTO low VALUES (2, 'b'); INSERT INTO low_a VALUES (3, 'a');
         UPDATE low_a SET id = 3 WHERE id = 3; DELETE FROM low WHERE id = 2;
         CREATE TABLE later PARTITION OF low FOR VALUES IN ('c'); INSERT INTO t VALUES (4, 'c'); INSERT INTO later VALUES (5, 'c');
         TRUNCATE t",
    );
    assert_eq!(warnings, [""; 0]);
    let mut expected = vec![event("INSERT", 1, "a"), event("INSERT", 2, "b"), event("INSERT", 3, "a")];
    expected.extend([
        event("UPDATE", 3, "a"),
        event("DELETE", 2, "b"),
        event("INSERT", 4, "c"),
        event("INSERT", 5, "c"),
    ]);
    expected.push(r#"{"op":"TRUNCATE"}"#.to_owned());
    assert_eq!(feed.told(), expected);
    db.pgfeed(["install-trigger", "t", "--payload", "keys", "--events", "insert,update,delete,truncate", "--check"])
        .run()
        .ok();
}

#[test]
fn a_move_between_partitions_is_a_delete_and_an_insert() {
    let db = Database::new();
    db.sql(PARTITIONED);
    install(&db, ["t", "--payload", "keys"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("INSERT INTO t VALUES (1, 'a'); UPDATE t SET id = 2; UPDATE t SET k = 'b'; UPDATE t SET id = 150");
    let moved = r#"{"op":"DELETE","key":{"id":1,"k":"a"},"moved_to":{"id":2,"k":"a"}}"#.to_owned();
    let mut expected = vec![event("INSERT", 1, "a"), moved, event("UPDATE", 2, "a")];
    expected.extend([
        event("DELETE", 2, "a"),
        event("INSERT", 2, "b"),
        event("DELETE", 2, "b"),
        event("INSERT", 150, "b"),
    ]);
    assert_eq!(feed.told(), expected);
}

#[test]
fn a_partition_with_another_layout_tells_its_columns_by_name() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a text, b json) PARTITION BY RANGE (id)");
    install(&db, ["t", "--payload", "diff", "--skip-unchanged"]);
    install(&db, ["t", "--channel", "some", "--columns", "b", "--skip-unchanged"]);
    let (mut feed, mut some) = (Feed::of(&db, ["t"]), Feed::of(&db, ["some"]));
    db.sql("CREATE TABLE p (gone int, b json, a text, id int NOT NULL); ALTER TABLE p DROP gone; ALTER TABLE t ATTACH PARTITION p DEFAULT");
    let warnings = Writer::of(&db)
        .sql("INSERT INTO t VALUES (1, 'x', '1'); UPDATE t SET a = 'x'; UPDATE p SET a = 'y'; UPDATE t SET id = 2");
    assert_eq!(warnings, [""; 0]);
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"b":1,"a":"x","id":1}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"b":1,"a":"y","id":1},"changed":{"a":"x"}}"#,
        r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":2}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"b":1,"a":"y","id":2},"changed":{"id":1}}"#,
    ];
    assert_eq!(feed.told(), expected);
    assert_eq!(some.told().len(), 3);
}

#[test]
fn enable_always_reaches_partitions_also_those_added_later() {
    let db = Database::new();
    db.sql(PARTITIONED);
    install(&db, ["t", "--payload", "keys", "--enable-always"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("CREATE TABLE later PARTITION OF t FOR VALUES FROM (300) TO (400)");
    db.sql("SET session_replication_role = replica; INSERT INTO t VALUES (1, 'a'), (300, 'x'); INSERT INTO low_b VALUES (2, 'b')");
    assert_eq!(feed.told(), [event("INSERT", 1, "a"), event("INSERT", 300, "x"), event("INSERT", 2, "b")]);
}

#[test]
fn a_trigger_disabled_on_one_partition_is_seen_by_check_and_mended() {
    let db = Database::new();
    db.sql(PARTITIONED);
    install(&db, ["t", "--payload", "keys"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("ALTER TABLE low_a DISABLE TRIGGER USER; INSERT INTO t VALUES (1, 'a')");
    assert_eq!(feed.told(), [""; 0]);
    db.pgfeed(["install-trigger", "t", "--payload", "keys", "--check"]).run().code(4);
    install(&db, ["t", "--payload", "keys"]).stdout_has("replaced  public.t");
    db.sql("INSERT INTO t VALUES (2, 'a')");
    assert_eq!(feed.told(), [event("INSERT", 2, "a")]);
}

#[test]
fn partitions_can_be_watched_one_by_one() {
    let db = Database::new();
    db.sql(PARTITIONED);
    install(&db, ["low_a", "high", "--payload", "keys"]).stdout_is(
        "created   public.low_a -> channel \"t\" (insert, update, delete; payload keys)\n\
         created   public.high -> channel \"t\" (insert, update, delete; payload keys)\n",
    );
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (100, 'x'); INSERT INTO low_a VALUES (3, 'a')");
    assert_eq!(feed.told(), [event("INSERT", 1, "a"), event("INSERT", 100, "x"), event("INSERT", 3, "a")]);
    db.pgfeed(["install-trigger", "low_a", "high", "--payload", "keys", "--check"]).run().ok();
    db.pgfeed(["uninstall-trigger", "high"]).run().ok().stdout_is("removed   public.high -> channel \"t\"\n");
    db.sql("INSERT INTO t VALUES (4, 'a'), (101, 'x')");
    assert_eq!(feed.told(), [event("INSERT", 4, "a")]);
}

#[test]
fn a_table_that_becomes_a_partition_is_told_wherever_it_is_written_after_a_new_install() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p (id int PRIMARY KEY)");
    install(&db, ["p", "--payload", "keys", "--channel", "p"]);
    db.sql("ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (0) TO (100)");
    db.pgfeed(["install-trigger", "p", "--payload", "keys", "--channel", "p", "--check"]).run().code(4);
    install(&db, ["p", "--payload", "keys", "--channel", "p"]);
    let mut feed = Feed::of(&db, ["p"]);
    db.sql("INSERT INTO t VALUES (1); INSERT INTO p VALUES (2)");
    assert_eq!(feed.told(), [r#"{"op":"INSERT","key":{"id":1}}"#, r#"{"op":"INSERT","key":{"id":2}}"#]);
}

#[test]
fn a_child_by_inheritance_is_told_also_when_written_through_its_parent() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE parent (id int PRIMARY KEY, a int); CREATE TABLE t (b int, PRIMARY KEY (id)) INHERITS (parent)",
    );
    install(&db, ["t", "parent", "--channel", "t"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("INSERT INTO t VALUES (1, 1, 1); INSERT INTO parent VALUES (2, 2); UPDATE parent SET a = 3; DELETE FROM ONLY parent");
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"a":1,"b":1}}"#,
        r#"{"op":"INSERT","schema":"public","table":"parent","key":{"id":2},"new":{"id":2,"a":2}}"#,
        r#"{"op":"UPDATE","schema":"public","table":"parent","key":{"id":2},"new":{"id":2,"a":3}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":3,"b":1}}"#,
        r#"{"op":"DELETE","schema":"public","table":"parent","key":{"id":2},"old":{"id":2,"a":3}}"#,
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn unlogged_and_foreign_tables_are_told() {
    let db = Database::new();
    db.sql("CREATE UNLOGGED TABLE t (id int PRIMARY KEY)");
    install(&db, ["t"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("INSERT INTO t VALUES (1)");
    assert_eq!(feed.told(), [r#"{"op":"INSERT","key":{"id":1},"new":{"id":1}}"#]);

    let socket = db.server().cluster().socket_dir().display().to_string();
    db.sql(&format!(
        "CREATE EXTENSION postgres_fdw; CREATE TABLE far (a int);
         CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{socket}', dbname '{}');
         CREATE USER MAPPING FOR postgres SERVER here OPTIONS (user 'postgres');
         CREATE FOREIGN TABLE remote (a int) SERVER here OPTIONS (table_name 'far')",
        db.name()
    ));
    install(&db, ["remote"]);
    let mut feed = Feed::of(&db, ["remote"]);
    let warnings = Writer::of(&db).sql("INSERT INTO remote VALUES (1); UPDATE remote SET a = 2; DELETE FROM remote");
    assert_eq!(warnings, [""; 0]);
    let ops: Vec<_> =
        feed.events().iter().map(|event| format!("{} {}{}", event["op"], event["new"], event["old"])).collect();
    assert_eq!(ops, [r#""INSERT" {"a":1}null"#, r#""UPDATE" {"a":2}null"#, r#""DELETE" null{"a":2}"#]);
}

#[test]
fn a_table_called_as_our_transition_table_is_no_problem() {
    let db = Database::new();
    db.sql("CREATE TABLE changes (id int PRIMARY KEY, changes text, r int, x text)");
    install(&db, ["changes"]);
    let mut feed = Feed::of(&db, ["changes"]);
    db.sql("INSERT INTO changes VALUES (1, 'c', 2, 'x')");
    assert_eq!(feed.event()["new"].to_string(), r#"{"changes":"c","id":1,"r":2,"x":"x"}"#);
}
