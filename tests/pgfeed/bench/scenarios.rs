//! Every scenario from end to end, on small numbers that must add up.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{report, schemas};
use crate::harness::Database;

/// The rows, each as its case, clients, listeners and count.
fn rows(report: &Value) -> Vec<(String, u64, u64, u64)> {
    let number = |row: &Value, name: &str| row[name].as_u64().unwrap();
    let rows = report["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let case = row["case"].as_str().unwrap().to_owned();
        (case, number(row, "clients"), number(row, "listeners"), number(row, "count"))
    })
    .collect()
}

/// Everything that was sent has arrived, once, and in its order.
#[track_caller]
fn assert_all_arrived(row: &Value, expected: u64) {
    assert_eq!(row["received"], expected, "{row}");
    assert_eq!((&row["lost"], &row["duplicated"]), (&0.into(), &0.into()), "{row}");
    // Only what shares a sender or a row has an order.
    assert!(row["reordered"] == 0 || row["reordered"].is_null(), "{row}");
}

#[test]
fn notify_counts_what_each_number_of_senders_sent() {
    let db = Database::new();
    let report = report(&db, &["notify", "-n", "120", "-c", "1,3", "--runs", "2"]);
    let expected = [("NOTIFY".to_owned(), 1, 1, 240), ("NOTIFY".to_owned(), 3, 1, 240)];
    assert_eq!(rows(&report), expected);
    for row in report["rows"].as_array().unwrap() {
        assert_all_arrived(row, 240);
        assert_eq!(row["reordered"], 0);
        assert_eq!(row["runs"], 2);
        assert_eq!(row["latency"]["samples"], 240);
        let bars: u64 = row["histogram"].as_array().unwrap().iter().map(|bar| bar["count"].as_u64().unwrap()).sum();
        assert_eq!(bars, 240);
    }
    // On a busy machine it may tell that delivery lagged behind.
    assert_eq!(report["findings"][0], "all 480 messages arrived: none lost, duplicated or reordered");
    assert_eq!(schemas(&db), [""; 0]);
}

#[test]
fn a_warm_up_does_not_count() {
    let db = Database::new();
    let began = Instant::now();
    let words = ["bench", "notify", "-o", "json", "-R", "200", "-T", "1s", "--warmup", "1s"];
    let report = db.pgfeed(words).run().ok().json().remove(0);
    assert!(began.elapsed() >= Duration::from_secs(2));
    let row = &report["rows"][0];
    let count = row["count"].as_u64().unwrap();
    // Two hundred are due in the second that counts; a busy machine may send fewer.
    assert!((1..=200).contains(&count), "{row}");
    assert_all_arrived(row, count);
    assert_eq!(row["latency"]["samples"], count);
}

#[test]
fn fanout_counts_each_message_at_each_listener() {
    let db = Database::new();
    let report = report(&db, &["fanout", "-n", "50", "--listeners", "1,4"]);
    assert_eq!(rows(&report), [("fan-out".to_owned(), 1, 1, 50), ("fan-out".to_owned(), 1, 4, 50)]);
    assert_all_arrived(&report["rows"][0], 50);
    assert_all_arrived(&report["rows"][1], 200);
}

#[test]
#[cfg(feature = "serve")]
fn serve_counts_each_message_at_each_web_socket_also_while_some_stall() {
    let db = Database::new();
    let report = report(&db, &["serve", "-n", "50", "--listeners", "4"]);
    let case = |name: &str| (name.to_owned(), 1, 4, 50);
    assert_eq!(rows(&report), [case("web sockets"), case("web sockets, 5 more stall")]);
    report["rows"].as_array().unwrap().iter().for_each(|row| assert_all_arrived(row, 200));
}

#[test]
fn trigger_measures_every_kind_for_one_row_and_for_many() {
    let db = Database::new();
    let report = report(&db, &["trigger", "-n", "30"]);
    let cases: Vec<(String, u64)> = rows(&report).into_iter().map(|(case, _, _, count)| (case, count)).collect();
    let expected = [
        "no trigger",
        "NOTIFY by hand, per row",
        "the same, telling as much",
        "live (--channel)",
        "durable (--queue)",
        "many rows, no trigger",
        "many rows, NOTIFY by hand",
        "many rows, telling as much",
        "many rows, live",
        "many rows, durable",
    ];
    assert_eq!(cases, expected.map(|case| (case.to_owned(), 30)));
    assert_eq!((&report["rows"][0]["ratio"], &report["rows"][5]["ratio"]), (&Value::Null, &Value::Null));
    for place in [1, 2, 3, 4, 6, 7, 8, 9] {
        let baseline = if place < 5 { 0 } else { 5 };
        let rate = |place: usize| report["rows"][place]["rate"]["median"].as_f64().unwrap();
        let ratio = report["rows"][place]["ratio"].as_f64().unwrap();
        assert!((ratio - rate(place) / rate(baseline)).abs() < 1e-3 * ratio.max(1.0), "{}", report["rows"][place]);
    }
}

#[test]
fn commit_sweeps_the_writers_and_delivers_every_event() {
    let db = Database::new();
    let report = report(&db, &["commit", "-n", "40", "-c", "1,2"]);
    let expected: Vec<_> = [1, 2]
        .into_iter()
        .flat_map(|clients| {
            let row = |case: &str, listeners| (case.to_owned(), clients, listeners, 40);
            [row("no trigger", 0), row("NOTIFY in the trigger", 0), row("durable, with a consumer", 1)]
        })
        .collect();
    assert_eq!(rows(&report), expected);
    assert_all_arrived(&report["rows"][2], 40);
    assert_all_arrived(&report["rows"][5], 40);
    let words = report["findings"][0].as_str().unwrap();
    assert!(words.starts_with("with 2 writers, the durable trigger lets "), "{words}");
}

#[test]
fn queue_delivers_what_was_written_and_drains_a_backlog() {
    let db = Database::new();
    let report = report(&db, &["queue", "-n", "300", "-c", "2", "--listeners", "1,2"]);
    let row = |case: &str, clients, listeners| (case.to_owned(), clients, listeners, 300);
    let (write, drain) = ("write to delivery", "drain of a backlog");
    assert_eq!(rows(&report), [row(write, 2, 1), row(write, 2, 2), row(drain, 1, 1), row(drain, 1, 2)]);
    report["rows"].as_array().unwrap().iter().for_each(|row| assert_all_arrived(row, 300));
    assert_eq!((&report["rows"][0]["reordered"], &report["rows"][1]["reordered"]), (&0.into(), &0.into()));
}

#[test]
fn sync_stands_beside_what_was_published() {
    let db = Database::new();
    let report = report(&db, &["sync", "-n", "10"]);
    let rows = rows(&report);
    let lines = ["no trigger", "queue trigger", "into a table"];
    let cases: Vec<String> = rows.iter().map(|(case, ..)| case.clone()).collect();
    assert_eq!(cases[..3], lines);
    assert_eq!(cases[3..], lines.map(|line| format!("{line}, indexed")));
    assert!(rows.iter().all(|(.., count)| *count == 10), "{report}");
    let published: Vec<&Value> = report["rows"].as_array().unwrap().iter().map(|row| &row["published"]).collect();
    assert_eq!(published, [&json!(903.0), &json!(812.0), &json!(186.0), &Value::Null, &Value::Null, &Value::Null]);
    // An insert, an update and a delete of each row.
    assert_all_arrived(&report["rows"][2], 30);
    assert_all_arrived(&report["rows"][5], 30);
}

#[test]
fn all_runs_one_after_the_other() {
    let db = Database::new();
    let words = ["all", "-n", "5", "-c", "1", "-q"];
    let reports = super::bench(&db, &words).run().ok().stderr_is("").json();
    let names: Vec<&str> = reports.iter().map(|report| report["scenario"].as_str().unwrap()).collect();
    let listed = db.pgfeed(["bench", "list"]).run().ok();
    let expected: Vec<&str> = listed.lines().iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, expected);
    let help = db.pgfeed(["bench", "--help"]).run().ok().stdout;
    assert!(expected.iter().all(|name| help.contains(&format!("\n  {name:<9} "))), "{help}");
    assert_eq!(schemas(&db), [""; 0]);
}
