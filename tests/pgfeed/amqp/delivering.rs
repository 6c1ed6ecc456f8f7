//! What arrives in RabbitMQ, and where.

use super::{deliver, drain, to_queue_of, with_queues};
use crate::harness::broker::rabbitmq::shared;
use crate::tail_queue::{enqueue, held, in_order};

#[test]
fn everything_arrives_once_in_order_and_with_its_id() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    db.sql(&enqueue(40, 50));
    deliver(&db, &to_queue_of(&db, broker), &["-e", "-j", "2"]).run().ok().stdout_is("").stderr_is("");
    assert_eq!(held(&db), "0 0 0");
    let got = client.all(db.name());
    let events: Vec<serde_json::Value> = got.iter().map(|got| serde_json::from_str(&got.body).unwrap()).collect();
    in_order(events.iter().map(|event| event["payload"].as_str().unwrap()), 40, 50);
    for (got, event) in got.iter().zip(&events) {
        assert_eq!(got.id.as_deref(), Some(format!("q:{}", event["id"]).as_str()));
    }
}
