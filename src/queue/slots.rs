//! Which of the 64 slots a worker owns, by advisory locks of its own session: shared out evenly among the workers alive.

mod borrowed;

use postgres::{Client, GenericClient};

use super::batch::Order;
use super::lock::LockClass;
use super::registry::Queue;
use crate::connection::ask;
use crate::error::{Error, Result};

/// Number of slots. The last six bits of an event's key are its slot.
pub const SLOTS: usize = 64;
const SLOT_CLASS: i32 = LockClass::Slot.number();
/// Every ordered worker holds it shared.
const MEMBER_CLASS: i32 = LockClass::Member.number();
/// Every ordered worker that has stepped aside holds it shared.
const ASIDE_CLASS: i32 = LockClass::Aside.number();
/// Every worker without order holds it shared.
const UNORDERED_CLASS: i32 = LockClass::Unordered.number();

pub use borrowed::Borrowed;

/// The slots of one worker. They live and die with its session.
#[derive(Debug, Clone)]
pub struct Slots {
    queue: Queue,
    order: Order,
    /// Whether it counts among the workers.
    standing: Standing,
    owned: u64,
    /// Where it begins to look for free ones.
    first: usize,
}

/// Whether a worker counts among the workers of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    New,
    Member,
    Aside,
}

impl Slots {
    /// Enters the ranks of the workers. An ordered one owns nothing yet; one without order needs to own nothing.
    ///
    /// # Errors
    /// A usage error when others consume the queue in another order; what the server says.
    pub fn join(client: &mut Client, queue: &Queue, order: Order) -> Result<Self> {
        let session: i32 = ask::row(client, "SELECT pg_catalog.pg_backend_pid()", &[])?.get(0);
        let first = first_of(session);
        let mut slots = Self { queue: queue.clone(), order, standing: Standing::New, owned: 0, first };
        slots.enter(client)?;
        Ok(slots)
    }

    fn enter(&mut self, client: &mut Client) -> Result<()> {
        let (ours, theirs, other): (_, &[i32], _) = match self.order {
            Order::Ordered => (MEMBER_CLASS, &[UNORDERED_CLASS], Order::Unordered),
            Order::Unordered => (UNORDERED_CLASS, &[MEMBER_CLASS, ASIDE_CLASS], Order::Ordered),
        };
        ask::row(client, "SELECT pg_catalog.pg_advisory_lock_shared($1, $2)", &[&ours, &self.queue.id])?;
        if std::mem::replace(&mut self.standing, Standing::Member) == Standing::Aside {
            // Whoever looked meanwhile has seen it; and who is there for a moment, only to be refused, must not end this one.
            return self.unlock(client, ASIDE_CLASS);
        }
        // Looked at with our own lock held: of two who come at once, at least one sees the other.
        for theirs in theirs {
            if holders(client, *theirs, self.queue.id)? > 0 {
                return Err(other_order(&self.queue, other));
            }
        }
        Ok(())
    }

    /// Gives all slots away, and does not count among the workers until they are shared out again. Call it between batches only.
    ///
    /// # Errors
    /// What the server says.
    pub fn leave(&mut self, client: &mut Client) -> Result<()> {
        if self.order == Order::Unordered || self.standing != Standing::Member {
            return Ok(());
        }
        self.give_away(client, self.count())?;
        // Nobody may begin to take in another order meanwhile.
        ask::row(client, "SELECT pg_catalog.pg_advisory_lock_shared($1, $2)", &[&ASIDE_CLASS, &self.queue.id])?;
        self.unlock(client, MEMBER_CLASS)?;
        self.standing = Standing::Aside;
        Ok(())
    }

    fn unlock(&self, client: &mut Client, class: i32) -> Result<()> {
        ask::row(client, "SELECT pg_catalog.pg_advisory_unlock_shared($1, $2)", &[&class, &self.queue.id])?;
        Ok(())
    }

    /// The owned slots as bits.
    pub fn mask(&self) -> i64 {
        match self.order {
            Order::Ordered => self.owned.cast_signed(),
            Order::Unordered => -1,
        }
    }

    /// Gives away and claims until this worker owns its share. Call it between batches only: a slot is given away when what was
    /// taken from it is committed. Returns whether something was claimed.
    ///
    /// # Errors
    /// What the server says.
    pub fn share_out(&mut self, client: &mut Client) -> Result<bool> {
        if self.order == Order::Unordered {
            return Ok(false);
        }
        if self.standing != Standing::Member {
            self.enter(client)?;
        }
        let share = self.share(client)?;
        if self.count() > share {
            self.give_away(client, self.count() - share)?;
        }
        if self.count() == share {
            return Ok(false);
        }
        self.claim(client, share - self.count())
    }

    /// As many as everybody's, and one more for the first, by their sessions' numbers, while that does not come out even.
    fn share(&self, client: &mut Client) -> Result<usize> {
        let query = format!(
            "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE pid < pg_catalog.pg_backend_pid()) {HOLDERS}"
        );
        let row = ask::row(client, &query, &[&MEMBER_CLASS, &self.queue.id])?;
        let [workers, in_front] = [0, 1].map(|column| usize::try_from(row.get::<_, i64>(column)).unwrap_or(0));
        let workers = workers.max(1);
        Ok(SLOTS / workers + usize::from(in_front < SLOTS % workers))
    }

    fn give_away(&mut self, client: &mut Client, count: usize) -> Result<()> {
        let slots: Vec<usize> = (0..SLOTS).filter(|slot| self.owned & (1 << slot) != 0).take(count).collect();
        let unlock = "SELECT pg_catalog.pg_advisory_unlock($1, l) FROM pg_catalog.unnest($2::integer[]) l";
        ask::rows(client, unlock, &[&SLOT_CLASS, &self.locks_of(&slots)])?;
        slots.iter().for_each(|slot| self.owned &= !(1 << slot));
        Ok(())
    }

    /// Claims at most so many of the slots that nobody owns. Returns whether there was one.
    fn claim(&mut self, client: &mut Client, count: usize) -> Result<bool> {
        let others = (0..SLOTS).map(|n| (self.first + n) % SLOTS).filter(|slot| self.owned & (1 << slot) == 0);
        let slots: Vec<usize> = others.collect();
        // Nothing stands between the rows and the limit: none is tried beyond it.
        let lock = "SELECT u.place FROM pg_catalog.unnest($2::integer[]) WITH ORDINALITY AS u(l, place) \
                    WHERE pg_catalog.pg_try_advisory_lock($1, u.l) LIMIT $3";
        let count = i64::try_from(count).expect("there are 64 slots");
        let claimed = ask::rows(client, lock, &[&SLOT_CLASS, &self.locks_of(&slots), &count])?;
        for row in &claimed {
            let place = usize::try_from(row.get::<_, i64>(0)).expect("rows are numbered from 1");
            self.owned |= 1 << slots[place - 1];
        }
        Ok(!claimed.is_empty())
    }

    fn count(&self) -> usize {
        self.owned.count_ones() as usize
    }

    fn locks_of(&self, slots: &[usize]) -> Vec<i32> {
        slots.iter().map(|slot| lock_of(self.queue.id, i32::try_from(*slot).expect("a slot is below 64"))).collect()
    }
}

/// Where a session begins. Not all at the same slot, nor at one next to it: they would refuse each other in turn. Sessions that
/// come together have numbers that follow each other.
fn first_of(session: i32) -> usize {
    // About the golden part of 64, and odd: each of 64 in a row begins elsewhere, and far from the last one.
    (session.unsigned_abs() as usize).wrapping_mul(39) % SLOTS
}

/// The key of a slot's lock.
fn lock_of(queue_id: i32, slot: i32) -> i32 {
    // The id has at most 25 bits (sql/queue_registry.sql).
    queue_id * 64 + slot
}

/// The sessions of this database that hold a lock.
const HOLDERS: &str = "FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted \
                       AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) \
                       AND classid = $1::integer::oid AND objid = $2::integer::oid AND objsubid = 2";

/// How many sessions of this database hold a lock.
fn holders(client: &mut impl GenericClient, class: i32, queue_id: i32) -> Result<usize> {
    let count = format!("SELECT pg_catalog.count(*) {HOLDERS}");
    let holders: i64 = ask::row(client, &count, &[&class, &queue_id])?.get(0);
    Ok(usize::try_from(holders).unwrap_or(0))
}

/// The error of somebody who would break the order of others.
fn other_order(queue: &Queue, theirs: Order) -> Error {
    let (theirs, ours) = match theirs {
        Order::Ordered => ("in order", "--unordered"),
        Order::Unordered => ("with --unordered", "in order"),
    };
    Error::usage(format!("others consume queue \"{}\" {theirs}, so it cannot be consumed {ours}", queue.name))
        .hint("all consumers of a queue must agree: stop the others first, or name another queue")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn sessions_that_come_together_begin_at_slots_of_their_own() {
        let firsts: Vec<usize> = (100_000..100_064).map(first_of).collect();
        assert_eq!(firsts.iter().collect::<BTreeSet<_>>().len(), SLOTS);
        assert!(firsts.windows(2).all(|pair| pair[0].abs_diff(pair[1]) > 16), "{firsts:?}");
    }
}
