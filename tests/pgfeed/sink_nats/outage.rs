//! Servers that are down, killed, frozen, full, or without the stream: nothing is lost, nothing dies, and all goes on by itself.

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, DiscardPolicy};

use crate::harness::broker::nats::Nats;
use crate::harness::broker::{all_arrived, database, deliver, follow, held};
use crate::harness::{Signal, wait_until};

#[test]
fn a_server_that_is_killed_again_and_again_gets_everything() {
    let db = database();
    db.sql("INSERT INTO t SELECT generate_series(1, 3000)");
    let mut nats = Nats::start();
    let url = nats.url("stream=S&create=s&subject=s&timeout=5s");
    nats.process().kill();
    let following = follow(&db, &url).args(["--batch", "50", "--max-attempts", "1"]).spawn();
    following.wait_stderr(&format!("nats://127.0.0.1:{}: ", nats.process().port()));
    following.wait_stderr("; trying again");
    for _ in 0..2 {
        nats.again();
        let before = held(&db);
        wait_until("something is delivered", || held(&db) != before);
        nats.process().kill();
        following.wait_stderr("; trying again");
    }
    nats.again();
    following.wait_stderr("delivering again");
    wait_until("all is delivered", || held(&db) == "0 0 0");
    following.signal(Signal::Term);
    following.finish().code(130);
    let stored = nats.stored("S");
    all_arrived(stored.iter().map(|message| message.body.as_str()), 3000);
}

#[test]
fn a_frozen_server_is_no_hang() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let mut nats = Nats::start();
    let url = nats.url("stream=S&create=s&subject=s&timeout=300ms");
    let following = follow(&db, &url).spawn();
    wait_until("one is delivered", || held(&db) == "0 0 0");
    nats.process().signal(Signal::Stop);
    db.sql("INSERT INTO t SELECT generate_series(2, 100)");
    following.wait_stderr("it has not answered within 300ms; trying again");
    nats.process().signal(Signal::Cont);
    wait_until("all is delivered", || held(&db) == "0 0 0");
    following.signal(Signal::Term);
    following.finish().code(130);
    let stored = nats.stored("S");
    assert_eq!(all_arrived(stored.iter().map(|message| message.body.as_str()), 100), 0);
}

#[test]
fn a_stop_does_not_wait_for_a_frozen_server() {
    let db = database();
    let mut nats = Nats::start();
    nats.process().signal(Signal::Stop);
    db.sql("INSERT INTO t VALUES (1)");
    let dir = tempfile::tempdir().unwrap();
    let ready = dir.path().join("ready");
    let following = follow(&db, &nats.url("subject=s")).args(["--ready-file".as_ref(), ready.as_os_str()]).spawn();
    wait_until("it minds signals", || ready.exists());
    db.wait_for("SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'");
    following.signal(Signal::Term);
    following.finish().code(130);
    nats.process().signal(Signal::Cont);
    assert_eq!(held(&db), "1 0 0");
}

#[test]
fn what_finds_no_stream_waits_for_one() {
    let db = database();
    db.sql("INSERT INTO t SELECT generate_series(1, 10)");
    let nats = Nats::start();
    let any = follow(&db, &nats.url("subject=s")).spawn();
    any.wait_stderr("no stream takes the subject \"s\" (stream=NAME&create=SUBJECTS makes one); trying again");
    drop(any);
    let named = follow(&db, &nats.url("subject=s&stream=S")).args(["--max-attempts", "1"]).spawn();
    named.wait_stderr("there is no stream \"S\" (create=SUBJECTS makes it); trying again");
    nats.make_stream(Config { name: "S".into(), subjects: vec!["other".into()], ..Default::default() });
    let other = follow(&db, &nats.url("subject=s&stream=S")).args(["--max-attempts", "1"]).spawn();
    other.wait_stderr("the stream \"S\" does not take the subject \"s\" (add it to the stream's); trying again");
    drop(other);
    nats.with(async |client| {
        let config = Config { name: "S".into(), subjects: vec!["s".into()], ..Default::default() };
        jetstream::new(client).update_stream(config).await.unwrap();
    });
    wait_until("all is delivered", || held(&db) == "0 0 0");
    drop(named);
    assert_eq!(nats.count("S"), 10);
}

#[test]
fn a_subject_that_the_stream_takes_is_no_fault_of_its_event() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1, 'a')");
    // As while a stream has no leader: it has this subject, and nobody answers.
    let mut nats = Nats::configured("mappings = { \"shop.a\": \"away.a\" }");
    nats.make_stream(Config { name: "S".into(), subjects: vec!["shop.*".into()], ..Default::default() });
    let url = nats.url("stream=S&subject=shop.{new.v}");
    let following = follow(&db, &url).args(["--max-attempts", "1"]).spawn();
    following.wait_stderr("the stream \"S\" did not take the subject \"shop.a\"; trying again");
    wait_until("it waits", || held(&db) == "0 1 0");
    nats.configure("");
    nats.process().signal(Signal::Hup);
    wait_until("it is delivered", || held(&db) == "0 0 0");
    drop(following);
    assert_eq!(nats.count("S"), 1);
}

#[test]
fn a_server_without_jetstream_is_told() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let nats = Nats::configured("jetstream: disabled");
    let following = follow(&db, &nats.url("subject=s&stream=S")).spawn();
    following.wait_stderr("looking for the stream \"S\": ");
    following.wait_stderr("; trying again");
}

#[test]
fn a_full_stream_gets_the_rest_once_there_is_room() {
    let db = database();
    db.sql("INSERT INTO t SELECT generate_series(1, 25)");
    let nats = Nats::start();
    let config = Config {
        name: "S".into(),
        subjects: vec!["s".into()],
        max_messages: 10,
        discard: DiscardPolicy::New,
        ..Default::default()
    };
    nats.make_stream(config);
    let following = follow(&db, &nats.url("subject=s&stream=S")).args(["--max-attempts", "1"]).spawn();
    let mut bodies = Vec::new();
    for stored in [10, 10, 5] {
        wait_until("the stream holds what it can", || nats.count("S") == stored);
        if bodies.is_empty() {
            following.wait_stderr("maximum messages exceeded");
            following.wait_stderr("; trying again");
        }
        bodies.extend(nats.stored("S").into_iter().map(|message| message.body));
        nats.with(async |client| {
            jetstream::new(client).get_stream("S").await.unwrap().purge().await.unwrap();
        });
    }
    wait_until("all is delivered", || held(&db) == "0 0 0");
    assert_eq!(all_arrived(bodies.iter().map(String::as_str), 25), 0);
}

#[test]
fn a_connection_that_was_closed_while_it_rested_is_no_outage() {
    let db = database();
    let mut nats = Nats::start();
    let following = follow(&db, &nats.url("stream=S&create=s&subject=s")).spawn();
    for id in 1..=3 {
        db.sql(&format!("INSERT INTO t VALUES ({id})"));
        wait_until("it is delivered", || held(&db) == "0 0 0");
        nats.process().kill();
        nats.again();
    }
    deliver(&db, &nats.url("stream=S&subject=s")).run().ok();
    assert_eq!(following.stderr(), "");
    assert_eq!(nats.count("S"), 3);
}
