//! The pump: moves batches from a source to a sink, and settles them behind it.

mod deliver;
mod outage;
mod pace;

use std::time::{Duration, Instant};

use super::event::{Event, Item};
use super::limits::{End, Meter, Next};
use super::{Poll, Settled, Sink, Source, Undelivered};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::stop::Stop;
use deliver::{Delivery, Room};
use outage::{Blocked, Outages};
use pace::Pace;

/// How often a pause looks whether a limit ends it.
const LOOK_AT_LIMITS: Duration = Duration::from_millis(500);
/// How often a source that takes nothing shows that it is there.
const STAY_EVERY: Duration = Duration::from_secs(15);
/// After so long others may do better than a worker whose events nobody takes: its sink may be away for it alone.
const LONG: Duration = Duration::from_secs(15);

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
    /// Nobody takes these where they lead, and they wait.
    fn blocked(&self, why: &str, _waiting: &[&Event]) {
        self.unavailable(why);
    }
    /// Somebody is there again.
    fn available(&self);
    /// The sink has noticed something.
    fn noticed(&self, _what: &str) {}
}

/// What a pump does next.
enum Turn {
    /// Delivers these, which so many of the limit were reserved for.
    Batch(Vec<Item>, Again, usize),
    /// Nothing for now.
    Nothing,
    /// Ends.
    End(End),
}

/// Whether a batch was handed over before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    No,
    Yes,
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
        let mut outages = Outages::default();
        let mut pace = Pace::new(self.batch);
        loop {
            let (batch, again, reserved) = match self.next_batch(pace)? {
                Turn::Batch(batch, again, reserved) => (batch, again, reserved),
                Turn::Nothing => {
                    outages.end_what_is_over(self.report);
                    continue;
                }
                Turn::End(end) => return Ok(end),
            };
            failpoint::reach("after_take");
            if failpoint::is_mutant("commit_first") {
                self.source.settle(batch.clone(), &[])?;
            }
            let started = Instant::now();
            let delivery = self.deliver(&batch)?;
            self.sink.notices().iter().for_each(|what| self.report.noticed(what));
            match delivery {
                Delivery::ReaderGone => return Ok(End::ReaderGone),
                // Beside what is blocked others may get through.
                Delivery::Done(_, Room::Enough | Room::Elsewhere(_)) => pace.learn(batch.len(), started.elapsed()),
                // Where an acknowledgement takes too long for so many, it may not for fewer.
                Delivery::Unavailable(..) => pace.shrink(),
                Delivery::Done(..) => {}
            }
            let wait = self.conclude(batch, reserved, delivery, again, &mut outages)?;
            // What comes again waits by itself, and keeps nothing else waiting.
            if again == Again::No && !wait.is_zero() {
                if outages.lasts() >= failpoint::at_most("PGFEED_LONG", LONG) {
                    self.source.step_aside()?;
                }
                self.pause(wait)?;
            }
        }
    }

    /// Does what a delivery means for its batch. Returns for how long to leave the sink alone.
    fn conclude(
        &mut self,
        batch: Vec<Item>,
        reserved: usize,
        delivery: Delivery,
        again: Again,
        outages: &mut Outages,
    ) -> Result<Duration> {
        match delivery {
            Delivery::ReaderGone => Ok(Duration::ZERO),
            Delivery::Unavailable(why, at_least) => {
                let wait = outages.unavailable(again, self.report, &why).max(at_least);
                self.give_back(batch, reserved, wait).map(|()| wait)
            }
            Delivery::Done(undelivered, Room::None(why, at_least)) => {
                let some_found_room = undelivered.len() < batch.len();
                let wait = outages.short(again, self.report, &why, some_found_room).max(at_least);
                self.settle_or_give_back(batch, &undelivered, reserved, wait).map(|()| wait)
            }
            Delivery::Done(undelivered, Room::Elsewhere(why)) => {
                // What is blocked comes again by itself. Where nothing got through it may be that nothing does.
                let some_got_through = undelivered.len() < events(&batch);
                let put_off = self.source.puts_off();
                let blocked = Blocked { why: &why, waiting: &waiting(&batch, &undelivered) };
                let wait = outages.blocked(self.report, &blocked, some_got_through, put_off.unwrap_or_default());
                match again {
                    Again::Yes => self.settle_or_give_back(batch, &undelivered, reserved, wait)?,
                    Again::No => self.settle(batch, &undelivered, reserved)?,
                }
                Ok(if some_got_through && put_off.is_some() { Duration::ZERO } else { wait })
            }
            Delivery::Done(undelivered, Room::Enough) => {
                outages.all_is_well(again, self.report);
                self.settle_or_give_back(batch, &undelivered, reserved, Duration::ZERO).map(|()| Duration::ZERO)
            }
        }
    }

    /// What to do next: a batch, if there is one.
    fn next_batch(&mut self, pace: Pace) -> Result<Turn> {
        if let Some(reason) = self.stop.requested() {
            return Ok(Turn::End(reason.into()));
        }
        let (wait, reserved) = match self.meter.next(pace.next()) {
            Next::Poll(wait, reserved) => (wait, reserved),
            Next::End(end) => return Ok(Turn::End(end)),
            // Not merely a pause: a source that ends when all its workers have found nothing waits for this one too.
            Next::Ask(wait) => return self.wait_for_others(wait),
        };
        let turn = match self.source.poll(wait, reserved) {
            Ok(Poll::Batch(batch)) => return Ok(Turn::Batch(batch, Again::No, reserved)),
            Ok(Poll::Again(batch)) => return Ok(Turn::Batch(batch, Again::Yes, reserved)),
            Ok(Poll::Ended) => Ok(Turn::End(End::SourceEnded)),
            Ok(Poll::Idle) => Ok(Turn::Nothing),
            Err(error) => Err(error),
        };
        self.meter.settle(reserved, 0);
        match (turn?, self.meter.turn_of_others()) {
            (Turn::Nothing, others) if !others.is_zero() => self.wait_for_others(others),
            (turn, _) => Ok(turn),
        }
    }

    fn wait_for_others(&mut self, wait: Duration) -> Result<Turn> {
        Ok(match self.source.poll(wait, 0)? {
            Poll::Ended => Turn::End(End::SourceEnded),
            Poll::Idle | Poll::Batch(_) | Poll::Again(_) => Turn::Nothing,
        })
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

    fn give_back(&mut self, batch: Vec<Item>, reserved: usize, wait: Duration) -> Result<()> {
        self.meter.settle(reserved, 0);
        self.source.give_back(batch, wait)
    }

    /// Settles a batch, unless nobody has tried to deliver anything of it.
    fn settle_or_give_back(
        &mut self,
        batch: Vec<Item>,
        undelivered: &[Undelivered],
        reserved: usize,
        wait: Duration,
    ) -> Result<()> {
        let untried = undelivered.iter().filter(|event| event.reason.is_none()).count();
        if untried > 0 && untried == events(&batch) {
            return self.give_back(batch, reserved, wait);
        }
        self.settle(batch, undelivered, reserved)
    }

    fn settle(&mut self, batch: Vec<Item>, undelivered: &[Undelivered], reserved: usize) -> Result<()> {
        let events = events(&batch);
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

/// The events that nobody has refused, nor taken.
fn waiting<'a>(batch: &'a [Item], undelivered: &[Undelivered]) -> Vec<&'a Event> {
    let untried = undelivered.iter().filter(|event| event.reason.is_none());
    let event = |one: &Undelivered| if let Item::Event(event) = &batch[one.place] { Some(event) } else { None };
    untried.filter_map(event).collect()
}

fn events(batch: &[Item]) -> usize {
    batch.iter().filter(|item| matches!(item, Item::Event(_))).count()
}

#[cfg(test)]
mod tests;
