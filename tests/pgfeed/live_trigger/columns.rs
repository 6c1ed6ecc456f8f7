//! Which columns and which updates are told: --columns, --exclude, --update-of, --skip-unchanged.

use super::feed::{Feed, Writer, install};
use crate::harness::Database;

#[test]
fn columns_chooses_and_the_key_stays_in_key() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text, b int, c int", &["--columns", "b,a,b"]);
    db.sql("INSERT INTO t VALUES (1, 'x', 2, 3); DELETE FROM t");
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"b":2,"a":"x"}}"#,
        r#"{"op":"DELETE","key":{"id":1},"old":{"b":2,"a":"x"}}"#,
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn columns_may_be_given_one_by_one() {
    let db = Database::new();
    let args = ["--columns", "id", "--columns", "a", "--payload", "diff"];
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text, b int", &args);
    db.sql("INSERT INTO t VALUES (1, 'x', 2); UPDATE t SET a = 'y', b = 3; UPDATE t SET b = 4");
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"a":"x"}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":"y"},"changed":{"a":"x"}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":"y"},"changed":{}}"#,
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn exclude_keeps_a_secret_in_every_payload() {
    for payload in ["row", "full", "diff"] {
        let db = Database::new();
        let args = ["--exclude", "secret", "--payload", payload];
        let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text, secret text", &args);
        db.sql("INSERT INTO t VALUES (1, 'x', 'S3cr3t'); UPDATE t SET a = 'y', secret = 'S3cr3t2'; DELETE FROM t");
        let told = feed.told();
        assert_eq!(told.len(), 3);
        assert!(!told.join("").contains("S3cr3t"), "{told:?}");
    }
}

#[test]
fn a_new_column_appears_at_once_or_after_a_new_install_where_columns_are_listed() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, secret text", &[]);
    install(&db, ["t", "--channel", "listed", "--exclude", "secret"]);
    let mut listed = Feed::of(&db, ["listed"]);
    db.sql("ALTER TABLE t ADD COLUMN b int DEFAULT 7; INSERT INTO t VALUES (1, 's')");
    assert_eq!(feed.told(), [r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"secret":"s","b":7}}"#]);
    assert_eq!(listed.told(), [r#"{"op":"INSERT","key":{"id":1},"new":{"id":1}}"#]);
    let again = ["install-trigger", "t", "--channel", "listed", "--exclude", "secret"];
    db.pgfeed(again).args(["--check"]).run().code(4);
    db.pgfeed(["install-trigger", "t", "--check"]).run().ok();
    db.pgfeed(again).run().ok();
    db.sql("UPDATE t SET b = 8");
    assert_eq!(listed.told(), [r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"b":8}}"#]);
}

#[test]
fn update_of_tells_only_updates_that_change_these_columns_or_the_key() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, status text, note text", &["--update-of", "status"]);
    db.sql("INSERT INTO t VALUES (1, 'a', NULL); UPDATE t SET note = 'x'; UPDATE t SET status = status");
    db.sql("UPDATE t SET status = NULL; UPDATE t SET id = 2; DELETE FROM t");
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"status":"a","note":null}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"status":null,"note":"x"}}"#,
        r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":2}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2,"status":null,"note":"x"}}"#,
        r#"{"op":"DELETE","key":{"id":2},"old":{"id":2,"status":null,"note":"x"}}"#,
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn update_of_sees_a_change_made_by_a_before_trigger() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int, version int", &["--update-of", "version"]);
    db.sql(
        "CREATE FUNCTION bump() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version := OLD.version + 1; RETURN NEW; END';
         CREATE TRIGGER bump BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION bump();
         INSERT INTO t VALUES (1, 1, 1); UPDATE t SET a = 2",
    );
    assert_eq!(feed.told()[1..], [r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":2,"version":2}}"#]);
}

#[test]
fn skip_unchanged_skips_updates_that_change_nothing_published() {
    let db = Database::new();
    let mut feed =
        Feed::of_table(&db, "id int PRIMARY KEY, a text, secret text", &["--skip-unchanged", "--exclude", "secret"]);
    db.sql("INSERT INTO t VALUES (1, 'a', 's'); UPDATE t SET a = 'a'; UPDATE t SET secret = 'z'; UPDATE t SET id = 2; UPDATE t SET a = NULL");
    let expected = [
        r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":2}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2,"a":"a"}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2,"a":null}}"#,
    ];
    assert_eq!(feed.told()[1..], expected);
}

#[test]
fn skip_unchanged_works_without_an_equality_operator() {
    let db = Database::new();
    let definition = "id int PRIMARY KEY, j json, p point, x xml, big text";
    let mut feed = Feed::of_table(&db, definition, &["--skip-unchanged", "--payload", "diff"]);
    let mut writer = Writer::of(&db);
    let insert = "INSERT INTO t VALUES (1, '{\"a\": 1}', '(1,2)', '<a/>', repeat('x', 3000))";
    assert_eq!(writer.sql(&format!("{insert}; UPDATE t SET j = j; UPDATE t SET p = '(1,2)'")), [""; 0]);
    assert_eq!(
        writer.sql("UPDATE t SET j = '{\"a\":1}'; UPDATE t SET p = '(1,3)'; UPDATE t SET big = repeat('x', 3000)"),
        [""; 0]
    );
    let changed: Vec<_> = feed.events()[1..].iter().map(|event| event["changed"].to_string()).collect();
    assert_eq!(changed, [r#"{"j":{"a":1}}"#, r#"{"p":"(1,2)"}"#]);
}

#[test]
fn update_of_and_skip_unchanged_both_have_to_hold() {
    let db = Database::new();
    let args = ["--update-of", "a", "--skip-unchanged", "--columns", "b"];
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int, b int", &args);
    db.sql("INSERT INTO t VALUES (1, 1, 1); UPDATE t SET a = 2; UPDATE t SET b = 2; UPDATE t SET a = 3, b = 3");
    assert_eq!(feed.told()[1..], [r#"{"op":"UPDATE","key":{"id":1},"new":{"b":3}}"#]);
}

#[test]
fn no_columns_at_all_are_an_empty_object() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "a int", &["--exclude", "a"]);
    db.sql("INSERT INTO t VALUES (1)");
    assert_eq!(feed.told(), [r#"{"op":"INSERT","seq":1,"new":{}}"#]);
}
