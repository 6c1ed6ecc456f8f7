//! Load: threads that write as fast as it goes, or as was planned, first to warm up and then to be measured.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::histogram::Latencies;
use super::plan::Amount;
use super::stamp::{Phase, Stamp, now_ns};
use super::{Bench, Measured};
use crate::error::{Error, Result};
use crate::stop::Stop;

/// How often progress is told, and a stop noticed.
const TICK: Duration = Duration::from_millis(20);
/// How long writers may take to finish what they are at before it is cancelled.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a writer is to do now.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// Whether it counts.
    pub phase: Phase,
    /// Which of the writers this is.
    pub client: u64,
    /// How many it has written before, in this phase.
    pub n: u64,
    /// When this was due.
    pub due_ns: u64,
}

impl Turn {
    /// The stamp of a message whose order is that of its sender.
    pub fn stamp(&self) -> Stamp {
        Stamp { phase: self.phase, stream: self.client, seq: self.n, due_ns: self.due_ns }
    }

    /// The stamp of a change to one of the writer's rows, and the number of that row: they are written in turns.
    pub fn row_stamp(&self, rows: u64) -> (u64, Stamp) {
        let row = self.client * rows + self.n % rows;
        (row, Stamp { stream: row, seq: self.n / rows, ..self.stamp() })
    }
}

/// Lets every writer write: first for the warm-up, then as much as was asked for.
///
/// # Errors
/// The first error of a writer, unless it was told to stop.
pub fn drive<W: FnMut(Turn) -> Result<()> + Send>(bench: &Bench, writers: &mut [W]) -> Result<Measured> {
    if !bench.plan.warmup.is_zero() {
        run(bench, Phase::Warmup, Amount::Time(bench.plan.warmup), writers)?;
    }
    run(bench, Phase::Measured, bench.plan.amount, writers)
}

fn run<W: FnMut(Turn) -> Result<()> + Send>(
    bench: &Bench,
    phase: Phase,
    amount: Amount,
    writers: &mut [W],
) -> Result<Measured> {
    let clients = writers.len() as u64;
    let interval = bench.plan.rate.map(|rate| Duration::from_secs_f64(clients as f64 / rate as f64));
    let run = Run {
        phase,
        amount,
        interval,
        clients,
        started: Instant::now(),
        started_ns: now_ns(),
        tickets: AtomicU64::new(0),
        done: AtomicU64::new(0),
        failed: AtomicBool::new(false),
        stop: bench.stop,
    };
    let written: Vec<Result<Written>> = std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> =
            (0..).zip(writers).map(|(client, write)| scope.spawn(move || run.work(client, write))).collect();
        let mut cancel_at = None;
        while !threads.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            std::thread::sleep(TICK);
            if phase == Phase::Measured {
                bench.watch.at(run.done.load(Ordering::Relaxed));
            }
            if bench.stop.requested().is_some()
                && *cancel_at.get_or_insert_with(|| Instant::now() + PATIENCE) < Instant::now()
            {
                bench.place.cancel_writers();
                cancel_at = Some(Instant::now() + PATIENCE);
            }
        }
        let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        joined.map(|end| end.unwrap_or_else(|_| Err(Error::failed("a writer panicked")))).collect()
    });
    let mut measured = Measured { started_ns: Some(run.started_ns), ..Measured::default() };
    for one in written {
        let one = one?;
        measured.operations += one.count;
        measured.elapsed = measured.elapsed.max(one.ended);
        measured.latency.add(&one.latency);
    }
    if bench.stop.requested().is_none() {
        // With a pace the last one is done before the time is over.
        measured.elapsed = measured.elapsed.max(run.planned());
    }
    Ok(measured)
}

/// What all writers of a phase share.
struct Run<'a> {
    phase: Phase,
    amount: Amount,
    /// Between two turns of one writer, where there is a pace.
    interval: Option<Duration>,
    clients: u64,
    started: Instant,
    started_ns: u64,
    tickets: AtomicU64,
    done: AtomicU64,
    failed: AtomicBool,
    stop: &'a Stop,
}

/// What one writer has done.
#[derive(Default)]
struct Written {
    count: u64,
    /// When, after the start.
    ended: Duration,
    latency: Latencies,
}

impl Run<'_> {
    fn work(&self, client: u64, write: &mut impl FnMut(Turn) -> Result<()>) -> Result<Written> {
        let mut written = Written::default();
        while let Some(due) = self.next(client, written.count) {
            let ns = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            let due_ns = self.started_ns + ns(due);
            if let Err(error) = write(Turn { phase: self.phase, client, n: written.count, due_ns }) {
                if self.stop.requested().is_some() {
                    break;
                }
                self.failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
            written.ended = self.started.elapsed();
            written.latency.record_duration(written.ended.saturating_sub(due));
            written.count += 1;
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(written)
    }

    /// Waits for the next turn of a writer, and tells when it was due, after the start; none when it is over.
    fn next(&self, client: u64, n: u64) -> Option<Duration> {
        let due = match self.interval {
            None => self.started.elapsed(),
            // The writers' turns are spread evenly.
            Some(interval) => interval.mul_f64(n as f64 + client as f64 / self.clients as f64),
        };
        // Whoever has fallen behind a pace does not go on beyond the time either.
        if let Amount::Time(time) = self.amount
            && due.max(self.started.elapsed()) >= time
        {
            return None;
        }
        let ahead = due.saturating_sub(self.started.elapsed());
        if !ahead.is_zero() {
            self.stop.pause(ahead);
        }
        if self.stop.requested().is_some() || self.failed.load(Ordering::Relaxed) {
            return None;
        }
        let has_ticket = match self.amount {
            Amount::Time(_) => true,
            Amount::Count(count) => self.tickets.fetch_add(1, Ordering::Relaxed) < count,
        };
        has_ticket.then_some(due)
    }

    /// How long it takes at least.
    fn planned(&self) -> Duration {
        match (self.amount, self.interval) {
            (Amount::Time(time), _) => time,
            (Amount::Count(count), Some(interval)) => interval.mul_f64(count as f64 / self.clients as f64),
            (Amount::Count(_), None) => Duration::ZERO,
        }
    }
}
