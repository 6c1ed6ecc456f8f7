//! What is counted, as Prometheus reads it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::clients::{Clients, Transport};
use super::log::Log;

/// The media type of the text that Prometheus reads.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counters of one server.
#[derive(Default)]
pub struct Metrics {
    events: AtomicU64,
    dropped: AtomicU64,
    turned_away: AtomicU64,
    reconnects: AtomicU64,
    published: AtomicU64,
    refused: AtomicU64,
}

impl Metrics {
    /// Counts events that came from the database.
    pub fn received(&self, events: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Counts a client that was dropped because it did not read.
    pub fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a client for whom there was no seat.
    pub fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a connection to the database that came back.
    pub fn reconnected(&self) {
        self.reconnects.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what became of a client's message.
    pub fn sent(&self, published: bool) {
        let counter = if published { &self.published } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Everything, in the text format of Prometheus.
    pub fn text(&self, clients: &Clients, log: &Log) -> String {
        let mut out = String::new();
        let lag = clients.slowest().and_then(|seen| log.oldest_behind(seen));
        let lag = lag.map_or(0.0, |since| since.elapsed().as_secs_f64());
        let mut metric = |name: &str, kind: &str, help: &str, value: &dyn std::fmt::Display| {
            write!(out, "# HELP pgfeed_{name} {help}\n# TYPE pgfeed_{name} {kind}\npgfeed_{name} {value}\n")
                .expect("a String accepts all writes");
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        metric("database_up", "gauge", "Whether the feed from the database is live.", &u8::from(log.now().1));
        metric("events_total", "counter", "Events received from the database.", &count(&self.events));
        metric("reconnects_total", "counter", "Times the feed came back, each after a gap.", &count(&self.reconnects));
        metric("dropped_total", "counter", "Clients dropped because they did not read.", &count(&self.dropped));
        metric("turned_away_total", "counter", "Clients for whom there was no room.", &count(&self.turned_away));
        metric("published_total", "counter", "Messages of clients that were published.", &count(&self.published));
        metric("refused_total", "counter", "Messages of clients that were not published.", &count(&self.refused));
        metric("lag_seconds", "gauge", "Age of the oldest event that some client was not sent yet.", &lag);
        let transports = [("ws", Transport::WebSocket), ("sse", Transport::EventStream)];
        out.push_str("# HELP pgfeed_clients Clients that are being sent the feed.\n# TYPE pgfeed_clients gauge\n");
        for (name, transport) in transports {
            writeln!(out, "pgfeed_clients{{transport=\"{name}\"}} {}", clients.count(transport))
                .expect("a String accepts all writes");
        }
        out
    }
}
