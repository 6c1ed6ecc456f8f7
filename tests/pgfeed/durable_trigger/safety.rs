//! Writers need no rights, gain none, and are failed by nothing but a queue that is gone.

use super::{delivered, durable, install};
use crate::harness::Database;
use crate::live_trigger::feed::Writer;

#[test]
fn a_condition_that_raises_keeps_the_event() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY, a int", &["--when", "10 / NEW.a > 1", "--events", "insert"]);
    let warnings = Writer::of(&db).sql("INSERT INTO t VALUES (1, 0), (2, 100), (3, 1), (4, NULL)");
    assert_eq!(warnings, ["pgfeed: INSERT of public.t: division by zero"]);
    assert_eq!(
        delivered(&db, &[]),
        [(1, 0), (3, 1)].map(|(id, a)| format!(r#"{{"op":"INSERT","key":{{"id":{id}}},"new":{{"id":{id},"a":{a}}}}}"#))
    );
}

#[test]
fn a_write_fails_when_the_queue_is_gone() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &[]);
    db.sql("DROP TABLE pgfeed.queue_q");
    let error = db.client().batch_execute("INSERT INTO t VALUES (1)").unwrap_err();
    assert_eq!(error.code().unwrap().code(), "42P01");
}

#[test]
fn a_writer_needs_no_grant_and_a_temporary_table_catches_nothing() {
    let db = Database::new();
    let (owner, writer) = (db.role("owner"), db.role("writer"));
    db.sql(&format!(
        "CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO {owner}; GRANT INSERT ON t TO {writer}"
    ));
    install(&db, &["t"]);
    let mut session = db.client_as(&writer);
    session
        .batch_execute(
            "CREATE TEMP TABLE queue_q (xid xid8, id bigint, at timestamptz, key bigint, barrier bool, payload text);
             SET search_path = pg_temp, public; INSERT INTO public.t VALUES (1)",
        )
        .unwrap();
    assert_eq!(session.query("SELECT FROM queue_q", &[]).unwrap().len(), 0);
    assert!(session.batch_execute("SELECT * FROM pgfeed.queue_q").is_err());
    assert_eq!(delivered(&db, &[]).len(), 1);
    let function = "SELECT pg_get_userbyid(proowner) || ' ' || prosecdef || ' ' || array_to_string(proconfig, ',')
                    FROM pg_proc WHERE pronamespace = 'pgfeed'::regnamespace";
    assert_eq!(db.rows(function), [format!("{owner} true search_path=pg_catalog, pg_temp")]);
    let public = "SELECT bool_or(has_function_privilege('public', oid, 'EXECUTE')) FROM pg_proc
                  WHERE pronamespace = 'pgfeed'::regnamespace";
    assert_eq!(db.value(public), "f");
}

#[test]
fn a_hostile_owner_gains_nothing_from_a_superusers_install() {
    let db = Database::new();
    let owner = db.role("owner");
    db.sql(&format!(
        "CREATE SCHEMA theirs AUTHORIZATION {owner}; SET ROLE {owner};
         CREATE TABLE theirs.log (who text, session text);
         CREATE TYPE theirs.evil AS (a int);
         CREATE FUNCTION theirs.to_json(theirs.evil) RETURNS json LANGUAGE plpgsql AS $$
           BEGIN INSERT INTO theirs.log VALUES (current_user, session_user); RETURN '1'; END $$;
         CREATE CAST (theirs.evil AS json) WITH FUNCTION theirs.to_json(theirs.evil);
         CREATE TABLE theirs.t (id int PRIMARY KEY, e theirs.evil)"
    ));
    install(&db, &["theirs.t"]);
    db.sql("INSERT INTO theirs.t VALUES (1, ROW(1)); UPDATE theirs.t SET e = ROW(2); DELETE FROM theirs.t");
    let who = db.rows("SELECT DISTINCT who FROM theirs.log");
    assert!(who.is_empty() || who == [owner.as_str()], "{who:?}");
    assert_eq!(delivered(&db, &[]).len(), 3);
}

#[test]
fn a_queue_planted_by_another_is_not_filled() {
    let db = Database::new();
    let eve = db.role("eve");
    db.sql(&format!("CREATE TABLE t (id int); CREATE SCHEMA pgfeed; GRANT USAGE, CREATE ON SCHEMA pgfeed TO {eve}"));
    db.client_as(&eve).batch_execute("CREATE TABLE pgfeed.queue_shared (key bigint, payload text)").unwrap();
    let told = db.pgfeed(["install-trigger", "t", "--queue", "shared"]).run().code(1);
    told.stderr_has("pgfeed.queue_shared belongs to").stderr_has("--force");
    assert_eq!(db.value("SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass"), "0");
}

#[test]
fn a_superuser_does_not_read_the_rows_of_another_owner() {
    let db = Database::new();
    let mallory = db.role("mallory");
    db.sql(&format!("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO {mallory}"));
    let told = db.pgfeed(["install-trigger", "t", "--queue", "q", "--backfill"]).run().code(2);
    told.stderr_has("only that role can store its rows").stderr_has("hint: install without --backfill, then run");
    assert_eq!(db.value("SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass"), "0");
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    let theirs = db.pgfeed(["install-trigger", "t", "--queue", "q", "--backfill"]);
    theirs.env("DATABASE_URL", db.url_as(&mallory)).run().ok().stderr_has("stored 1 rows");
}
