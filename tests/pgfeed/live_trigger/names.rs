//! Names of every kind, as schema, table, column and channel: each is hit exactly, or refused before anything is sent.

use pgfeed::sql::ident;

use super::feed::{Feed, Writer, install};
use crate::harness::{Database, Pgfeed};

/// Names that PostgreSQL takes, if they are quoted.
const HARD: &[&str] = &[
    "Upper",
    "we\"ird",
    "o'rder",
    "tab le",
    "x; drop table s; --",
    "\"",
    "\"\"",
    "$$x$$",
    "$pgfeed$",
    "$pgfeed1$",
    "%s",
    "%I",
    "a\\b",
    "a\\'; x",
    "line\nbreak",
    "tab\ttab",
    "日本",
    "emoji😀",
    "ééééééééééééééééééééééééééééééé",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "user",
    "select",
    "*",
    ".",
    "a.b",
    "\"a.b\".c",
    "1digit",
    "\u{202e}turned",
    "\u{e9}",
    "e\u{301}",
    "/*{table}*/",
    "-- x",
    "${IFS}`id`$(id)",
];

/// Names of our own variables, columns that are special, and what might end a literal or a body.
const COLUMNS: &[&str] = &[
    "head",
    "tail",
    "body",
    "note",
    "r",
    "x",
    "changes",
    "op",
    "channel",
    "cut",
    "label",
    "about",
    "more",
    "wanted",
    "moved",
    "new",
    "old",
    "NEW",
    "tg_op",
    "seq",
    "key",
    "found",
    "table",
    "truncated",
];

#[test]
fn every_name_works_as_schema_table_column_and_channel_at_once() {
    let db = Database::new();
    for (n, name) in HARD.iter().enumerate() {
        let quoted = ident(name);
        let table = format!("{quoted}.{quoted}");
        let (channel, schema) = (format!("--channel={name}"), format!("--schema={name}"));
        db.sql(&format!("CREATE SCHEMA {quoted}; CREATE TABLE {table} ({quoted} int PRIMARY KEY, a int)"));
        // Statement level with the whole row, and row level with listed columns.
        let payload: &[&str] = if n % 2 == 0 { &[] } else { &["--payload", "diff", "--columns", "a"] };
        install(&db, [channel.as_str(), &schema, &table].iter().chain(payload).copied());
        let mut feed = Feed::of(&db, [name]);
        let warnings =
            Writer::of(&db).sql(&format!("INSERT INTO {table} VALUES (1, 2); UPDATE {table} SET {quoted} = 2"));
        assert_eq!(warnings, [""; 0], "{name}");
        assert_eq!(feed.told(), expected(&serde_json::to_string(name).unwrap(), n % 2 == 0));
        let check = ["install-trigger", "--check", &channel, &schema, &table];
        db.pgfeed(check).args(payload).run().ok();
        db.pgfeed(["uninstall-trigger", &table]).run().ok();
    }
    assert_eq!(
        db.value("SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%pg_notify%' AND prorettype = 'trigger'::regtype"),
        "0"
    );
}

#[test]
fn every_name_works_in_a_list_of_columns() {
    let db = Database::new();
    for name in HARD.iter().chain(&["a,b", ",", "\"a\",b", " a "]) {
        let (quoted, json) = (ident(name), serde_json::to_string(name).unwrap());
        db.sql(&format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, {quoted} int, other int, more int)"
        ));
        let (columns, update_of) = (format!("--columns={quoted}, other"), format!("--update-of=more,{quoted}"));
        let only = ["t", "--channel", "only", &columns, &update_of];
        let exclude = format!("--exclude=other,{quoted}");
        let rest = ["t", "--channel", "rest", &exclude, "--events", "insert"];
        for args in [&only[..], &rest] {
            install(&db, args.iter().copied());
            db.pgfeed(["install-trigger", "--check"]).args(args).run().ok();
        }
        let mut feeds = ["only", "rest"].map(|channel| Feed::of(&db, [channel]));
        db.sql(&format!("INSERT INTO t VALUES (1, 2, 3, 4); UPDATE t SET other = 4; UPDATE t SET {quoted} = 3"));
        let [only, rest] = feeds.each_mut().map(Feed::told);
        assert_eq!(rest, [r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"more":4}}"#], "{name}");
        let event =
            |op, value, other| format!(r#"{{"op":"{op}","key":{{"id":1}},"new":{{{json}:{value},"other":{other}}}}}"#);
        assert_eq!(only, [event("INSERT", 2, 3), event("UPDATE", 3, 4)], "{name}");
    }
}

fn expected(name: &str, whole: bool) -> [String; 3] {
    let head = |op| format!(r#"{{"op":"{op}","schema":{name},"table":{name},"key":{{{name}:"#);
    let new = |id| if whole { format!(r#""new":{{{name}:{id},"a":2}}"#) } else { r#""new":{"a":2}"#.to_owned() };
    let changed = if whole { "" } else { r#","changed":{}"# };
    [
        format!("{}1}},{}}}", head("INSERT"), new(1)),
        format!("{}1}},\"moved_to\":{{{name}:2}}}}", head("DELETE")),
        format!("{}2}},{}{changed}}}", head("UPDATE"), new(2)),
    ]
}

#[test]
fn columns_called_as_our_variables_are_columns() {
    let db = Database::new();
    for key in COLUMNS {
        let columns: Vec<_> = COLUMNS.iter().map(|name| format!("{} int", ident(name))).collect();
        if *key != COLUMNS[0] && !matches!(*key, "r" | "x" | "head" | "new" | "changes") {
            continue; // As keys, the ones that stand in our queries will do.
        }
        db.sql(&format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t ({}, PRIMARY KEY ({}))",
            columns.join(", "),
            ident(key)
        ));
        install(&db, ["t"]);
        install(&db, ["t", "--channel", "listed", "--columns", &COLUMNS.join(","), "--payload", "diff"]);
        let mut feeds = ["t", "listed"].map(|channel| Feed::of(&db, [channel]));
        let values: Vec<_> = (0..COLUMNS.len()).map(|n| n.to_string()).collect();
        let insert = format!("INSERT INTO t VALUES ({}); UPDATE t SET \"op\" = \"op\"", values.join(", "));
        assert_eq!(Writer::of(&db).sql(&insert), [""; 0], "{key}");
        let expected: Vec<_> = COLUMNS.iter().enumerate().map(|(n, name)| format!("\"{name}\":{n}")).collect();
        for feed in &mut feeds {
            let told = feed.told();
            assert!(told.len() == 2 && told.iter().all(|event| event.contains(&expected.join(","))), "{key}: {told:?}");
        }
        db.pgfeed(["uninstall-trigger", "t"]).run().ok();
    }
}

#[test]
fn names_that_are_too_long_or_empty_are_refused_without_a_server() {
    let refused = |args: &[&str], message: &str| {
        Pgfeed::new(["install-trigger", "-d", "host=/nowhere"])
            .args(args)
            .run()
            .code(2)
            .stderr_has(message)
            .stdout_is("");
    };
    let (long, accents) = ("a".repeat(64), "é".repeat(32));
    refused(&[&long], "the table's name \"aaaa");
    refused(&[&accents], "is 64 bytes long");
    refused(&["t", "--channel", &long], "the channel's name \"aaaa");
    refused(&["t", "--channel", ""], "the channel's name is empty");
    refused(&["t", "--schema", &long], "the schema's name \"aaaa");
    refused(&["t", "--schema", ""], "the schema's name is empty");
    refused(&[""], "is not a table's name: a part of it is empty");
    refused(&["\"\""], "the table's name is empty");
    refused(&["a b"], "such a name needs double quotes");
    refused(&["a.b.c"], "it has more parts than schema and name");
}

#[test]
fn names_that_look_alike_stay_apart() {
    let db = Database::new();
    db.sql("CREATE TABLE \"\u{e9}\" (id int PRIMARY KEY); CREATE TABLE \"e\u{301}\" (id int PRIMARY KEY)");
    install(&db, ["\u{e9}"]);
    let mut feed = Feed::of(&db, ["\u{e9}", "e\u{301}"]);
    db.sql("INSERT INTO \"\u{e9}\" VALUES (1); INSERT INTO \"e\u{301}\" VALUES (2)");
    let told: Vec<_> = feed.events().iter().map(|event| event["key"].to_string()).collect();
    assert_eq!(told, [r#"{"id":1}"#]);
}
