//! A key that is dropped, renamed or given another type under a durable trigger: which writes fail, that doctor and status tell it, and
//! that what they tell to do mends it.

use postgres::Client;

use super::{delivered, durable, install};
use crate::harness::{Database, Output};

/// A table under its trigger, and what becomes of it.
struct Case<'a> {
    definition: &'a str,
    /// What the trigger is asked.
    args: &'a [&'a str],
    alter: &'a str,
    /// A write afterwards.
    write: &'a str,
    /// How that ends in a session that has written before, and in a new one: an SQLSTATE, or nothing.
    ends: [&'a str; 2],
    detail: &'a str,
    /// What the next install is asked.
    again: &'a [&'a str],
}

/// The SQLSTATE with which a statement fails, or nothing.
fn ending(client: &mut Client, statement: &str) -> String {
    let failed = client.batch_execute(statement).err();
    failed.map(|error| error.code().unwrap().code().to_owned()).unwrap_or_default()
}

/// The states of all triggers.
fn states(db: &Database) -> Vec<String> {
    let status = db.pgfeed(["status", "-o", "json"]).run().ok().json().remove(0);
    status["triggers"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap().to_owned()).collect()
}

/// What the doctor says of triggers: each verdict, and what was seen.
fn doctor(db: &Database, code: i32) -> Vec<(String, String)> {
    let output: Output = db.pgfeed(["doctor", "-o", "json"]).run().code(code).stderr_is("");
    let findings = output.json().into_iter().filter(|finding| finding["check"] == "triggers");
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    findings.map(|finding| (word(&finding["verdict"]), word(&finding["detail"]))).collect()
}

impl Case<'_> {
    /// Alters the table, and checks that it is told and mended.
    #[track_caller]
    fn check(&self) {
        let Self { definition, args, alter, write, ends, detail, again } = self;
        let db = Database::new();
        durable(&db, definition, args);
        let mut old = db.client();
        old.batch_execute("INSERT INTO t VALUES ('1'); DELETE FROM t").unwrap();
        delivered(&db, &[]);
        db.sql(alter);
        let mut new = db.client();
        assert_eq!([ending(&mut old, write), ending(&mut new, write)], *ends, "{args:?} {alter}");
        let told = format!("public.t -> queue \"q\": {detail}");
        assert_eq!(doctor(&db, 4), [("fail".to_owned(), told)], "{args:?} {alter}");
        assert_eq!(states(&db), ["failing"]);
        install(&db, &[&["t"], *again].concat()).stdout_has("replaced  public.t");
        delivered(&db, &[]);
        for writer in [&mut old, &mut new] {
            assert_eq!(ending(writer, write), "", "{args:?} {alter}");
        }
        assert_eq!(delivered(&db, &[]).len(), 2 * write.split(';').count());
        assert_eq!(doctor(&db, 0)[0].0, "ok");
    }
}

const DEFINITION: &str = "id int PRIMARY KEY, b text DEFAULT 'x'";
const LOST: &str = "its key column id was dropped or renamed, and every write fails";
const INSERT: &str = "INSERT INTO t (b) VALUES ('y')";

#[test]
fn a_key_column_is_renamed() {
    for args in [&[][..], &["--payload", "diff"], &["--payload", "keys"]] {
        let alter =
            "ALTER TABLE t RENAME COLUMN id TO number; ALTER TABLE t ALTER number ADD GENERATED ALWAYS AS IDENTITY";
        let (write, ends) = (INSERT, ["42703", "42703"]);
        Case { definition: DEFINITION, args, alter, write, ends, detail: LOST, again: args }.check();
    }
}

#[test]
fn a_key_column_that_was_listed_is_renamed() {
    let db = Database::new();
    let args = ["t", "--columns", "id,b"];
    durable(&db, DEFINITION, &args[1..]);
    db.sql("ALTER TABLE t RENAME COLUMN id TO number");
    assert_eq!(doctor(&db, 4)[0].0, "fail");
    let refused = db.pgfeed(["install-trigger", "--queue", "q"]).args(args).run();
    refused.code(2).stderr_has("public.t has no column id");
    install(&db, &["t", "--columns", "number,b"]).stdout_has("replaced");
    db.sql("INSERT INTO t VALUES (1)");
    assert_eq!(doctor(&db, 0)[0].0, "ok");
}

#[test]
fn a_key_column_is_dropped() {
    for (args, alter) in [
        (&[][..], "ALTER TABLE t DROP COLUMN id CASCADE"),
        (&["--payload", "full"], "ALTER TABLE t DROP COLUMN id"),
        (&["--events", "insert"], "ALTER TABLE t DROP COLUMN id"),
    ] {
        let (write, ends) = (INSERT, ["42703", "42703"]);
        Case { definition: DEFINITION, args, alter, write, ends, detail: LOST, again: args }.check();
    }
}

#[test]
fn keys_were_told_of_a_table_that_has_none_any_more() {
    let db = Database::new();
    durable(&db, DEFINITION, &["--payload", "keys"]);
    db.sql("ALTER TABLE t DROP COLUMN id CASCADE");
    assert_eq!(doctor(&db, 4)[0].0, "fail");
    let refused = db.pgfeed(["install-trigger", "t", "--queue", "q", "--payload", "keys"]).run();
    refused.code(2).stderr_has("hint: add a primary key, or choose --payload row");
    install(&db, &["t", "--payload", "row"]).stdout_has("replaced");
    db.sql(INSERT);
    assert_eq!(delivered(&db, &[]), [r#"{"op":"INSERT","new":{"b":"y"}}"#]);
}

#[test]
fn a_trigger_that_fails_writes_can_be_uninstalled() {
    let db = Database::new();
    durable(&db, DEFINITION, &[]);
    db.sql("ALTER TABLE t RENAME COLUMN id TO number");
    db.pgfeed(["uninstall-trigger", "t"]).run().ok();
    db.sql("INSERT INTO t VALUES (1)");
}

#[test]
fn the_type_of_a_key_is_changed_at_row_level() {
    let changed = |from: &str, to: &str, which: &str| {
        format!("the type of its key column id was {from} and is {to}, and writes fail{which}")
    };
    let before = " in sessions that wrote before";
    for (definition, to, value, ends, detail) in [
        (DEFINITION, "bigint", "7000000000", ["42804", ""], changed("integer", "bigint", before)),
        (
            "id varchar(9) PRIMARY KEY, b int",
            "text",
            "'a'",
            ["42804", ""],
            changed("character varying", "text", before),
        ),
        (DEFINITION, "text", "'a'", ["42804", "22P02"], changed("integer", "text", ", or store no JSON")),
        (
            DEFINITION,
            "uuid USING NULL::uuid",
            "gen_random_uuid()",
            ["42804", "42846"],
            changed("integer", "uuid", ", or store no JSON"),
        ),
    ] {
        let alter = format!("ALTER TABLE t ALTER COLUMN id TYPE {to}");
        let write = format!("INSERT INTO t (id) VALUES ({value}); DELETE FROM t");
        let args = &["--payload", "full"];
        Case { definition, args, alter: &alter, write: &write, ends, detail: &detail, again: args }.check();
    }
}

#[test]
fn the_type_of_a_key_is_changed_at_statement_level() {
    let args = &["--events", "insert,delete"];
    let alter = "ALTER TABLE t ALTER COLUMN id TYPE text";
    let detail = "the type of its key column id was integer and is text, and writes fail, or store no JSON";
    let (write, failing) = ("INSERT INTO t (id) VALUES ('a'); DELETE FROM t", ["22P02", "22P02"]);
    for (definition, ends) in [(DEFINITION, failing), ("id int, b int DEFAULT 1, PRIMARY KEY (id, b)", ["", ""])] {
        Case { definition, args, alter, write, ends, detail, again: args }.check();
    }
}

#[test]
fn what_fails_no_write_is_no_fail() {
    let rename = "ALTER TABLE t RENAME COLUMN id TO number";
    let wider = "ALTER TABLE t ALTER COLUMN id TYPE bigint";
    for (args, alter, state) in [
        // No condition of theirs names the key, and their plans are made anew.
        (&["--queue", "q", "--events", "insert,delete"][..], wider, "drifted"),
        // They tell no row.
        (&["--queue", "q", "--events", "truncate"], rename, "drifted"),
        (&["--channel", "c", "--payload", "full"], rename, "drifted"),
        (&["--queue", "q", "--payload", "full"], "ALTER TABLE t ALTER COLUMN b TYPE varchar(9)", "current"),
        (&["--queue", "q"], "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (id, b)", "drifted"),
        (&["--queue", "q"], "ALTER TABLE t RENAME COLUMN id TO number; ALTER TABLE t DISABLE TRIGGER USER", "disabled"),
    ] {
        let db = Database::new();
        db.sql(&format!("CREATE TABLE t ({DEFINITION})"));
        db.pgfeed(["install-trigger", "t"]).args(args).run().ok();
        let mut old = db.client();
        let write = "INSERT INTO t VALUES (1); DELETE FROM t";
        old.batch_execute(write).unwrap();
        db.sql(alter);
        for writer in [&mut old, &mut db.client()] {
            writer.batch_execute(write).unwrap();
        }
        assert_eq!(states(&db), [state], "{args:?} {alter}");
        assert_ne!(doctor(&db, 0)[0].0, "fail", "{args:?} {alter}");
    }
}

/// Installations of before the key was a part of the comment.
#[test]
fn what_does_not_say_its_key_is_as_good() {
    let db = Database::new();
    durable(&db, DEFINITION, &[]);
    let comments = "SELECT obj_description(oid) FROM pg_proc WHERE pronamespace = 'pgfeed'::regnamespace";
    assert!(db.value(comments).ends_with(r#","key":[{"name":"id","type":"integer"}]}"#), "{}", db.value(comments));
    db.sql(
        "DO $$ DECLARE f regprocedure; c text; BEGIN
           SELECT oid, regexp_replace(obj_description(oid), ',\"key\":.*', '}') INTO f, c
           FROM pg_proc WHERE pronamespace = 'pgfeed'::regnamespace;
           EXECUTE format('COMMENT ON FUNCTION %s IS %L', f, c); END $$",
    );
    assert!(!db.value(comments).contains("\"key\""));
    install(&db, &["t", "--check"]).stdout_has("unchanged public.t");
    install(&db, &["t"]).stdout_has("unchanged public.t");
    assert_eq!(states(&db), ["current"]);
    db.sql("ALTER TABLE t RENAME COLUMN id TO number");
    assert_eq!(states(&db), ["drifted"]);
    install(&db, &["t"]).stdout_has("replaced  public.t");
    db.sql("INSERT INTO t VALUES (1)");
}
