//! A sink that counts and times what it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::histogram::Latencies;
use super::stamp::{Phase, Stamp, now_ns};
use super::tally::{Ordered, Tally};
use crate::error::Result;
use crate::feed::event::{ControlKind, Item};
use crate::feed::{Outcome, Refuses, Sink, Written};

/// What others can see of a receiver while it works.
#[derive(Debug, Default)]
pub struct Seen {
    /// It has begun to listen.
    pub live: AtomicBool,
    /// Different messages that count.
    pub received: AtomicU64,
    /// It was told that nothing follows.
    pub ended: AtomicBool,
    /// How often it has lost its connection.
    pub cut_off: AtomicU64,
}

/// Counts and times.
#[derive(Debug)]
pub struct Receiver {
    /// What has come.
    pub tally: Tally,
    /// How long it took.
    pub latency: Latencies,
    seen: Arc<Seen>,
}

impl Receiver {
    /// Begins with nothing.
    pub fn new(ordered: Ordered, seen: Arc<Seen>) -> Self {
        Self { tally: Tally::new(ordered), latency: Latencies::default(), seen }
    }

    fn take(&mut self, payload: &str) {
        let now = now_ns();
        let Some(stamp) = Stamp::find(payload) else { return };
        match stamp.phase {
            Phase::Warmup => {}
            Phase::End => self.seen.ended.store(true, Ordering::Release),
            Phase::Measured => {
                if self.tally.count(&stamp) {
                    self.latency.record(now.saturating_sub(stamp.due_ns));
                    self.seen.received.store(self.tally.received, Ordering::Release);
                }
            }
        }
    }
}

impl Sink for Receiver {
    fn write(&mut self, item: &Item) -> Result<Written> {
        match item {
            Item::Event(event) => self.take(&event.payload),
            Item::Control(control) => match control.kind {
                ControlKind::Ready => self.seen.live.store(true, Ordering::Release),
                ControlKind::Lost => {
                    self.seen.cut_off.fetch_add(1, Ordering::Release);
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
