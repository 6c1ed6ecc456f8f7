//! A table that is altered under its trigger: no write fails for it, and every change is stored with what can still be told.

use super::{delivered, durable, install};
use crate::harness::Database;
use crate::live_trigger::feed::Writer;

/// A session that has used every trigger of the table before it is altered, so that its plans are cached, and one that comes later.
fn old_and_new(db: &Database, alter: &str) -> [Writer; 2] {
    let mut old = Writer::of(db);
    let used = old.sql("INSERT INTO t SELECT -i FROM generate_series(1, 3) i; UPDATE t SET id = id - 3; DELETE FROM t");
    assert_eq!(used, [""; 0]);
    delivered(db, &[]);
    db.sql(alter);
    [old, Writer::of(db)]
}

/// Writes in every way, and gives the distinct warnings.
#[track_caller]
fn write(writer: &mut Writer) -> Vec<String> {
    let mut warnings = writer.sql(
        "INSERT INTO t VALUES (1), (2); INSERT INTO t VALUES (3); UPDATE t SET b = 'y' WHERE id = 1;
         UPDATE t SET b = 'z'; UPDATE t SET id = 4 WHERE id = 3; UPDATE t SET b = 'y' WHERE false; DELETE FROM t",
    );
    warnings.sort();
    warnings.dedup();
    warnings
}

const DEFINITION: &str = "id int PRIMARY KEY, b text DEFAULT 'x', a int DEFAULT 1, secret text DEFAULT 'S3cr3t'";

/// What [`write`] tells of the rows; `a` and `changed` stand for what is told of them.
fn told(a: &str, changed: bool, rest: &str) -> Vec<String> {
    let row = |id: i32, b: &str| format!(r#"{{"id":{id},"b":"{b}"{a}{rest}}}"#);
    let event = |op: &str, id: i32, what: &str| format!(r#"{{"op":"{op}","key":{{"id":{id}}},{what}}}"#);
    let insert = |id: i32| event("INSERT", id, &format!(r#""new":{}"#, row(id, "x")));
    let update = |id: i32, b: &str, was: &str| {
        let changed = if changed { format!(r#","changed":{{{was}}}"#) } else { String::new() };
        event("UPDATE", id, &format!(r#""new":{}{changed}"#, row(id, b)))
    };
    let delete = |id: i32| event("DELETE", id, &format!(r#""old":{}"#, row(id, "z")));
    vec![
        insert(1),
        insert(2),
        insert(3),
        update(1, "y", r#""b":"x""#),
        update(2, "z", r#""b":"x""#),
        update(3, "z", r#""b":"x""#),
        update(1, "z", r#""b":"y""#),
        event("DELETE", 3, r#""moved_to":{"id":4}"#),
        update(4, "z", r#""id":3"#),
        delete(1),
        delete(2),
        delete(4),
    ]
}

/// Alters the table under a trigger; both sessions must tell everything but column `a`, which is told as it is said here.
#[track_caller]
fn survives(args: &[&str], alter: &str, a: &str, rest: &str, warning: &str) {
    let db = Database::new();
    durable(&db, DEFINITION, args);
    let is_diff = args.contains(&"diff");
    for mut writer in old_and_new(&db, alter) {
        let warnings = write(&mut writer);
        assert!(
            !warnings.is_empty() && warnings.iter().all(|it| it.contains(warning)),
            "{args:?} {alter}: {warnings:?}"
        );
        let mut events = delivered(&db, &[]);
        // Rows of one statement are stored in the order in which they stand in the table.
        let mut expected = told(a, is_diff, rest);
        events.sort();
        expected.sort();
        assert_eq!(events, expected, "{args:?} {alter}");
    }
    // What the warning says is what helps.
    let words: Vec<&str> = args.iter().map(|word| if *word == "id,b,a" { "id,b" } else { word }).collect();
    install(&db, &[&["t"], &words[..]].concat());
    assert_eq!(write(&mut Writer::of(&db)), [""; 0], "{args:?} {alter}");
}

const DROP: &str = "ALTER TABLE t DROP COLUMN a";
const RENAME: &str = "ALTER TABLE t RENAME COLUMN a TO aa";
/// Of the whole row, where nothing is listed.
const SECRET: &str = r#","secret":"S3cr3t""#;

#[test]
fn a_column_is_dropped_or_renamed_under_diff() {
    survives(&["--payload", "diff"], DROP, "", SECRET, r#" of public.t: record "old" has no field "a""#);
    let renamed = format!(r#","aa":1{SECRET}"#);
    survives(&["--payload", "diff"], RENAME, "", &renamed, r#"record "old" has no field "a""#);
}

#[test]
fn a_column_that_is_listed_is_dropped_or_renamed() {
    for alter in [DROP, RENAME] {
        let listed = ["--columns", "id,b,a"];
        survives(&listed, alter, "", "", "column r.a does not exist");
        survives(&["--exclude", "secret"], alter, "", "", "column r.a does not exist");
        // At row level.
        survives(&[&listed[..], &["--when", "true"]].concat(), alter, "", "", "has no field \"a\"");
        survives(&[&listed[..], &["--payload", "diff"]].concat(), alter, "", "", "has no field \"a\"");
        survives(&["--exclude", "secret", "--payload", "diff"], alter, "", "", "has no field \"a\"");
    }
}

#[test]
fn old_rows_of_full_and_what_is_skipped() {
    let db = Database::new();
    durable(&db, DEFINITION, &["--payload", "full", "--exclude", "secret", "--update-of", "b", "--skip-unchanged"]);
    // Their conditions are not left with nothing: the server refuses the one, and follows the other.
    let refused = db.client().batch_execute("ALTER TABLE t DROP COLUMN a").unwrap_err();
    assert!(refused.to_string().contains("db error") && refused.code().is_some_and(|code| code.code() == "2BP01"));
    for mut writer in old_and_new(&db, "ALTER TABLE t RENAME COLUMN a TO aa; ALTER TABLE t RENAME COLUMN b TO bb") {
        let changes = "INSERT INTO t VALUES (1); UPDATE t SET aa = 2; UPDATE t SET secret = 's'; UPDATE t SET bb = 'y', id = 2; DELETE FROM t";
        assert_eq!(writer.sql(changes).len(), 1);
        let expected = [
            r#"{"op":"INSERT","key":{"id":1},"new":{"id":1}}"#,
            r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":2}}"#,
            r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2},"old":{"id":1}}"#,
            r#"{"op":"DELETE","key":{"id":2},"old":{"id":2}}"#,
        ];
        assert_eq!(delivered(&db, &[]), expected);
    }
}

#[test]
fn a_type_is_changed() {
    for args in [&["--payload", "diff"][..], &["--columns", "id,b,a"]] {
        let db = Database::new();
        durable(&db, "id int PRIMARY KEY, b text, a int", args);
        for mut writer in old_and_new(&db, "ALTER TABLE t ALTER COLUMN a TYPE text") {
            writer.sql("INSERT INTO t VALUES (1, 'x', '1'); UPDATE t SET a = 'q'; DELETE FROM t");
            let changed = if args[1] == "diff" { r#","changed":{"a":"1"}"# } else { "" };
            let expected = [
                r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"b":"x","a":"1"}}"#.to_owned(),
                format!(r#"{{"op":"UPDATE","key":{{"id":1}},"new":{{"id":1,"b":"x","a":"q"}}{changed}}}"#),
                r#"{"op":"DELETE","key":{"id":1},"old":{"id":1,"b":"x","a":"q"}}"#.to_owned(),
            ];
            assert_eq!(delivered(&db, &[]), expected, "{args:?}");
        }
    }
}

#[test]
fn partitions_are_altered_with_their_root() {
    for args in [&["--payload", "diff"][..], &["--columns", "id,b,a"]] {
        let db = Database::new();
        db.sql(
            "CREATE TABLE t (id int PRIMARY KEY, b text, a int) PARTITION BY RANGE (id);
             CREATE TABLE low PARTITION OF t FOR VALUES FROM (-100) TO (10);
             CREATE TABLE high (a int, gone int, id int NOT NULL, b text); ALTER TABLE high DROP COLUMN gone;
             ALTER TABLE t ATTACH PARTITION high FOR VALUES FROM (10) TO (20)",
        );
        install(&db, &[&["t"], args].concat());
        for mut writer in old_and_new(&db, "ALTER TABLE t DROP COLUMN a") {
            let warnings = writer.sql("INSERT INTO t VALUES (1, 'x'), (11, 'x'); UPDATE t SET b = 'y'; DELETE FROM t");
            assert!(!warnings.is_empty(), "{args:?}");
            let events = delivered(&db, &[]);
            let changed = if args[1] == "diff" { r#","changed":{"b":"x"}"# } else { "" };
            assert_eq!(events.len(), 6);
            for id in [1, 11] {
                let update = r#"{"op":"UPDATE","key":{"id":ID},"new":{"id":ID,"b":"y"}"#;
                let update = format!("{}{changed}}}", update.replace("ID", &id.to_string()));
                assert!(events.contains(&update), "{update} is not among {events:?}");
            }
        }
    }
}

/// What a row holds is told, whatever its JSON looks like; some of it cannot be taken apart by the server.
#[test]
fn backslashes_and_codes_are_told_as_they_are() {
    let db = Database::new();
    let definition = r#"id int PRIMARY KEY, "o\u\\d" text, U&"c\0001\0009" text, j json, a int, secret text"#;
    durable(&db, definition, &["--payload", "diff", "--exclude", "secret"]);
    db.pgfeed(["install-trigger", "t", "--queue", "listed", "--exclude", "secret"]).run().ok();
    db.sql("ALTER TABLE t DROP COLUMN a");
    let odd = r#"{"zero":"\u0000","half":"\ud800","pair":"\ud83d\ude00","e":"\u00e9","\\u0000":"\\\u0000\\-\\\\u"}"#;
    db.sql(&format!(
        r#"INSERT INTO t VALUES (1, 'C:\users', U&'\0001\\u0000', '{odd}', 'S3cr3t');
           UPDATE t SET "o\u\\d" = 'C:\\users\-', secret = '\'; UPDATE t SET j = NULL"#
    ));
    let row = |path: &str, j: &str| format!(r#"{{"id":1,"o\\u\\\\d":"{path}","c\u0001\t":"\u0001\\u0000","j":{j}}}"#);
    let (was, is) = (r"C:\\users", r"C:\\\\users\\-");
    let rows = [row(was, odd), row(is, odd), row(is, "null")];
    let changed = [format!(r#""o\\u\\\\d":"{was}""#), format!(r#""j":{odd}"#)];
    let events = [
        format!(r#"{{"op":"INSERT","key":{{"id":1}},"new":{}}}"#, rows[0]),
        format!(r#"{{"op":"UPDATE","key":{{"id":1}},"new":{},"changed":{{{}}}}}"#, rows[1], changed[0]),
        format!(r#"{{"op":"UPDATE","key":{{"id":1}},"new":{},"changed":{{{}}}}}"#, rows[2], changed[1]),
    ];
    assert_eq!(delivered(&db, &[]), events);
    // At statement level.
    let told =
        "SELECT split_part(split_part(payload, ',\"new\":', 2), ',\"txid\"', 1) FROM pgfeed.queue_listed ORDER BY id";
    assert_eq!(db.rows(told), rows);
}

/// A subtransaction that writes has a number, and too many of those slow down everybody who reads.
#[test]
fn nothing_is_written_in_a_subtransaction() {
    let db = Database::new();
    durable(&db, DEFINITION, &["--payload", "diff"]);
    db.pgfeed(["install-trigger", "t", "--columns", "id,a", "--queue", "listed"]).run().ok();
    let numbers = "SELECT count(DISTINCT xmin::text) FROM (SELECT xmin FROM pgfeed.queue_q UNION ALL SELECT xmin FROM pgfeed.queue_listed \
                   UNION ALL SELECT xmin FROM t) AS written";
    let mut writer = Writer::of(&db);
    for (before, key) in [("SELECT", 1), (DROP, 2)] {
        db.sql("TRUNCATE t; TRUNCATE pgfeed.queue_q; TRUNCATE pgfeed.queue_listed");
        db.sql(before);
        writer.sql(&format!("BEGIN; INSERT INTO t VALUES ({key}); UPDATE t SET b = 'y'; UPDATE t SET b = 'z'; COMMIT"));
        assert_eq!(db.value(numbers), "1");
    }
}

#[test]
fn a_key_is_altered_with_its_trigger_and_no_write_fails() {
    let (rename, widen) = ("ALTER TABLE t RENAME COLUMN id TO number", "ALTER TABLE t ALTER COLUMN id TYPE bigint");
    for (args, alter, key) in [
        (&["--payload", "row"][..], rename, "number"),
        (&["--payload", "diff"], rename, "number"),
        (&["--payload", "full"], widen, "id"),
    ] {
        let (db, altered) = (Database::new(), Database::new());
        durable(&db, DEFINITION, args);
        altered.sql(&format!("CREATE TABLE t ({DEFINITION}); {alter}"));
        let up = install(&altered, &[&["t", "--print-sql"], args].concat()).stdout;
        let [mut old, mut new] = old_and_new(&db, "SELECT");
        db.psql(["-1"], &format!("{alter};\n{up}")).ok();
        for writer in [&mut old, &mut new] {
            assert_eq!(
                writer.sql("INSERT INTO t VALUES (1); UPDATE t SET b = 'y'; DELETE FROM t"),
                [""; 0],
                "{args:?}"
            );
            let events = delivered(&db, &[]);
            let found = events.iter().filter(|event| event.contains(&format!(r#""key":{{"{key}":1}}"#)));
            assert_eq!(found.count(), 3, "{events:?}");
        }
        install(&db, &[&["t", "--check"], args].concat());
    }
}

#[test]
fn a_key_that_is_gone_fails_the_write() {
    for args in [&["--payload", "row"][..], &["--payload", "diff"]] {
        let db = Database::new();
        durable(&db, DEFINITION, args);
        for mut writer in old_and_new(&db, "ALTER TABLE t RENAME COLUMN id TO number") {
            let error = writer.client.batch_execute("INSERT INTO t VALUES (1)").unwrap_err();
            assert_eq!(error.code().map(postgres::error::SqlState::code), Some("42703"), "{args:?}");
        }
        install(&db, &[&["t"], args].concat());
        db.sql("INSERT INTO t VALUES (1)");
        assert_eq!(delivered(&db, &[]).len(), 1);
    }
}

#[test]
fn a_column_that_is_added_is_told_at_once_unless_others_are_listed() {
    for (args, at_once) in [(&[][..], true), (&["--exclude", "secret"], false), (&["--columns", "id"], false)] {
        let db = Database::new();
        durable(&db, "id int PRIMARY KEY, secret text", args);
        db.sql("ALTER TABLE t ADD COLUMN added text DEFAULT 'x'; INSERT INTO t VALUES (1)");
        assert_eq!(delivered(&db, &[])[0].contains("added"), at_once, "{args:?}");
        let needs_another = args.first() == Some(&"--exclude");
        let state = if needs_another { "drifted" } else { "current" };
        db.pgfeed(["status"]).run().ok().stdout_has(state);
        install(&db, &[&["t"], args].concat()).stdout_has(if needs_another { "replaced" } else { "unchanged" });
        db.sql("INSERT INTO t VALUES (2)");
        assert_eq!(delivered(&db, &[])[0].contains("added"), at_once || needs_another, "{args:?}");
    }
}

#[test]
fn a_table_that_is_renamed_is_told_by_its_old_name_until_the_next_install() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &[]);
    db.sql("ALTER TABLE t RENAME TO renamed; INSERT INTO renamed VALUES (1)");
    assert_eq!(delivered(&db, &[]), [r#"{"op":"INSERT","key":{"id":1},"new":{"id":1}}"#]);
    db.pgfeed(["status"])
        .run()
        .ok()
        .stdout_has("public.renamed  durable   q")
        .stdout_has("drifted: its triggers differ");
    db.pgfeed(["doctor"]).run().ok().stdout_has("public.renamed -> queue \"q\": its triggers differ");
    install(&db, &["renamed"]).stdout_has("replaced  public.renamed");
    db.sql("INSERT INTO renamed VALUES (2)");
    let told = r#"{"op":"INSERT","schema":"public","table":"renamed","key":{"id":2},"new":{"id":2}}"#;
    assert_eq!(delivered(&db, &[]), [told]);
    db.pgfeed(["status"]).run().ok().stdout_has(" current\n");
}
