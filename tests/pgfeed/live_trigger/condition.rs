//! --when: a condition over NEW and OLD.

use super::feed::{Feed, Writer, install};
use crate::harness::Database;

#[test]
fn when_over_new_tells_the_rows_that_satisfy_it() {
    let db = Database::new();
    let args = ["--events", "insert,update", "--when", "NEW.status = 'shipped'"];
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, status varchar(20)", &args);
    db.sql("INSERT INTO t VALUES (1, 'new'), (2, 'shipped'), (3, NULL); UPDATE t SET status = 'shipped' WHERE id = 1; DELETE FROM t");
    let expected = [
        r#"{"op":"INSERT","key":{"id":2},"new":{"id":2,"status":"shipped"}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"status":"shipped"}}"#,
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn when_over_both_versions_and_whole_rows() {
    let db = Database::new();
    let args = ["--events", "update", "--payload", "keys", "--when", "OLD.a < NEW.a AND NEW IS DISTINCT FROM OLD"];
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int", &args);
    db.sql("INSERT INTO t VALUES (1, 1), (2, 2); UPDATE t SET a = a; UPDATE t SET a = 0 WHERE id = 2; UPDATE t SET a = 2 WHERE id = 1");
    assert_eq!(feed.told(), [r#"{"op":"UPDATE","key":{"id":1}}"#]);
}

#[test]
fn when_over_old_tells_deletes_too() {
    let db = Database::new();
    let args = ["--events", "delete,update", "--payload", "keys", "--when", "OLD.a > 1"];
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int", &args);
    db.sql("INSERT INTO t VALUES (1, 1), (2, 2); UPDATE t SET a = 3 WHERE id = 1; DELETE FROM t");
    let expected = [r#"{"op":"DELETE","key":{"id":2}}"#, r#"{"op":"DELETE","key":{"id":1}}"#];
    assert_eq!(feed.told(), expected);
}

#[test]
fn when_is_understood_by_the_search_path_of_who_installs_and_not_of_who_writes() {
    let db = Database::new();
    db.sql(
        "CREATE SCHEMA mine; CREATE TABLE mine.limits (most int); INSERT INTO mine.limits VALUES (10);
         CREATE FUNCTION mine.odd(int) RETURNS bool LANGUAGE sql AS 'SELECT $1 % 2 = 1';
         CREATE TABLE t (id int PRIMARY KEY)",
    );
    db.sql(&format!("ALTER DATABASE \"{}\" SET search_path = mine, public", db.name()));
    let condition = "odd(NEW.id) AND NEW.id < (SELECT max(most) FROM limits AS note)";
    install(&db, ["t", "--events", "insert", "--payload", "keys", "--when", condition]);
    let mut feed = Feed::of(&db, ["t"]);
    let mut writer = Writer::of(&db);
    assert_eq!(writer.sql("SET search_path = pg_temp; INSERT INTO public.t SELECT generate_series(6, 13)"), [""; 0]);
    assert_eq!(feed.told(), [r#"{"op":"INSERT","key":{"id":7}}"#, r#"{"op":"INSERT","key":{"id":9}}"#]);
}

#[test]
fn a_condition_that_fails_warns_and_the_write_succeeds() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int", &["--events", "insert", "--when", "1 / NEW.a > 0"]);
    let warnings = Writer::of(&db).sql("INSERT INTO t VALUES (1, 0); INSERT INTO t VALUES (2, 1)");
    assert_eq!(warnings, ["pgfeed: INSERT of public.t: division by zero"]);
    assert_eq!(feed.told(), [r#"{"op":"INSERT","key":{"id":2},"new":{"id":2,"a":1}}"#]);
    assert_eq!(db.value("SELECT count(*) FROM t"), "2");
}

#[test]
fn a_condition_whose_assertion_fails_warns_too() {
    let db = Database::new();
    db.sql("CREATE FUNCTION sure(bool) RETURNS bool LANGUAGE plpgsql AS 'BEGIN ASSERT $1; RETURN true; END'");
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY", &["--events", "insert", "--when", "sure(NEW.id = 2)"]);
    let warnings = Writer::of(&db).sql("INSERT INTO t VALUES (1), (2)");
    assert_eq!(warnings, ["pgfeed: INSERT of public.t: assertion failed"]);
    assert_eq!(feed.told(), [r#"{"op":"INSERT","key":{"id":2},"new":{"id":2}}"#]);
}

#[test]
fn a_table_whose_name_looks_like_sql_does_not_confuse_the_condition() {
    let db = Database::new();
    let name = "x\n  WHERE (true) OR";
    db.sql(&format!("CREATE TABLE \"{name}\" (id int PRIMARY KEY)"));
    install(
        &db,
        [&format!("\"{name}\""), "--channel", "c", "--events", "insert", "--when", "NEW.id > 1", "--payload", "keys"],
    );
    let mut feed = Feed::of(&db, ["c"]);
    db.sql(&format!("INSERT INTO \"{name}\" VALUES (1), (2)"));
    let told: Vec<_> = feed.events().iter().map(|event| event["key"].to_string()).collect();
    assert_eq!(told, [r#"{"id":2}"#]);
}
