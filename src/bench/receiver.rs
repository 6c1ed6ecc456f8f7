//! A sink that counts and times what it gets.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::Delivery;
use super::histogram::Latencies;
use super::stamp::{Phase, Stamp, now_ns};
use super::tally::{Ordered, Tally};
use crate::error::Result;
use crate::feed::event::{ControlKind, Item};
use crate::feed::{Outcome, Refuses, Sink, Written};

/// What one listener has got, or all consumers of a queue together.
#[derive(Debug)]
pub struct Collected {
    counts: Mutex<Counts>,
    received: AtomicU64,
    is_live: AtomicBool,
    has_ended: AtomicBool,
    /// How often a connection was lost.
    cut_off: AtomicU64,
}

#[derive(Debug)]
struct Counts {
    tally: Tally,
    latency: Latencies,
}

impl Collected {
    /// Begins with nothing.
    pub fn new(ordered: Ordered) -> Arc<Self> {
        Arc::new(Self {
            counts: Mutex::new(Counts { tally: Tally::new(ordered), latency: Latencies::default() }),
            received: AtomicU64::new(0),
            is_live: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            cut_off: AtomicU64::new(0),
        })
    }

    /// Different messages that count, so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Acquire)
    }

    /// Whether it has begun to listen.
    pub fn is_live(&self) -> bool {
        self.is_live.load(Ordering::Acquire)
    }

    /// Whether it was told that nothing follows.
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Counts what carries no stamp.
    pub fn count(&self, delivered: u64) {
        let mut counts = self.counts();
        counts.tally.received += delivered;
        self.received.store(counts.tally.received, Ordering::Release);
    }

    /// Adds what has arrived to a delivery, and how long it took to the latencies.
    pub fn add_to(&self, delivery: &mut Delivery, latency: &mut Latencies) {
        let counts = self.counts();
        delivery.add(&counts.tally);
        delivery.cut_off += self.cut_off.load(Ordering::Acquire);
        latency.add(&counts.latency);
    }

    fn take(&self, payload: &str) {
        let now = now_ns();
        let Some(stamp) = Stamp::find(payload) else { return };
        match stamp.phase {
            Phase::Warmup => {}
            Phase::End => self.has_ended.store(true, Ordering::Release),
            Phase::Measured => {
                let mut counts = self.counts();
                if counts.tally.count(&stamp, now) {
                    counts.latency.record(now.saturating_sub(stamp.due_ns));
                    self.received.store(counts.tally.received, Ordering::Release);
                }
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("nobody panics while it counts")
    }
}

/// Counts and times.
#[derive(Debug)]
pub struct Receiver(pub Arc<Collected>);

impl Sink for Receiver {
    fn write(&mut self, item: &Item) -> Result<Written> {
        match item {
            Item::Event(event) => self.0.take(&event.payload),
            Item::Control(control) => match control.kind {
                ControlKind::Ready => self.0.is_live.store(true, Ordering::Release),
                ControlKind::Lost => {
                    self.0.cut_off.fetch_add(1, Ordering::Release);
                }
                ControlKind::Gap | ControlKind::Overflow | ControlKind::Stopped => {}
            },
        }
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        Ok(Outcome::Delivered)
    }

    fn refuses(&self) -> Refuses {
        Refuses::Nothing
    }
}
