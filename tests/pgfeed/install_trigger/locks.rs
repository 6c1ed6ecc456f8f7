//! The locks of several tables, of partitions and of a queue that exists: who writes or reads does not pay for them.

use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;

use super::installed;
use crate::harness::Database;
use crate::live_trigger::feed::install;

const TABLES: [&str; 3] = ["da", "db", "dc"];

fn three_tables() -> Database {
    let db = Database::new();
    db.sql(&TABLES.map(|table| format!("CREATE TABLE {table} (id int PRIMARY KEY)")).join(";"));
    db
}

/// A session with an open transaction that has done this.
fn busy(mut client: Client, statement: &str) -> Client {
    client.batch_execute("BEGIN").unwrap();
    client.batch_execute(statement).unwrap();
    client
}

/// Waits until pgfeed waits for a table.
fn wait_until_waited_for(db: &Database, table: &str) {
    db.wait_for(&format!("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = '{table}'::regclass AND NOT granted)"));
}

/// An application holds dc and writes da, while pgfeed waits for db.
#[track_caller]
fn no_victim(db: &Database, command: &str, reader: &str) {
    let mut holder = busy(db.client(), reader);
    let changing = db.pgfeed([command, "--lock-timeout", "30s"]).args(TABLES).spawn();
    wait_until_waited_for(db, "db");
    let mut application = busy(db.client(), "INSERT INTO dc VALUES (1)");
    let writing = thread::spawn(move || application.batch_execute("INSERT INTO da VALUES (1)").map(|()| application));
    holder.batch_execute("COMMIT").unwrap();
    // One that has to wait looks for deadlocks after a second.
    let written = writing.join().unwrap().and_then(|mut application| application.batch_execute("COMMIT"));
    assert!(written.is_ok(), "{command}: {written:?}");
    changing.finish().ok();
}

#[test]
fn a_writer_is_not_the_victim_of_a_deadlock() {
    let db = three_tables();
    no_victim(&db, "install-trigger", "INSERT INTO db VALUES (1)");
    assert_eq!(installed(&db).len(), 12);
    db.sql("TRUNCATE da, db, dc");
    no_victim(&db, "uninstall-trigger", "SELECT FROM db");
    assert_eq!(installed(&db), [""; 0]);
}

#[test]
fn a_writer_is_not_the_victim_of_whoever_may_only_create_triggers() {
    let db = three_tables();
    let installer = db.role("installer");
    db.sql(&format!(
        "CREATE SCHEMA pgfeed; GRANT USAGE, CREATE ON SCHEMA pgfeed TO {installer}; GRANT TRIGGER ON da, db, dc TO {installer}"
    ));
    let mut holder = busy(db.client(), "INSERT INTO db VALUES (1)");
    let args = ["install-trigger", "--lock-timeout", "30s", "da", "db", "dc"];
    let installing = db.pgfeed(args).env("DATABASE_URL", db.url_as(&installer)).spawn();
    wait_until_waited_for(&db, "db");
    let mut application = busy(db.client(), "INSERT INTO dc VALUES (1); SET LOCAL lock_timeout = '900ms'");
    application.batch_execute("INSERT INTO da VALUES (1)").unwrap();
    holder.batch_execute("COMMIT").unwrap();
    application.batch_execute("COMMIT").unwrap();
    installing.finish().ok();
    assert_eq!(installed(&db).len(), 12);
}

#[test]
fn while_one_table_is_waited_for_the_others_are_free() {
    let db = three_tables();
    install(&db, TABLES);
    let reader = busy(db.client(), "SELECT FROM dc");
    let removing = db.spawn(["uninstall-trigger", "--all", "--lock-timeout", "30s"]);
    wait_until_waited_for(&db, "dc");
    for _ in 0..20 {
        db.sql("SET lock_timeout = '900ms'; SELECT FROM da; INSERT INTO db SELECT count(*) FROM db");
    }
    drop(reader);
    removing.finish().ok();
    assert_eq!(installed(&db), [""; 0]);
}

#[test]
fn while_one_partition_is_waited_for_the_others_are_free() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE t (id int PRIMARY KEY) PARTITION BY RANGE (id);
         CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (1000); CREATE TABLE p2 PARTITION OF t DEFAULT",
    );
    for (command, statement) in
        [("install-trigger", "INSERT INTO p2 VALUES (-1)"), ("uninstall-trigger", "SELECT FROM p2")]
    {
        let mut holder = busy(db.client(), statement);
        let changing = db.spawn([command, "t", "--lock-timeout", "30s"]);
        wait_until_waited_for(&db, "p2");
        for _ in 0..20 {
            db.sql("SET lock_timeout = '900ms'; INSERT INTO t SELECT count(*) FROM p1");
        }
        holder.batch_execute("COMMIT").unwrap();
        changing.finish().ok();
    }
    assert_eq!(installed(&db), [""; 0]);
}

#[test]
fn all_tables_together_are_waited_for_no_longer_than_allowed() {
    let db = three_tables();
    let mut first = busy(db.client(), "INSERT INTO da VALUES (1)");
    let _others = busy(db.client(), "INSERT INTO db VALUES (1); INSERT INTO dc VALUES (1)");
    let installing = db.pgfeed(["install-trigger", "--lock-timeout", "3s"]).args(TABLES).spawn();
    wait_until_waited_for(&db, "da");
    let started = Instant::now();
    // Most of the time is spent on the first.
    thread::sleep(Duration::from_millis(2500));
    first.batch_execute("COMMIT").unwrap();
    let output = installing.finish().code(1);
    output.stderr_has("canceling statement due to lock timeout").stderr_has("wait longer with --lock-timeout");
    // Each by itself it would be 5.5 s.
    assert!(started.elapsed() < Duration::from_millis(4500), "{:?}", started.elapsed());
    assert_eq!(installed(&db), [""; 0]);
}

#[test]
fn a_queue_that_exists_is_not_locked_by_an_install_or_a_migration() {
    let db = Database::new();
    let name = "a$pgfeed$b 'c\\' \"d\"";
    db.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)");
    let args = ["install-trigger", "t", "u", "--queue", name];
    db.pgfeed(["install-trigger", "t", "--queue", name]).run().ok();
    let up = db.pgfeed(args).args(["--print-sql"]).run().ok().stdout;
    db.pgfeed(["notify", "--queue", name, "x"]).run().ok();
    // As a consumer does for as long as a batch is in flight.
    let tables = ["queue_", "retry_", "dead_"].map(|kind| format!("pgfeed.\"{kind}{}\"", name.replace('"', "\"\"")));
    let locks = tables.map(|table| format!("LOCK TABLE {table} IN ROW EXCLUSIVE MODE")).join(";");
    let _consumer = busy(db.client(), &locks);
    db.psql(["-1"], &up).ok();
    db.pgfeed(args).run().ok().stdout_has("unchanged");
    db.sql("INSERT INTO u VALUES (1)");
}

#[test]
fn a_migration_gives_up_and_leaves_no_setting_behind() {
    let db = three_tables();
    let args = ["--lock-timeout", "100ms", "--print-sql", "da", "db"];
    let up = db.pgfeed(["install-trigger"]).args(args).run().ok().stdout;
    let down = db.pgfeed(["uninstall-trigger"]).args(args).run().ok().stdout;
    for script in [&up, &down] {
        let mut writer = busy(db.client(), "INSERT INTO db VALUES (1)");
        let before = installed(&db);
        let mut client = db.client();
        client.batch_execute("SET statement_timeout = '20s'; BEGIN").unwrap();
        let error = client.batch_execute(script).unwrap_err();
        assert_eq!(error.code().unwrap().code(), "55P03");
        client.batch_execute("ROLLBACK").unwrap();
        assert_eq!(installed(&db), before);
        writer.batch_execute("ROLLBACK").unwrap();
        let limit = |client: &mut Client| client.query_one("SHOW lock_timeout", &[]).unwrap().get::<_, String>(0);
        assert_eq!(limit(&mut client), "0");
        client.batch_execute("BEGIN").unwrap();
        client.batch_execute(script).unwrap();
        client.batch_execute("COMMIT").unwrap();
        assert_eq!(limit(&mut client), "0");
    }
    assert_eq!(installed(&db), [""; 0]);
}
