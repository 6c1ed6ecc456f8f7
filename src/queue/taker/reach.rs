//! How far down a taker looks: its floor, and when to forget it.

use std::time::{Duration, Instant};

use super::read::{self, Read};
use super::tenure::Tenure;
use super::{Open, Taker};
use crate::error::Result;
use crate::failpoint;
use crate::queue::batch::{Batch, Order};
use crate::queue::floor::Floor;
use crate::queue::reached::Reached;
use crate::queue::registry::Storage;

/// How often a taker that keeps the order, and finds nothing, looks at everything.
const LOOK_BELOW_AFTER: Duration = Duration::from_secs(10);

impl Taker {
    /// The floor once the batch in flight is committed.
    pub(super) fn floor_behind(&self) -> Floor {
        let mut floor = self.floor.clone();
        if let Some(Open { horizon, last, exhausted, .. }) = &self.open {
            floor.after_take(horizon, *last, *exhausted);
        }
        floor
    }

    /// How far this worker has come.
    pub fn reached(&self) -> Reached {
        let has_all =
            self.order == Order::Ordered && matches!(&self.slots, Tenure::Session(slots) if slots.mask() == -1);
        let floor = if has_all { self.floor.proven() } else { 0 };
        Reached { storage: self.storage, highest: self.floor.highest(), floor }
    }

    /// Where the queue is stored elsewhere now, its ids may have begun anew.
    pub(super) fn notice(&mut self, storage: Storage) {
        if self.storage != storage {
            self.floor.reset();
        }
        self.storage = storage;
    }

    /// Whether a take that has found nothing is to look at everything once: somebody may have given events back, or put them there by
    /// hand, or a barrier that rose from the dead was in front of them.
    pub(super) fn looks_below(&mut self) -> bool {
        let every = match self.order {
            Order::Unordered => Duration::ZERO,
            Order::Ordered => failpoint::at_most("PGFEED_BELOW", LOOK_BELOW_AFTER),
        };
        let looks = self.floor.highest_step() > 0 && self.floor_since.elapsed() >= every;
        if looks {
            self.look_below();
        }
        looks
    }

    pub(super) fn look_below(&mut self) {
        self.floor_since = Instant::now();
        self.floor.reset();
    }

    /// Sees to it that a long backlog in slots of others is not looked through again and again.
    pub(super) fn pass_what_others_hold(&mut self) -> Result<()> {
        if self.floor.is_about_to_rise() {
            return Ok(());
        }
        let end = self.statements.end.row(&mut **self.session.get()?, &[&self.floor.highest_step()])?;
        if let Some(next_to_start) = end.get("next_to_start") {
            self.floor.after_nothing(end.get("id"), next_to_start);
        }
        Ok(())
    }

    pub(super) fn read_on(&mut self, batch: &Batch) -> Result<Read> {
        let above = self.floor.above();
        read::oldest(self.session.get()?, &self.statements, &above, self.slots.mask(), batch)
    }
}
