//! Who takes from which slots.

use super::{consume, enqueue, in_order, make_queue, with_queue};
use crate::harness::{Database, Running, Signal, own_server_with, wait_until};

/// How many slots each worker of the database holds, most first.
const SHARES: &str = "SELECT coalesce(string_agg(slots::text, ' ' ORDER BY slots DESC), '') FROM
    (SELECT count(*) AS slots FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 1885824595
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY pid) s";

#[track_caller]
fn wait_for_shares(db: &Database, shares: &str) {
    db.wait_for(&format!("SELECT ({SHARES}) = '{shares}'"));
}

fn worker(db: &Database, jobs: &str) -> Running {
    consume(db, &["-j", jobs]).spawn()
}

#[test]
fn who_joins_gets_a_share_and_who_is_killed_leaves_it() {
    let db = with_queue();
    let _first = worker(&db, "1");
    wait_for_shares(&db, "64");
    let second = worker(&db, "2");
    wait_for_shares(&db, "22 21 21");
    second.kill();
    wait_for_shares(&db, "64");
}

#[test]
fn many_workers_each_have_some() {
    let db = with_queue();
    let _running = worker(&db, "20");
    wait_for_shares(&db, &[vec!["4"; 4], vec!["3"; 16]].concat().join(" "));
}

#[test]
fn several_processes_that_come_and_go_keep_the_order() {
    let db = with_queue();
    let log = tempfile::NamedTempFile::new().unwrap();
    let path = log.path().display().to_string();
    let append = format!("while read -r line; do echo \"$line\"; done >> {path}");
    let args = ["tail-queue", "q", "--exec-mode", "batch", "--batch", "10", "-j", "2", "--", "sh", "-c", &append];
    let _first = db.spawn(args);
    for part in 0..4 {
        let _visitor = db.spawn(args);
        db.sql(&format!(
            "INSERT INTO pgfeed.queue_q (key, payload) SELECT k, k || ' ' || n
             FROM generate_series({}, {}) n, generate_series(1, 20) k ORDER BY n, k",
            part * 10 + 1,
            part * 10 + 10
        ));
        db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    }
    let lines = std::fs::read_to_string(log.path()).unwrap();
    let payloads: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["payload"].as_str().unwrap().to_owned())
        .collect();
    in_order(payloads.iter().map(String::as_str), 20, 40);
}

#[test]
fn in_order_and_unordered_do_not_mix() {
    let db = with_queue();
    for (first, second, told) in [
        (
            &["--unordered"][..],
            &[][..],
            "others consume queue \"q\" with --unordered, so it cannot be consumed in order",
        ),
        (&[], &["--unordered"], "others consume queue \"q\" in order, so it cannot be consumed --unordered"),
    ] {
        let running = consume(&db, &[first, &["-j", "2"]].concat()).spawn();
        db.wait_for(
            "SELECT count(*) = 2 FROM pg_locks WHERE classid IN (1885824589, 1885824597) AND granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        );
        consume(&db, second).run().code(2).stderr_has(told);
        running.signal(crate::harness::Signal::Int);
        running.finish().code(130);
    }
}

#[test]
fn unordered_workers_take_everything_once() {
    let db = with_queue();
    db.sql(&enqueue(1, 500));
    let output = consume(&db, &["--unordered", "-j", "4", "--batch", "3", "-e"]).run().ok();
    let mut lines = output.lines();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((lines.len(), output.lines().len()), (500, 500));
}

#[test]
fn what_a_stopped_worker_holds_goes_to_others_in_time() {
    let db = with_queue();
    let worker =
        |args: &[&str]| db.pgfeed(["tail-queue", "q", "--poll", "100ms"]).args(args).env("PGFEED_HOLD", "2000");
    let idle = worker(&["--consume", "-o", "raw"]).spawn();
    wait_for_shares(&db, "64");
    idle.signal(Signal::Stop);
    db.sql(&enqueue(1, 1));
    // Its slots are held by a session that is silent.
    let busy = worker(&["--", "sh", "-c", "cat; sleep 60"]).spawn();
    assert!(busy.next_line().contains("\"1 1\""));
    busy.signal(Signal::Stop);
    // The batch is held by a session whose transaction is idle.
    worker(&["--consume", "-o", "raw", "-n", "1"]).run().ok().stdout_is("1 1\n");
}

#[test]
fn an_idle_worker_looks_for_slots_and_nothing_else() {
    let server = own_server_with(|builder| builder.setting("log_statement", "all"));
    let db = server.database();
    make_queue(&db, "q");
    let running = consume(&db, &["--poll", "1h"]).spawn();
    wait_for_shares(&db, "64");
    let looks = |log: &str| log.matches("count(*) FILTER (WHERE pid < pg_catalog.pg_backend_pid())").count();
    let before = server.cluster().log_text().len();
    wait_until("it has looked for slots twice", || looks(&server.cluster().log_text()[before..]) > 2);
    let log = server.cluster().log_text();
    let second = before + log[before..].find("count(*) FILTER").unwrap();
    assert!(!log[second..].contains("BEGIN"), "{}", &log[second..]);
    drop(running);
}

#[test]
fn a_worker_whose_sink_is_away_leaves_its_rows_to_others() {
    let db = with_queue();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let words = ["tail-queue", "q", "--to", &format!("http://{nobody}/"), "--poll", "100ms"];
    let lonely = db.pgfeed(words).env("PGFEED_LONG", "500").spawn();
    db.sql(&enqueue(200, 2));
    lonely.wait_stderr("; trying again");
    // While the other one holds half of the slots, half of the rows would wait.
    let output = consume(&db, &["-n", "400", "--poll", "100ms"]).run().ok();
    in_order(output.lines(), 200, 2);
    // It is still one of those who keep the order, and stays although the other one comes for a moment.
    consume(&db, &["--unordered", "-e"]).run().code(2).stderr_has("others consume queue \"q\" in order");
    lonely.signal(Signal::Term);
    lonely.finish().code(130);
}
