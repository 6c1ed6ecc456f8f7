//! When a worker shares slots out with the others, and when it leaves them all.

use std::time::{Duration, Instant};

use super::Taker;
use super::tenure::Tenure;
use crate::error::Result;
use crate::queue::batch::Order;

/// How often slots are shared out anew.
pub(super) const SHARE_EVERY: Duration = Duration::from_secs(1);

impl Taker {
    /// Looks for slots that are free, since their worker has ended or has given them away. Returns whether there is something to
    /// take from now.
    ///
    /// # Errors
    /// What the server says.
    pub fn look_for_slots(&mut self) -> Result<bool> {
        if self.has_shared_within(SHARE_EVERY / 2) {
            return Ok(false);
        }
        let _watch = self.session.watch();
        self.forget_ahead()?;
        self.shared_at = Some(Instant::now());
        match (&self.slots, self.order) {
            (Tenure::Session(_), Order::Ordered) => self.share_out(),
            // The server ends sessions that are silent for long.
            _ => self.stay().map(|()| false),
        }
    }

    /// Gives all slots to the others, until the next take.
    ///
    /// # Errors
    /// What the server says.
    pub fn step_aside(&mut self) -> Result<()> {
        let _watch = self.session.watch();
        self.forget_ahead()?;
        let Tenure::Session(slots) = &mut self.slots else { return Ok(()) };
        slots.leave(self.session.get()?)?;
        // The next take claims some first.
        self.shared_at = None;
        Ok(())
    }

    pub(super) fn has_shared_within(&self, time: Duration) -> bool {
        self.shared_at.is_some_and(|at| at.elapsed() < time)
    }

    pub(super) fn share_out(&mut self) -> Result<bool> {
        let Tenure::Session(slots) = &mut self.slots else { return Ok(false) };
        self.shared_at = Some(Instant::now());
        let claimed = slots.share_out(self.session.get()?)?;
        if claimed {
            self.floor.reset();
        }
        Ok(claimed)
    }
}
