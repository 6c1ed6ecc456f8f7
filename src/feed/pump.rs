//! The pump: moves batches from a source to a sink, and settles them behind it.

mod pace;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::event::{Event, Item};
use super::limits::{End, Meter, Next};
use super::{Outcome, Poll, Refuses, Settled, Sink, Source, Undelivered, Written};
use crate::backoff::Backoff;
use crate::connection::is_transient;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::stop::Stop;
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

/// What became of a batch.
enum Delivery {
    /// Settled but for these; there may have been no room for them, for this reason.
    Done(Vec<Undelivered>, Option<String>),
    /// Why, and for how long at least.
    Unavailable(String, Duration),
    ReaderGone,
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
                            if !others.is_zero() {
                                self.source.poll(others, 0)?;
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
                Delivery::Done(undelivered, Some(why)) => {
                    let some_found_room = undelivered.len() < batch.len();
                    self.settle(batch, &undelivered, reserved)?;
                    if let Some(outage) = outage.as_mut().filter(|_| some_found_room) {
                        outage.backoff.reset();
                    }
                    self.wait_out(&mut outage, &why, Duration::ZERO)?;
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

    /// Delivers a batch in rounds, in each of which no key occurs twice: what follows an event of its key that was not
    /// delivered must not be. A sink that never refuses gets all at once.
    fn deliver(&mut self, batch: &[Item]) -> Result<Delivery> {
        let (mut undelivered, mut short) = (Vec::new(), None);
        let mut held_keys = HashSet::new();
        let mut rest: Vec<usize> = (0..batch.len()).collect();
        let keeps_order = self.source.keeps_order();
        let by_key = self.sink.refuses() == Refuses::Events && keeps_order;
        while !rest.is_empty() {
            // Before anything is written: others may have the batch already. (A stream need not wait for the answer: it cannot refuse.)
            let lost = if self.sink.refuses() == Refuses::Nothing { None } else { self.source.holder().err() };
            match lost {
                Some(why) if is_transient(&why) => {
                    return Ok(Delivery::Unavailable(why.to_string(), Duration::ZERO));
                }
                Some(why) => return Err(why),
                None => {}
            }
            let (mut round, mut later, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
            for place in rest {
                let key = key_of(&batch[place]).filter(|_| keeps_order);
                if key.is_some_and(|key| held_keys.contains(&key)) {
                    undelivered.push(Undelivered { place, reason: None });
                } else if by_key && key.is_some_and(|key| !seen.insert(key)) {
                    later.push(place);
                } else if let Written::Refused(reason) = self.sink.write(&batch[place])? {
                    held_keys.extend(key);
                    undelivered.push(Undelivered { place, reason: Some(reason) });
                } else {
                    failpoint::reach("after_write");
                    if matches!(batch[place], Item::Event(_)) {
                        round.push(place);
                    }
                }
            }
            failpoint::reach("before_flush");
            let flushed = self.sink.flush_beside(self.source.holder().ok().flatten())?;
            failpoint::reach("after_flush");
            let missing = match flushed {
                Outcome::Delivered => Vec::new(),
                Outcome::ReaderGone => return Ok(Delivery::ReaderGone),
                Outcome::Unavailable(why) => return Ok(Delivery::Unavailable(why, Duration::ZERO)),
                Outcome::UnavailableFor(why, wait) => return Ok(Delivery::Unavailable(why, wait)),
                Outcome::AllBut(missing) => missing,
                Outcome::Short(missing, why) => {
                    short = Some(why);
                    missing
                }
            };
            for Undelivered { place, reason } in missing {
                let place = round[place];
                // Of a batch that was refused as a whole, the first of each key stands for those behind it.
                let is_first = key_of(&batch[place]).is_none_or(|key| held_keys.insert(key));
                let reason = reason.filter(|_| is_first || !keeps_order);
                undelivered.push(Undelivered { place, reason });
            }
            rest = later;
            if short.is_some() {
                undelivered.extend(rest.drain(..).map(|place| Undelivered { place, reason: None }));
            }
        }
        undelivered.sort_unstable_by_key(|undelivered| undelivered.place);
        Ok(Delivery::Done(undelivered, short))
    }
}

/// What must be delivered in order shares this.
fn key_of(item: &Item) -> Option<i64> {
    match item {
        Item::Event(event) => event.key(),
        Item::Control(_) => None,
    }
}

#[cfg(test)]
mod tests;
