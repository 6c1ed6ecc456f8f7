//! Slots for one batch: behind a transaction pooler no session is ours, and a lock lasts for a transaction.

use postgres::GenericClient;

use super::{MEMBER_CLASS, SLOT_CLASS, SLOTS, UNORDERED_CLASS, holders, lock_of, other_order};
use crate::backoff::Random;
use crate::connection::Connection;
use crate::connection::ask::{self, Question};
use crate::error::Result;
use crate::queue::batch::Order;
use crate::queue::registry::Queue;
use crate::sql;

/// What is borrowed at the beginning of each transaction, and ends with it.
pub struct Borrowed {
    queue: Queue,
    order: Order,
    busy: Question,
    random: Random,
    owned: u64,
}

impl Borrowed {
    /// Owns nothing yet.
    ///
    /// # Errors
    /// What the server says.
    pub fn new(connection: &mut Connection, queue: &Queue, order: Order) -> Result<Self> {
        let (table, retry) = (queue.table(), queue.retry_table());
        let busy = sql::fill(include_str!("../../../sql/busy_slots.sql"), &[("queue", &table), ("retry", &retry)]);
        let busy = connection.question(&busy)?;
        Ok(Self { queue: queue.clone(), order, busy, random: Random::new(), owned: 0 })
    }

    /// The owned slots as bits.
    pub fn mask(&self) -> i64 {
        self.owned.cast_signed()
    }

    /// Borrows, in a transaction that has just begun: of the slots of the oldest events, and of all others, as many as come to each
    /// worker who is in a transaction now. (Behind a long backlog of a few slots there may be events of others.) What others hold
    /// is left to them: it is asked for again with the next batch.
    ///
    /// # Errors
    /// A usage error when others consume the queue in another order; what the server says.
    pub fn borrow(&mut self, client: &mut impl GenericClient) -> Result<()> {
        self.owned = 0;
        let id = self.queue.id;
        let (ours, theirs, other) = match self.order {
            Order::Ordered => (MEMBER_CLASS, UNORDERED_CLASS, Order::Unordered),
            Order::Unordered => (UNORDERED_CLASS, MEMBER_CLASS, Order::Ordered),
        };
        ask::row(client, "SELECT pg_catalog.pg_advisory_xact_lock_shared($1, $2)", &[&ours, &id])?;
        if holders(client, theirs, id)? > 0 {
            return Err(other_order(&self.queue, other));
        }
        if self.order == Order::Unordered {
            self.owned = u64::MAX;
            return Ok(());
        }
        let mut busy: Vec<i32> = self.busy.rows(client, &[])?.iter().map(|row| row.get(0)).collect();
        let mut others: Vec<i32> = (0..).take(SLOTS).filter(|slot| !busy.contains(slot)).collect();
        let workers = holders(client, ours, id)?.max(1);
        for slots in [&mut busy, &mut others] {
            // Not all the same ones first: they would refuse each other in turn.
            self.random.shuffle(slots);
            slots.truncate(slots.len().div_ceil(workers));
        }
        let slots = [busy, others].concat();
        let locks: Vec<i32> = slots.iter().map(|slot| lock_of(id, *slot)).collect();
        // In a statement of its own: those that look at events then see what whoever held a slot before has left.
        let lock = "SELECT pg_catalog.pg_try_advisory_xact_lock($1, l) FROM pg_catalog.unnest($2::integer[]) WITH ORDINALITY \
                    AS u(l, place) ORDER BY place";
        let granted = ask::rows(client, lock, &[&SLOT_CLASS, &locks])?;
        for (slot, _) in slots.iter().zip(&granted).filter(|(_, row)| row.get(0)) {
            self.owned |= 1 << slot;
        }
        Ok(())
    }
}
