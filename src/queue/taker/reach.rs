//! How far down a taker looks: its floor, and when to forget it.

use std::time::Instant;

use super::read::{self, Read};
use super::{Open, Taker};
use crate::error::Result;
use crate::queue::batch::Batch;
use crate::queue::floor::Floor;
use crate::queue::registry::Storage;

impl Taker {
    /// The floor once the batch in flight is committed.
    pub(super) fn floor_behind(&self) -> Floor {
        let mut floor = self.floor.clone();
        if let Some(Open { horizon, last, exhausted, .. }) = &self.open {
            floor.after_take(horizon, *last, *exhausted);
        }
        floor
    }

    /// Where the queue is stored elsewhere now, its ids may have begun anew.
    pub(super) fn notice(&mut self, storage: Storage) {
        if self.storage != storage {
            self.floor.reset();
        }
        self.storage = storage;
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
