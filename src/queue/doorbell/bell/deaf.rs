//! What is done while nobody hears a ring for the workers of this process: looking every now and then.

use std::time::{Duration, Instant};

use super::{Bell, LOOK_AGAIN, Pace};
use crate::error::Result;
use crate::queue::doorbell::look::Looker;

/// How often the workers look for themselves while nobody hears a ring for them.
const DEAF: Duration = Duration::from_secs(1);

impl Bell {
    /// Nobody hears a ring now: the workers look for themselves.
    pub(super) fn be_deaf(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut look_at = Instant::now();
        let mut left = pause;
        while !left.is_zero() && !self.stopping() {
            if Instant::now() >= look_at {
                self.kick();
                look_at += DEAF;
            }
            drop(self.changed.wait_timeout(self.lock(), left.min(DEAF)));
            left = until.saturating_duration_since(Instant::now());
        }
    }

    /// Looks by itself until a stop is asked for: through a transaction pooler no ring is heard, and no lock says who sleeps.
    pub(super) fn keep_looking(&self, looker: &mut Looker, pace: &mut Pace) -> Result<()> {
        while !self.stopping() {
            self.wait_for_a_worker();
            if self.look(looker, pace)? {
                self.wait_for_a_worker();
                self.keep_pace(pace);
                self.stop.pause(pace.again);
                pace.again = (pace.again * 2).min(LOOK_AGAIN.1);
            } else {
                pace.again = LOOK_AGAIN.0;
                self.stop.pause(pace.sleep.min(DEAF));
            }
        }
        Ok(())
    }
}
