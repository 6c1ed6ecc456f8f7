//! The clients that are being sent the feed: how many there may be, how far each has read, and an end to those that do not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::log::Log;
use super::metrics::Metrics;

/// How often clients are looked through for those that do not read.
const ROUND: Duration = Duration::from_millis(250);

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A WebSocket.
    WebSocket,
    /// Server-sent events.
    EventStream,
}

/// One connection to us, which can be cut.
pub struct Line {
    cut: Notify,
    /// Its place among all connections, until everything about it has ended.
    _place: OwnedSemaphorePermit,
}

impl Line {
    /// A connection that holds one of the places there are.
    pub fn new(place: OwnedSemaphorePermit) -> Self {
        Self { cut: Notify::new(), _place: place }
    }

    /// Waits until it is to be cut.
    pub async fn cut(&self) {
        self.cut.notified().await;
    }
}

/// All clients.
pub struct Clients {
    limit: usize,
    state: Mutex<State>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct State {
    next: u64,
    clients: HashMap<u64, Arc<Client>>,
}

struct Client {
    transport: Transport,
    /// The number of the last entry that was written to its socket.
    seen: AtomicU64,
    dropped: AtomicBool,
    line: Arc<Line>,
}

/// One client's seat; dropped, it is free.
pub struct Seat {
    id: u64,
    client: Arc<Client>,
    clients: Arc<Clients>,
}

impl Clients {
    /// Seats for so many.
    pub fn new(limit: usize, metrics: Arc<Metrics>) -> Self {
        Self { limit, state: Mutex::default(), metrics }
    }

    /// Takes a seat for a client that has seen everything up to a number; none when all are taken.
    pub fn sit(self: &Arc<Self>, transport: Transport, seen: u64, line: Arc<Line>) -> Option<Seat> {
        let mut state = self.lock();
        if state.clients.len() >= self.limit {
            self.metrics.turned_away();
            return None;
        }
        state.next += 1;
        let id = state.next;
        let client = Arc::new(Client { transport, seen: AtomicU64::new(seen), dropped: AtomicBool::new(false), line });
        state.clients.insert(id, Arc::clone(&client));
        Some(Seat { id, client, clients: Arc::clone(self) })
    }

    /// How many are connected in that way.
    pub fn count(&self, transport: Transport) -> usize {
        self.lock().clients.values().filter(|client| client.transport == transport).count()
    }

    /// Whether nobody is connected.
    pub fn is_empty(&self) -> bool {
        self.lock().clients.is_empty()
    }

    /// The number of what the slowest has seen; none when there are no clients.
    pub fn slowest(&self) -> Option<u64> {
        self.lock().clients.values().map(|client| client.seen.load(Ordering::Relaxed)).min()
    }

    /// Cuts the lines of those that the log has left behind: they are stuck in a write, and cannot see it themselves.
    pub async fn watch(self: Arc<Self>, log: Arc<Log>) {
        loop {
            tokio::time::sleep(ROUND).await;
            for client in self.lock().clients.values() {
                if !log.holds_behind(client.seen.load(Ordering::Relaxed)) {
                    self.drop_client(client);
                    client.line.cut.notify_one();
                }
            }
        }
    }

    fn drop_client(&self, client: &Client) {
        if !client.dropped.swap(true, Ordering::Relaxed) {
            self.metrics.dropped();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while it holds the clients")
    }
}

impl Seat {
    /// Notes how far it has read.
    pub fn has_seen(&self, seq: u64) {
        self.client.seen.store(seq, Ordering::Relaxed);
    }

    /// Notes that it was too slow.
    pub fn too_slow(&self) {
        self.clients.drop_client(&self.client);
    }

    /// Waits until its line is to be cut.
    pub async fn cut(&self) {
        self.client.line.cut().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.clients.lock().clients.remove(&self.id);
    }
}
