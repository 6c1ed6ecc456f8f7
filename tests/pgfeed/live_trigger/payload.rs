//! What an event says of a row: the kinds of payload, and which columns and updates are told.

use serde_json::json;

use super::feed::{Feed, Writer};
use crate::harness::Database;

const CHANGES: &str =
    "INSERT INTO t VALUES (1, 'a', NULL); UPDATE t SET a = 'b' WHERE id = 1; DELETE FROM t; TRUNCATE t";
const ALL: &str = "insert,update,delete,truncate";

#[track_caller]
fn told_of_changes(args: &[&str]) -> Vec<String> {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text, b numeric", args);
    assert_eq!(Writer::of(&db).sql(CHANGES), [""; 0]);
    feed.told()
}

#[test]
fn payload_keys_tells_the_key_alone() {
    let expected = [
        r#"{"op":"INSERT","key":{"id":1}}"#,
        r#"{"op":"UPDATE","key":{"id":1}}"#,
        r#"{"op":"DELETE","key":{"id":1}}"#,
        r#"{"op":"TRUNCATE"}"#,
    ];
    assert_eq!(told_of_changes(&["--payload", "keys", "--events", ALL]), expected);
    assert_eq!(told_of_changes(&["--payload", "keys", "--events", ALL, "--enable-always"]), expected);
}

#[test]
fn payload_row_tells_new_values_and_the_old_ones_of_a_deleted_row() {
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"a":"a","b":null}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":"b","b":null}}"#,
        r#"{"op":"DELETE","key":{"id":1},"old":{"id":1,"a":"b","b":null}}"#,
        r#"{"op":"TRUNCATE"}"#,
    ];
    assert_eq!(told_of_changes(&["--events", ALL]), expected);
    assert_eq!(told_of_changes(&["--events", ALL, "--enable-always"]), expected);
}

#[test]
fn payload_full_tells_new_and_old_values() {
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"a":"a","b":null}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":"b","b":null},"old":{"id":1,"a":"a","b":null}}"#,
        r#"{"op":"DELETE","key":{"id":1},"old":{"id":1,"a":"b","b":null}}"#,
        r#"{"op":"TRUNCATE"}"#,
    ];
    assert_eq!(told_of_changes(&["--payload", "full", "--events", ALL]), expected);
}

#[test]
fn payload_diff_tells_the_previous_values_of_changed_columns() {
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"a":"a","b":null}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":"b","b":null},"changed":{"a":"a"}}"#,
        r#"{"op":"DELETE","key":{"id":1},"old":{"id":1,"a":"b","b":null}}"#,
        r#"{"op":"TRUNCATE"}"#,
    ];
    assert_eq!(told_of_changes(&["--payload", "diff", "--events", ALL]), expected);
}

#[test]
fn every_event_says_when_in_which_transaction_and_of_which_table() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY", &[]);
    let mut client = db.client();
    let row = client.query_one(
        "INSERT INTO t VALUES (1) RETURNING xmin::text, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI')",
        &[],
    );
    let row = row.unwrap();
    let event = feed.event();
    assert_eq!(event["txid"], json!(row.get::<_, String>(0)));
    let at = event["at"].as_str().unwrap();
    assert!(
        at.starts_with(&row.get::<_, String>(1))
            && at.len() == "2026-11-20T23:28:41.123456Z".len()
            && at.ends_with('Z'),
        "{at}"
    );
    assert_eq!((event["schema"].clone(), event["table"].clone()), (json!("public"), json!("t")));
}
