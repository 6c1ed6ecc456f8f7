//! Many at once, and behind somebody who holds the table.

use std::time::{Duration, Instant};

use super::installed;
use crate::harness::{Database, Running};
use crate::live_trigger::feed::{Feed, install};

#[test]
fn forty_installs_and_uninstalls_at_once_all_succeed() {
    let db = Database::new();
    db.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)");
    let running: Vec<Running> = (0..40)
        .map(|n| match n % 4 {
            0 => db.spawn(["install-trigger", "a", "b", "--payload", "diff"]),
            1 => db.spawn(["install-trigger", "b", "a"]),
            2 => db.spawn(["uninstall-trigger", "b", "a"]),
            _ => db.spawn(["uninstall-trigger", "--all"]),
        })
        .collect();
    for one in running {
        one.finish().ok();
    }
    // Nothing half installed: each function has all its triggers, and no function is without any.
    let after = installed(&db);
    assert!([0, 6, 8].contains(&after.len()), "{after:?}");
    assert!(after.iter().all(|one| one.contains(" on ")), "{after:?}");
    install(&db, ["a", "b"]);
    let mut feed = Feed::of(&db, ["a", "b"]);
    db.sql("INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)");
    assert_eq!(feed.told().len(), 2);
}

#[test]
fn behind_a_long_writer_an_install_gives_up_and_changes_nothing() {
    let db = Database::new();
    db.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY)");
    let mut writer = db.client();
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    let started = Instant::now();
    db.pgfeed(["install-trigger", "a", "t", "--lock-timeout", "200ms"]).run().code(1).stdout_is("").stderr_is(
        "pgfeed: error: installing on public.t: canceling statement due to lock timeout\n  sqlstate: 55P03\n  \
         hint: somebody holds the table: try again later, or wait longer with --lock-timeout\n",
    );
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert_eq!(installed(&db), [""; 0]);
    assert_eq!(db.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'pgfeed'"), "0");
    writer.batch_execute("COMMIT").unwrap();
    install(&db, ["a", "t", "--lock-timeout", "200ms"]);
}

#[test]
fn a_condition_is_not_waited_for_longer_either() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    let mut holder = db.client();
    holder.batch_execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE").unwrap();
    for how in ["--print-sql", "--dry-run", "--check", "--quiet"] {
        let args =
            ["install-trigger", "t", "--events", "insert", "--when", "NEW.id > 1", "--lock-timeout", "100ms", how];
        let started = Instant::now();
        let output = db.pgfeed(args).run().code(1).stdout_is("");
        output.stderr_has("canceling statement due to lock timeout").stderr_has("wait longer with --lock-timeout");
        // The session's own limit is 5 s, and that for other installs 120 s.
        assert!(started.elapsed() < Duration::from_secs(4), "{how}");
    }
}

#[test]
fn an_install_waits_as_long_as_it_may() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    let mut writer = db.client();
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    let installing = db.spawn(["install-trigger", "t", "--lock-timeout", "30s"]);
    db.wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted)");
    writer.batch_execute("COMMIT").unwrap();
    installing.finish().ok().stdout_has("created");
}

#[test]
fn behind_a_reader_an_uninstall_gives_up_and_changes_nothing() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    install(&db, ["t"]);
    let before = installed(&db);
    let mut reader = db.client();
    reader.batch_execute("BEGIN; SELECT * FROM t").unwrap();
    let output = db.pgfeed(["uninstall-trigger", "t", "--lock-timeout", "100ms"]).run().code(1).stdout_is("");
    output
        .stderr_has("uninstalling from public.t: canceling statement due to lock timeout")
        .stderr_has("--lock-timeout");
    assert_eq!(installed(&db), before);
}

#[test]
fn a_killed_install_leaves_nothing_half_done() {
    let db = Database::new();
    db.sql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY)");
    let mut writer = db.client();
    writer.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    // It is done with a, and waits for t.
    let installing = db.spawn(["install-trigger", "a", "t", "--lock-timeout", "30s"]);
    db.wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted)");
    installing.kill();
    writer.batch_execute("COMMIT").unwrap();
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgfeed install-trigger' AND datname = current_database())");
    assert_eq!(installed(&db), [""; 0]);
    install(&db, ["a", "t"]);
}
