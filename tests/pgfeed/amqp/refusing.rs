//! What RabbitMQ does not take: what passes costs no attempt, and what it can never take ends as dead.

use lapin::ExchangeKind;
use lapin::types::AMQPValue;

use super::{PATIENCE, deliver, drain, to_queue_of, wait_until_delivered, with_queues};
use crate::harness::broker::rabbitmq::{MOST_BYTES, shared};
use crate::harness::broker::wait_until_tried_again;
use crate::harness::{Database, wait_at_most};
use crate::tail_queue::{enqueue, held, in_order, store, with_queue};

/// The errors of dead events.
fn dead(db: &Database) -> Vec<String> {
    db.rows("SELECT error FROM pgfeed.dead_q ORDER BY id")
}

fn nobody_bound(exchange: &str, key: &str) -> String {
    format!(
        "no queue is bound to exchange \"{exchange}\" for routing key \"{key}\" (NO_ROUTE; bind one, or have such messages dropped with mandatory=no)"
    )
}

#[test]
fn a_queue_that_is_missing_is_told_once_and_waited_for() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    client.delete(db.name());
    db.sql(&enqueue(3, 2));
    let delivering = deliver(&db, &to_queue_of(&db, broker), &["--max-attempts", "1"]).spawn();
    let shown = broker.url();
    delivering.wait_stderr(&format!(
        "warning: {shown}: there is no queue \"{}\" (NO_ROUTE; declare=queue makes it); trying again\n",
        db.name()
    ));
    client.declare(db.name());
    wait_until_delivered(&db);
    delivering.wait_stderr("delivering again\n");
    assert_eq!(delivering.stderr().lines().count(), 2, "{}", delivering.stderr());
    let got = client.all(db.name());
    in_order(got.iter().map(|got| got.body.split('"').rev().nth(1).unwrap()), 3, 2);
    assert!(got.iter().all(|got| got.body.contains("\"attempt\":1,")), "{got:?}");
}

#[test]
fn what_only_some_events_have_no_route_for_dies_and_the_others_arrive() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    db.sql(
        "INSERT INTO pgfeed.queue_q (key, payload)
         SELECT n, format('{\"op\":\"INSERT\",\"schema\":\"s\",\"table\":\"t%s\",\"new\":{}}', n % 2) FROM generate_series(1, 6) n",
    );
    let exchange = format!("{} topics", db.name());
    client.exchange(&exchange, ExchangeKind::Topic);
    client.bind(db.name(), &exchange, "t1");
    let url = format!("{}?exchange={}%20topics&key={{table}}", broker.url(), db.name());
    let args = ["-e", "--max-attempts", "2"];
    deliver(&db, &url, &args).run().ok().stderr_has("for routing key \"t0\" (NO_ROUTE;");
    assert_eq!(client.all(db.name()).len(), 3);
    let why = nobody_bound(&exchange, "t0");
    assert_eq!(dead(&db), [why.as_str(), &why, &why]);
    // The exchange too may come from the event.
    store(&db, r#"{"op":"INSERT","schema":"s","table":"t1","new":{"x":"nix"}}"#);
    store(&db, r#"{"op":"INSERT","schema":"s","table":"t1","new":{"x":""}}"#);
    let name = exchange.replace(' ', "%20");
    db.sql(&format!(
        "INSERT INTO pgfeed.queue_q (key, payload) SELECT 9, format('{{\"op\":\"INSERT\",\"schema\":\"s\",\"table\":\"t1\",\"new\":{{\"x\":\"%s\"}}}}', '{}')",
        name.replace("%20", " ")
    ));
    db.sql("DELETE FROM pgfeed.dead_q");
    deliver(&db, &format!("{}?exchange={{new.x}}&key={{table}}", broker.url()), &args).run().ok();
    assert_eq!(client.all(db.name()).len(), 1);
    let errors = dead(&db);
    assert!(errors[0].contains("there is no exchange \"nix\""), "{errors:?}");
    assert!(errors[1].contains("it would be the default one"), "{errors:?}");
    client.delete_exchange(&exchange);
}

#[test]
fn what_nobody_is_bound_for_yet_is_an_outage() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let change = |id: i32, table: &str| {
        let payload = format!(r#"{{"op":"INSERT","schema":"s","table":"{table}","new":{{}}}}"#);
        db.client()
            .execute("INSERT INTO pgfeed.queue_q (key, payload) VALUES ($1::int, $2)", &[&id, &payload])
            .unwrap();
    };
    (1..=20).for_each(|id| change(id, "orders"));
    let exchange = format!("{} changes", db.name());
    let name = exchange.replace(' ', "%20");
    let url = format!("{}?exchange={name}&declare=topic&key={{table}}.{{op}}", broker.url());
    let delivering = deliver(&db, &url, &["--max-attempts", "1"]).spawn();
    let none = |key: &str| nobody_bound(&exchange, key);
    delivering.wait_stderr(&format!("{}; trying again", none("orders.INSERT")));
    client.bind(db.name(), &exchange, "orders.*");
    wait_until_delivered(&db);
    delivering.wait_stderr("delivering again");
    // Alone, another one waits as well; once others arrive, it is its own fault, and so it is when it comes alone again.
    change(21, "nix");
    delivering.wait_stderr(&format!("{}; trying again", none("nix.INSERT")));
    assert_eq!(dead(&db), Vec::<String>::new());
    change(22, "orders");
    wait_at_most(PATIENCE, "one dies", || held(&db) == "0 0 1");
    change(23, "nix");
    wait_at_most(PATIENCE, "another dies", || held(&db) == "0 0 2");
    assert_eq!(dead(&db), [none("nix.INSERT"), none("nix.INSERT")]);
    assert_eq!(client.all(db.name()).len(), 21);
    client.delete_exchange(&exchange);
}

#[test]
fn until_nothing_is_left_what_nobody_is_bound_for_is_waited_for_and_told_once() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let exchange = format!("{} lone", db.name());
    client.exchange(&exchange, ExchangeKind::Topic);
    store(&db, r#"{"op":"INSERT","schema":"s","table":"t","new":{}}"#);
    let url = format!("{}?exchange={}&key={{table}}", broker.url(), exchange.replace(' ', "%20"));
    let mut delivering = deliver(&db, &url, &["-e", "--max-attempts", "1"]).spawn();
    let waits = "(event 1 of queue q waits)";
    let told = format!("pgfeed: warning: {}: {}; trying again {waits}\n", broker.url(), nobody_bound(&exchange, "t"));
    delivering.wait_stderr(&told);
    wait_until_tried_again(&db, 3);
    assert!(delivering.is_running());
    client.bind(db.name(), &exchange, "t");
    delivering.finish().ok().stderr_is(&told);
    assert_eq!((client.all(db.name()).len(), held(&db).as_str()), (1, "0 0 0"));
    client.delete_exchange(&exchange);
}

#[test]
fn exchanges_that_are_missing_are_an_outage_until_others_are_there() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let exchange = |table: &str| format!("{} {table}", db.name());
    for (key, table) in [(1, "a"), (2, "b"), (3, "a"), (4, "b")] {
        let payload = format!(r#"{{"op":"INSERT","schema":"s","table":"{table}","new":{{}}}}"#);
        db.client()
            .execute("INSERT INTO pgfeed.queue_q (key, payload) VALUES ($1::int, $2)", &[&key, &payload])
            .unwrap();
    }
    let name = db.name();
    let delivering =
        deliver(&db, &format!("{}?exchange={name}%20{{table}}", broker.url()), &["--max-attempts", "1"]).spawn();
    delivering.wait_stderr("(declare=KIND makes it); trying again");
    wait_at_most(PATIENCE, "all wait", || held(&db) == "0 4 0");
    client.exchange(&exchange("a"), ExchangeKind::Fanout);
    client.bind(db.name(), &exchange("a"), "");
    wait_at_most(PATIENCE, "some arrive, and the others die", || held(&db) == "0 0 2");
    assert!(dead(&db).iter().all(|error| error.contains(&format!("there is no exchange \"{}\"", exchange("b")))));
    assert_eq!(client.all(db.name()).len(), 2);
    client.delete_exchange(&exchange("a"));
}

#[test]
fn a_full_queue_delays_and_nothing_comes_twice() {
    let broker = shared();
    let (db, client) = (with_queue(), super::Client::of(broker));
    let full =
        [("x-max-length", AMQPValue::LongInt(5)), ("x-overflow", AMQPValue::LongString("reject-publish".into()))];
    client.declare_with(db.name(), &full);
    db.sql(&enqueue(10, 4));
    let delivering = deliver(&db, &to_queue_of(&db, broker), &["--max-attempts", "1"]).spawn();
    delivering.wait_stderr("for now (nack: a queue is full, or not available); trying again");
    let mut bodies = Vec::new();
    while bodies.len() < 40 {
        bodies.push(client.wait(db.name()).body);
    }
    wait_until_delivered(&db);
    assert!(client.next(db.name()).is_none());
    in_order(bodies.iter().map(|body| body.split('"').rev().nth(1).unwrap()), 10, 4);
    assert!(!delivering.stderr().contains("refused"), "{}", delivering.stderr());
}

#[test]
fn what_is_too_large_dies_and_its_neighbours_arrive() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    db.sql(&format!(
        "INSERT INTO pgfeed.queue_q (key, payload)
         SELECT n, CASE WHEN n % 4 = 0 THEN repeat('x', {MOST_BYTES}) ELSE 'small' END FROM generate_series(1, 12) n"
    ));
    let output = deliver(&db, &to_queue_of(&db, broker), &["-e", "--max-attempts", "2"]).run().ok();
    output.stderr_has("and RabbitMQ takes 500000 at most (max_message_size)");
    let mut ids: Vec<_> = client.all(db.name()).into_iter().filter_map(|got| got.id).collect();
    // What was in flight when the broker ended the channel came again, with the same id.
    assert!(ids.len() <= 9 + 9, "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 9, "{ids:?}");
    assert_eq!(db.value("SELECT count(*) || ' ' || min(attempts) || ' ' || max(attempts) FROM pgfeed.dead_q"), "3 2 2");
}

#[test]
fn what_can_never_be_a_message_dies_without_being_sent() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let long = "é".repeat(128);
    for value in [&long[..], "ok"] {
        store(&db, &format!(r#"{{"op":"INSERT","schema":"s","table":"t","new":{{"v":"{value}"}}}}"#));
    }
    store(&db, "no change");
    db.sql("UPDATE pgfeed.queue_q SET key = id");
    client.declare(&format!("{} ok", db.name()));
    let args = ["-e", "--max-attempts", "1"];
    deliver(&db, &format!("{}?key={}%20{{new.v}}", broker.url(), db.name()), &args).run().ok();
    let bytes = db.name().len() + 1 + 256;
    let expected = [
        format!("the routing key has {bytes} bytes, and 255 is the most"),
        "key: its payload is not a change of a row".to_owned(),
    ];
    assert_eq!(dead(&db), expected);
    assert_eq!(client.all(&format!("{} ok", db.name())).len(), 1);
    client.delete(&format!("{} ok", db.name()));
    // Headers, which one frame has to hold.
    db.sql("DELETE FROM pgfeed.dead_q");
    store(&db, &format!(r#"{{"op":"INSERT","schema":"s","table":"t","new":{{"v":"{}"}}}}"#, "x".repeat(200_000)));
    deliver(&db, &format!("{}&header.v={{new.v}}", to_queue_of(&db, broker)), &args).run().ok();
    assert!(dead(&db)[0].starts_with("its headers have 2001"), "{:?}", dead(&db));
}

#[test]
fn an_exchange_that_is_missing_or_goes_is_waited_for() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let exchange = format!("{}.x", db.name());
    let make = || {
        client.exchange(&exchange, ExchangeKind::Fanout);
        client.bind(db.name(), &exchange, "");
    };
    let url = format!("{}?exchange={exchange}", broker.url());
    store(&db, "one");
    let delivering = deliver(&db, &url, &["--max-attempts", "1"]).spawn();
    let missing = format!("there is no exchange \"{exchange}\" (declare=KIND makes it); trying again");
    delivering.wait_stderr(&missing);
    make();
    assert!(client.wait(db.name()).body.contains("one"));
    delivering.wait_stderr("delivering again");
    client.delete_exchange(&exchange);
    store(&db, "two");
    delivering.wait_stderr(&missing);
    make();
    assert!(client.wait(db.name()).body.contains("two"));
    wait_until_delivered(&db);
    client.delete_exchange(&exchange);
}

#[test]
fn nobody_bound_is_no_loss_unless_it_was_asked_for() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    client.delete(db.name());
    store(&db, "dropped");
    drain(&db, &format!("{}&mandatory=no", to_queue_of(&db, broker))).ok().stderr_is("");
    assert_eq!(held(&db), "0 0 0");
}
