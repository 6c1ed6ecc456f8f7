//! What arrives, and where.

use redis::ControlFlow;
use redis::PubSubCommands as _;

use crate::harness::Database;
use crate::harness::broker::redis::Redis;
use crate::harness::broker::{all_arrived, database, deliver, event_of, held};

#[test]
fn what_was_committed_is_added_in_order() {
    let db = database();
    db.sql("INSERT INTO t SELECT n FROM generate_series(1, 1200) n; UPDATE t SET v = 'x' WHERE id <= 10");
    db.sql("BEGIN; INSERT INTO t VALUES (2000); ROLLBACK");
    let redis = Redis::start();
    deliver(&db, &redis.url("")).args(["--batch", "700"]).run().ok().stdout_is("").stderr_is("");
    let entries = redis.entries("q");
    assert_eq!(all_arrived(entries.iter().map(|entry| entry.body.as_str()), 1210), 0);
    for entry in entries {
        let event: serde_json::Value = serde_json::from_str(&entry.body).unwrap();
        assert_eq!(event_of(entry.id.as_ref().unwrap()), format!("q:{}", event["id"]));
    }
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn values_are_no_more_than_a_name_and_a_wrong_key_is_their_fault_alone() {
    let db = database();
    let values = ["a b", "x\r\nFLUSHALL\r\n", "taken", "", "z"];
    for (id, value) in values.iter().enumerate() {
        db.client().execute("INSERT INTO t VALUES ($1, $2)", &[&(id as i32), value]).unwrap();
    }
    let redis = Redis::start();
    redis.ask::<()>("SET taken 1");
    let output = deliver(&db, &redis.url("stream={new.v}&body=payload")).args(["--max-attempts", "2"]).run().ok();
    output
        .stderr_has("event 3 of queue q was refused, attempt 2: stream \"taken\": WRONGTYPE Operation against a key")
        .stderr_has("event 4 of queue q was refused, attempt 2: the name would be empty");
    let mut keys: Vec<String> = redis.ask("KEYS *");
    keys.sort_unstable();
    assert_eq!(keys, ["a b", "taken", "x\r\nFLUSHALL\r\n", "z"]);
    assert_eq!(held(&db), "0 0 2");
}

#[test]
fn a_stream_is_trimmed_on_request() {
    let db = database();
    db.sql("INSERT INTO t SELECT generate_series(1, 1000)");
    let redis = Redis::start();
    redis.ask::<()>("CONFIG SET stream-node-max-entries 10");
    deliver(&db, &redis.url("stream=trimmed&maxlen=100")).run().ok();
    let left: usize = redis.ask("XLEN trimmed");
    assert!((100..=110).contains(&left), "{left}");
}

#[test]
fn what_is_too_long_for_the_server_is_refused_and_the_rest_delivered() {
    let redis = Redis::configured(&["--proto-max-bulk-len", "1mb"]);
    let db = Database::new();
    db.pgfeed(["notify", "--queue", "q", "--create", "short"]).run().ok();
    for length in [1 << 20, (1 << 20) + 1] {
        db.pgfeed(["notify", "--queue", "q", "-"]).stdin("x".repeat(length)).run().ok();
    }
    let output = deliver(&db, &redis.url("body=payload")).args(["--on-error", "dead"]).run().ok();
    output.stderr_has("it is 1048577 bytes long, and the server takes 1048576");
    assert_eq!(redis.entries("q").len(), 2);
    assert_eq!(held(&db), "0 0 1");
}

#[test]
fn a_channel_is_for_who_needs_no_acknowledgement() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    let redis = Redis::start();
    let url = redis.url("channel=row:{key}&body=payload");
    deliver(&db, &url).run().code(2).stderr_has("a channel acknowledges nothing").stderr_has("--at-most-once");
    assert_eq!(held(&db), "2 0 0");
    let mut client = redis.client();
    let mut heard = Vec::new();
    // The server counts a listener once it has answered.
    let delivering = std::thread::scope(|scope| {
        let delivering = scope.spawn(|| {
            crate::harness::wait_until("somebody listens", || redis.ask::<usize>("PUBSUB NUMPAT") == 1);
            deliver(&db, &url).args(["--at-most-once"]).run().ok()
        });
        let listening = client.psubscribe("row:*", |message| {
            heard.push((message.get_channel_name().to_owned(), message.get_payload::<String>().unwrap()));
            if heard.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue }
        });
        listening.unwrap();
        delivering.join().unwrap()
    });
    delivering.stderr_is("");
    assert_eq!((heard[0].0.as_str(), heard[1].0.as_str()), ("row:1", "row:2"));
    assert!(heard[0].1.starts_with(r#"{"op":"INSERT""#), "{heard:?}");
}

#[test]
fn notifications_are_added_without_an_id() {
    let db = Database::new();
    let redis = Redis::start();
    let listening = db.pgfeed(["listen", "ch", "-n", "3", "--to", &redis.url("body=payload")]).spawn();
    listening.wait_stderr("listening on ch");
    (0..3).for_each(|n| db.sql(&format!("SELECT pg_notify('ch', 'note {n}')")));
    listening.finish().ok();
    let entries = redis.entries("ch");
    assert!(entries.iter().all(|entry| entry.id.is_none()));
    assert_eq!(entries.iter().map(|entry| entry.body.as_str()).collect::<Vec<_>>(), ["note 0", "note 1", "note 2"]);
}

#[test]
fn a_death_repeats_at_most_the_batch_in_flight_under_the_same_ids() {
    let db = database();
    let redis = Redis::start();
    let url = redis.url("stream=s");
    let mut last = 0;
    for (point, repeated) in
        [("before_flush:1", 0), ("after_flush:1", 4), ("before_commit:2", 8), ("after_commit:1", 8)]
    {
        db.sql(&format!("INSERT INTO t SELECT generate_series({}, {})", last + 1, last + 10));
        last += 10;
        deliver(&db, &url).args(["--batch", "4"]).env("PGFEED_FAIL", point).run().code(128 + 6);
        deliver(&db, &url).run().ok();
        let entries = redis.entries("s");
        assert_eq!(all_arrived(entries.iter().map(|entry| entry.body.as_str()), last), repeated, "{point}");
    }
}
