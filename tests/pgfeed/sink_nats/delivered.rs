//! What arrives, and under which subject.

use serde_json::Value;

use crate::harness::broker::nats::Nats;
use crate::harness::broker::{all_arrived, database, deliver, event_of, follow, held};
use crate::harness::proxy::Proxy;
use crate::harness::{Database, Signal, wait_until};

/// Makes the stream `S` of everything below `shop`.
const SHOP: &str = "stream=S&create=shop.>";

#[test]
fn what_was_committed_is_stored_once_and_in_order() {
    let db = database();
    db.sql("INSERT INTO t SELECT n FROM generate_series(1, 600) n; UPDATE t SET v = 'x' WHERE id <= 10");
    db.sql("BEGIN; INSERT INTO t VALUES (2000); ROLLBACK");
    let nats = Nats::start();
    let url = nats.url(&format!("{SHOP}&subject=shop.{{table}}.{{op}}"));
    deliver(&db, &url).run().ok().stdout_is("").stderr_is("");
    let stored = nats.stored("S");
    assert_eq!(all_arrived(stored.iter().map(|message| message.body.as_str()), 610), 0);
    for message in &stored {
        let event: Value = serde_json::from_str(&message.body).unwrap();
        assert_eq!(message.subject, format!("shop.t.{}", event["payload"]["op"].as_str().unwrap()));
        assert_eq!(event_of(message.id.as_ref().unwrap()), format!("q:{}", event["id"]));
    }
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn values_cannot_be_more_than_a_part_of_a_subject() {
    let db = database();
    let values = ["a.b", "*", ">", "a b", "x\r\nPUB evil 1\r\nx\r\n", "$JS", "é%", ""];
    for (id, value) in values.iter().enumerate() {
        db.client().execute("INSERT INTO t VALUES ($1, $2)", &[&(id as i32), value]).unwrap();
    }
    let nats = Nats::start();
    let url = nats.url(&format!("{SHOP}&subject=shop.{{new.v}}"));
    let output = deliver(&db, &url).args(["--on-error", "dead"]).run().ok();
    output.stderr_has("event 8 of queue q was refused, attempt 1: the subject \"shop.\" has an empty part");
    let subjects: Vec<String> = nats.stored("S").into_iter().map(|message| message.subject).collect();
    let expected = ["a%2Eb", "%2A", "%3E", "a%20b", "x%0D%0APUB%20evil%201%0D%0Ax%0D%0A", "%24JS", "%C3%A9%25"];
    assert_eq!(subjects, expected.map(|value| format!("shop.{value}")));
    assert_eq!(held(&db), "0 0 1");
}

#[test]
fn what_the_stream_never_takes_is_dead_after_its_attempts_and_holds_up_nobody() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1, 'shop'), (2, 'other'), (3, repeat('x', 3000)), (4, 'shop')");
    let nats = Nats::configured("max_payload: 2000");
    let url = nats.url("stream=S&create=shop&subject={new.v}");
    db.sql("UPDATE t SET v = 'shop' WHERE id = 2");
    let output = deliver(&db, &url).args(["--max-attempts", "2"]).run().ok();
    output.stderr_has("attempt 2: the stream \"S\" does not take the subject \"other\"");
    db.sql("UPDATE t SET v = repeat('y', 3000) || 'shop' WHERE id = 1");
    let url = nats.url("stream=S&subject=shop");
    let output = deliver(&db, &url).args(["--max-attempts", "2"]).run().ok();
    output.stderr_has("bytes long, and the server takes 2000");
    let stored = nats.stored("S");
    let ids: Vec<&str> = stored.iter().filter_map(|message| message.id.as_deref()).map(event_of).collect();
    assert_eq!(ids, ["q:1", "q:4", "q:5"]);
    assert_eq!(held(&db), "0 0 3");
}

#[test]
fn the_longest_message_that_fits_is_delivered_and_a_longer_one_refused() {
    let nats = Nats::configured("max_payload: 2000");
    for (length, dead) in [(2000 - HEADERS.len(), "0 0 0"), (2001 - HEADERS.len(), "0 0 1")] {
        let db = Database::new();
        db.pgfeed(["notify", "--queue", "q", "--create", "-"]).stdin("x".repeat(length)).run().ok();
        let url = nats.url("stream=S&create=s&subject=s&body=payload");
        deliver(&db, &url).args(["--on-error", "dead"]).run().ok();
        assert_eq!(held(&db), dead, "{length}");
    }
    assert_eq!(nats.count("S"), 1);
}

#[test]
fn what_is_too_long_for_the_stream_dies_and_its_neighbours_arrive() {
    let db = database();
    let nats = Nats::start();
    let config = async_nats::jetstream::stream::Config {
        name: "S".into(),
        subjects: vec!["s".into()],
        max_message_size: 1000,
        ..Default::default()
    };
    nats.make_stream(config);
    db.sql("INSERT INTO t SELECT n, repeat('x', CASE n % 4 WHEN 0 THEN 2000 ELSE 1 END) FROM generate_series(1, 40) n");
    let output = deliver(&db, &nats.url("stream=S&subject=s")).args(["--max-attempts", "2"]).run().ok();
    output.stderr_has("attempt 2: ").stderr_has("message size exceeds maximum allowed");
    assert_eq!((held(&db).as_str(), nats.count("S")), ("0 0 10", 30));
}

#[test]
fn pings_are_answered_while_nothing_happens() {
    let db = database();
    // It gives up on a client that answers none of two.
    let nats = Nats::configured("ping_interval: \"500ms\"\nping_max: 1");
    let proxy = Proxy::in_front_of_port(nats.port());
    let url = format!("nats://127.0.0.1:{}?stream=S&create=s&subject=s", proxy.port());
    let following = follow(&db, &url).spawn();
    db.sql("INSERT INTO t VALUES (1)");
    wait_until("it is delivered", || held(&db) == "0 0 0");
    std::thread::sleep(std::time::Duration::from_secs(4));
    db.sql("INSERT INTO t VALUES (2)");
    wait_until("it is delivered", || held(&db) == "0 0 0");
    assert_eq!((proxy.accepted(), proxy.connections()), (1, 1), "{}", following.stderr());
    following.signal(Signal::Term);
    following.finish().code(130).stderr_is("");
}

/// What pgfeed sends in front of a body, which counts too.
const HEADERS: &str = "NATS/1.0\r\nNats-Msg-Id: q:1:1764000000123456\r\nNats-Expected-Stream: S\r\n\r\n";

#[test]
fn core_nats_is_for_who_needs_no_acknowledgement() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    let nats = Nats::start();
    let url = nats.url("mode=core&subject=row.{key}&body=payload");
    deliver(&db, &url).run().code(2).stderr_has("core NATS acknowledges nothing").stderr_has("--at-most-once");
    assert_eq!(held(&db), "2 0 0");
    let heard = nats.heard("row.*", 2, || drop(deliver(&db, &url).args(["--at-most-once"]).run().ok()));
    let subjects: Vec<&str> = heard.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["row.1", "row.2"]);
    assert!(heard[0].1.starts_with(r#"{"op":"INSERT""#), "{heard:?}");
}

#[test]
fn notifications_go_to_either() {
    let db = Database::new();
    let nats = Nats::start();
    let listen = |parameters: &str, count: &str| {
        let listening = db.pgfeed(["listen", "ch", "-n", count, "--to", &nats.url(parameters)]).spawn();
        listening.wait_stderr("listening on ch");
        (0..3).for_each(|n| db.sql(&format!("SELECT pg_notify('ch', 'note {n}')")));
        listening.finish().ok();
    };
    listen("stream=S&create=ch&body=payload", "3");
    let stored = nats.stored("S");
    assert!(stored.iter().all(|message| message.id.is_none() && message.subject == "ch"), "{stored:?}");
    assert_eq!(stored.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["note 0", "note 1", "note 2"]);
    let heard = nats.heard("ch", 3, || listen("mode=core", "3"));
    assert!(heard.iter().all(|(_, body)| body.starts_with(r#"{"type":"notification","channel":"ch""#)), "{heard:?}");
}

#[test]
fn a_death_at_any_point_loses_and_repeats_nothing_that_the_stream_can_know() {
    let db = database();
    let nats = Nats::start();
    let url = nats.url("stream=S&create=s&subject=s");
    let mut last = 0;
    for point in ["before_flush:1", "after_flush:1", "before_commit:2", "after_commit:1"] {
        db.sql(&format!("INSERT INTO t SELECT generate_series({}, {})", last + 1, last + 10));
        last += 10;
        deliver(&db, &url).args(["--batch", "4"]).env("PGFEED_FAIL", point).run().code(128 + 6);
    }
    deliver(&db, &url).run().ok();
    let stored = nats.stored("S");
    assert_eq!(all_arrived(stored.iter().map(|message| message.body.as_str()), last), 0);
}

#[test]
fn ids_that_start_over_are_no_repetitions() {
    let nats = Nats::start();
    let url = nats.url("stream=S&create=s&subject=s");
    let db = database();
    db.sql("INSERT INTO t SELECT generate_series(1, 5)");
    deliver(&db, &url).run().ok();
    // The queue is made anew, and another database has one of its name: the id alone would be the same three times.
    db.pgfeed(["uninstall-trigger", "--queue", "q", "--purge"]).run().ok();
    db.pgfeed(["install-trigger", "t", "--queue", "q"]).run().ok();
    db.sql("INSERT INTO t SELECT generate_series(6, 10)");
    deliver(&db, &url).run().ok();
    let other = database();
    other.sql("INSERT INTO t SELECT generate_series(11, 15)");
    deliver(&other, &url).run().ok();
    let stored = nats.stored("S");
    let rows = stored
        .iter()
        .map(|message| serde_json::from_str::<Value>(&message.body).unwrap()["payload"]["key"]["id"].clone());
    assert_eq!(rows.collect::<Vec<_>>(), (1..=15).map(Value::from).collect::<Vec<_>>());
    let events: Vec<&str> = stored.iter().map(|message| event_of(message.id.as_ref().unwrap())).collect();
    assert_eq!(events, ["q:1", "q:2", "q:3", "q:4", "q:5"].repeat(3));
}

#[test]
fn an_event_that_was_dead_keeps_its_id() {
    let nats = Nats::start();
    let db = database();
    db.sql("INSERT INTO t VALUES (1, 'elsewhere')");
    // Stored, and repeated after a death before the commit and a time among the dead: the stream knows it.
    let url = nats.url("stream=S&create=s&subject=s");
    deliver(&db, &url).env("PGFEED_FAIL", "before_commit:1").run().code(128 + 6);
    deliver(&db, &nats.url("subject=s.{new.nix}")).args(["--max-attempts", "1"]).run().ok();
    assert_eq!((held(&db).as_str(), nats.count("S")), ("0 0 1", 1));
    db.pgfeed(["tail-queue", "q", "--dead", "--requeue"]).run().ok();
    deliver(&db, &url).run().ok();
    assert_eq!((held(&db).as_str(), nats.count("S")), ("0 0 0", 1));
}
