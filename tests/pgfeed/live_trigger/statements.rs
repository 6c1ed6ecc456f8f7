//! Every kind of statement that changes rows, at statement level and at row level.

use super::feed::{Feed, Writer, install};
use crate::harness::Database;

/// Runs statements on a table with triggers of either level, and gives what both told, in any order within a statement.
#[track_caller]
fn told_by_both(definition: &str, statements: &str) -> Vec<String> {
    let db = Database::new();
    db.sql(&format!("CREATE TABLE t ({definition})"));
    install(&db, ["t", "--channel", "statement", "--events", "insert,update,delete,truncate"]);
    install(&db, ["t", "--channel", "row", "--enable-always", "--events", "insert,update,delete,truncate"]);
    let levels = "SELECT string_agg(DISTINCT (tgtype & 1)::text, '' ORDER BY (tgtype & 1)::text) FROM pg_trigger WHERE tgname LIKE '%\\_update'";
    assert_eq!(db.value(levels), "01");
    let (mut statement, mut row) = (Feed::of(&db, ["statement"]), Feed::of(&db, ["row"]));
    assert_eq!(Writer::of(&db).sql(statements), [""; 0]);
    let told = statement.told();
    let sorted = |mut told: Vec<String>| {
        told.sort();
        told
    };
    assert_eq!(sorted(told.clone()), sorted(row.told()));
    told
}

fn inserted(ids: impl IntoIterator<Item = u32>) -> Vec<String> {
    ids.into_iter().map(|id| format!(r#"{{"op":"INSERT","key":{{"id":{id}}},"new":{{"id":{id}}}}}"#)).collect()
}

#[test]
fn a_statement_of_many_rows_tells_each_in_order() {
    let told = told_by_both("id int PRIMARY KEY", "INSERT INTO t SELECT generate_series(1, 300)");
    assert_eq!(told, inserted(1..=300));
}

#[test]
fn on_conflict_tells_what_happened_to_each_row() {
    let statements = "INSERT INTO t VALUES (1, 'a');
        INSERT INTO t VALUES (1, 'b') ON CONFLICT (id) DO NOTHING;
        INSERT INTO t VALUES (1, 'c'), (2, 'c') ON CONFLICT (id) DO UPDATE SET a = 'd';
        INSERT INTO t VALUES (1, 'e') ON CONFLICT (id) DO UPDATE SET a = 'f' WHERE false";
    let mut told = told_by_both("id int PRIMARY KEY, a text", statements);
    told[1..].sort();
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"a":"a"}}"#,
        r#"{"op":"INSERT","key":{"id":2},"new":{"id":2,"a":"c"}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":"d"}}"#,
    ];
    assert_eq!(told, expected);
}

#[test]
fn merge_tells_each_of_its_actions() {
    let db = Database::new();
    if db.value("SHOW server_version_num").parse::<u32>().unwrap() < 150_000 {
        return; // MERGE came with PostgreSQL 15.
    }
    let statements = "INSERT INTO t VALUES (1, 'a'), (2, 'b');
        MERGE INTO t USING (VALUES (1), (2), (3)) s(id) ON t.id = s.id
        WHEN MATCHED AND t.id = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET a = 'm' WHEN NOT MATCHED THEN INSERT VALUES (s.id, 'n')";
    let mut told = told_by_both("id int PRIMARY KEY, a text", statements).split_off(2);
    told.sort();
    let expected = [
        r#"{"op":"DELETE","key":{"id":1},"old":{"id":1,"a":"a"}}"#,
        r#"{"op":"INSERT","key":{"id":3},"new":{"id":3,"a":"n"}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2,"a":"m"}}"#,
    ];
    assert_eq!(told, expected);
}

#[test]
fn copy_and_truncate_are_told() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY", &["--events", "insert,truncate"]);
    db.psql(["-c", "COPY t FROM stdin", "-c", "TRUNCATE t"], "1\n2\n").ok().stderr_is("");
    let mut expected = inserted(1..=2);
    expected.push(r#"{"op":"TRUNCATE"}"#.to_owned());
    assert_eq!(feed.told(), expected);
}

#[test]
fn a_writing_with_tells_each_part() {
    let statements = "INSERT INTO t VALUES (1);
        WITH gone AS (DELETE FROM t RETURNING id), made AS (INSERT INTO t SELECT id + 1 FROM gone RETURNING id) SELECT FROM made";
    let mut told = told_by_both("id int PRIMARY KEY", statements);
    told[1..].sort();
    assert_eq!(told[1..], [r#"{"op":"DELETE","key":{"id":1},"old":{"id":1}}"#.to_owned(), inserted([2]).remove(0)]);
}

#[test]
fn statements_that_touch_no_row_tell_nothing_and_take_no_transaction_number() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int", &[]);
    let mut client = db.client();
    let mut transaction = client.transaction().unwrap();
    transaction
        .batch_execute("UPDATE t SET id = 2, a = 2; DELETE FROM t; INSERT INTO t SELECT 1, 1 WHERE false")
        .unwrap();
    let number = transaction.query_one("SELECT pg_current_xact_id_if_assigned()::text", &[]).unwrap();
    assert_eq!(number.get::<_, Option<String>>(0), None);
    transaction.commit().unwrap();
    assert_eq!(feed.told(), [""; 0]);
}

#[test]
fn what_is_rolled_back_is_not_told() {
    let statements = "BEGIN; INSERT INTO t VALUES (1); ROLLBACK;
        BEGIN; INSERT INTO t VALUES (2); SAVEPOINT s; INSERT INTO t VALUES (3); UPDATE t SET id = id + 10; ROLLBACK TO s;
        INSERT INTO t VALUES (4); SAVEPOINT r; INSERT INTO t VALUES (5); RELEASE r; COMMIT";
    assert_eq!(told_by_both("id int PRIMARY KEY", statements), inserted([2, 4, 5]));
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY", &[]);
    db.client().batch_execute("INSERT INTO t VALUES (1), (1)").unwrap_err();
    assert_eq!(feed.told(), [""; 0]);
}

#[test]
fn two_equal_changes_of_a_table_without_a_key_stay_two_events() {
    let statements = "BEGIN; INSERT INTO t VALUES (1), (1); SAVEPOINT s; INSERT INTO t VALUES (1); ROLLBACK TO s;
        INSERT INTO t VALUES (1); UPDATE t SET a = 2; DELETE FROM t; COMMIT; INSERT INTO t VALUES (3)";
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "a int", &[]);
    db.sql(statements);
    let of = |op, seq, version, a| format!(r#"{{"op":"{op}","seq":{seq},"{version}":{{"a":{a}}}}}"#);
    let mut expected: Vec<_> = (1..=3).map(|seq| of("INSERT", seq, "new", 1)).collect();
    expected.extend((4..=6).map(|seq| of("UPDATE", seq, "new", 2)));
    expected.extend((7..=9).map(|seq| of("DELETE", seq, "old", 2)));
    expected.push(of("INSERT", 1, "new", 3));
    assert_eq!(feed.told(), expected);
}

#[test]
fn cascades_are_told_of_the_tables_they_reach() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE parent (id int PRIMARY KEY);
         CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE);
         INSERT INTO parent VALUES (1), (2); INSERT INTO t VALUES (1, 1), (2, 1), (3, 2)",
    );
    install(&db, ["parent", "t", "--channel", "t", "--payload", "row"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("UPDATE parent SET id = 3 WHERE id = 2; DELETE FROM parent WHERE id = 1");
    let parent = |event: &str| event.replace('@', r#","schema":"public","table":"parent""#);
    // PostgreSQL queues what an action changes behind the statement that caused it.
    let expected = [
        parent(r#"{"op":"DELETE"@,"key":{"id":2},"moved_to":{"id":3}}"#),
        parent(r#"{"op":"UPDATE"@,"key":{"id":3},"new":{"id":3}}"#),
        r#"{"op":"UPDATE","key":{"id":3},"new":{"id":3,"parent":3}}"#.to_owned(),
        parent(r#"{"op":"DELETE"@,"key":{"id":1},"old":{"id":1}}"#),
        r#"{"op":"DELETE","key":{"id":1},"old":{"id":1,"parent":1}}"#.to_owned(),
        r#"{"op":"DELETE","key":{"id":2},"old":{"id":2,"parent":1}}"#.to_owned(),
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn replicated_changes_are_told_with_enable_always_only() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY", &["--enable-always", "--events", "insert,truncate"]);
    install(&db, ["t", "--channel", "origin"]);
    let mut origin = Feed::of(&db, ["origin"]);
    db.sql("SET session_replication_role = replica; INSERT INTO t VALUES (1); TRUNCATE t");
    assert_eq!(feed.told(), [inserted([1]).remove(0), r#"{"op":"TRUNCATE"}"#.to_owned()]);
    assert_eq!(origin.told(), [""; 0]);
}

#[test]
fn a_notify_in_a_trigger_forbids_prepare_transaction() {
    // PostgreSQL's rule, and one of the two documented ways in which a live trigger can be felt by a writer.
    let server = crate::harness::own_server_with(|builder| builder.setting("max_prepared_transactions", "1"));
    let db = server.database();
    drop(Feed::of_table(&db, "id int PRIMARY KEY", &[]));
    let mut client = db.client();
    client.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    let error = pgfeed::error::Error::from(client.batch_execute("PREPARE TRANSACTION 'x'").unwrap_err());
    assert_eq!(error.sqlstate(), Some("0A000"));
    assert_eq!(db.value("SELECT count(*) FROM t"), "0");
}
