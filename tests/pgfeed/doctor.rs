//! The doctor: each thing that can be wrong is made so, and must be found, with what to do about it.

use serde_json::Value;

use crate::connection::standby::pair;
use crate::harness::pooler::{Mode, Pooler};
use crate::harness::proxy::Mode as ProxyMode;
use crate::harness::{Database, Output, Pgfeed, own_server, own_server_with, server};

/// What the doctor says, and how it ends.
fn doctor(db: &Database) -> Output {
    db.pgfeed(["doctor", "-o", "json"]).run().stderr_is("")
}

/// The findings that are not ok, each as its check, its verdict and its detail.
fn wrong(output: &Output) -> Vec<(String, String, String)> {
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings = output.json();
    for finding in &findings {
        assert_eq!(finding["remedy"].is_null(), finding["verdict"] == "ok", "{finding}");
    }
    findings
        .iter()
        .filter(|finding| finding["verdict"] != "ok")
        .map(|finding| (word(finding, "check"), word(finding, "verdict"), word(finding, "detail")))
        .collect()
}

/// Checks that something is found.
#[track_caller]
fn finds(output: &Output, check: &str, verdict: &str, detail: &str) {
    let found = wrong(output);
    let is_it = |(c, v, d): &(String, String, String)| c == check && v == verdict && d.contains(detail);
    assert!(found.iter().any(is_it), "{check} {verdict} {detail}: not among {found:#?}");
}

fn fails(output: &Output) -> usize {
    wrong(output).iter().filter(|(_, verdict, _)| verdict == "fail").count()
}

#[test]
fn a_healthy_database_has_no_fail() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    let output = doctor(&db).code(0);
    assert_eq!(fails(&output), 0);
    let checks: Vec<Value> = output.json().iter().map(|finding| finding["check"].clone()).collect();
    for check in ["connection", "loop-back", "commits", "triggers", "queues", "may consume", "leftovers"] {
        assert!(checks.contains(&check.into()), "{check} is not among {checks:?}");
    }
    // The tests' servers do not wait for the disk.
    let text = db.pgfeed(["doctor"]).run().ok();
    text.stdout_has("warn  durability          fsync is off\n").stdout_has("-> ALTER SYSTEM SET fsync = on");
}

#[test]
fn commits_are_measured_as_the_disk_takes_them() {
    // Each flush of the WAL waits for 20 ms more: four writers that share them commit at most 200 times a second, and those that
    // wait for one another 50 times.
    let server = own_server_with(|builder| {
        builder.setting("fsync", "on").setting("commit_delay", "20000").setting("commit_siblings", "0")
    });
    let db = server.database();
    db.sql("ALTER ROLE postgres SET synchronous_commit = on");
    let output = doctor(&db).code(0);
    let findings = output.json();
    let told = findings.iter().find(|finding| finding["check"] == "commits").unwrap()["detail"].to_string();
    let rates: Vec<u32> = told.trim_start_matches('"').split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(rates[1] <= 220 && rates[2] <= 60, "{told}");

    db.sql("CREATE ROLE nobody LOGIN");
    db.sql(
        "DO $$ DECLARE f regprocedure; BEGIN SELECT oid INTO f FROM pg_proc WHERE proname = 'pg_logical_emit_message' \
         AND proargtypes[2] = 'text'::regtype; EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', f); END $$",
    );
    let output = db.pgfeed(["doctor", "-o", "json"]).env("DATABASE_URL", db.url_as("nobody")).run().code(0);
    finds(&output, "commits", "warn", "permission denied for function pg_logical_emit_message");
}

#[test]
fn no_connection_is_a_finding() {
    let output = Pgfeed::new(["doctor", "-o", "json", "-d", "host=127.0.0.1 port=1"]).run().code(4);
    finds(&output, "connection", "fail", "connection refused");
    Pgfeed::new(["doctor", "-d", "bogus=1"]).run().code(2).stdout_is("");
}

#[test]
fn a_transaction_pool_is_found_and_a_session_pool_is_none() {
    let db = Database::new();
    for (mode, code) in [(Mode::Transaction, 4), (Mode::Session, 0)] {
        let pooler = Pooler::in_front_of(server(), mode, 20);
        let output = Pgfeed::new(["doctor", "-o", "json"]).env("DATABASE_URL", pooler.url(db.name())).run().code(code);
        if mode == Mode::Transaction {
            finds(&output, "pooler", "fail", "lends the server's sessions");
        }
    }
}

#[test]
fn a_notification_that_is_swallowed_is_missed() {
    let db = Database::new();
    let proxy = db.proxy();
    proxy.set(ProxyMode::Deaf);
    let output = Pgfeed::new(["doctor", "-o", "json"]).env("DATABASE_URL", proxy.url(db.name())).run().code(4);
    finds(&output, "loop-back", "fail", "nothing was heard within 5.0s");
}

#[test]
fn a_standby_is_named_as_such() {
    let (_, standby) = pair();
    let url = standby.cluster().socket_url("postgres");
    let output = Pgfeed::new(["doctor", "-o", "json"]).env("DATABASE_URL", url).run().code(4);
    finds(&output, "primary", "fail", "in recovery");
}

#[test]
fn settings_that_hurt_are_found() {
    let server = own_server_with(|builder| {
        builder.setting("max_prepared_transactions", "5").setting("autovacuum", "off").setting("fsync", "on")
    });
    let db = server.database();
    db.sql(
        "ALTER ROLE postgres SET session_replication_role = replica; ALTER ROLE postgres SET statement_timeout = '1s'",
    );
    let output = doctor(&db).code(4);
    finds(&output, "triggers fire", "fail", "session_replication_role is replica");
    assert!(!wrong(&output).iter().any(|(check, ..)| check == "two-phase commit"), "{output}");
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "t"]).run().ok();
    finds(&doctor(&db).code(4), "two-phase commit", "warn", "max_prepared_transactions is 5");
    finds(&output, "autovacuum", "warn", "autovacuum is off");
    finds(&output, "commits last", "warn", "synchronous_commit is off");
    assert!(!wrong(&output).iter().any(|(check, ..)| check == "durability" || check == "our settings"), "{output}");
}

#[test]
fn rights_that_are_missing_are_told() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    let role = db.role("nobody");
    db.sql(&format!("GRANT USAGE ON SCHEMA pgfeed TO {role}; GRANT SELECT ON pgfeed.queue TO {role}"));
    let output = db.pgfeed(["doctor", "-o", "json"]).env("DATABASE_URL", db.url_as(&role)).run().code(0);
    finds(&output, "may install", "warn", "may not create in schema pgfeed");
    finds(&output, "may consume", "warn", "queue \"q\"");
    finds(&output, "may look", "warn", "no member of pg_monitor");
    db.sql(&format!(
        "GRANT CREATE ON SCHEMA pgfeed TO {role}; REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC; GRANT pg_monitor TO {role}"
    ));
    let output = db.pgfeed(["doctor", "-o", "json"]).env("DATABASE_URL", db.url_as(&role)).run().code(0);
    finds(&output, "may install", "warn", "has the right TRIGGER on no table");
    finds(&output, "may notify", "warn", "may not call pg_notify");
}

#[test]
fn a_limit_of_connections_is_no_fault_of_the_feed() {
    let db = Database::new();
    for (limit, check) in [(1, "loop-back"), (2, "commits")] {
        let role = db.role(&format!("limited{limit}"));
        db.sql(&format!("ALTER ROLE {role} CONNECTION LIMIT {limit}"));
        let output = db.pgfeed(["doctor", "-o", "json"]).env("DATABASE_URL", db.url_as(&role)).run().code(0);
        finds(&output, check, "warn", "too many connections");
    }
}

#[test]
fn installations_that_are_not_as_asked_for_are_found() {
    let db = Database::new();
    db.sql("CREATE TABLE drifted (id int PRIMARY KEY); CREATE TABLE off (id int PRIMARY KEY); CREATE TABLE gone (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "drifted", "off", "gone", "--queue", "q"]).run().ok();
    db.sql("ALTER TABLE drifted ADD COLUMN note text; ALTER TABLE drifted DROP CONSTRAINT drifted_pkey");
    db.sql("ALTER TABLE off DISABLE TRIGGER ALL; DROP TABLE gone");
    let output = doctor(&db).code(0);
    finds(&output, "triggers", "warn", "public.drifted -> queue \"q\": its");
    finds(&output, "triggers", "warn", "public.off -> queue \"q\": trigger \"!pgfeed_off_queue_");
    finds(&output, "triggers", "warn", "(a table that is gone) -> queue \"q\"");
    db.sql("DROP TABLE pgfeed.queue_q");
    let output = doctor(&db).code(4);
    finds(&output, "triggers", "fail", "public.drifted -> queue \"q\"");
    finds(&output, "queues", "fail", "queue_q is gone");
}

#[test]
fn an_owner_who_may_not_store_is_found_and_the_remedy_helps() {
    let db = Database::new();
    let owner = db.role("owner");
    db.sql(&format!("CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t OWNER TO {owner}"));
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    let finds_nothing = || !wrong(&doctor(&db).code(0)).iter().any(|(check, ..)| check == "triggers");
    assert!(finds_nothing());
    for (right, object) in [("INSERT", "pgfeed.queue_q"), ("USAGE", "SCHEMA pgfeed")] {
        db.sql(&format!("REVOKE {right} ON {object} FROM {owner}"));
        let refused = db.client().batch_execute("INSERT INTO t VALUES (1)");
        assert_eq!(refused.unwrap_err().code(), Some(&postgres::error::SqlState::INSUFFICIENT_PRIVILEGE));
        finds(&doctor(&db).code(4), "triggers", "fail", &format!("public.t -> queue \"q\": {owner}"));
        db.sql(&format!("GRANT {right} ON {object} TO {owner}"));
    }
    db.sql("INSERT INTO t VALUES (1)");
    assert!(finds_nothing());
}

#[test]
fn queues_that_were_altered_are_found() {
    let db = Database::new();
    for name in ["unlogged", "cycling", "secured", "altered", "renamed", "typed", "asking", "idle", "still"] {
        db.pgfeed(["notify", "--queue", name, "--create", "x"]).run().ok();
    }
    db.sql("ALTER TABLE pgfeed.queue_unlogged SET UNLOGGED");
    db.sql("ALTER SEQUENCE pgfeed.ids_cycling CYCLE");
    db.sql("ALTER TABLE pgfeed.retry_secured ENABLE ROW LEVEL SECURITY");
    db.sql("ALTER TABLE pgfeed.dead_altered DROP COLUMN error");
    db.sql("ALTER TABLE pgfeed.queue_renamed RENAME COLUMN payload TO body; ALTER TABLE pgfeed.queue_renamed DROP COLUMN key");
    db.sql("ALTER TABLE pgfeed.queue_typed ALTER payload TYPE varchar(9)");
    db.sql("ALTER TABLE pgfeed.queue_asking ALTER id DROP IDENTITY; ALTER TABLE pgfeed.queue_asking ADD by text NOT NULL DEFAULT ''");
    db.sql("ALTER TABLE pgfeed.queue_asking ALTER by DROP DEFAULT");
    db.sql("ALTER TABLE pgfeed.queue_still SET (autovacuum_enabled = off)");
    db.sql("UPDATE pgfeed.queue_idle SET at = now() - interval '11 minutes'");
    db.pgfeed(["tail-queue", "still", "-e", "--on-error", "dead", "--", "false"]).run();
    let output = doctor(&db).code(4);
    finds(&output, "queues", "fail", "queue_unlogged is unlogged");
    finds(&output, "queues", "fail", "the sequence of queue_cycling cycles");
    finds(&output, "queues", "fail", "retry_secured has row security");
    finds(&output, "queues", "fail", "dead_altered lacks error");
    finds(&output, "queues", "fail", "queue_renamed lacks key, payload");
    finds(&output, "queues", "fail", "queue_typed: payload is character varying(9)");
    finds(&output, "queues", "fail", "queue_asking asks for a value of id, by");
    finds(&output, "queues", "warn", "queue_still is not vacuumed");
    finds(&output, "events", "warn", "queue \"still\" has 1 dead events");
    finds(&output, "events", "warn", "1 events wait in \"idle\"");
}

#[test]
fn what_holds_vacuum_back_is_found() {
    let server = own_server();
    let db = server.database();
    db.pgfeed(["notify", "--queue", "q", "--create", "x"]).run().ok();
    let mut holder = db.client();
    holder.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    db.sql("INSERT INTO pgfeed.queue_q (key, payload) SELECT 0, '' FROM generate_series(1, 51000)");
    db.sql("DELETE FROM pgfeed.queue_q");
    db.wait_for("SELECT n_dead_tup > 50000 FROM pg_stat_user_tables WHERE relname = 'queue_q'");
    finds(&doctor(&db).code(0), "queues", "warn", "queue_q holds 51");
    // Whoever has just been vacuumed is not behind.
    db.sql("VACUUM pgfeed.queue_q");
    db.wait_for(
        "SELECT last_vacuum IS NOT NULL AND n_dead_tup > 50000 FROM pg_stat_user_tables WHERE relname = 'queue_q'",
    );
    let output = doctor(&db).code(0);
    assert!(!wrong(&output).iter().any(|(check, ..)| check == "queues"), "{output}");
}

#[test]
fn an_encoding_that_lets_anybody_end_a_listener_is_told() {
    let db = Database::new();
    let name = format!("{}_ascii", db.name());
    db.sql(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"));
    let url = db.url().replace(db.name(), &name);
    let output = Pgfeed::new(["doctor", "-o", "json"]).env("DATABASE_URL", url).run().code(0);
    finds(&output, "encoding", "warn", "SQL_ASCII");
    db.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
}

#[test]
fn what_a_bench_has_left_is_told() {
    let db = Database::new();
    // Of these bench has made one: it is known by its comment.
    db.sql("CREATE SCHEMA pgfeed_bench_4711; CREATE SCHEMA pgfeed_bench_4712; CREATE SCHEMA pgfeed_bench_other");
    db.sql("COMMENT ON SCHEMA pgfeed_bench_4711 IS 'a measurement of pgfeed bench, which drops this when it ends'");
    let output = doctor(&db).code(0);
    finds(&output, "leftovers", "warn", "pgfeed_bench_4711");
    assert!(!output.to_string().contains("pgfeed_bench_4712"), "{output}");
}
