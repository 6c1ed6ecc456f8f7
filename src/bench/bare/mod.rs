//! The client libraries alone, beside which a sink is measured: each publishes as many messages as pgfeed does, as large and with the
//! same guarantees, to a place of its own, which is gone afterwards. The registry: one file and one line each.

#[cfg(feature = "amqp")]
mod amqp;
mod file;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod redis;
mod sample;
mod table;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::plan::Outlet;
use super::{Bench, Measured};
use crate::error::{Error, Result};
use crate::feed::sink::target::Target;
use crate::stop::Stop;
pub use sample::Sample;

/// How often progress is told, and a stop noticed.
const LOOK: Duration = Duration::from_millis(20);
/// How long what takes the messages may acknowledge none of them.
#[cfg(any(feature = "amqp", feature = "nats"))]
const SILENCE: Duration = Duration::from_secs(10);
/// How long it may take to remove a place.
#[cfg(any(feature = "amqp", feature = "nats"))]
const FAREWELL: Duration = Duration::from_secs(5);
/// Messages that are acknowledged together where nothing acknowledges each, as in a batch of pgfeed's.
const BATCH: u64 = 1000;

/// A client library with a connection. It removes its place when it is dropped.
trait Bare: Send {
    /// Publishes so many messages, and returns once all are acknowledged, or a stop is asked for.
    fn publish(&mut self, count: u64, run: &Run) -> Result<()>;
}

/// The client library of a kind of sink.
pub struct Kind {
    /// The schemes of the sink's URLs.
    schemes: &'static [&'static str],
    /// What it is called in a report.
    pub name: &'static str,
    /// How it publishes, for people.
    pub how: &'static str,
    /// Connects, and makes the place that the sample names.
    open: fn(Target, &Sample) -> Result<Box<dyn Bare>>,
}

/// One for each kind of sink.
const KINDS: &[Kind] = &[
    #[cfg(feature = "amqp")]
    amqp::KIND,
    #[cfg(feature = "nats")]
    nats::KIND,
    #[cfg(feature = "redis")]
    redis::KIND,
    #[cfg(feature = "http")]
    http::KIND,
    table::KIND,
    file::KIND,
];

/// The library that a sink is measured beside.
///
/// # Errors
/// What is wrong with the URL.
pub fn beside(to: &Outlet) -> Result<&'static Kind> {
    let target = Target::parse(to.url.expose())?;
    let found = KINDS.iter().find(|kind| kind.schemes.contains(&target.scheme()));
    Ok(found.expect("each kind of sink has one, which a test checks"))
}

/// What the libraries in a report have done.
pub fn told<'a>(cases: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut cases = cases.filter_map(|case| KINDS.iter().find(|kind| kind.name == case));
    cases.next().map(|kind| format!("{}: {}", kind.name, kind.how))
}

/// What all publishers of a measurement share.
#[derive(Clone)]
struct Run {
    stop: Stop,
    /// Messages that were acknowledged.
    done: Arc<AtomicU64>,
}

impl Run {
    /// Counts what was acknowledged; returns whether to go on.
    fn count(&self, acknowledged: u64) -> bool {
        self.done.fetch_add(acknowledged, Ordering::Relaxed);
        self.stop.requested().is_none()
    }

    /// Waits for work that counts, though not for a server that says nothing any more. Looks from outside, so that no message
    /// pays for it.
    #[cfg(any(feature = "amqp", feature = "nats"))]
    async fn watch(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        let mut work = std::pin::pin!(work);
        let (mut last, mut since) = (0, Instant::now());
        loop {
            if let Ok(ended) = tokio::time::timeout(LOOK, &mut work).await {
                return ended;
            }
            if self.stop.requested().is_some() {
                return Ok(());
            }
            let done = self.done.load(Ordering::Relaxed);
            if done != last {
                (last, since) = (done, Instant::now());
            } else if since.elapsed() >= SILENCE {
                return Err(Error::failed("what takes the messages has stopped to acknowledge them"));
            }
        }
    }
}

impl Kind {
    /// Publishes so many messages in all, with so many connections, each to a place of its own.
    ///
    /// # Errors
    /// That it cannot connect; what the server says.
    pub fn measure(
        &self,
        bench: &Bench,
        to: &Outlet,
        sample: &Sample,
        publishers: usize,
        count: u64,
    ) -> Result<Measured> {
        let doing = |error: Error| error.doing(format!("publishing with {}", self.name));
        let open = |_| (self.open)(Target::parse(to.url.expose())?, &sample.elsewhere());
        let mut opened = (0..publishers).map(open).collect::<Result<Vec<_>>>().map_err(doing)?;
        let run = Run { stop: bench.stop.clone(), done: Arc::default() };
        let (of, started) = (publishers as u64, Instant::now());
        let ended: Vec<Result<Duration>> = thread::scope(|scope| {
            let run = &run;
            let mut threads = Vec::new();
            for (number, bare) in (0..).zip(&mut opened) {
                let share = count / of + u64::from(number < count % of);
                threads.push(scope.spawn(move || bare.publish(share, run).map(|()| started.elapsed())));
            }
            while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
                thread::sleep(LOOK);
                bench.watch.at(run.done.load(Ordering::Relaxed));
            }
            let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
            joined.map(|end| end.unwrap_or_else(|_| Err(Error::failed("a publisher panicked")))).collect()
        });
        let mut measured = Measured { operations: run.done.load(Ordering::Relaxed), ..Measured::default() };
        for elapsed in ended {
            measured.elapsed = measured.elapsed.max(elapsed.map_err(doing)?);
        }
        Ok(measured)
    }
}

/// What a library says.
fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::failed(why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::sink::registry;

    #[test]
    fn each_kind_of_sink_has_one() {
        let of = |schemes: &[&[&'static str]]| schemes.concat();
        let sinks: Vec<_> = registry::KINDS.iter().map(|kind| kind.schemes).collect();
        let alone: Vec<_> = KINDS.iter().map(|kind| kind.schemes).collect();
        assert_eq!(of(&alone), of(&sinks));
    }
}
