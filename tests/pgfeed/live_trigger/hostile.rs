//! Code of others that runs inside our triggers, and changes made behind our back: a write never fails, and nobody gains a right.

use super::feed::{Feed, Writer, install};
use crate::harness::Database;

/// A table whose owner has defined how one of its types is cast to json.
struct Trap {
    db: Database,
    owner: String,
    writer: String,
}

impl Trap {
    /// `body` is what the cast does, in plpgsql, before it returns.
    fn of(columns: &str, body: &str) -> Self {
        let db = Database::new();
        let (owner, writer) = (db.role("owner"), db.role("writer"));
        db.sql(&format!("CREATE SCHEMA trap AUTHORIZATION {owner}; GRANT USAGE ON SCHEMA trap TO PUBLIC"));
        let statements = format!(
            "SET search_path = trap;
             CREATE TABLE log (who text); GRANT INSERT ON log TO PUBLIC;
             CREATE TYPE kind AS ENUM ('a', 'b');
             CREATE FUNCTION kind_to_json(kind) RETURNS json LANGUAGE plpgsql AS $$ BEGIN {body} RETURN '\"cast\"'; END $$;
             CREATE CAST (kind AS json) WITH FUNCTION kind_to_json(kind);
             CREATE TABLE t ({columns}); GRANT INSERT, UPDATE, DELETE, SELECT ON t TO {writer}"
        );
        db.client_as(&owner).batch_execute(&statements).unwrap();
        Self { db, owner, writer }
    }

    fn installed(&self, args: &[&str]) -> Feed {
        install(&self.db, ["trap.t"].iter().chain(args).copied());
        Feed::of(&self.db, ["t"])
    }

    fn written(&self, statements: &str) -> Vec<String> {
        Writer::at(&self.db.url_as(&self.writer)).sql(statements)
    }
}

#[test]
fn a_hostile_cast_runs_with_the_rights_of_the_writer_only() {
    for args in [&[][..], &["--payload", "diff"], &["--columns", "k"], &["--enable-always"]] {
        let body = "INSERT INTO trap.log VALUES (current_user);
            BEGIN EXECUTE 'ALTER ROLE ' || (SELECT relowner::regrole FROM pg_class WHERE oid = 'trap.t'::regclass) || ' SUPERUSER';
            EXCEPTION WHEN insufficient_privilege THEN INSERT INTO trap.log VALUES ('refused'); END;";
        let trap = Trap::of("id int PRIMARY KEY, k kind", body);
        let mut feed = trap.installed(args);
        assert_eq!(
            trap.written("INSERT INTO trap.t VALUES (1, 'a'); UPDATE trap.t SET k = 'b'; DELETE FROM trap.t"),
            [""; 0]
        );
        assert!(feed.payloads().iter().all(|payload| payload.contains(r#""k":"cast""#)), "the cast was used");
        let mut expected = vec!["refused".to_owned(), trap.writer.clone()];
        expected.sort();
        assert_eq!(trap.db.rows("SELECT who FROM trap.log GROUP BY who ORDER BY who COLLATE \"C\""), expected);
        assert_eq!(trap.db.value(&format!("SELECT rolsuper FROM pg_roles WHERE rolname = '{}'", trap.owner)), "f");
    }
}

#[test]
fn a_cast_that_raises_warns_and_the_change_is_told_by_its_key() {
    for (body, said) in
        [("RAISE 'no';", "no"), ("ASSERT false;", "assertion failed"), ("PERFORM 1 / 0;", "division by zero")]
    {
        for args in [&[][..], &["--payload", "full"], &["--payload", "diff", "--columns", "k"]] {
            let trap = Trap::of("id int PRIMARY KEY, k kind", body);
            let mut feed = trap.installed(args);
            let insert = "INSERT INTO trap.t VALUES (1, 'a')";
            for change in [insert, "UPDATE trap.t SET k = 'b', id = 2", "DELETE FROM trap.t"] {
                let (op, _) = change.split_once(' ').unwrap();
                assert_eq!(trap.written(change), [format!("pgfeed: {op} of trap.t: {said}")]);
            }
            let expected = [
                r#"{"op":"INSERT","key":{"id":1},"truncated":true}"#,
                r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":2}}"#,
                r#"{"op":"UPDATE","key":{"id":2},"truncated":true}"#,
                r#"{"op":"DELETE","key":{"id":2},"truncated":true}"#,
            ];
            let told: Vec<_> =
                feed.told().iter().map(|told| told.replace(r#","schema":"trap","table":"t""#, "")).collect();
            assert_eq!(told, expected);
        }
    }
}

#[test]
fn what_fails_for_every_row_warns_once_a_transaction() {
    // At statement and at row level; the condition fails, and with an id of 0 does not.
    for (args, warning) in [
        (&[][..], "no"),
        (&["--payload", "full"], "no"),
        (&["--when", "1 / id0(NEW.id) > 0", "--events", "insert,update"], "division by zero"),
    ] {
        let trap = Trap::of("id int PRIMARY KEY, k kind", "RAISE 'no';");
        trap.db.sql("CREATE FUNCTION id0(int) RETURNS int LANGUAGE sql AS 'SELECT 1 - sign($1)::int'");
        let _feed = trap.installed(args);
        let expected = [format!("pgfeed: INSERT of trap.t: {warning}")];
        let changes = "INSERT INTO trap.t SELECT i, 'a' FROM generate_series(1, 5) i; UPDATE trap.t SET k = 'b'; DELETE FROM trap.t";
        let mut writer = Writer::at(&trap.db.url_as(&trap.writer));
        for _ in 0..2 {
            assert_eq!(writer.sql(changes), expected, "{args:?}");
        }
        if warning == "division by zero" {
            // A warning of another kind is not held back.
            let told = writer.sql(&format!("{changes}; INSERT INTO trap.t VALUES (0, 'a'), (-1, 'a')"));
            assert_eq!(told, [&expected[..], &["pgfeed: INSERT of trap.t: no".to_owned()]].concat());
        }
    }
}

#[test]
fn a_failing_statement_without_a_key_tells_each_row_with_a_number() {
    for args in [&[][..], &["--payload", "full"]] {
        let trap = Trap::of("k kind", "RAISE 'no';");
        let mut feed = trap.installed(args);
        trap.written("BEGIN; INSERT INTO trap.t VALUES ('a'), ('a'); INSERT INTO trap.t VALUES ('a'); COMMIT");
        let told: Vec<_> =
            feed.events().iter().map(|event| (event["seq"].as_i64(), event["truncated"] == true)).collect();
        assert_eq!(told, [(Some(1), true), (Some(2), true), (Some(3), true)]);
    }
}

#[test]
fn a_key_that_cannot_be_cast_never_stops_a_write() {
    for args in [&[][..], &["--payload", "full"]] {
        let trap = Trap::of("k kind PRIMARY KEY", "RAISE 'no';");
        let feed = trap.installed(args);
        trap.written("INSERT INTO trap.t VALUES ('a'); UPDATE trap.t SET k = 'b'; DELETE FROM trap.t");
        assert_eq!(trap.db.value("SELECT count(*) FROM trap.t"), "0");
        drop(feed);
    }
}

#[test]
fn a_setting_of_ours_that_somebody_spoils_never_stops_a_write() {
    for args in [&[][..], &["--payload", "full"]] {
        let db = Database::new();
        let mut feed = Feed::of_table(&db, "a int", args);
        let warnings = Writer::of(&db)
            .sql("SET pgfeed.seq = 'spoilt'; INSERT INTO t VALUES (1); RESET pgfeed.seq; INSERT INTO t VALUES (2)");
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert_eq!(feed.told(), [r#"{"op":"INSERT","seq":1,"new":{"a":2}}"#]);
    }
}

#[test]
fn functions_and_operators_of_the_writer_are_not_called() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE called (what text); CREATE SCHEMA evil;
         CREATE FUNCTION evil.trap(text, text) RETURNS text LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO public.called VALUES ('||'); RETURN 'evil'; END $$;
         CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.trap);
         CREATE FUNCTION evil.upper(text) RETURNS text LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO public.called VALUES ('upper'); RETURN 'evil'; END $$",
    );
    let mut feed =
        Feed::of_table(&db, "id int PRIMARY KEY, a varchar", &["--events", "insert", "--when", "upper(NEW.a) = 'X'"]);
    // Functions of the same name in a schema that stands behind pg_catalog, which is how search paths are made.
    db.sql("SET search_path = evil, public; INSERT INTO t VALUES (1, 'x')");
    assert_eq!(feed.told(), [r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"a":"x"}}"#]);
    assert_eq!(db.value("SELECT count(*) FROM called"), "0");
}

#[test]
fn a_column_dropped_or_renamed_warns_check_differs_and_an_install_mends() {
    let column_changes = [
        "ALTER TABLE t RENAME b TO c",
        "ALTER TABLE t DROP b",
        "ALTER TABLE t RENAME id TO c",
        "ALTER TABLE t DROP id CASCADE",
    ];
    for change in column_changes {
        for args in [&["--exclude", "a"][..], &["--exclude", "a", "--payload", "diff"]] {
            let db = Database::new();
            let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int, b int", args);
            db.sql("INSERT INTO t VALUES (1, 1, 1)");
            db.sql(change);
            let warnings = Writer::of(&db).sql("UPDATE t SET a = 2; DELETE FROM t");
            assert!(
                warnings.iter().any(|warning| warning.starts_with("pgfeed: UPDATE of public.t: ")),
                "{change}: {warnings:?}"
            );
            assert_eq!(db.value("SELECT count(*) FROM t"), "0", "{change}");
            let install_again = ["install-trigger", "t"];
            db.pgfeed(install_again).args(args).args(["--check"]).run().code(4).stdout_has("replace");
            db.pgfeed(install_again).args(args).run().ok().stdout_has("replaced");
            feed.told();
            assert_eq!(Writer::of(&db).sql("INSERT INTO t SELECT 1"), [""; 0]);
            assert_eq!(feed.told().len(), 1);
        }
    }
}

#[test]
fn the_type_of_a_key_changes_once_the_triggers_are_away() {
    // PostgreSQL's rule for columns that a trigger's WHEN names: the key, and those of --update-of.
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int", &[]);
    db.sql("ALTER TABLE t ALTER a TYPE bigint");
    let change = "ALTER TABLE t ALTER id TYPE bigint";
    let error = pgfeed::error::Error::from(db.client().batch_execute(change).unwrap_err());
    assert_eq!(error.to_string(), "cannot alter type of a column used in a trigger definition");
    db.pgfeed(["uninstall-trigger", "t"]).run().ok();
    db.sql(change);
    install(&db, ["t"]);
    db.sql("INSERT INTO t VALUES (9007199254740993, 9007199254740993)");
    let expected =
        r#"{"op":"INSERT","key":{"id":9007199254740993},"new":{"id":9007199254740993,"a":9007199254740993}}"#;
    assert_eq!(feed.told(), [expected]);
}

#[test]
fn a_dropped_column_that_is_not_named_leaves_whole_rows_as_they_are() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int, b text, c int", &[]);
    let mut writer = Writer::of(&db);
    writer.sql("INSERT INTO t VALUES (1, 2, 'x', 3)");
    db.sql("ALTER TABLE t DROP b; ALTER TABLE t ADD d text DEFAULT 'new'");
    assert_eq!(writer.sql("UPDATE t SET c = 4; DELETE FROM t"), [""; 0]);
    let expected = [
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":2,"c":4,"d":"new"}}"#,
        r#"{"op":"DELETE","key":{"id":1},"old":{"id":1,"a":2,"c":4,"d":"new"}}"#,
    ];
    assert_eq!(feed.told()[1..], expected);
    db.pgfeed(["install-trigger", "t", "--check"]).run().ok();
}
