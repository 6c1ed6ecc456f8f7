//! What a role or a database has set does not matter: sessions of pgfeed begin in the same state everywhere.

use std::time::Duration;

use crate::harness::Database;

/// Settings that break programs which rely on the defaults.
const HOSTILE: &[&str] = &[
    "statement_timeout = '200ms'",
    "lock_timeout = '1ms'",
    "idle_session_timeout = '200ms'",
    "idle_in_transaction_session_timeout = '1ms'",
    "default_transaction_read_only = on",
    "default_transaction_isolation = serializable",
    "default_transaction_deferrable = on",
    "row_security = on",
    "search_path = evil, pg_catalog, public",
    "client_min_messages = error",
    "DateStyle = 'SQL, DMY'",
    "IntervalStyle = sql_standard",
    "bytea_output = escape",
    "extra_float_digits = -15",
    "standard_conforming_strings = off",
    "quote_all_identifiers = on",
    "client_encoding = SQL_ASCII",
];

/// Functions that stand in the way of the real ones, for whoever finds them first by their name.
const TRAPS: &[&str] = &[
    "pg_notify(text, text) RETURNS void",
    "pg_backend_pid() RETURNS int",
    "current_setting(text) RETURNS text",
    "current_setting(text, boolean) RETURNS text",
    "set_config(text, text, boolean) RETURNS text",
    "to_regclass(text) RETURNS regclass",
    "format(text, text) RETURNS text",
    "quote_ident(text) RETURNS text",
    "unnest(text[]) RETURNS text",
    "pg_advisory_xact_lock(bigint) RETURNS void",
    "format_type(oid, int) RETURNS text",
    "pg_get_triggerdef(oid) RETURNS text",
    "obj_description(oid, text) RETURNS text",
    "txid_current() RETURNS bigint",
    "pg_current_xact_id() RETURNS xid8",
    "clock_timestamp() RETURNS timestamptz",
    "row_to_json(record) RETURNS json",
    "to_json(anyelement) RETURNS json",
    "equal(text, text) RETURNS boolean",
    "equal(oid, oid) RETURNS boolean",
    "equal(name, name) RETURNS boolean",
    "joined(text, text) RETURNS text",
];

/// A database with a table in its own schema and one in `evil`, and a role that has everything against it.
fn hostile() -> (Database, String) {
    let database = Database::new();
    let role = database.role("hostile");
    database.sql(&format!(
        "CREATE SCHEMA evil AUTHORIZATION {role}; GRANT CREATE ON DATABASE {} TO {role}",
        database.name()
    ));
    for trap in TRAPS {
        let body = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$";
        database.sql(&format!("CREATE FUNCTION evil.{trap} {body}"));
    }
    for (operator, function, side) in
        [("=", "equal", "text"), ("=", "equal", "oid"), ("=", "equal", "name"), ("||", "joined", "text")]
    {
        let sides = format!("LEFTARG = {side}, RIGHTARG = {side}");
        database.sql(&format!("CREATE OPERATOR evil.{operator} (FUNCTION = evil.{function}, {sides})"));
    }
    database.sql(&format!(
        "CREATE TABLE evil.orders (id int PRIMARY KEY, note text); ALTER TABLE evil.orders OWNER TO {role}"
    ));
    for setting in HOSTILE {
        database.sql(&format!("ALTER ROLE {role} SET {setting}"));
    }
    (database, role)
}

#[test]
fn notify_and_listen_work_for_a_role_with_hostile_settings() {
    let (database, role) = hostile();
    let url = database.url_as(&role);
    let listen = database.spawn(["listen", "orders", "-d", &url, "-n", "1", "--heartbeat", "0"]);
    listen.wait_stderr("listening on orders");
    // Longer than the role lets a session idle.
    database.wait_for(
        "SELECT clock_timestamp() - state_change > interval '400ms' FROM pg_stat_activity
         WHERE datname = current_database() AND query ~ '^LISTEN'",
    );
    database.pgfeed(["notify", "orders", "it's \\ here", "-d", &url]).run().ok().stderr_is("");
    assert_eq!(listen.finish().ok().json()[0]["payload"], "it's \\ here");
}

#[test]
fn many_lines_are_sent_for_a_role_with_hostile_settings() {
    let (database, role) = hostile();
    let run = database.pgfeed(["notify", "orders", "-l", "-o", "json", "-d", &database.url_as(&role)]);
    let sent = run.stdin("a\nb\nc\n").run().ok();
    assert_eq!(sent.json()[0]["sent"], 3);
}

#[test]
fn a_trigger_is_installed_on_the_table_that_the_role_means() {
    let (database, role) = hostile();
    database.sql("CREATE TABLE public.orders (id int PRIMARY KEY)");
    let url = database.url_as(&role);
    let install = || database.pgfeed(["install-trigger", "orders", "-d", &url]);
    install().run().ok().stdout_has("created   evil.orders");
    install().args(["--check"]).run().ok().stdout_has("unchanged evil.orders");
    let listen = database.spawn(["listen", "orders", "-n", "1"]);
    listen.wait_stderr("listening on orders");
    // The trigger fires in the writer's session, which is as hostile; the traps are not for it.
    let mut writer = database.client_as(&role);
    writer
        .batch_execute("SET search_path = evil; BEGIN READ WRITE; INSERT INTO evil.orders VALUES (7, 'x'); COMMIT")
        .unwrap();
    let event = &listen.finish().ok().json()[0]["payload"];
    assert_eq!((&event["schema"], &event["key"]["id"]), (&"evil".into(), &7.into()));
    database.pgfeed(["uninstall-trigger", "orders", "-d", &url]).run().ok().stdout_has("removed   evil.orders");
}

#[test]
fn an_install_may_wait_for_a_table_longer_than_the_role_lets_statements_run() {
    let (database, role) = hostile();
    let mut writer = database.client();
    let mut transaction = writer.transaction().unwrap();
    transaction.batch_execute("LOCK TABLE evil.orders IN ROW EXCLUSIVE MODE").unwrap();
    let url = database.url_as(&role);
    let install = database
        .pgfeed(["install-trigger", "orders", "-d", &url, "--lock-timeout", "20s"])
        .deadline(Duration::from_secs(25))
        .spawn();
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                 AND clock_timestamp() - query_start > interval '400ms')";
    database.wait_for(waits);
    transaction.commit().unwrap();
    install.finish().ok().stdout_has("created   evil.orders");
}

#[test]
fn what_a_database_has_set_matters_as_little() {
    let database = Database::new();
    database.sql("CREATE TABLE t (id int PRIMARY KEY)");
    let alter = format!("ALTER DATABASE {}", database.name());
    database.sql(&format!("{alter} SET search_path = pg_temp; {alter} SET default_transaction_read_only = on"));
    database.pgfeed(["notify", "x", "y"]).env("PGOPTIONS", "-c transaction_read_only=on").run().ok();
    database.pgfeed(["install-trigger", "t"]).run().code(2).stderr_has("there is no table t");
    database.pgfeed(["install-trigger", "public.t"]).run().ok().stdout_has("created   public.t");
}
