//! It touches nothing that it has not made, and leaves nothing.

use std::process::Command;
use std::time::Duration;

use super::{bench, report, schemas};
use crate::harness::{Database, Pgfeed, Signal, server};

/// A measurement that goes on until it is ended, in its middle.
fn running(db: &Database, scenario: &str) -> crate::harness::Running {
    let running = bench(db, &[scenario, "-T", "1h"]).deadline(Duration::from_secs(60)).spawn();
    running.wait_stderr("(1 of ");
    assert_eq!(schemas(db), [format!("pgfeed_bench_{}", running.pid())]);
    running
}

#[test]
fn an_interrupt_leaves_nothing_and_shows_what_there_is() {
    let db = Database::new();
    for scenario in ["notify", "queue"] {
        let running = running(&db, scenario);
        running.signal(Signal::Int);
        let output = running.finish().code(130);
        let report = output.json().remove(0);
        assert_eq!(report["complete"], false, "{output}");
        let row = &report["rows"][0];
        assert!(row["count"].as_u64().unwrap() > 0, "{output}");
        // Nobody has waited for what was on its way.
        assert!(row["lost"].is_null(), "{output}");
        assert_eq!(schemas(&db), [""; 0]);
    }
}

#[test]
fn a_statement_that_does_not_end_is_cancelled() {
    let db = Database::new();
    let running = bench(&db, &["commit", "-c", "1", "-T", "1h"]).spawn();
    running.wait_stderr("(1 of 3)");
    let mut client = db.client();
    client.batch_execute(&format!("BEGIN; LOCK TABLE pgfeed_bench_{}.plain IN SHARE MODE", running.pid())).unwrap();
    let stuck = "SELECT count(*) FROM pg_stat_activity WHERE query ~ '^INSERT' AND wait_event_type = 'Lock' AND datname = current_database()";
    db.wait_for(&format!("SELECT ({stuck}) = 1"));
    running.signal(Signal::Term);
    db.wait_for(&format!("SELECT ({stuck}) = 0"));
    client.batch_execute("ROLLBACK").unwrap();
    running.finish().code(130);
    assert_eq!(schemas(&db), [""; 0]);
}

#[test]
fn what_a_killed_run_has_left_is_told_and_a_live_one_is_not() {
    let db = Database::new();
    let killed = running(&db, "notify");
    let name = format!("pgfeed_bench_{}", killed.pid());
    report(&db, &["notify", "-n", "1"]);
    bench(&db, &["notify", "-n", "1"]).run().ok().lacks("was left");
    killed.kill();
    db.wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()");
    let told = bench(&db, &["notify", "-n", "1"]).run().ok();
    told.stderr_has(&format!(
        "the schema {name} was left by a measurement that was killed: DROP SCHEMA {name} CASCADE"
    ));
    assert_eq!(schemas(&db), [name]);
}

#[test]
fn a_namesake_is_left_alone() {
    let db = Database::new();
    let psql = db.server().program("psql");
    // The shell becomes the program, whose process id it knows.
    let script = "\"$0\" -X -q -d \"$2\" -c \"CREATE SCHEMA pgfeed_bench_$$ CREATE TABLE precious ()\" && exec \"$1\" bench notify -n 1 -d \"$2\"";
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(script).arg(psql).arg(env!("CARGO_BIN_EXE_pgfeed")).arg(db.url());
    let refused = Pgfeed::command(shell).run().code(1).stdout_is("");
    refused.stderr_has("already, which this run has not made").lacks("was left");
    assert_eq!(schemas(&db).len(), 1);
    assert_eq!(db.value("SELECT count(*) FROM pg_class WHERE relname = 'precious'"), "1");
}

#[test]
fn a_server_that_does_not_flush_cannot_be_slowed_and_only_superusers_slow_others() {
    let db = Database::new();
    let words = ["notify", "-n", "1", "--flush-delay", "1ms"];
    bench(&db, &words).run().code(1).stderr_has("--flush-delay has no effect").stderr_has("--throwaway");
    let role = db.role("guest");
    let refused = bench(&db, &words).args(["-d", &db.url_as(&role)]).run();
    assert_ne!(refused.code, 0, "{refused}");
    refused.stderr_has("commit_delay").stderr_has("--flush-delay is for superusers");
    let refused = bench(&db, &["notify", "-n", "1"]).args(["-d", &db.url_as(&role)]).run().code(1);
    refused.stderr_has("it needs CREATE on the database");
    assert_eq!(schemas(&db), [""; 0]);
}

#[test]
fn a_throwaway_server_needs_nothing_and_flushes() {
    let run = Pgfeed::new([
        "bench",
        "commit",
        "-c",
        "1",
        "-n",
        "20",
        "--warmup",
        "0",
        "--throwaway",
        "--flush-delay",
        "2ms",
        "-o",
        "json",
    ]);
    let report = run.env("PGFEED_PG_BIN", server().bin_dir()).run().ok().json().remove(0);
    let told = &report["server"];
    assert_eq!((&told["fsync"], &told["synchronous_commit"]), (&true.into(), &"on".into()));
    assert_eq!(told["flush_delay_us"], 2000.0);
    // The delay stands in front of every flush, so that no commit is faster.
    assert!(told["flush_us"].as_f64().unwrap() > 1500.0, "{told}");
    let rate = report["rows"][0]["rate"]["median"].as_f64().unwrap();
    assert!(rate <= 500.0, "{rate} commits a second, each of which takes 2 ms");
}
