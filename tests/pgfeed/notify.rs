//! `pgfeed notify`, as a listener hears it.

// A connection that ends, a server that hangs, a signal.
mod faults;
// One notification: where the payload comes from.
mod one;
// A notification for every line or record of stdin.
mod stream;
// Payloads that become events of a queue.
mod queue;
// What is refused, and what is sent of the rest.
mod refused;

use fallible_iterator::FallibleIterator as _;
use postgres::Client;
use std::time::Duration;

use crate::harness::Database;

/// A session that listens, without anything of pgfeed's.
pub struct Listener(Client);

impl Listener {
    /// Listens to channel `c`, or to another.
    pub fn new(database: &Database, channel: &str) -> Self {
        let mut client = database.client();
        client.batch_execute(&format!("LISTEN {}", pgfeed::sql::ident(channel))).unwrap();
        Self(client)
    }

    /// Receives that many payloads.
    #[track_caller]
    pub fn receive(&mut self, count: usize) -> Vec<String> {
        let mut notifications = self.0.notifications();
        let mut received = notifications.timeout_iter(Duration::from_secs(20));
        let mut next = |n| received.next().unwrap().unwrap_or_else(|| panic!("received {n} of {count}"));
        (0..count).map(|n| next(n).payload().to_owned()).collect()
    }

    /// Receives everything that was sent before now.
    pub fn rest(&mut self) -> Vec<String> {
        // The session hears itself too, behind all that was committed before.
        let channel: String = self.0.query_one("SELECT pg_listening_channels()", &[]).unwrap().get(0);
        self.0.execute("SELECT pg_notify($1, 'this is the end')", &[&channel]).unwrap();
        let mut received = Vec::new();
        loop {
            match self.receive(1).remove(0) {
                end if end == "this is the end" => return received,
                payload => received.push(payload),
            }
        }
    }
}
