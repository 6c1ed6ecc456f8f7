//! Up to 7999 bytes, and beyond: what is cut, and that the write always succeeds.

use super::feed::{Feed, Writer, install};
use crate::harness::Database;

/// What the text column has to hold for an INSERT event of exactly this many bytes, made of `unit` and at most some `x`.
fn text_for(bytes: usize, txid: &str, unit: &str) -> String {
    let empty = format!(
        r#"{{"op":"INSERT","schema":"public","table":"t","key":{{"id":1}},"new":{{"id":1,"a":""}},"txid":"{txid}","at":"2026-11-20T23:28:41.123456Z"}}"#
    );
    let length = bytes - empty.len();
    unit.repeat(length / unit.len()) + &"x".repeat(length % unit.len())
}

/// The event of an insert that would have this many bytes, and its length.
fn insert_of(bytes: usize, unit: &str, args: &[&str]) -> (String, usize) {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text", args);
    let mut writer = Writer::of(&db);
    writer.sql("BEGIN");
    let txid: String = writer.client.query_one("SELECT pg_current_xact_id()::text", &[]).unwrap().get(0);
    let text = text_for(bytes, &txid, unit);
    assert_eq!(writer.sql(&format!("INSERT INTO t VALUES (1, '{text}'); COMMIT")), [""; 0]);
    let payload = feed.payloads().remove(0);
    let length = payload.len();
    (payload, length)
}

#[test]
fn an_event_of_7999_bytes_is_whole_and_one_of_8000_is_cut() {
    for args in [&[][..], &["--payload", "full"]] {
        for unit in ["a", "é", "日", "😀"] {
            let (whole, length) = insert_of(7999, unit, args);
            assert!(length == 7999 && !whole.contains("truncated"), "{length} bytes: {whole}");
            let (cut, _) = insert_of(8000, unit, args);
            assert!(
                cut.starts_with(
                    r#"{"op":"INSERT","schema":"public","table":"t","key":{"id":1},"truncated":true,"txid":""#
                ),
                "{cut}"
            );
        }
    }
}

#[test]
fn old_values_go_first_then_new_ones() {
    for (payload, more) in [("full", "old"), ("diff", "changed")] {
        let db = Database::new();
        let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text", &["--payload", payload, "--events", "update"]);
        db.sql("INSERT INTO t VALUES (1, repeat('a', 3000))");
        db.sql("UPDATE t SET a = repeat('b', 3000)");
        db.sql("UPDATE t SET a = repeat('c', 6000)");
        db.sql("UPDATE t SET a = repeat('d', 9000)");
        db.sql("UPDATE t SET a = 'e'");
        let events = feed.events();
        let shapes: Vec<_> = events
            .iter()
            .map(|event| {
                let length = |of: &str| event[of]["a"].as_str().map_or(0, str::len);
                (length("new"), length(more), event["truncated"] == true, event["key"]["id"] == 1)
            })
            .collect();
        assert_eq!(
            shapes,
            [(3000, 3000, false, true), (6000, 0, true, true), (0, 0, true, true), (1, 0, true, true)],
            "{payload}"
        );
        assert!(events[1].get(more).is_none() && events[2].get("new").is_none(), "absent, not empty");
    }
}

#[test]
fn a_key_that_does_not_fit_goes_last_and_a_number_tells_events_apart() {
    for args in [&[][..], &["--payload", "full"]] {
        let db = Database::new();
        let mut feed = Feed::of_table(&db, "id text PRIMARY KEY", args);
        let statements = "BEGIN; INSERT INTO t VALUES (repeat('k', 9000)), (repeat('k', 9001));
            UPDATE t SET id = repeat('l', 4500) WHERE id = repeat('k', 9000);
            UPDATE t SET id = repeat('m', 4500) WHERE id = repeat('l', 4500);
            DELETE FROM t; COMMIT";
        assert_eq!(Writer::of(&db).sql(statements), [""; 0]);
        let shown = |letter: &str| format!(r#""key":{{"id":"{}"}},"#, letter.repeat(4500));
        let expected = [
            r#"{"op":"INSERT","truncated":true,"seq":1}"#.to_owned(),
            r#"{"op":"INSERT","truncated":true,"seq":2}"#.to_owned(),
            r#"{"op":"DELETE","truncated":true,"seq":3}"#.to_owned(),
            format!(r#"{{"op":"UPDATE",{}"truncated":true}}"#, shown("l")),
            r#"{"op":"DELETE","truncated":true,"seq":4}"#.to_owned(),
            format!(r#"{{"op":"UPDATE",{}"truncated":true}}"#, shown("m")),
            r#"{"op":"DELETE","truncated":true,"seq":5}"#.to_owned(),
            format!(r#"{{"op":"DELETE",{}"truncated":true}}"#, shown("m")),
        ];
        assert_eq!(feed.told(), expected);
    }
}

#[test]
fn a_row_of_a_megabyte_is_told_by_its_key() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text, b text", &[]);
    install(&db, ["t", "--channel", "diff", "--payload", "diff", "--exclude", "a"]);
    let mut diff = Feed::of(&db, ["diff"]);
    let mut writer = Writer::of(&db);
    let random = "(SELECT string_agg(md5(n::text), '') FROM generate_series(1, 32768) n)";
    assert_eq!(
        writer.sql(&format!("INSERT INTO t VALUES (1, {random}, 'x'); UPDATE t SET b = 'y'; DELETE FROM t")),
        [""; 0]
    );
    let expected =
        ["INSERT", "UPDATE", "DELETE"].map(|op| format!(r#"{{"op":"{op}","key":{{"id":1}},"truncated":true}}"#));
    assert_eq!(feed.told(), expected);
    assert_eq!(diff.told()[1], r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"b":"y"},"changed":{"b":"x"}}"#);
}

#[test]
fn a_value_too_large_for_json_warns_and_is_told_by_its_key() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a bytea", &[]);
    install(&db, ["t", "--channel", "row", "--payload", "full"]);
    let mut row = Feed::of(&db, ["row"]);
    // As text each byte is two characters, which makes more than the gigabyte that a value can have.
    let warnings = Writer::of(&db).sql("INSERT INTO t VALUES (1, convert_to(repeat('a', 540 * 1000 * 1000), 'UTF8'))");
    assert_eq!(warnings, ["pgfeed: INSERT of public.t: invalid memory alloc request size 1080000003"; 2]);
    let expected = [r#"{"op":"INSERT","key":{"id":1},"truncated":true}"#];
    assert_eq!((feed.told(), row.told()), (expected.map(str::to_owned).to_vec(), expected.map(str::to_owned).to_vec()));
    assert_eq!(db.value("SELECT count(*) FROM t"), "1");
}

#[test]
fn a_bulk_statement_tells_small_rows_whole_and_large_ones_cut() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a text", &["--columns", "a"]);
    db.sql("INSERT INTO t SELECT n, repeat('a', n * 4000) FROM generate_series(1, 3) n");
    let events = feed.events();
    let shapes: Vec<_> = events.iter().map(|event| (event["key"]["id"].as_i64(), event["truncated"] == true)).collect();
    assert_eq!(shapes, [(Some(1), false), (Some(2), true), (Some(3), true)]);
}
