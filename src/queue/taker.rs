//! Takes events inside a transaction that stays open while they are delivered: what a crash interrupts comes back by itself.

mod ahead;
mod behind;
mod facts;
mod place;
mod reach;
mod read;
mod session;
mod settle;
mod sharing;
mod statements;
mod tenure;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::batch::{Batch, Order, Taken, in_order};
use super::floor::{Floor, Horizon};
use super::registry::{Queue, Storage};
use super::slots::{Borrowed, Slots};
use crate::connection::Connection;
use crate::error::Result;
use crate::failpoint;
use crate::queue::{STEADY_PLANS, of_transaction};
use ahead::{Ahead, LookAhead};
use facts::Facts;
use read::{Place, Read};
use session::{Errand, Removal, Session};
use sharing::SHARE_EVERY;
use statements::Statements;
use tenure::Tenure;

pub use statements::delay;

/// A worker with nothing to do speaks every [`SHARE_EVERY`]: one that is silent for so long is stopped, and its slots go to others.
const SILENCE: Duration = Duration::from_secs(60);
/// How often a taker without order looks below its floor, where somebody may have given events back.
const LOOK_BELOW_EVERY: Duration = Duration::from_secs(1);

/// One worker: a connection, the slots it owns, and the transaction it is in.
pub struct Taker {
    session: Session,
    statements: Arc<Statements>,
    order: Order,
    slots: Tenure,
    /// How a transaction begins.
    begin: String,
    /// When slots were shared out the last time; none when that is overdue.
    shared_at: Option<Instant>,
    floor: Floor,
    floor_since: Instant,
    open: Option<Open>,
    /// The next batch, read while the last one was delivered; its transaction has begun.
    ahead: Option<Ahead>,
    /// Where the queue was stored when it was looked at the last time.
    storage: Storage,
    turn: Turn,
}

/// What a take looks at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Retries,
    Queue,
}

/// What a take has come to.
pub enum Take {
    /// Events to deliver. When there are none, there is nothing to take.
    Events(Vec<Taken>),
    /// Nothing but events that now wait behind others of their key: there may be more.
    Moved,
}

/// The batch in flight.
#[derive(Clone)]
struct Open {
    horizon: Horizon,
    last: Option<i64>,
    exhausted: bool,
    retried: bool,
}

impl Taker {
    /// Makes a connection a worker's. `hold` is how long a batch may take to be delivered, none is without limit: the server ends the
    /// session of a worker that is stopped or cut off for longer, and others go on with what it held.
    ///
    /// # Errors
    /// What the server says; a usage error when others consume the queue in another order.
    pub fn new(mut connection: Connection, queue: &Queue, order: Order, hold: Option<Duration>) -> Result<Self> {
        let _watch = connection.watcher().watch();
        let statements = Statements::prepare(&mut connection, queue, order)?;
        let hold = format!("SET idle_in_transaction_session_timeout = {}", hold.map_or(0, |hold| hold.as_millis()));
        let (begin, slots) = match connection.transaction_settings() {
            Some(settings) => {
                let begin = format!("BEGIN;\n{settings}\n{};\n{}", of_transaction(&hold), of_transaction(STEADY_PLANS));
                (begin, Tenure::Batch(Borrowed::new(&mut connection, queue, order)?))
            }
            None => {
                connection.batch_execute(&hold)?;
                let silence = failpoint::at_most("PGFEED_HOLD", SILENCE);
                connection.batch_execute(&format!("SET idle_session_timeout = {}", silence.as_millis()))?;
                connection.batch_execute(STEADY_PLANS)?;
                let mut slots = Slots::join(&mut connection, queue, order)?;
                slots.share_out(&mut connection)?;
                ("BEGIN".to_owned(), Tenure::Session(slots))
            }
        };
        let now = Instant::now();
        Ok(Self {
            session: Session::new(connection),
            statements: Arc::new(statements),
            order,
            slots,
            begin,
            shared_at: Some(now),
            floor: Floor::default(),
            floor_since: now,
            open: None,
            ahead: None,
            storage: None,
            turn: Turn::Retries,
        })
    }

    /// Takes the oldest events that this worker may have now. Ends with an open transaction when there are some: then
    /// [`Taker::settle`] or [`Taker::give_back`] is called next.
    ///
    /// # Errors
    /// What the server says; nothing is taken then.
    pub fn take(&mut self, batch: &Batch) -> Result<Take> {
        let _watch = self.session.watch();
        if let Some(ahead) = self.ahead.take() {
            return self.take_ahead(ahead, batch);
        }
        self.refresh()?;
        if matches!(self.slots, Tenure::Session(_)) && self.slots.mask() == 0 {
            // All are others' for now: there is no need to look through what they have.
            return Ok(Take::Events(Vec::new()));
        }
        self.begin()?;
        let facts = Facts::of(&self.statements.facts.row(&mut **self.session.get()?, &[])?);
        self.notice(facts.storage);
        self.floor.before_take(&facts.horizon);
        let take = self.take_in_turn(batch, &facts)?;
        if !matches!(&take, Take::Events(events) if !events.is_empty()) {
            self.commit()?;
        }
        Ok(take)
    }

    /// Takes what is due again and what is new in turns: what nobody takes may be due for ever.
    fn take_in_turn(&mut self, batch: &Batch, facts: &Facts) -> Result<Take> {
        let retries_first = facts.retry_is_due && self.turn == Turn::Retries;
        if retries_first {
            let retries = self.take_retries(batch, facts)?;
            if !retries.is_empty() {
                self.turn = Turn::Queue;
                return Ok(Take::Events(retries));
            }
        }
        self.turn = Turn::Retries;
        let queued = self.take_queued(batch, facts)?;
        let is_empty = matches!(&queued, Take::Events(events) if events.is_empty());
        if facts.retry_is_due && !retries_first && is_empty {
            return Ok(Take::Events(self.take_retries(batch, facts)?));
        }
        Ok(queued)
    }

    /// Rolls back a batch that was taken again, and lets it come after `wait`.
    ///
    /// # Errors
    /// What the server says; then it comes again at once.
    pub fn put_off(&mut self, ids: &[i64], wait: Duration) -> Result<()> {
        self.give_back()?;
        let _watch = self.session.watch();
        self.begin()?;
        self.statements.put_off.execute(&mut **self.session.get()?, &[&ids, &wait.as_secs_f64()])?;
        self.commit()
    }

    /// Rolls the batch back: all of it comes again.
    ///
    /// # Errors
    /// That the connection is lost, which has the same effect.
    pub fn give_back(&mut self) -> Result<()> {
        let _watch = self.session.watch();
        (self.open, self.ahead) = (None, None);
        self.session.roll_back()
    }

    /// Whether the batch in flight was taken before.
    pub fn has_taken_again(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.retried)
    }

    /// Waits until the batch in flight is certain to be this worker's.
    ///
    /// # Errors
    /// Why it is not.
    pub fn secure(&mut self) -> Result<()> {
        self.session.secure()
    }

    /// The connection, while a batch is in flight.
    ///
    /// # Errors
    /// Why the batch in flight can no longer be settled.
    pub fn holder(&mut self) -> Result<Option<&mut Connection>> {
        if self.open.is_none() {
            return Ok(None);
        }
        self.session.get().map(Some)
    }

    /// Shows the server that this worker is there: it ends sessions that are silent for long.
    ///
    /// # Errors
    /// That the connection is lost.
    pub fn stay(&mut self) -> Result<()> {
        let _watch = self.session.watch();
        Ok(self.session.get()?.batch_execute("")?)
    }

    fn commit(&mut self) -> Result<()> {
        // What was read ahead is forgotten: it may have to wait behind what has failed.
        drop(self.session.ahead());
        self.session.get()?.batch_execute("COMMIT")?;
        self.floor = self.floor_behind();
        self.open = None;
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        let connection = self.session.get()?;
        connection.batch_execute(&self.begin)?;
        if let Tenure::Batch(borrowed) = &mut self.slots {
            borrowed.borrow(&mut **connection)?;
            if self.order == Order::Ordered {
                // It was proven for other slots.
                self.floor.reset();
            }
        }
        Ok(())
    }

    fn refresh(&mut self) -> Result<()> {
        if !self.has_shared_within(SHARE_EVERY) {
            self.share_out()?;
        }
        if self.order == Order::Unordered && self.floor_since.elapsed() >= LOOK_BELOW_EVERY {
            self.look_below();
        }
        Ok(())
    }

    fn take_retries(&mut self, batch: &Batch, facts: &Facts) -> Result<Vec<Taken>> {
        let limit = i64::try_from(batch.events).unwrap_or(i64::MAX);
        let bytes = i64::try_from(batch.bytes).unwrap_or(i64::MAX);
        let rows =
            self.statements.take_retry.rows(&mut **self.session.get()?, &[&self.slots.mask(), &limit, &bytes])?;
        let events = in_order(&rows, |row| row.get("attempts"));
        self.open = Some(Open { horizon: facts.horizon.clone(), last: None, exhausted: false, retried: true });
        Ok(events)
    }

    fn take_queued(&mut self, batch: &Batch, facts: &Facts) -> Result<Take> {
        let mut read = self.read_on(batch)?;
        if read.events.is_empty() && self.looks_below() {
            read = self.read_on(batch)?;
        }
        let is_ours = matches!(self.slots, Tenure::Session(_)) && self.order == Order::Ordered;
        if read.events.is_empty() && is_ours && !facts.barrier_waits {
            self.pass_what_others_hold()?;
        }
        self.open_with(facts, &read);
        if self.order == Order::Ordered && facts.anything_retries && !read.events.is_empty() {
            return self.take_ready(read, batch);
        }
        self.take_read(read, facts, batch)
    }

    fn open_with(&mut self, facts: &Facts, read: &Read) {
        // What waits for a barrier was passed over: the floor must stay below it. (A barrier that the take saw and the facts did
        // not has a higher id than any that the floor may pass.)
        let last = read.events.last().map(|event| event.id).filter(|_| !facts.barrier_waits);
        let exhausted = read.exhausted && !facts.barrier_waits;
        self.open = Some(Open { horizon: facts.horizon.clone(), last, exhausted, retried: false });
    }

    /// Removes what was read from the queue, and then reads ahead.
    fn remove(&mut self, events: &[Taken], places: Vec<Place>, ahead: Option<LookAhead>) -> Result<()> {
        let Some((first, last)) = events.first().zip(events.last()) else { return Ok(()) };
        let removal = Removal { places, first: first.id, last: last.id };
        self.session.start(Errand { statements: Arc::clone(&self.statements), removal, ahead })
    }
}
