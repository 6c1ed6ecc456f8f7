//! Servers that are down, killed, frozen, full, or read-only: nothing is lost, nothing dies, and all goes on by itself.

use crate::harness::broker::redis::{Redis, ask};
use crate::harness::broker::{all_arrived, database, follow, held};
use crate::harness::{Signal, wait_until};

/// Batches that may be repeated: one for each time that the server has gone.
const BATCH: usize = 50;

#[test]
fn a_server_that_is_killed_again_and_again_gets_everything() {
    let db = database();
    db.sql("INSERT INTO t SELECT generate_series(1, 2000)");
    let mut redis = Redis::start();
    let url = redis.url("stream=s");
    redis.process().kill();
    let following = follow(&db, &url).args(["--batch", &BATCH.to_string(), "--max-attempts", "1"]).spawn();
    following.wait_stderr(&format!("redis://127.0.0.1:{}: Connection refused", redis.process().port()));
    following.wait_stderr("; trying again");
    for _ in 0..2 {
        redis.again();
        let before = held(&db);
        wait_until("something is delivered", || held(&db) != before);
        redis.process().kill();
        following.wait_stderr("; trying again");
    }
    redis.again();
    following.wait_stderr("delivering again");
    wait_until("all is delivered", || held(&db) == "0 0 0");
    following.signal(Signal::Term);
    following.finish().code(130);
    let entries = redis.entries("s");
    let repeated = all_arrived(entries.iter().map(|entry| entry.body.as_str()), 2000);
    assert!(repeated <= 2 * BATCH, "{repeated}");
}

#[test]
fn a_frozen_server_is_no_hang() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let mut redis = Redis::start();
    let following = follow(&db, &redis.url("stream=s&timeout=300ms")).spawn();
    wait_until("one is delivered", || held(&db) == "0 0 0");
    redis.process().signal(Signal::Stop);
    db.sql("INSERT INTO t SELECT generate_series(2, 100)");
    following.wait_stderr("it has not answered within 300ms; trying again");
    redis.process().signal(Signal::Cont);
    wait_until("all is delivered", || held(&db) == "0 0 0");
    following.signal(Signal::Term);
    following.finish().code(130);
    let entries = redis.entries("s");
    all_arrived(entries.iter().map(|entry| entry.body.as_str()), 100);
}

#[test]
fn a_full_server_takes_nothing_out_of_order_and_the_rest_once_there_is_room() {
    let db = database();
    db.sql("INSERT INTO t SELECT n, repeat('x', 1000) FROM generate_series(1, 20) n; UPDATE t SET v = v || 'y'");
    let redis = Redis::start();
    redis.ask::<()>("CONFIG SET maxmemory 1");
    let following = follow(&db, &redis.url("stream=s")).args(["--max-attempts", "1"]).spawn();
    following.wait_stderr("OOM command not allowed when used memory > 'maxmemory'.; trying again");
    assert_eq!(redis.ask::<usize>("XLEN s"), 0);
    redis.ask::<()>("CONFIG SET maxmemory 0");
    following.wait_stderr("delivering again");
    wait_until("all is delivered", || held(&db) == "0 0 0");
    let entries = redis.entries("s");
    assert_eq!(all_arrived(entries.iter().map(|entry| entry.body.as_str()), 40), 0);
}

#[test]
fn a_replica_and_a_key_of_another_kind_are_waited_for() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let redis = Redis::start();
    // Of a server that is not there.
    redis.ask::<()>("REPLICAOF 127.0.0.1 1");
    let following = follow(&db, &redis.url("stream=s")).args(["--max-attempts", "1"]).spawn();
    following.wait_stderr("READONLY You can't write against a read only replica.; trying again");
    redis.ask::<()>("REPLICAOF NO ONE");
    wait_until("it is delivered", || held(&db) == "0 0 0");
    redis.ask::<()>("DEL s");
    redis.ask::<()>("SET s 1");
    db.sql("INSERT INTO t VALUES (2)");
    following
        .wait_stderr(": stream \"s\": WRONGTYPE Operation against a key holding the wrong kind of value; trying again");
    redis.ask::<()>("DEL s");
    wait_until("it is delivered", || held(&db) == "0 0 0");
}

#[test]
fn a_connection_that_was_closed_while_it_rested_is_no_outage() {
    let db = database();
    let redis = Redis::start();
    let following = follow(&db, &redis.url("stream=s")).spawn();
    db.sql("INSERT INTO t VALUES (1)");
    wait_until("it is delivered", || held(&db) == "0 0 0");
    redis.ask::<()>("CLIENT KILL TYPE normal SKIPME yes");
    // It is looked at once it has rested for a second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    db.sql("INSERT INTO t VALUES (2)");
    wait_until("it is delivered", || held(&db) == "0 0 0");
    assert_eq!(following.stderr(), "");
    assert_eq!(redis.entries("s").len(), 2);
}

#[test]
fn a_server_without_room_for_another_client_is_waited_for_from_the_start() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let redis = Redis::configured(&["--maxclients", "1"]);
    let only = redis.client();
    let following = follow(&db, &redis.url("stream=s")).args(["--max-attempts", "1"]).spawn();
    following.wait_stderr("; trying again");
    drop(only);
    wait_until("it is delivered", || held(&db) == "0 0 0");
}

#[test]
fn a_server_that_is_busy_is_waited_for_from_the_start() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let redis = Redis::configured(&["--lua-time-limit", "1"]);
    let (mut script, mut other) = (redis.client(), redis.client());
    let endless = redis::cmd("EVAL").arg("while true do end").arg(0).to_owned();
    // It ends with an error, or with the server.
    std::thread::spawn(move || drop(endless.query::<()>(&mut script)));
    let busy = |error: redis::RedisError| error.code() == Some("BUSY");
    wait_until("it is busy", || redis::cmd("GET").arg("x").query::<Option<String>>(&mut other).is_err_and(busy));
    let following = follow(&db, &redis.url("stream=s").replacen('?', "/1?", 1)).args(["--max-attempts", "1"]).spawn();
    following.wait_stderr("BUSY Redis is busy running a script.");
    ask::<()>(&mut other, "SCRIPT KILL");
    wait_until("it is delivered", || held(&db) == "0 0 0");
}
