//! The heart of the program: events flow from a source through the pump to a sink, and are acknowledged behind it.

pub mod change;
pub mod event;
pub mod format;
pub mod hold;
pub mod limits;
pub mod pump;
pub mod sink;
pub mod source;

use std::time::Duration;

use crate::connection::Connection;
use crate::error::Result;
use event::Item;

/// Where events come from.
pub trait Source {
    /// Waits at most `wait` for events, and hands over at most `max` of them; with a `max` of 0 it only waits, and hands over nothing. Returns early when a
    /// stop is asked for, and may return idle early, since other workers may need what this one has reserved.
    ///
    /// # Errors
    /// When the source has failed for good; passing faults are its own affair.
    fn poll(&mut self, wait: Duration, max: usize) -> Result<Poll>;

    /// Takes note that a batch was delivered, but for the events in `undelivered`, which are in the order of the batch.
    ///
    /// # Errors
    /// When the source has failed for good: the batch may come again.
    fn settle(&mut self, batch: Vec<Item>, undelivered: &[Undelivered]) -> Result<Settled>;

    /// Takes a batch back, because nobody is there to take it: it will come again. What was handed over [again](Poll::Again) does so
    /// after `wait` only, so that others come first.
    ///
    /// # Errors
    /// When the source has failed for good.
    fn give_back(&mut self, batch: Vec<Item>, wait: Duration) -> Result<()>;

    /// The connection in whose open transaction the batch was taken, where there is one: what a sink writes there is lasting
    /// once the batch is settled, and never if it comes again.
    ///
    /// # Errors
    /// That the batch can no longer be settled: others may have it already, and nothing of it may be delivered any more.
    fn holder(&mut self) -> Result<Option<&mut Connection>> {
        Ok(None)
    }

    /// Waits until the batch that was handed over is certain to be this one's. Called in front of its delivery.
    ///
    /// # Errors
    /// That it is not: nothing of it may be delivered.
    fn secure(&mut self) -> Result<()> {
        Ok(())
    }

    /// Called now and then while nothing can be delivered for long, so that the source's server sees that it is there.
    ///
    /// # Errors
    /// When the source has failed for good.
    fn stay(&mut self) -> Result<()> {
        Ok(())
    }

    /// Called while nobody has taken anything for long: leaves to others what only this one may hand over, until the next poll.
    ///
    /// # Errors
    /// When the source has failed for good.
    fn step_aside(&mut self) -> Result<()> {
        Ok(())
    }

    /// For how long at most what nobody has tried to deliver is put off, where it can come again later, and others meanwhile.
    fn puts_off(&self) -> Option<Duration> {
        None
    }

    /// Whether events that share a key must be delivered in their order.
    fn keeps_order(&self) -> bool {
        true
    }
}

/// Whether a batch will not come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It will not, but for what was not delivered.
    Recorded,
    /// The connection was lost: it may.
    Lost,
}

/// An event of a batch that was not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// Its place in the batch, or, from a sink, among the events written since the last flush.
    pub place: usize,
    /// Why it was refused; none when nobody has tried, because an older event of its key was refused, or because what was to
    /// take it has ended before: then it must come again, and that was no attempt.
    pub reason: Option<String>,
}

/// What a source has.
#[derive(Debug)]
pub enum Poll {
    /// Events, and what happened between them, in order.
    Batch(Vec<Item>),
    /// Events that were handed over before, and were not delivered then.
    Again(Vec<Item>),
    /// Nothing for now.
    Idle,
    /// Nothing, and nothing will come.
    Ended,
}

/// What takes events.
pub trait Sink {
    /// Takes one event or control record; it need not have arrived anywhere before [`Sink::flush`].
    ///
    /// # Errors
    /// When the sink has failed for good.
    fn write(&mut self, item: &Item) -> Result<Written>;

    /// Brings everything written to where it belongs, and says what became of it.
    ///
    /// # Errors
    /// When the sink has failed for good.
    fn flush(&mut self) -> Result<Outcome>;

    /// The same, for a sink that writes in the connection that holds the batch ([`Source::holder`]). To ask for it is to wait
    /// for what the source still does there.
    ///
    /// # Errors
    /// When the sink has failed for good.
    fn flush_beside(&mut self, _source: &mut dyn Source) -> Result<Outcome> {
        self.flush()
    }

    /// Ends it, when nothing more will be written.
    ///
    /// # Errors
    /// When what took the events has failed at the end.
    fn close(&mut self) -> Result<()> {
        Ok(())
    }

    /// What it has noticed that people should know, though everything goes on.
    fn notices(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// What it may refuse when it is flushed.
    fn refuses(&self) -> Refuses {
        Refuses::Events
    }
}

/// Whether a sink has taken what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// It has: the next flush says what became of it.
    Taken,
    /// It can never be delivered as it is, for this reason (too large, or without what a template asks for); nothing was sent.
    Refused(String),
}

/// What a sink may refuse when it is flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refuses {
    /// Nothing: it takes all, or fails.
    Nothing,
    /// One event while it takes another. Then events that share a key are given to it one by one, since the second must not be
    /// delivered when the first was refused.
    Events,
    /// Events, and it keeps their order itself: with one that it refuses it does not take later ones of its key.
    InOrder,
}

/// What became of everything written since the last flush.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All of it was acknowledged.
    Delivered,
    /// Some events were not delivered, all others acknowledged.
    AllBut(Vec<Undelivered>),
    /// The same, and for now there is no room for more, for this reason (a full queue behind it): what was not delivered without
    /// a reason of its own comes again later, and that was no attempt.
    Short(Vec<Undelivered>, String),
    /// The same, and where those without a reason of their own lead, nothing is taken for now, for this reason; elsewhere it is. They
    /// come again later, which was no attempt, and nothing waits for them.
    Blocked(Vec<Undelivered>, String),
    /// Nobody was there: nothing is known to have arrived.
    Unavailable(String),
    /// The same, and it has said when to come again.
    UnavailableFor(String, Duration),
    /// Whoever read it went away: nobody wants more, and that is no error.
    ReaderGone,
}
