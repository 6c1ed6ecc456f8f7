//! RabbitMQ beside lapin alone, and the demo's scenario through it, with every form of a URL that the sink takes.

use lapin::types::AMQPValue;
use serde_json::{Value, json};

use super::{EVENTS, measured};
use crate::amqp::client::Client;
use crate::bench::{bench, schemas};
use crate::connection::certificates::authority;
use crate::harness::broker::rabbitmq::shared;
use crate::harness::{Database, Pgfeed};

/// That there is no such queue: one that is there would not become another.
#[track_caller]
fn assert_gone(client: &Client, queue: &str) {
    client.declare_with(queue, &[("x-max-length", AMQPValue::LongInt(1))]);
    client.delete(queue);
}

#[test]
fn it_stands_beside_lapin() {
    let (db, client) = (Database::new(), Client::of(shared()));
    client.declare(db.name());
    let url = shared().url().replace("//", "//guest:guest@");
    let (_, schema) = measured(&db, &format!("{url}/?key={}", db.name()), "lapin alone");
    assert_eq!(u64::from(client.purge(db.name())), 2 * EVENTS);
    assert_gone(&client, &format!("{schema}_alone_0"));
    assert_gone(&client, &format!("{schema}_alone_1"));
    assert_gone(&client, &format!("{schema}_alone_2"));
    // What has the name of the queue is nobody's but ours.
    let (_, schema) = measured(&db, &format!("{url}?declare=queue&body=payload"), "lapin alone");
    assert_gone(&client, &format!("{schema}_durable"));
}

#[test]
fn sync_goes_through_it() {
    let (db, client) = (Database::new(), Client::of(shared()));
    let plain = shared().url();
    let ca = authority().root();
    for url in [
        format!("{}/", plain.replace("//", "//guest:guest@")),
        format!("{}/%2F?heartbeat=30&timeout=5s", plain.replace("amqp:", "AMQP:")),
        format!("{}?ca={}", shared().tls_url(""), ca.display()),
    ] {
        let running = bench(&db, &["sync", "-n", "20", "--to", &url]).spawn();
        let schema = format!("pgfeed_bench_{}", running.pid());
        let report = running.finish().ok().json().remove(0);
        let rows = report["rows"].as_array().unwrap();
        for (place, case, published) in
            [(3, "through RabbitMQ", json!(118.0)), (7, "through RabbitMQ, indexed", Value::Null)]
        {
            let row = &rows[place];
            assert_eq!((&row["case"], &row["count"], &row["published"]), (&case.into(), &20.into(), &published));
            let arrived = [&row["received"], &row["lost"], &row["duplicated"]];
            assert_eq!(arrived, [&json!(60), &json!(0), &json!(0)], "{row}");
            assert!(
                row["ratio"].is_number() && row["baseline"].as_str().unwrap().starts_with("queue trigger"),
                "{row}"
            );
        }
        for index in ["none", "title"] {
            assert_gone(&client, &format!("{schema}_films_broker_{index}"));
        }
    }
    assert_eq!(schemas(&db), [""; 0]);
}

#[test]
fn sync_tells_what_it_cannot_use_before_anything_is_measured() {
    let url = "amqp://u:Canary@127.0.0.1:1/";
    for name in ["exchange", "key", "body", "declare"] {
        let value = if name == "declare" { "queue" } else { "payload" };
        // Nobody listens there: exit 3 would mean that it had tried to connect.
        let refused = Pgfeed::new(["bench", "sync", "--to", &format!("{url}?{name}={value}")]);
        let refused = refused.env("DATABASE_URL", "postgresql://127.0.0.1:1/x").run().code(2).stdout_is("");
        refused.stderr_has(&format!("amqp://127.0.0.1:1: sync sets {name} itself")).lacks("Canary");
    }
    let db = Database::new();
    let away = bench(&db, &["sync", "-n", "1", "--to", url]).run().code(3).stdout_is("");
    away.stderr_has("connecting to amqp://127.0.0.1:1: ").lacks("(1 of").lacks("Canary");
    assert_eq!(schemas(&db), [""; 0]);
}
