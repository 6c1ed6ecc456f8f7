//! How fast events are delivered, beside the bare library with the same guarantees.

use std::collections::VecDeque;
use std::time::Instant;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};

use super::{deliver, to_queue_of, with_queues};
use crate::harness::broker::rabbitmq::{RabbitMq, shared};
use crate::tail_queue::enqueue;

const EVENTS: usize = 40_000;
const WINDOW: usize = 512;

/// Publishes persistent, mandatory messages, and waits for the oldest of a window of confirmations.
async fn bare(broker: &RabbitMq, queue: &str, bodies: &[String]) {
    let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let mut window = VecDeque::new();
    for (n, body) in bodies.iter().enumerate() {
        if window.len() == WINDOW {
            let confirm: lapin::PublisherConfirm = window.pop_front().unwrap();
            assert!(confirm.await.unwrap().is_ack());
        }
        let properties = BasicProperties::default().with_delivery_mode(2).with_message_id(format!("q:{n}").into());
        let publishing = channel.basic_publish("".into(), queue.into(), options, body.as_bytes(), properties);
        window.push_back(publishing.await.unwrap());
    }
    for confirm in window {
        assert!(confirm.await.unwrap().is_ack());
    }
}

/// `cargo test --release --test pgfeed amqp::rate -- --ignored --nocapture`
#[test]
#[ignore = "it measures, with a release build"]
fn beside_the_bare_library() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut rates = Vec::new();
    for round in 1..=5 {
        db.sql(&enqueue(i64::try_from(EVENTS).unwrap(), 1));
        let bodies: Vec<String> = (0..EVENTS)
            .map(|n| format!(r#"{{"type":"event","queue":"q","id":{n},"attempt":1,"at":"2026-11-20T23:28:41.123456Z","payload":"{n} 1"}}"#))
            .collect();
        let started = Instant::now();
        runtime.block_on(bare(broker, db.name(), &bodies));
        let bare = EVENTS as f64 / started.elapsed().as_secs_f64();
        client.purge(db.name());
        let started = Instant::now();
        deliver(&db, &to_queue_of(&db, broker), &["-e"]).run().ok();
        let ours = EVENTS as f64 / started.elapsed().as_secs_f64();
        assert_eq!(client.purge(db.name()) as usize, EVENTS);
        eprintln!("round {round}: bare {bare:.0}/s, pgfeed {ours:.0}/s, ratio {:.2}", ours / bare);
        rates.push(ours / bare);
    }
    rates.sort_by(f64::total_cmp);
    eprintln!("median ratio {:.2}", rates[rates.len() / 2]);
    assert!(rates[rates.len() / 2] >= 0.8);
}
