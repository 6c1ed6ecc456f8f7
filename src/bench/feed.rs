//! Feeds under measurement: pgfeed's own sources and pump, into a receiver.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::counting::Counting;
use super::histogram::Latencies;
use super::receiver::{Collected, Receiver};
use super::tally::Ordered;
use super::{Bench, Delivery};
use crate::error::{Error, Result};
use crate::feed::event::{Control, Event};
use crate::feed::limits::{Limits, Meter};
use crate::feed::pump::{OnRefusal, Pump, Report};
use crate::feed::sink::registry::Destination;
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
    thread: JoinHandle<Result<()>>,
    /// What it has got.
    pub collected: Arc<Collected>,
    trouble: Trouble,
    stop: Stop,
    /// The thread that waits for rings; a listener has none.
    _waiter: Option<Waiter>,
}

/// Starts to listen on a channel. [`Feed::wait_live`] waits until it does.
pub fn listener(bench: &Bench, channel: &str) -> Feed {
    let collected = Collected::new(Ordered::Yes);
    listen(bench, channel, Receiver(Arc::clone(&collected)), collected)
}

/// Starts to listen on a channel, for a sink that keeps its own counts.
#[cfg(feature = "serve")]
pub fn into<S: Sink + Send + 'static>(bench: &Bench, channel: &str, sink: S) -> Feed {
    listen(bench, channel, sink, Collected::new(Ordered::Yes))
}

fn listen<S: Sink + Send + 'static>(bench: &Bench, channel: &str, sink: S, collected: Arc<Collected>) -> Feed {
    let stop = child(bench.stop);
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
    let source = Listen::start(options, vec![Box::new(Silent)], &stop);
    start(source, |_| Ok(sink), collected, stop, None)
}

/// Starts to deliver what is in a queue, each consumer as a `tail-queue` of its own does, all into one collection.
///
/// # Errors
/// That they cannot connect.
pub fn consumers(bench: &Bench, queue: &Queue, number: usize, ordered: Ordered) -> Result<Vec<Feed>> {
    let collected = Collected::new(ordered);
    let receiver = || {
        let receiver = Receiver(Arc::clone(&collected));
        |_: &Stop| Ok(receiver)
    };
    (0..number).map(|_| consumer(bench, queue, &collected, receiver())).collect()
}

/// Starts to deliver what is in a queue to where `--to` would, with so many consumers; each event counts once it is
/// acknowledged.
///
/// # Errors
/// That they cannot connect to the queue.
pub fn deliveries(bench: &Bench, queue: &Queue, to: &Arc<dyn Destination>, number: usize) -> Result<Vec<Feed>> {
    let collected = Collected::new(Ordered::No);
    let sink = || {
        let (to, counts) = (Arc::clone(to), Arc::clone(&collected));
        move |stop: &Stop| Ok(Counting::new(to.open(stop)?, counts))
    };
    (0..number).map(|_| consumer(bench, queue, &collected, sink())).collect()
}

/// Starts to move what a source has to where `--to` would; each event counts once it is acknowledged.
#[cfg(feature = "amqp")]
pub fn relay(bench: &Bench, source: impl Source + Send + 'static, destination: Arc<dyn Destination>) -> Feed {
    let collected = Collected::new(Ordered::No);
    let counts = Arc::clone(&collected);
    let sink = move |stop: &Stop| Ok(Counting::new(destination.open(stop)?, counts));
    start(source, sink, collected, child(bench.stop), None)
}

/// Makes a sink on the thread of its worker.
trait Open<S>: FnOnce(&Stop) -> Result<S> + Send + 'static {}
impl<S, F: FnOnce(&Stop) -> Result<S> + Send + 'static> Open<S> for F {}

fn consumer<S: Sink>(bench: &Bench, queue: &Queue, collected: &Arc<Collected>, sink: impl Open<S>) -> Result<Feed> {
    let stop = child(bench.stop);
    let options = Options { what: For::Anything, workers: 1, poll: Duration::from_secs(10), ends: false };
    let settings = bench.place.settings();
    let (bell, waiter) = Bell::start(settings.clone(), queue.clone(), options, &stop);
    let policy = Policy {
        order: Order::Ordered,
        hold: Some(Duration::from_secs(60)),
        bytes: BATCH_BYTES,
        max_attempts: 5,
        first_delay: Duration::from_secs(1),
    };
    let source = QueueSource::open(settings.clone(), queue.clone(), policy, bell, Box::new(Silent), &stop)?;
    Ok(start(source, sink, Arc::clone(collected), stop, Some(waiter)))
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

fn start<S: Sink>(
    mut source: impl Source + Send + 'static,
    sink: impl Open<S>,
    collected: Arc<Collected>,
    stop: Stop,
    waiter: Option<Waiter>,
) -> Feed {
    let trouble = Trouble::default();
    let (its_stop, its_trouble) = (stop.clone(), trouble.clone());
    let thread = std::thread::spawn(move || {
        let mut sink = sink(&its_stop)?;
        let pump = Pump {
            source: &mut source,
            sink: &mut sink,
            meter: &Meter::start(Limits::default()),
            batch: BATCH,
            on_refusal: OnRefusal::Stop,
            report: &its_trouble,
            stop: &its_stop,
        };
        pump.run()?;
        sink.close()
    });
    Feed { thread, collected, trouble, stop, _waiter: waiter }
}

impl Feed {
    /// Waits until it listens.
    ///
    /// # Errors
    /// That it does not; why it has ended.
    pub fn wait_live(self, bench: &Bench) -> Result<Self> {
        let until = Instant::now() + START;
        while !self.collected.is_live() && bench.stop.requested().is_none() {
            if self.thread.is_finished() || Instant::now() >= until {
                return Err(self.end().err().unwrap_or_else(|| Error::failed("a listener did not begin to listen")));
            }
            bench.stop.pause(LOOK);
        }
        Ok(self)
    }

    /// Whether it has been told that nothing follows, or never will be.
    pub fn has_ended(&self) -> bool {
        self.collected.has_ended() || self.thread.is_finished()
    }

    /// Ends it.
    ///
    /// # Errors
    /// Why it had failed before.
    pub fn end(self) -> Result<()> {
        self.stop.request(StopReason::Finished);
        self.thread.join().unwrap_or_else(|_| Err(Error::failed("a feed panicked")))
    }
}

/// Waits until so many messages have come, or none for a long time, and ends the consumers.
///
/// # Errors
/// Why one of them had failed.
pub fn finish(bench: &Bench, consumers: Vec<Feed>, expected: u64) -> Result<(Delivery, Latencies)> {
    let (mut delivery, mut latency) = (Delivery::of(expected), Latencies::default());
    if let Some(Feed { collected, .. }) = consumers.first() {
        let (mut last, mut since) = (collected.received(), Instant::now());
        while last < expected && since.elapsed() < SILENCE && bench.stop.requested().is_none() {
            if consumers.iter().any(|feed| feed.thread.is_finished()) {
                break;
            }
            bench.stop.pause(LOOK);
            if collected.received() != last {
                (last, since) = (collected.received(), Instant::now());
            }
        }
    }
    let collected = consumers.first().map(|feed| Arc::clone(&feed.collected));
    let trouble = consumers.iter().find_map(|feed| feed.trouble.take());
    consumers.into_iter().try_for_each(Feed::end)?;
    if let Some(why) = trouble.filter(|_| bench.stop.requested().is_none()) {
        return Err(Error::failed(why).doing("delivering"));
    }
    collected.inspect(|collected| collected.add_to(&mut delivery, &mut latency));
    // What carries no stamp cannot be told apart: more than there was came twice.
    let twice = delivery.received.saturating_sub(expected);
    delivery.received -= twice;
    delivery.duplicated += twice;
    Ok((delivery, latency))
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

/// Keeps why nobody takes the events, for the error when they have not arrived.
#[derive(Debug, Clone, Default)]
struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    fn set(&self, why: Option<&str>) {
        *self.0.lock().expect("nobody panics while it holds this") = why.map(str::to_owned);
    }

    fn take(&self) -> Option<String> {
        self.0.lock().expect("nobody panics while it holds this").take()
    }
}

impl Report for Trouble {
    fn refused(&self, _event: &Event, reason: &str) {
        self.set(Some(reason));
    }

    fn unavailable(&self, why: &str) {
        self.set(Some(why));
    }

    fn available(&self) {
        self.set(None);
    }
}
