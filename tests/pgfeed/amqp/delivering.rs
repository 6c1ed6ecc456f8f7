//! What arrives in RabbitMQ, and where.

use lapin::ExchangeKind;
use lapin::types::AMQPValue;

use super::{deliver, drain, to_queue_of, with_queues};
use crate::harness::Database;
use crate::harness::broker::event_of;
use crate::harness::broker::rabbitmq::shared;
use crate::tail_queue::{enqueue, held, in_order, store};

#[test]
fn everything_arrives_once_in_order_and_with_its_id() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    db.sql(&enqueue(40, 30));
    deliver(&db, &to_queue_of(&db, broker), &["-e", "-j", "2"]).run().ok().stdout_is("").stderr_is("");
    assert_eq!(held(&db), "0 0 0");
    let got = client.all(db.name());
    let events: Vec<serde_json::Value> = got.iter().map(|got| serde_json::from_str(&got.body).unwrap()).collect();
    in_order(events.iter().map(|event| event["payload"].as_str().unwrap()), 40, 30);
    for (got, event) in got.iter().zip(&events) {
        assert_eq!(event_of(got.id.as_ref().unwrap()), format!("q:{}", event["id"]));
    }
}

#[test]
fn messages_are_persistent_and_say_what_they_are() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let store_change = |op: &str| {
        store(&db, &format!(r#"{{"op":"{op}","schema":"s","table":"t","key":{{"id":7}},"new":{{"x":"a\nb"}}}}"#));
    };
    store_change("INSERT");
    let url = to_queue_of(&db, broker);
    let at = db.value("SELECT floor(extract(epoch FROM at)) FROM pgfeed.queue_q");
    let line = db.pgfeed(["tail-queue", "q", "-e", "-o", "json"]).run().ok().stdout;
    drain(&db, &format!("{url}&header.op={{op}}&header.x=%3C{{new.x}}%3E")).ok();
    let got = client.wait(db.name());
    assert_eq!(got.body, line.trim_end());
    let properties = &got.delivery.properties;
    assert_eq!(*properties.delivery_mode(), Some(2));
    assert_eq!(properties.content_type().as_ref().unwrap().as_str(), "application/json");
    assert_eq!(properties.app_id().as_ref().unwrap().as_str(), "pgfeed");
    assert_eq!(properties.timestamp().unwrap().to_string(), at);
    let headers = properties.headers().clone().unwrap();
    let header = |name: &str| headers.inner().get(name).cloned().unwrap();
    assert_eq!(header("op"), AMQPValue::LongString("INSERT".into()));
    assert_eq!(header("x"), AMQPValue::LongString("<a\nb>".into()));
    for (payload, content_type) in [(r#"{"a": 1}"#, "application/json"), ("just text", "text/plain")] {
        store(&db, payload);
        drain(&db, &format!("{url}&body=payload")).ok();
        let got = client.wait(db.name());
        assert_eq!(got.body, payload);
        assert_eq!(got.delivery.properties.content_type().as_ref().unwrap().as_str(), content_type);
    }
}

#[test]
fn routing_keys_are_made_of_the_event_and_hold_its_values_as_words() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let exchange = format!("x {}", db.name());
    client.exchange(&exchange, ExchangeKind::Topic);
    client.bind(db.name(), &exchange, "orders.*.*");
    for status in ["paid", "a.b#*%", "日本"] {
        store(&db, &format!(r#"{{"op":"UPDATE","schema":"s","table":"orders","new":{{"status":"{status}"}}}}"#));
    }
    let url = format!("{}/%2F?exchange=x%20{}&key={{table}}.{{op}}.{{new.status}}", broker.url(), db.name());
    drain(&db, &url).ok().stderr_is("");
    let keys: Vec<String> = client.all(db.name()).into_iter().map(|got| got.key).collect();
    assert_eq!(keys, ["orders.UPDATE.paid", "orders.UPDATE.a%2Eb%23%2A%25", "orders.UPDATE.日本"]);
}

#[test]
fn notifications_arrive_too_in_order_and_without_an_id() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let args = ["listen", "one", "-n", "300", "--to", &to_queue_of(&db, broker), "--control"];
    db.pgfeed(args).run().code(2);
    let listening = db.spawn(&args[..6]);
    listening.wait_stderr("listening on");
    db.sql("SELECT pg_notify('one', n::text) FROM generate_series(1, 300) n");
    listening.finish().ok();
    let got = client.all(db.name());
    let payload = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap()["payload"].to_string();
    let payloads: Vec<String> = got.iter().map(|got| payload(&got.body)).collect();
    let expected: Vec<String> = (1..=300).map(|n| format!("\"{n}\"")).collect();
    assert_eq!(payloads, expected);
    assert!(got.iter().all(|got| got.id.is_none()));
}

#[test]
fn what_is_missing_is_made_on_request_only() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    store(&db, "one");
    let made = format!("{} made", db.name());
    let in_url = made.replace(' ', "%20");
    drain(&db, &format!("{}?key={in_url}&declare=queue", broker.url())).ok().stderr_is("");
    assert_eq!(client.all(&made).len(), 1);
    // What is there is left as it is, whatever its kind.
    store(&db, "two");
    let as_it_is = |what: &str| {
        format!(
            "{}: the {what} \"{made}\" is there, of another kind than declare= asks for, and is taken as it is: ",
            broker.url()
        )
    };
    let told = drain(&db, &format!("{}?key={in_url}&declare=quorum", broker.url())).ok().stderr_has(&as_it_is("queue"));
    told.stderr_has("inequivalent arg 'x-queue-type'")
        .stderr_has("(delete it to have it made anew; leave declare= out if ");
    assert_eq!(client.all(&made).len(), 1);
    store(&db, "three");
    // An exchange that was made has no binding: what nobody is bound for is dropped only on request.
    drain(&db, &format!("{}?exchange={in_url}&declare=topic&mandatory=no", broker.url())).ok().stderr_is("");
    client.bind(db.name(), &made, "#");
    store(&db, "four");
    let fanout = format!("{}?exchange={in_url}&declare=fanout", broker.url());
    let told = drain(&db, &fanout)
        .ok()
        .stderr_has(&as_it_is("exchange"))
        .stderr_has("received 'fanout' but current is 'topic'");
    assert_eq!(told.stderr.lines().count(), 1, "{told}");
    assert_eq!(client.all(db.name()).len(), 1);
    // Whatever else is different: it is a queue, and an exchange of that kind.
    client.delete(&made);
    client.declare_with(&made, &[("x-max-length", AMQPValue::LongInt(5))]);
    for declared in [format!("key={in_url}&declare=queue"), format!("exchange={in_url}&declare=topic")] {
        store(&db, "five");
        drain(&db, &format!("{}?{declared}", broker.url())).ok().stderr_is("");
    }
    client.delete(&made);
    client.delete_exchange(&made);
}

#[test]
fn heartbeats_go_on_while_nothing_happens() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    // The only connection to the broker goes through the proxy.
    let proxy = crate::harness::proxy::Proxy::in_front_of_port(broker.port());
    let url = format!("amqp://127.0.0.1:{}?heartbeat=2&key={}", proxy.port(), db.name());
    let delivering = deliver(&db, &url, &[]).spawn();
    store(&db, "before");
    client.wait(db.name());
    // The broker gives up on a client that is silent for two intervals, and we on a broker.
    std::thread::sleep(std::time::Duration::from_secs(9));
    store(&db, "after");
    client.wait(db.name());
    assert_eq!((proxy.accepted(), proxy.connections()), (1, 1), "{}", delivering.stderr());
    delivering.signal(crate::harness::Signal::Term);
    delivering.finish().code(130).stderr_is("");
}

#[test]
fn wrong_parameters_are_told_before_anything_is_connected() {
    let wrong = |url: &str, said: &str| {
        crate::harness::Pgfeed::new(["tail-queue", "q", "--to", url]).run().code(2).stderr_has(said).lacks("Canary");
    };
    wrong("amqp://u:Canary@h?key={nix}", "key: there is no {nix}");
    wrong("amqp://u:Canary@h?header.a={nix}", "header.a: there is no {nix}");
    wrong("amqp://u:Canary@h?body=xml", "body: it is event or payload");
    wrong("amqp://u:Canary@h?declare=table", "declare: it is queue, quorum, direct, fanout, topic or headers");
    wrong("amqp://u:Canary@h?declare=topic", "declare: queues go with the default exchange");
    wrong("amqp://u:Canary@h?declare=queue&exchange=x", "declare: queues go with the default exchange");
    wrong("amqp://u:Canary@h?queue=x", "\"queue\" is no parameter of it");
    wrong("amqp://u:Canary@h?header.=x", "header.: a name has 1 to 255 bytes");
    wrong("amqp://u:Canary@h/a/b", "a / in the virtual host is written as %2F");
    wrong("amqp://u:Canary@h?ca=/x", "which this scheme does not make");
    wrong("amqps://u:Canary@h?ca=/nonexistent/x", "/nonexistent/x");
    let db = Database::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "amqp://u:Canary@h?body=xml\n").unwrap();
    let path = file.path().to_str().unwrap();
    db.pgfeed(["listen", "x", "--to-file", path]).run().code(2).stderr_has("body: it is event").lacks("Canary");
}
