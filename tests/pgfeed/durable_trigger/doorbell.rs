//! When writers ring.

use fallible_iterator::FallibleIterator;
use postgres::Client;

use super::{durable, install};
use crate::harness::{DEADLINE, Database};

/// Listens to the doorbell of queue `q`.
fn ear(db: &Database) -> Client {
    let mut ear = db.client();
    ear.batch_execute(r#"LISTEN "pgfeed:q"; LISTEN marker"#).unwrap();
    ear
}

/// How many transactions have rung so far.
fn rings(db: &Database, ear: &mut Client) -> usize {
    db.sql("NOTIFY marker");
    let mut rings = 0;
    let mut notifications = ear.notifications();
    let mut heard = notifications.timeout_iter(DEADLINE);
    while let Some(notification) = heard.next().unwrap() {
        if notification.channel() == "marker" {
            return rings;
        }
        rings += 1;
    }
    panic!("no marker");
}

#[test]
fn without_a_consumer_nobody_rings_and_always_rings_once_a_transaction() {
    for (doorbell, expected) in [("adaptive", 0), ("never", 0), ("always", 3)] {
        let db = Database::new();
        durable(&db, "id int PRIMARY KEY, a int", &["--doorbell", doorbell]);
        let mut ear = ear(&db);
        db.sql("INSERT INTO t VALUES (1)");
        db.sql("INSERT INTO t SELECT generate_series(2, 100)");
        db.sql("BEGIN; UPDATE t SET a = 1; DELETE FROM t; COMMIT");
        // What changes no row stores nothing and does not ring.
        db.sql("UPDATE t SET a = 1 WHERE false");
        db.sql("DELETE FROM t WHERE false");
        db.sql("INSERT INTO t SELECT 1 WHERE false");
        assert_eq!(rings(&db, &mut ear), expected, "{doorbell}");
        assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_q"), "300");
    }
}

/// Waits until somebody sleeps in front of the queue, holding X exclusively.
pub fn wait_for_a_sleeper(db: &Database) {
    db.wait_for(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1885824600 AND mode = 'ExclusiveLock'
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
    );
}

#[test]
fn a_sleeper_is_rung_at_once() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &[]);
    let consumer = db.spawn(["tail-queue", "q", "--consume", "-o", "raw", "--poll", "1h", "-n", "1"]);
    wait_for_a_sleeper(&db);
    let mut ear = ear(&db);
    db.sql("INSERT INTO t VALUES (1)");
    consumer.finish().ok();
    assert_eq!(rings(&db, &mut ear), 1);
}

#[test]
fn a_poll_finds_what_nobody_rings_for() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &["--doorbell", "never"]);
    let consumer = db.spawn(["tail-queue", "q", "--consume", "-o", "raw", "--poll", "200ms", "-n", "2"]);
    wait_for_a_sleeper(&db);
    let mut ear = ear(&db);
    db.sql("INSERT INTO t VALUES (1)");
    consumer.next_line();
    db.sql("INSERT INTO t VALUES (2)");
    consumer.finish().ok();
    assert_eq!(rings(&db, &mut ear), 0);
}

#[test]
fn a_prepared_transaction_is_delivered_when_it_commits() {
    let server = crate::harness::own_server_with(|builder| builder.setting("max_prepared_transactions", "5"));
    for doorbell in ["never", "adaptive"] {
        let db = server.database();
        durable(&db, "id int PRIMARY KEY", &["--doorbell", doorbell]);
        db.sql("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'x'");
        let consumer = db.spawn(["tail-queue", "q", "--consume", "-o", "raw", "--poll", "100ms", "-n", "1"]);
        db.wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgfeed tail-queue')");
        db.sql("COMMIT PREPARED 'x'");
        consumer.finish().ok();
    }
}

#[test]
fn who_installs_again_with_another_doorbell_changes_it() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY", &["--doorbell", "always"]);
    install(&db, &["t", "--doorbell", "never"]).stdout_has("replaced");
    install(&db, &["t", "--doorbell", "never", "--check"]).stdout_has("unchanged");
    db.pgfeed(["install-trigger", "t", "--queue", "q", "--check"]).run().code(4);
}
