//! Reads the next batch in the transaction of the one that is being delivered: so the server is never without work.
//!
//! It is read behind the removal of the batch in front, hence without its events, and delivered when that is committed and no event
//! of it has failed. Otherwise it is forgotten, which costs nothing: nothing of it was removed. What commits later than it was read
//! cannot belong in front of it: a row is locked until its change is visible.

use postgres::Client;

use super::facts::Facts;
use super::read::{self, Read};
use super::session::are_many;
use super::sharing::SHARE_EVERY;
use super::statements::Statements;
use super::tenure::Tenure;
use super::{Take, Taker};
use crate::error::Result;
use crate::queue::batch::{Batch, Order};
use crate::queue::floor::Above;

/// How to read ahead.
pub struct LookAhead {
    above: Above,
    slots: i64,
    batch: Batch,
}

/// A batch that was read ahead.
pub struct Ahead {
    pub facts: Facts,
    pub read: Read,
}

impl LookAhead {
    /// Reads behind a batch that was removed with these facts, unless events may have to wait for others, or there are none.
    ///
    /// # Errors
    /// What the server says; the transaction is lost then.
    pub fn read(&self, client: &mut Client, statements: &Statements, facts: Facts) -> Result<Option<Ahead>> {
        if facts.anything_waits() {
            return Ok(None);
        }
        let read = read::oldest(client, statements, &self.above, self.slots, &self.batch)?;
        Ok(Some(Ahead { facts, read }).filter(|ahead| !ahead.read.events.is_empty()))
    }
}

impl Taker {
    /// Goes on with what was read ahead, unless the queue was rewritten since.
    pub(super) fn take_ahead(&mut self, ahead: Ahead, batch: &Batch) -> Result<Take> {
        let Ahead { facts, read } = ahead;
        let storage = self.session.lock(&self.statements)?;
        if storage != facts.storage {
            self.session.roll_back()?;
            return self.take(batch);
        }
        self.notice(storage);
        let read = read.at_most(batch.events);
        self.open_with(&facts, &read);
        self.take_read(read, &facts, batch)
    }

    /// Commits the batch in flight, and begins the next one when it was read already: in one go, for each costs a round trip. Once in a
    /// while it is not, so that slots are shared out between two batches.
    pub(super) fn commit_and_go_on(&mut self) -> Result<()> {
        let Some(ahead) = self.session.ahead().filter(|_| self.has_shared_within(SHARE_EVERY)) else {
            return self.commit();
        };
        self.session.get()?.batch_execute("COMMIT; BEGIN")?;
        self.floor = self.floor_behind();
        // It was read behind this batch, whose number was drawn when it had been read itself.
        self.floor.before_take(&ahead.facts.horizon);
        (self.open, self.ahead) = (None, Some(ahead));
        Ok(())
    }

    /// Ends the transaction of a batch that was read ahead and is not wanted now.
    pub(super) fn forget_ahead(&mut self) -> Result<()> {
        self.ahead.take().map_or(Ok(()), |_| self.session.roll_back())
    }

    /// Takes all that was read, and reads on meanwhile.
    pub(super) fn take_read(&mut self, read: Read, facts: &Facts, batch: &Batch) -> Result<Take> {
        let goes_on = !facts.anything_waits() && !read.exhausted;
        let ahead = if goes_on { self.look_ahead(batch) } else { None };
        self.remove(&read.events, read.places, ahead)?;
        Ok(Take::Events(read.events))
    }

    /// How to read what follows the batch in flight. Only the owner of slots can know that nobody else takes it meanwhile.
    fn look_ahead(&self, batch: &Batch) -> Option<LookAhead> {
        if self.order != Order::Ordered || !matches!(self.slots, Tenure::Session(_)) || !are_many(batch.events) {
            return None;
        }
        // Nothing comes of it unless the batch in flight is committed.
        let above = self.floor_behind().above();
        Some(LookAhead { above, slots: self.slots.mask(), batch: *batch })
    }
}
