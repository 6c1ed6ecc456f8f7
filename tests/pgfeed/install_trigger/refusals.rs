//! What is refused, and how that is said.

use super::installed;
use crate::harness::{Database, Pgfeed};

const OBJECTS: &str = "CREATE TABLE t (id int PRIMARY KEY, \"A\" int); CREATE TABLE keyless (a int); CREATE TABLE \"Orders\" (id int);
    CREATE SCHEMA s; CREATE TABLE s.hidden (id int); CREATE VIEW v AS SELECT 1 AS a; CREATE MATERIALIZED VIEW m AS SELECT 1 AS a;
    CREATE SEQUENCE q; CREATE INDEX i ON t (id); CREATE TYPE c AS (x int)";

#[track_caller]
fn refused(db: &Database, args: &[&str], code: i32, stderr: &str) {
    db.pgfeed(["install-trigger"]).args(args).run().code(code).stdout_is("").stderr_is(stderr);
    assert_eq!(installed(db), [""; 0]);
}

#[test]
fn what_is_not_a_table_is_named() {
    let db = Database::new();
    db.sql(OBJECTS);
    for (name, what) in [
        ("v", "a view"),
        ("m", "a materialized view"),
        ("q", "a sequence"),
        ("i", "an index"),
        ("c", "a composite type"),
    ] {
        let message = format!(
            "pgfeed: error: table {name}: {name} is {what}, which has no changes of its own\n  hint: watch the tables behind it\n"
        );
        refused(&db, &[name], 2, &message);
    }
    let view = "pgfeed: error: table information_schema.tables: tables is a view, which has no changes of its own\n  \
        hint: watch the tables behind it\n";
    refused(&db, &["information_schema.tables"], 2, view);
    let catalog = db.pgfeed(["install-trigger", "pg_catalog.pg_class"]).run().code(1);
    catalog.stderr_has("installing on pg_catalog.pg_class: permission denied: \"pg_class\" is a system catalog");
}

#[test]
fn a_table_that_is_not_found_says_which_is_meant() {
    let db = Database::new();
    db.sql(OBJECTS);
    let nowhere = "pgfeed: error: table nothing: there is no table nothing\n  \
        hint: it is looked for as in SQL, by your search_path: name the schema, or check the database\n";
    refused(&db, &["nothing"], 2, nowhere);
    let upper = "pgfeed: error: table orders: there is no table orders\n  \
        hint: there is public.\"Orders\": write it with its schema and, where it has them, its double quotes\n";
    refused(&db, &["Orders"], 2, upper);
    let schema = "pgfeed: error: table hidden: there is no table hidden\n  \
        hint: there is s.hidden: write it with its schema and, where it has them, its double quotes\n";
    refused(&db, &["hidden"], 2, schema);
    refused(&db, &["pg_temp.x"], 2, &nowhere.replace("nothing", "pg_temp.x"));
}

#[test]
fn columns_that_are_not_there() {
    let db = Database::new();
    db.sql(OBJECTS);
    for flag in ["--columns", "--exclude", "--update-of"] {
        refused(&db, &["t", flag, "id,b"], 2, "pgfeed: error: table t: public.t has no column b\n");
        let message =
            "pgfeed: error: table t: public.t has no column a\n  hint: it has A: columns are spelled exactly\n";
        refused(&db, &["t", flag, "a"], 2, message);
    }
    db.pgfeed(["install-trigger", "t", "--columns", "id", "--exclude", "id"])
        .run()
        .code(2)
        .stderr_has("cannot be used with");
}

#[test]
fn keys_without_a_key() {
    let db = Database::new();
    db.sql(OBJECTS);
    let message = "pgfeed: error: table keyless: public.keyless has no primary key, so there are no keys to tell\n  \
        hint: add a primary key, or choose --payload row\n";
    refused(&db, &["keyless", "--payload", "keys"], 2, message);
}

#[test]
fn conditions_that_do_not_fit_the_events_are_refused_without_a_server() {
    let refused = |args: &[&str], stderr: &str| {
        let nowhere = ["install-trigger", "t", "-d", "host=/nowhere"];
        Pgfeed::new(nowhere).args(args).run().code(2).stdout_is("").stderr_is(&format!("pgfeed: error: {stderr}\n"));
    };
    let new = "--when names NEW, which DELETE has not\n  hint: leave it out: --events insert,update";
    refused(&["--when", "NEW.a > 1"], new);
    refused(&["--when", "\"new\" . a > 1"], new);
    let old = "--when names OLD, which INSERT has not\n  hint: leave it out: --events update,delete";
    refused(&["--when", "OLD.a > 1"], old);
    let both = "--when names NEW and OLD, which INSERT has not\n  hint: choose other events with --events";
    refused(&["--when", "OLD.a > NEW.a", "--events", "insert"], both);
    let truncate = "--when names NEW, which TRUNCATE has not\n  hint: leave it out: --events insert";
    refused(&["--when", "NEW.a > 1", "--events", "insert,truncate"], truncate);
    refused(&["--when", ""], "--when \"\": it is empty");
    refused(&["--when", "true; DROP TABLE t"], "--when \"true; DROP TABLE t\": a condition holds no semicolon");
    refused(&["--when", "true) OR (true"], "--when \"true) OR (true\": a parenthesis is closed that was not opened");
    refused(&["--when", "(true"], "--when \"(true\": a parenthesis is not closed");
    refused(&["--when", "true -- x"], "--when \"true -- x\": a comment does not end");
    refused(&["--when", "'x"], "--when \"'x\": a string does not end");
}

#[test]
fn updates_of_columns_without_updates_are_refused_without_a_server() {
    for (events, all) in [("insert", "insert,update"), ("truncate,delete", "delete,truncate,update")] {
        let words = ["install-trigger", "t", "-d", "host=/nowhere", "--update-of", "a", "--events", events];
        let message = format!(
            "pgfeed: error: --update-of: updates are not among the events\n  hint: leave it out, or choose --events {all}\n"
        );
        Pgfeed::new(words).run().code(2).stdout_is("").stderr_is(&message);
    }
}

#[test]
fn conditions_that_the_server_does_not_understand_are_usage_errors() {
    let db = Database::new();
    db.sql(OBJECTS);
    for (condition, message) in [
        ("NEW.nothing > 1", "column new.nothing does not exist\n  sqlstate: 42703"),
        ("NEW.id", "argument of WHERE must be type boolean, not type integer\n  sqlstate: 42804"),
        ("NEW.id = $1", "there is no parameter $1\n  sqlstate: 42P02"),
        ("id > 1", "column reference \"id\" is ambiguous\n  sqlstate: 42702"),
        ("other.id > 1", "missing FROM-clause entry for table \"other\"\n  sqlstate: 42P01"),
        ("count(NEW.id) > 1", "aggregate functions are not allowed in WHERE\n  sqlstate: 42803"),
        ("nothing(NEW.id)", "function nothing(integer) does not exist\n  sqlstate: 42883"),
        ("NEW.id > 1 $pgfeed$ $pgfeed$", "syntax error at or near \"$pgfeed$ $pgfeed$\"\n  sqlstate: 42601"),
        ("NEW.id = 1 UNION SELECT true", "syntax error at or near \"UNION\"\n  sqlstate: 42601"),
    ] {
        let output = db.pgfeed(["install-trigger", "t", "--events", "insert", "--when", condition]).run().code(2);
        output.stdout_is("").stderr_has(&format!("pgfeed: error: table t: --when {condition:?}: {message}"));
    }
    assert_eq!(installed(&db), [""; 0]);
}

#[test]
fn nothing_named_and_words_that_are_none() {
    let refused = |args: &[&str], message: &str| {
        Pgfeed::new(["install-trigger"]).args(args).run().code(2).stderr_has(message);
    };
    refused(&[], "no table is named");
    refused(&["t", "--events", "insert,select"], "invalid value 'select'");
    refused(&["t", "--payload", "everything"], "invalid value 'everything'");
    refused(&["t", "--lock-timeout", "soon"], "--lock-timeout");
    refused(&["t", "--check", "--dry-run"], "cannot be used with");
    refused(&["t", "--print-sql", "--dry-run"], "cannot be used with");
}

#[test]
fn without_plpgsql_it_says_how_to_get_it_back() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int); DROP EXTENSION plpgsql");
    let output = db.pgfeed(["install-trigger", "t"]).run().code(1);
    output
        .stderr_has("installing on public.t: language \"plpgsql\" does not exist\n  sqlstate: 42704")
        .stderr_has("CREATE EXTENSION");
}

#[test]
fn a_condition_that_does_not_say_which_version_of_the_row_is_meant_is_told_how_to() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, status text)");
    let refused = db.pgfeed(["install-trigger", "t", "--when", "status = 'x'"]).run().code(2);
    refused
        .stderr_has("column reference \"status\" is ambiguous")
        .stderr_has("hint: say of which version of the row: NEW.status, or OLD.status for what it was before\n");
}
