//! Changes of the key are told as the end of the old one, which says where the row went, and an update under the new one.

use super::feed::{Feed, install};
use crate::harness::Database;

#[test]
fn a_key_change_is_told_at_either_level() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text", &[]);
    install(&db, ["t", "--channel", "diff", "--payload", "diff"]);
    let mut diff = Feed::of(&db, ["diff"]);
    db.sql("INSERT INTO t VALUES (1, 'x'), (2, 'y'); UPDATE t SET id = 7 WHERE id = 1; UPDATE t SET id = 2, a = 'z' WHERE id = 2");
    let expected = [
        r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":7}}"#,
        r#"{"op":"UPDATE","key":{"id":7},"new":{"id":7,"a":"x"}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2,"a":"z"}}"#,
    ];
    assert_eq!(feed.told()[2..], expected);
    let expected = [
        r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":7}}"#,
        r#"{"op":"UPDATE","key":{"id":7},"new":{"id":7,"a":"x"},"changed":{"id":1}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2,"a":"z"},"changed":{"a":"y"}}"#,
    ];
    assert_eq!(diff.told()[2..], expected);
}

#[test]
fn at_statement_level_keys_that_shift_are_all_left_before_any_is_taken() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY DEFERRABLE", &["--payload", "keys", "--events", "update"]);
    db.sql("INSERT INTO t VALUES (1), (2); UPDATE t SET id = id + 1");
    let expected = [
        r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":2}}"#,
        r#"{"op":"DELETE","key":{"id":2},"moved_to":{"id":3}}"#,
        r#"{"op":"UPDATE","key":{"id":2}}"#,
        r#"{"op":"UPDATE","key":{"id":3}}"#,
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn a_composite_key_stands_in_its_own_order() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "a int, b text, c int, PRIMARY KEY (c, b) INCLUDE (a)", &["--payload", "keys"]);
    db.sql("INSERT INTO t VALUES (1, 'x', 2); UPDATE t SET a = 3; UPDATE t SET b = 'y'; DELETE FROM t");
    let expected = [
        r#"{"op":"INSERT","key":{"c":2,"b":"x"}}"#,
        r#"{"op":"UPDATE","key":{"c":2,"b":"x"}}"#,
        r#"{"op":"DELETE","key":{"c":2,"b":"x"},"moved_to":{"c":2,"b":"y"}}"#,
        r#"{"op":"UPDATE","key":{"c":2,"b":"y"}}"#,
        r#"{"op":"DELETE","key":{"c":2,"b":"y"}}"#,
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn a_key_of_uuid_date_and_number_is_exact() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "u uuid, d date, n numeric, PRIMARY KEY (u, d, n)", &["--payload", "keys"]);
    db.sql("INSERT INTO t VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-11-20', 12345678901234567890.10)");
    let expected = r#"{"op":"INSERT","key":{"u":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","d":"2026-11-20","n":12345678901234567890.10}}"#;
    assert_eq!(feed.told(), [expected]);
}
