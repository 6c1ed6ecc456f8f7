//! Storing the rows that are there, while writers go on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::durable;
use crate::harness::{Database, Pgfeed, Stopping};

/// For a million rows.
const LONG: Duration = Duration::from_secs(900);

/// What a store that follows the queue in order per key ends up with.
fn replayed(db: &Database, args: &[&str]) -> BTreeMap<i64, i64> {
    let output = db.pgfeed(["tail-queue", "q", "--consume", "-e", "-o", "raw"]).args(args).deadline(LONG).run().ok();
    let mut rows = BTreeMap::new();
    for event in output.lines() {
        let event: Value = serde_json::from_str(event).unwrap();
        let id = event["key"]["id"].as_i64().unwrap();
        match event["op"].as_str().unwrap() {
            "DELETE" => drop(rows.remove(&id)),
            _ => drop(rows.insert(id, event["new"]["a"].as_i64().unwrap())),
        }
    }
    rows
}

fn table(db: &Database) -> BTreeMap<i64, i64> {
    let rows = db.client().query("SELECT id::bigint, a::bigint FROM t", &[]).unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn a_replay_gives_the_table_although_four_write() {
    replay_of(20_000, &[]);
}

#[test]
fn a_replay_gives_the_table_although_the_condition_fails_for_every_row() {
    replay_of(20_000, &["--when", "1 / (SELECT count(*) FROM t WHERE false) > 0"]);
}

#[test]
#[ignore = "takes minutes"]
fn a_large_replay_gives_the_table_although_four_write() {
    replay_of(1_000_000, &[]);
}

/// Stores a table of so many rows while four write to it, and compares.
fn replay_of(rows: u32, when: &[&str]) {
    let db = Database::new();
    db.sql(&format!(
        "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT n * 2, 0 FROM generate_series(1, {rows}) n",
    ));
    let done = AtomicBool::new(false);
    let longest = thread::scope(|scope| {
        let stopping = Stopping(&done);
        let writers: Vec<_> = (0..4)
            .map(|writer: i32| {
                let (mut client, done) = (db.client(), &done);
                scope.spawn(move || {
                    let (mut longest, mut n) = (Duration::ZERO, 0_i32);
                    while !done.load(Ordering::Relaxed) {
                        n += 1;
                        // Each writes its own rows, spread over the table; keys change too.
                        let row = |step: i32| ((n * 7919 + step * 104_729) % 5000).abs() * 8 + writer * 2;
                        let (update, delete, from) = (row(1), row(2), row(3));
                        let to = 1 + ((n * 31) % 5000) * 8 + writer * 2;
                        let started = Instant::now();
                        client
                            .batch_execute(&format!(
                                "BEGIN; UPDATE t SET a = a + 1 WHERE id = {update}; DELETE FROM t WHERE id = {delete};
                                 INSERT INTO t VALUES ({to}, {n}) ON CONFLICT (id) DO UPDATE SET a = {n};
                                 UPDATE t SET id = {from} + 100000 WHERE id = {from}
                                   AND NOT EXISTS (SELECT FROM t WHERE id = {from} + 100000); COMMIT"
                            ))
                            .unwrap();
                        longest = longest.max(started.elapsed());
                    }
                    longest
                })
            })
            .collect();
        let install = ["install-trigger", "t", "--queue", "q", "--backfill"];
        let installed = db.pgfeed(install).args(when).deadline(LONG).run();
        drop(stopping);
        installed.ok().stderr_has("rows of public.t as SNAPSHOT events");
        writers.into_iter().map(|writer| writer.join().unwrap()).max().unwrap()
    });
    assert!(longest < Duration::from_millis(1500), "a writer waited {longest:?}");
    assert_eq!(replayed(&db, &[]), table(&db));
}

#[test]
fn a_row_whose_key_is_just_changed_hides_no_others() {
    let db = Database::new();
    durable(&db, "id int PRIMARY KEY, a int", &[]);
    db.sql("ALTER TABLE t DISABLE TRIGGER USER; INSERT INTO t SELECT n, n FROM generate_series(1, 3000) n; ALTER TABLE t ENABLE TRIGGER USER");
    let mut writer = db.client();
    writer.batch_execute("BEGIN; UPDATE t SET id = 900000 WHERE id = 5; DELETE FROM t WHERE id = 7").unwrap();
    let backfill = db.spawn(["install-trigger", "t", "--queue", "q", "--backfill"]);
    db.wait_for(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%SNAPSHOT%')",
    );
    // It waits with nothing else in hand: to wait for what it holds is no deadlock, since it holds nothing.
    writer.batch_execute("SET statement_timeout = '2s'; UPDATE t SET a = -1 WHERE id IN (1, 999, 2999)").unwrap();
    writer.batch_execute("COMMIT").unwrap();
    backfill.finish().ok().stderr_has("stored");
    assert_eq!(replayed(&db, &["-j", "2"]), table(&db));
}

#[test]
fn keys_of_several_columns_and_who_waits_is_woken() {
    let db = Database::new();
    db.sql("CREATE TABLE t (a text, b date, c int, PRIMARY KEY (b, a))");
    db.sql("INSERT INTO t SELECT 'k' || n % 7, date '2026-01-01' + n / 7, n FROM generate_series(1, 2500) n");
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    let consumer = db.spawn(["tail-queue", "q", "--consume", "-o", "raw", "--poll", "1h", "-n", "2500"]);
    db.wait_for(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE classid = 1885824600 AND mode = 'ExclusiveLock'
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
    );
    db.pgfeed(["install-trigger", "t", "--queue", "q", "--backfill"]).run().ok();
    let events: Vec<Value> = consumer.finish().ok().json();
    let mut numbers: Vec<i64> = events.iter().map(|event| event["new"]["c"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=2500));
}

#[test]
fn keys_of_a_type_with_operators_of_its_own() {
    let db = Database::new();
    db.sql("CREATE EXTENSION citext; CREATE TABLE t (a citext, b int, c int, PRIMARY KEY (a, b)); CREATE TABLE u (a citext PRIMARY KEY, c int)");
    // Text sorts these quite differently, where upper case comes first.
    let name = "CASE n % 2 WHEN 0 THEN upper('k' || n % 1300) ELSE 'k' || n % 1300 END";
    db.sql(&format!("INSERT INTO t SELECT {name}, n, n FROM generate_series(1, 2600) n; INSERT INTO u SELECT {name}, n FROM generate_series(1, 1300) n"));
    for (table, rows) in [("t", 2600), ("u", 1300)] {
        db.pgfeed(["install-trigger", table, "--queue", table, "--backfill"]).run().ok();
        let numbers = format!(
            "SELECT count(DISTINCT payload::jsonb -> 'new' -> 'c') || ' ' || count(*) FROM pgfeed.queue_{table}"
        );
        assert_eq!(db.value(&numbers), format!("{rows} {rows}"));
    }
}

#[test]
fn only_rows_that_satisfy_the_condition_are_stored() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE t (id int PRIMARY KEY, status text);
         INSERT INTO t SELECT n, CASE n % 10 WHEN 1 THEN 'shipped' WHEN 2 THEN NULL ELSE 'new' END FROM generate_series(1, 2500) n",
    );
    let mut writer = db.client();
    // These two are judged by what they are once they are let go of.
    writer
        .batch_execute(
            "BEGIN; UPDATE t SET status = 'new' WHERE id = 11; UPDATE t SET status = 'shipped' WHERE id = 12",
        )
        .unwrap();
    let install = "install-trigger t --queue q --events update --update-of status --backfill --when";
    let backfill = db.spawn(install.split(' ').chain(["NEW.status = 'shipped'"]));
    // The trigger itself waits for the writer.
    db.wait_for("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)");
    writer.batch_execute("COMMIT").unwrap();
    backfill.finish().ok().stderr_has("stored 250 rows of public.t as SNAPSHOT events");
    let stored = "SELECT count(*) || ' ' || count(DISTINCT payload::jsonb -> 'key' ->> 'id') || ' ' || bool_and(payload LIKE '%\"shipped\"%')
                  FROM pgfeed.queue_q WHERE payload LIKE '{\"op\":\"SNAPSHOT\",%'";
    assert_eq!(db.value(stored), "250 250 true");

    db.sql("DELETE FROM pgfeed.queue_q");
    writer
        .batch_execute(
            "BEGIN; UPDATE t SET status = 'new' WHERE id = 21; UPDATE t SET status = 'shipped' WHERE id = 22",
        )
        .unwrap();
    let backfill = db.spawn(install.split(' ').chain(["NEW.status = 'shipped'"]));
    db.wait_for(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%SNAPSHOT%')",
    );
    writer.batch_execute("COMMIT").unwrap();
    backfill.finish().ok().stderr_has("stored 250 rows");
    let told = "SELECT k.id || ' ' || (payload::jsonb ->> 'op') FROM pgfeed.queue_q q, LATERAL (SELECT payload::jsonb -> 'key' ->> 'id' AS id) k
                WHERE k.id IN ('21', '22') ORDER BY q.id";
    assert_eq!(db.rows(told), ["22 UPDATE", "22 SNAPSHOT"]);
}

#[test]
fn a_condition_over_rows_that_are_there_is_understood_as_the_trigger_understands_it() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE \"t$new\" (a text, old int, number int, PRIMARY KEY (old, a));
         CREATE TABLE most (most int); INSERT INTO most VALUES (30);
         CREATE FUNCTION odd(\"t$new\") RETURNS bool LANGUAGE sql AS 'SELECT $1.number % 2 = 1';
         INSERT INTO \"t$new\" SELECT 'k' || n, n / 7, n FROM generate_series(1, 2500) n",
    );
    let install = ["install-trigger", "\"t$new\"", "--queue", "q", "--backfill", "--events", "insert,update"];
    let condition = "odd(NEW) AND NEW.number < (SELECT max(most) FROM most AS new)";
    db.pgfeed(install).args(["--when", condition]).run().ok().stderr_has("stored 15 rows");
    let stored = "SELECT string_agg(payload::jsonb -> 'new' ->> 'number', ' ' ORDER BY (payload::jsonb -> 'new' ->> 'number')::int) FROM pgfeed.queue_q";
    assert_eq!(db.value(stored), "1 3 5 7 9 11 13 15 17 19 21 23 25 27 29");
}

#[test]
fn a_condition_over_what_a_row_that_is_there_has_not_is_refused_before_anything_is_done() {
    for condition in ["OLD.a < NEW.a", "OLD.a = 1"] {
        let words = ["install-trigger", "t", "--queue", "q", "--events", "update", "--backfill", "--when", condition];
        let run = Pgfeed::new(words).env("DATABASE_URL", "postgresql://127.0.0.1:1/x").run().code(2).stdout_is("");
        run.stderr_has("and a row that is there already has no OLD\n").stderr_has("hint: leave out --backfill");
    }
}

#[test]
fn rows_for_which_the_condition_fails_are_stored_as_the_trigger_stores_them() {
    let db = Database::new();
    let owner = db.role("owner");
    db.sql(&format!(
        "CREATE TABLE t (id int PRIMARY KEY, a int, b text, new int); ALTER TABLE t OWNER TO {owner};
         GRANT CREATE ON DATABASE {} TO {owner};
         INSERT INTO t SELECT n, CASE n WHEN 7 THEN 0 WHEN 2404 THEN 0 WHEN 8 THEN NULL ELSE n % 20 END, CASE n WHEN 9 THEN 'nine' ELSE '1' END
         FROM generate_series(1, 2500) n WHERE n % 20 > 0",
        db.name()
    ));
    let condition = "10 / NEW.a > 4 AND NEW.b::int = (SELECT count(*) FROM (VALUES ('$pgfeed$')) AS new)";
    let install = ["install-trigger", "t", "--queue", "q", "--events", "insert,update", "--when", condition];
    let run = |more: &[&str]| db.pgfeed(install).args(more).env("DATABASE_URL", db.url_as(&owner));
    run(&[]).run().ok();
    let mut writer = db.client();
    // Of two that the condition fails for, it does not for one once it is let go of.
    writer.batch_execute("BEGIN; UPDATE t SET a = 5 WHERE id = 2404; UPDATE t SET new = 1 WHERE id = 7").unwrap();
    let backfill = run(&["--backfill"]).spawn();
    db.wait_for(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%SNAPSHOT%')",
    );
    writer.batch_execute("COMMIT").unwrap();
    let warning = "pgfeed: warning: the condition failed for 1 row of public.t, which is stored: division by zero\n";
    backfill.finish().ok().stderr_is(&format!("{warning}pgfeed: stored 251 rows of public.t as SNAPSHOT events\n"));
    let stored = "SELECT count(*) || ' ' || count(DISTINCT id) || ' ' || bool_and(a IN (1, 2) OR id = 7) FROM
                  (SELECT (payload::jsonb -> 'key' ->> 'id')::int, (payload::jsonb -> 'new' ->> 'a')::int FROM pgfeed.queue_q
                   WHERE payload LIKE '{\"op\":\"SNAPSHOT\",%') AS told (id, a)";
    assert_eq!(db.value(stored), "251 251 true");

    db.sql("DELETE FROM pgfeed.queue_q; UPDATE t SET a = 0 WHERE id IN (2401, 2402, 2404); DELETE FROM pgfeed.queue_q");
    let warning = "the condition failed for 4 rows of public.t, which are stored; for the first: division by zero\n";
    run(&["--backfill"]).run().ok().stderr_has(warning).stderr_has("stored 252 rows");
    // In the order of their keys, within each chunk that had to be read again too.
    let order = "SELECT bool_and(is_behind) FROM (SELECT (payload::jsonb -> 'key' ->> 'id')::int
                 > lag((payload::jsonb -> 'key' ->> 'id')::int, 1, 0) OVER (ORDER BY id) AS is_behind FROM pgfeed.queue_q) told";
    assert_eq!(db.value(order), "t");
}

#[test]
fn what_passes_is_no_failure_of_the_condition() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE t (id int PRIMARY KEY, code text); INSERT INTO t SELECT n FROM generate_series(1, 30) n;
         CREATE FUNCTION fail(code text) RETURNS bool LANGUAGE plpgsql AS
             $$ BEGIN IF code IS NULL THEN RETURN false; END IF; RAISE 'it fails' USING ERRCODE = code; END $$",
    );
    let install = "install-trigger t --queue q --events insert,update --backfill --when fail(NEW.code)";
    db.pgfeed(install.split(' ')).run().ok().stderr_has("stored 0 rows");
    let run = |first: &str, second: &str| {
        db.sql(&format!(
            "SET session_replication_role = replica; DELETE FROM pgfeed.queue_q;
             UPDATE t SET code = CASE id WHEN 3 THEN {first} WHEN 12 THEN '{second}' END"
        ));
        db.pgfeed(install.split(' ')).run()
    };
    for code in ["22012", "XX000", "P0004", "42501"] {
        run("'22P02'", code).ok().stderr_has("for 2 rows of public.t, which are stored").stderr_has("stored 2 rows");
    }
    for code in ["40001", "40P01", "55P03", "57014", "08006", "53200", "58030", "25006", "72000"] {
        for first in ["NULL", "'22P02'"] {
            let ended = run(first, code).code(1).stderr_has(&format!("sqlstate: {code}"));
            ended.stderr_has("storing the rows of public.t: it fails\n").lacks("condition failed");
            assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_q"), "0", "{first} {code}");
        }
    }
}

#[test]
fn a_table_that_cannot_be_stored_is_refused_before_anything_is_done() {
    let db = Database::new();
    db.sql("CREATE TABLE b1 (id int PRIMARY KEY); CREATE TABLE b2 (id int); CREATE TABLE b3 (id int PRIMARY KEY)");
    let refused = db.pgfeed(["install-trigger", "b1", "b2", "b3", "--queue", "q", "--backfill"]).run().code(2);
    refused.stdout_is("").stderr_has("public.b2 has no primary key").stderr_has("or leave out --backfill");
    assert_eq!(db.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'pgfeed'"), "0");
}

#[test]
fn an_error_in_a_later_table_says_which_are_stored() {
    let db = Database::new();
    for table in ["b1", "b2", "b3"] {
        db.sql(&format!(
            "CREATE TABLE {table} (id int PRIMARY KEY, a int); INSERT INTO {table} SELECT n, 1 FROM generate_series(1, 1500) n"
        ));
    }
    // What may pass is no failure of the condition.
    db.sql(
        "CREATE FUNCTION answer(a int) RETURNS bool LANGUAGE plpgsql AS
             $$ BEGIN IF a = 0 THEN RAISE 'it is busy' USING ERRCODE = '40001'; END IF; RETURN true; END $$",
    );
    let condition = ["--when", "answer(NEW.a)", "--events", "insert,update"];
    let run = || db.pgfeed(["install-trigger", "b1", "b2", "b3", "--queue", "q", "--backfill"]).args(condition).run();
    for (broken, told) in [
        (1200, "stored: public.b1; not to its end: public.b2 (1000 rows); not stored: public.b3\n"),
        (1, "stored: public.b1; not stored: public.b2, public.b3\n"),
    ] {
        db.sql(&format!("UPDATE b2 SET a = 1; UPDATE b2 SET a = 0 WHERE id = {broken}"));
        let failed = run().code(1).stderr_has("storing the rows of public.b2: it is busy\n");
        failed.stderr_has(&format!("warning: the triggers are installed; {told}"));
    }
}
