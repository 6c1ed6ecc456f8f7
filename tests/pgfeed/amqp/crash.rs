//! The crash harness, into RabbitMQ.

use super::{Client, to_queue_of};
use crate::crash::consumers::{Arrivals, Files};
use crate::crash::runs::Run;
use crate::harness::broker::rabbitmq::shared;

/// How many messages to take at once. Whoever takes them one by one is slower than the producers: there is always more.
const AT_ONCE: usize = 200;

/// A queue of a broker.
struct Queue {
    client: Client,
    name: String,
    url: String,
}

impl Arrivals for Queue {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn take(&self) -> Vec<u8> {
        let next = || self.client.next(&self.name);
        (0..AT_ONCE).map_while(|_| next()).flat_map(|got| (got.body + "\n").into_bytes()).collect()
    }
}

#[test]
fn kills_lose_nothing_and_keep_the_order_of_every_row() {
    let broker = shared();
    let run = Run::new(21, Files::OfSink, 4, 0);
    let tally = run.check_arrivals(|db| {
        let client = Client::of(broker);
        client.declare(db.name());
        Some(Box::new(Queue { client, name: db.name().to_owned(), url: to_queue_of(db, broker) }))
    });
    tally.is_clean();
}
