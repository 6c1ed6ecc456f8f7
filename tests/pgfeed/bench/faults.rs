//! What is injected must show: a delay in the figures, a loss in the counts.

use std::time::Duration;

use super::bench;
use crate::harness::proxy::Mode;
use crate::harness::{Database, Signal};

/// Sender to server, and server to listener: together 50 ms.
const EACH_WAY: Duration = Duration::from_millis(25);

#[test]
fn an_injected_delay_of_50_ms_shows_as_50_ms() {
    let db = Database::new();
    let proxy = db.proxy();
    let measure = || {
        let words = ["notify", "-n", "20", "-d", &proxy.url(db.name())];
        let report = bench(&db, &words).run().ok().json().remove(0);
        assert_eq!(report["server"]["transport"], "TCP");
        ["min", "p50"].map(|name| report["rows"][0]["latency"][name].as_f64().unwrap() / 1000.0)
    };
    let [without, _] = measure();
    proxy.set(Mode::Delay(EACH_WAY));
    // A busy machine adds to the delay, and never takes from it: of several tries one has to be good.
    let mut tries = Vec::new();
    for _ in 0..5 {
        let [shortest, median] = measure();
        assert!(shortest >= 50.0 && median >= 50.0, "shorter than the delay: {shortest} ms, median {median} ms");
        if shortest - without <= 55.0 {
            return;
        }
        tries.push(shortest);
    }
    panic!("longer than the delay: {tries:?} ms, and {without} ms without it");
}

#[test]
fn an_injected_loss_is_counted() {
    let db = Database::new();
    let running = bench(&db, &["notify", "-n", "900", "-R", "300", "--fail-if", "lost>0"]).spawn();
    // As soon as it sends, so that enough is left to be lost while the listener is away.
    db.wait_for(&sessions("query ~ '^SELECT pg_catalog.pg_notify'", "count(*) > 0"));
    db.wait_for(&sessions("query ~ '^LISTEN'", "bool_and(pg_terminate_backend(pid)) AND count(*) = 1"));
    let output = running.finish().code(4);
    let report = output.json().remove(0);
    let [count, received, lost] = ["count", "received", "lost"].map(|name| report["rows"][0][name].as_u64().unwrap());
    assert_eq!((count, received + lost), (900, 900), "{output}");
    assert!(lost > 0, "{output}");
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.contains(&"listeners lost their connection 1 times".into()), "{output}");
    output.stderr_has("pgfeed: error: lost>0 holds for notify, NOTIFY");
}

#[test]
fn a_queue_loses_nothing_when_its_consumer_is_cut_off() {
    let db = Database::new();
    let running = bench(&db, &["queue", "-n", "600", "-R", "300"]).spawn();
    db.wait_for(&sessions("query ~ '^UPDATE'", "count(*) > 0"));
    // All but the writer and the session that owns the schema: the worker, and the one that waits for it.
    let owner = "pid IN (SELECT pid FROM pg_locks WHERE classid = 1885824578)";
    let consumer = format!("query !~ '^UPDATE' AND NOT {owner}");
    db.wait_for(&sessions(&consumer, "count(*) >= 2"));
    db.sql(&sessions(&consumer, "bool_and(pg_terminate_backend(pid))"));
    let output = running.finish().ok();
    let report = output.json().remove(0);
    assert_eq!((&report["rows"][0]["received"], &report["rows"][0]["lost"]), (&600.into(), &0.into()), "{output}");
}

#[test]
fn a_stall_shows_in_all_that_was_due_meanwhile() {
    let db = Database::new();
    let running = bench(&db, &["commit", "-c", "1", "-R", "100", "-T", "1h"]).spawn();
    running.wait_stderr("(1 of 3)");
    let table = format!("pgfeed_bench_{}.plain", running.pid());
    let mut client = db.client();
    client.batch_execute(&format!("BEGIN; LOCK TABLE {table} IN SHARE MODE")).unwrap();
    db.wait_for(&sessions("query ~ '^INSERT' AND wait_event_type = 'Lock'", "count(*) = 1"));
    let before: u64 = db.value(&format!("SELECT count(*) FROM {table}")).parse().unwrap();
    // The stall itself.
    std::thread::sleep(Duration::from_secs(1));
    client.batch_execute("ROLLBACK").unwrap();
    db.wait_for(&format!("SELECT count(*) >= {} FROM {table}", before + 100));
    running.signal(Signal::Int);
    let report = running.finish().code(130).json().remove(0);
    let latency = &report["rows"][0]["latency"];
    let millis = |name: &str| latency[name].as_f64().unwrap() / 1000.0;
    // Measured from when each was sent, one transaction alone would have been late.
    assert!(millis("max") >= 1000.0 && millis("p90") >= 300.0, "{latency}");
}

/// Asks something of the measurement's sessions.
fn sessions(which: &str, what: &str) -> String {
    format!(
        "SELECT coalesce({what}, false) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'pgfeed bench' AND {which}"
    )
}
