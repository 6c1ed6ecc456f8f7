//! The pump: moves batches from a source to a sink, and settles them behind it.

mod deliver;
mod pace;

use std::time::{Duration, Instant};

use super::event::{Event, Item};
use super::limits::{End, Meter, Next};
use super::{Poll, Settled, Sink, Source, Undelivered};
use crate::backoff::Backoff;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::stop::Stop;
use deliver::Delivery;
use pace::Pace;

/// How often a pause looks whether a limit ends it.
const LOOK_AT_LIMITS: Duration = Duration::from_millis(500);
/// How often a source that takes nothing shows that it is there.
const STAY_EVERY: Duration = Duration::from_secs(15);

/// What to do about an event that the sink has refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// Fail.
    Stop,
    /// Go on: the source decides what becomes of it.
    GoOn,
}

/// Whoever wants to know what becomes of the events.
pub trait Report {
    /// An event was refused.
    fn refused(&self, event: &Event, reason: &str);
    /// Nobody is there to take events; told once until somebody is there again.
    fn unavailable(&self, why: &str);
    /// Somebody is there again.
    fn available(&self);
}

/// How long a sink that had no room has to take everything, until that counts as over.
const CALM: Duration = Duration::from_secs(5);

/// A time in which nobody takes events, or not all.
#[derive(Default)]
struct Outage {
    backoff: Backoff,
    /// When there was no room for some events, the last time.
    short_at: Option<Instant>,
}

/// The parts of one feed, or of one worker of it.
pub struct Pump<'a> {
    /// Where events come from.
    pub source: &'a mut dyn Source,
    /// Where they go.
    pub sink: &'a mut dyn Sink,
    /// The limits, shared by all workers.
    pub meter: &'a Meter,
    /// The most events in a batch.
    pub batch: usize,
    /// What to do about refusals.
    pub on_refusal: OnRefusal,
    /// Who hears of refusals.
    pub report: &'a dyn Report,
    /// The wish to stop.
    pub stop: &'a Stop,
}

impl Pump<'_> {
    /// Moves events until a limit, a stop, or the end of the source.
    ///
    /// # Errors
    /// What the source or the sink could not cope with.
    pub fn run(mut self) -> Result<End> {
        let mut outage: Option<Outage> = None;
        let mut pace = Pace::new(self.batch);
        loop {
            if let Some(reason) = self.stop.requested() {
                return Ok(reason.into());
            }
            let (wait, reserved) = match self.meter.next(pace.next()) {
                Next::Poll(wait, reserved) => (wait, reserved),
                Next::End(end) => return Ok(end),
                // Not merely a pause: a source that ends when all its workers have found nothing waits for this one too.
                Next::Ask(wait) => match self.source.poll(wait, 0)? {
                    Poll::Ended => return Ok(End::SourceEnded),
                    Poll::Idle | Poll::Batch(_) => continue,
                },
            };
            let batch = match self.source.poll(wait, reserved) {
                Ok(Poll::Batch(batch)) => batch,
                other => {
                    self.meter.settle(reserved, 0);
                    match other? {
                        Poll::Ended => return Ok(End::SourceEnded),
                        Poll::Idle | Poll::Batch(_) => {
                            let others = self.meter.turn_of_others();
                            if !others.is_zero() && matches!(self.source.poll(others, 0)?, Poll::Ended) {
                                return Ok(End::SourceEnded);
                            }
                            continue;
                        }
                    }
                }
            };
            failpoint::reach("after_take");
            if failpoint::is_mutant("commit_first") {
                self.source.settle(batch.clone(), &[])?;
            }
            let started = Instant::now();
            match self.deliver(&batch)? {
                Delivery::ReaderGone => return Ok(End::ReaderGone),
                Delivery::Unavailable(why, at_least) => {
                    self.source.give_back(batch)?;
                    self.meter.settle(reserved, 0);
                    self.wait_out(&mut outage, &why, at_least)?;
                }
                Delivery::Done(undelivered, Some((why, at_least))) => {
                    let some_found_room = undelivered.len() < batch.len();
                    self.settle(batch, &undelivered, reserved)?;
                    if let Some(outage) = outage.as_mut().filter(|_| some_found_room) {
                        outage.backoff.reset();
                    }
                    self.wait_out(&mut outage, &why, at_least)?;
                    outage.get_or_insert_default().short_at = Some(Instant::now());
                }
                Delivery::Done(undelivered, None) => {
                    let over = |outage: &Outage| outage.short_at.is_none_or(|at| at.elapsed() >= CALM);
                    if outage.take_if(|outage| over(outage)).is_some() {
                        self.report.available();
                    }
                    pace.learn(batch.len(), started.elapsed());
                    self.settle(batch, &undelivered, reserved)?;
                }
            }
        }
    }

    /// Tells of an outage once, and waits longer each time.
    fn wait_out(&mut self, outage: &mut Option<Outage>, why: &str, at_least: Duration) -> Result<()> {
        if outage.is_none() {
            self.report.unavailable(why);
        }
        let wait = outage.get_or_insert_default().backoff.wait();
        self.pause(wait.max(at_least))
    }

    /// Leaves the sink alone for a while, but not beyond a limit or a stop.
    fn pause(&mut self, wait: Duration) -> Result<()> {
        let until = Instant::now() + wait;
        let mut stayed = Instant::now();
        while self.stop.requested().is_none() && !self.meter.is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.stop.pause(left.min(LOOK_AT_LIMITS));
            if stayed.elapsed() >= STAY_EVERY {
                self.source.stay()?;
                stayed = Instant::now();
            }
        }
        Ok(())
    }

    fn settle(&mut self, batch: Vec<Item>, undelivered: &[Undelivered], reserved: usize) -> Result<()> {
        let events = batch.iter().filter(|item| matches!(item, Item::Event(_))).count();
        if events > 0 && undelivered.len() == events && undelivered.iter().all(|event| event.reason.is_none()) {
            self.meter.settle(reserved, 0);
            return self.source.give_back(batch);
        }
        let mut fatal = None;
        for Undelivered { place, reason } in undelivered {
            if let (Item::Event(event), Some(reason)) = (&batch[*place], reason) {
                self.report.refused(event, reason);
                if self.on_refusal == OnRefusal::Stop {
                    fatal.get_or_insert_with(|| Error::failed(reason).doing("delivering an event"));
                }
            }
        }
        let delivered = match self.source.settle(batch, undelivered)? {
            Settled::Recorded => events - undelivered.len(),
            // What comes again is counted when it does.
            Settled::Lost => 0,
        };
        self.meter.settle(reserved, delivered);
        fatal.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
