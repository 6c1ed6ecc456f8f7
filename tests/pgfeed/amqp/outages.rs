//! Brokers that are away, die, stand still, or take nothing for now; and the death of pgfeed itself.

use std::collections::HashMap;

use super::{Client, deliver, drain, to_queue_of, wait_until_delivered, with_queues};
use crate::harness::broker::event_of;
use crate::harness::broker::rabbitmq::{RabbitMq, own, shared};
use crate::harness::proxy::Proxy;
use crate::harness::{Database, Signal};
use crate::tail_queue::{enqueue, held, store, with_queue};

/// How often each event arrived; all of 1 to `events` did, and `most` came again.
#[track_caller]
fn arrived(client: &Client, db: &Database, events: i64, most: usize) {
    let mut times: HashMap<String, usize> = HashMap::new();
    for got in client.all(db.name()) {
        let id: i64 = event_of(got.id.as_ref().unwrap()).strip_prefix("q:").unwrap().parse().unwrap();
        assert!(got.body.contains(&format!("\"id\":{id},")) && (1..=events).contains(&id), "{got:?}");
        *times.entry(got.id.unwrap()).or_default() += 1;
    }
    assert_eq!(i64::try_from(times.len()).unwrap(), events, "lost");
    let again: usize = times.values().map(|times| times - 1).sum();
    assert!(again <= most, "{again} came again, and {most} were in flight");
}

/// The events whose messages are there, in their order.
fn events(client: &Client, db: &Database) -> Vec<String> {
    client.all(db.name()).into_iter().map(|got| event_of(&got.id.unwrap()).to_owned()).collect()
}

#[test]
fn a_broker_that_is_away_and_dies_costs_nothing() {
    let mut broker = own();
    let (db, client) = with_queues(&broker);
    drop(client);
    let proxy = Proxy::in_front_of_port(broker.port());
    proxy.refuse();
    db.sql(&enqueue(100, 2));
    let url = format!("amqp://127.0.0.1:{}?key={}", proxy.port(), db.name());
    let args = ["--max-attempts", "1", "--batch", "50", "-j", "2"];
    let delivering = deliver(&db, &url, &args).spawn();
    delivering.wait_stderr("Connection refused (os error 111); trying again");
    assert_eq!(held(&db), "200 0 0");
    proxy.accept();
    delivering.wait_stderr("delivering again");
    // It dies while batches are under way.
    let writing = std::thread::scope(|scope| {
        let writing = scope.spawn(|| (0..20).for_each(|_| db.sql(&enqueue(100, 1))));
        db.wait_for("SELECT pg_sequence_last_value(pg_get_serial_sequence('pgfeed.queue_q', 'id')) > 700");
        broker.kill();
        writing.join()
    });
    writing.unwrap();
    broker.start();
    wait_until_delivered(&db);
    assert!(!delivering.stderr().contains("refused, attempt"), "{}", delivering.stderr());
    arrived(&Client::of(&broker), &db, 2200, 2 * 50);
}

#[test]
fn a_broker_that_blocks_publishers_is_told_and_waited_for() {
    let mut broker = own();
    let (db, client) = with_queues(&broker);
    let delivering = deliver(&db, &to_queue_of(&db, &broker), &["--max-attempts", "1"]).spawn();
    store(&db, "before");
    client.wait(db.name());
    broker.eval("rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})");
    db.sql(&enqueue(200, 1));
    delivering.wait_stderr("it blocks publishers: low on memory; trying again");
    broker.eval("rabbit_alarm:clear_alarm({resource_limit, memory, node()})");
    wait_until_delivered(&db);
    assert!(delivering.stderr().lines().count() <= 2, "{}", delivering.stderr());
    arrived_after_the_first(&client, &db, 200);
}

/// All of 2 to `events` and 1, with at most as many again.
#[track_caller]
fn arrived_after_the_first(client: &Client, db: &Database, events: i64) {
    let mut ids: Vec<String> = client.all(db.name()).into_iter().filter_map(|got| got.id).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(i64::try_from(ids.len()).unwrap(), events);
    assert!(all <= 2 * ids.len(), "{all}");
}

#[test]
fn a_broker_that_is_stopped_in_order_is_waited_for() {
    let mut broker = own();
    let (db, client) = with_queues(&broker);
    let delivering = deliver(&db, &to_queue_of(&db, &broker), &["--max-attempts", "1", "--batch", "20"]).spawn();
    store(&db, "before");
    client.wait(db.name());
    wait_until_delivered(&db);
    drop(client);
    // It ends every connection with a code of its own (320), and takes none until it is started again.
    broker.eval("rabbit:stop()");
    db.sql(&enqueue(100, 2));
    delivering.wait_stderr("; trying again");
    broker.eval("rabbit:start()");
    wait_until_delivered(&db);
    delivering.wait_stderr("delivering again");
    assert!(!delivering.stderr().contains("refused, attempt"), "{}", delivering.stderr());
    let mut arrived = events(&Client::of(&broker), &db);
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!(arrived.len(), 200);
}

#[test]
fn a_broker_without_room_for_another_connection_is_waited_for_from_the_start() {
    let mut broker = own();
    let (db, client) = with_queues(&broker);
    store(&db, "one");
    broker.eval(r#"ok = rabbit_vhost_limit:parse_set(<<"/">>, <<"{\"max-connections\": 0}">>, <<"test">>)"#);
    let delivering = deliver(&db, &to_queue_of(&db, &broker), &["--max-attempts", "1"]).spawn();
    delivering.wait_stderr("connection limit (0) is reached; trying again");
    broker.eval(r#"ok = rabbit_vhost_limit:clear(<<"/">>, <<"test">>)"#);
    wait_until_delivered(&db);
    delivering.signal(Signal::Term);
    delivering.finish().code(130);
    assert_eq!(events(&client, &db), ["q:1"]);
}

#[test]
fn a_broker_that_stands_still_does_not_keep_us_from_stopping() {
    let broker = own();
    let (db, client) = with_queues(&broker);
    let delivering = deliver(&db, &format!("{}&timeout=1s", to_queue_of(&db, &broker)), &[]).spawn();
    store(&db, "before");
    wait_until_delivered(&db);
    broker.signal(Signal::Stop);
    store(&db, "one");
    delivering.wait_stderr("it has not answered within 1.0s; trying again");
    db.wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'");
    delivering.signal(Signal::Term);
    let output = delivering.finish();
    broker.signal(Signal::Cont);
    output.code(130);
    db.wait_for("SELECT count(*) = 1 FROM pgfeed.queue_q");
    drain(&db, &to_queue_of(&db, &broker)).ok();
    let ids = events(&client, &db);
    // The broker may have had it in its socket all the time.
    assert!(ids == ["q:1", "q:2"] || ids == ["q:1", "q:2", "q:2"], "{ids:?}");
}

/// Kills pgfeed at a named point of a delivery (src/failpoint.rs); returns the numbers that had arrived, and those after.
#[cfg(debug_assertions)]
fn die_at(broker: &RabbitMq, point: &str) -> (Vec<String>, Vec<String>) {
    let (db, client) = (with_queue(), Client::of(broker));
    client.declare(db.name());
    db.sql(&enqueue(12, 1));
    let url = to_queue_of(&db, broker);
    let ids = || events(&client, &db);
    deliver(&db, &url, &["-e", "--batch", "4"]).env("PGFEED_FAIL", point).run().code(128 + 6);
    let before = ids();
    deliver(&db, &url, &["-e", "--batch", "4"]).run().ok();
    (before, ids())
}

#[test]
#[cfg(debug_assertions)]
fn what_a_death_of_pgfeed_repeats_is_exact() {
    let numbers = |numbers: std::ops::RangeInclusive<i64>| numbers.map(|n| format!("q:{n}")).collect::<Vec<_>>();
    for (point, last_before, first_after) in
        [("before_flush:2", 4, 5), ("after_flush:2", 8, 5), ("before_commit:2", 8, 5), ("after_commit:2", 8, 9)]
    {
        let (before, after) = die_at(shared(), point);
        assert_eq!(before, numbers(1..=last_before), "before the death at {point}");
        assert_eq!(after, numbers(first_after..=12), "after the death at {point}");
    }
}
