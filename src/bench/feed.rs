//! Feeds under measurement: pgfeed's own sources and pump, into a receiver.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::Bench;
use super::receiver::{Receiver, Seen};
use super::tally::Ordered;
use crate::error::{Error, Result};
use crate::feed::event::{Control, Event};
use crate::feed::limits::{Limits, Meter};
use crate::feed::pump::{OnRefusal, Pump, Report};
use crate::feed::source::listen::{self, Listen, Overflow, Reconnect};
use crate::feed::source::queue::{self as queue_source, Policy, QueueSource};
use crate::feed::{Sink, Source};
use crate::queue::doorbell::{Bell, For, Options, Waiter};
use crate::queue::{Order, Queue};
use crate::stop::{Stop, StopReason};

/// Most events in a batch, as of `tail-queue` unless told otherwise.
const BATCH: usize = 1000;
/// About the most bytes in one.
const BATCH_BYTES: usize = 8 << 20;
/// How long a feed may take to begin.
const START: Duration = Duration::from_secs(30);
/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(2);
/// After how long without anything new the rest counts as lost.
const SILENCE: Duration = Duration::from_secs(10);

/// A feed that runs.
pub struct Feed {
    thread: JoinHandle<Result<Receiver>>,
    /// What it has got.
    pub seen: Arc<Seen>,
    stop: Stop,
    /// The thread that waits for rings; a listener has none.
    _waiter: Option<Waiter>,
}

/// Starts to listen on a channel. [`Feed::wait_live`] waits until it does.
pub fn listener(bench: &Bench, channel: &str) -> Feed {
    let stop = child(bench.stop);
    start(listen(bench, channel, &stop), Ordered::Yes, stop, None)
}

fn listen(bench: &Bench, channel: &str, stop: &Stop) -> Listen {
    let options = listen::Options {
        settings: bench.place.settings().clone(),
        channels: Arc::from([Arc::from(channel)]),
        heartbeat: Duration::from_secs(30),
        reconnect: Reconnect::Always,
        wait_server: Duration::ZERO,
        // Whoever measures holds everything: what is dropped here was not lost by the server.
        buffer_bytes: usize::MAX,
        overflow: Overflow::Stop,
    };
    Listen::start(options, Box::new(Silent), stop)
}

/// A feed of a channel into any sink.
#[cfg(feature = "serve")]
pub struct Into<S> {
    thread: JoinHandle<Result<S>>,
    stop: Stop,
}

#[cfg(feature = "serve")]
impl<S: Sink + Send + 'static> Into<S> {
    /// Starts to listen on a channel.
    pub fn start(bench: &Bench, channel: &str, sink: S) -> Self {
        let stop = child(bench.stop);
        Self { thread: pump(listen(bench, channel, &stop), sink, &stop), stop }
    }

    /// Ends it.
    ///
    /// # Errors
    /// Why it had failed before.
    pub fn end(self) -> Result<()> {
        self.stop.request(StopReason::Finished);
        self.thread.join().unwrap_or_else(|_| Err(Error::failed("a feed panicked"))).map(drop)
    }
}

/// Starts to deliver what is in a queue, as one worker of `tail-queue` does.
///
/// # Errors
/// That it cannot connect.
pub fn consumer(bench: &Bench, queue: &Queue, ordered: Ordered) -> Result<Feed> {
    let stop = child(bench.stop);
    let options = Options { what: For::Anything, workers: 1, poll: Duration::from_secs(10), ends: false };
    let settings = bench.place.settings();
    let (bell, waiter) = Bell::start(settings.clone(), queue.clone(), options, &stop);
    let policy = Policy {
        order: Order::Ordered,
        hold: Some(Duration::from_secs(60)),
        retries: usize::MAX,
        bytes: BATCH_BYTES,
        max_attempts: 5,
        first_delay: Duration::from_secs(1),
    };
    let source = QueueSource::open(settings.clone(), queue.clone(), policy, bell, Box::new(Silent), &stop)?;
    Ok(start(source, ordered, stop, Some(waiter)))
}

/// A stop that the other one raises too.
fn child(parent: &Stop) -> Stop {
    let stop = Stop::default();
    let raised = stop.clone();
    parent.on_request(move || {
        raised.request(StopReason::Signal);
    });
    stop
}

fn start(source: impl Source + Send + 'static, ordered: Ordered, stop: Stop, waiter: Option<Waiter>) -> Feed {
    let seen = Arc::new(Seen::default());
    let thread = pump(source, Receiver::new(ordered, Arc::clone(&seen)), &stop);
    Feed { thread, seen, stop, _waiter: waiter }
}

/// Pumps on a thread of its own, which hands the sink back at the end.
fn pump<S: Sink + Send + 'static>(
    mut source: impl Source + Send + 'static,
    mut sink: S,
    stop: &Stop,
) -> JoinHandle<Result<S>> {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let pump = Pump {
            source: &mut source,
            sink: &mut sink,
            meter: &Meter::start(Limits::default()),
            batch: BATCH,
            on_refusal: OnRefusal::Stop,
            report: &Silent,
            stop: &stop,
        };
        pump.run().map(|_: crate::feed::limits::End| sink)
    })
}

impl Feed {
    /// Waits until it listens.
    ///
    /// # Errors
    /// That it does not; why it has ended.
    pub fn wait_live(self, bench: &Bench) -> Result<Self> {
        let until = Instant::now() + START;
        while !self.seen.live.load(Ordering::Acquire) && bench.stop.requested().is_none() {
            if self.thread.is_finished() || Instant::now() >= until {
                return Err(self.end().err().unwrap_or_else(|| Error::failed("a listener did not begin to listen")));
            }
            bench.stop.pause(LOOK);
        }
        Ok(self)
    }

    /// Waits until so many messages have come, or none for a long time.
    pub fn wait_received(&self, bench: &Bench, expected: u64) {
        let received = || self.seen.received.load(Ordering::Acquire);
        let (mut last, mut since) = (received(), Instant::now());
        while last < expected && since.elapsed() < SILENCE && !self.thread.is_finished() {
            if bench.stop.requested().is_some() {
                return;
            }
            bench.stop.pause(LOOK);
            if received() != last {
                (last, since) = (received(), Instant::now());
            }
        }
    }

    /// Whether it has been told that nothing follows, or never will be.
    pub fn has_ended(&self) -> bool {
        self.seen.ended.load(Ordering::Acquire) || self.thread.is_finished()
    }

    /// Ends it, and hands over what it has got.
    ///
    /// # Errors
    /// Why it had failed before.
    pub fn end(self) -> Result<Receiver> {
        self.stop.request(StopReason::Finished);
        self.thread.join().unwrap_or_else(|_| Err(Error::failed("a feed panicked")))
    }
}

/// Nobody is told how a feed fares: the figures show it.
struct Silent;

impl listen::Observer for Silent {
    fn control(&mut self, _control: &Control) {}
    fn retrying(&mut self, _error: &Error) {}
    fn full(&mut self, _then: Overflow) {}
}

impl queue_source::Observer for Silent {
    fn lost(&self, _error: &Error) {}
    fn back(&self) {}
    fn buried(&self, _id: i64, _reason: &str) {}
}

impl Report for Silent {
    fn refused(&self, _event: &Event, _reason: &str) {}
    fn unavailable(&self, _why: &str) {}
    fn available(&self) {}
}
