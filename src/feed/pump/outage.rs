//! A time in which nobody takes events, or not all: told once, and waited for longer and longer.

use std::time::{Duration, Instant};

use super::Report;
use crate::backoff::Backoff;

/// How long a sink that had no room has to take everything, until that counts as over.
const CALM: Duration = Duration::from_secs(5);

/// Whether there is such a time, for one kind of batches.
#[derive(Default)]
pub struct Outage {
    now: Option<Trouble>,
}

struct Trouble {
    since: Instant,
    backoff: Backoff,
    /// When there was no room for some events, the last time.
    short_at: Option<Instant>,
}

impl Default for Trouble {
    fn default() -> Self {
        Self { since: Instant::now(), backoff: Backoff::default(), short_at: None }
    }
}

impl Outage {
    /// Nobody was there. Returns how long to wait for somebody.
    pub fn unavailable(&mut self, report: &dyn Report, why: &str) -> Duration {
        if self.now.is_none() {
            report.unavailable(why);
        }
        self.now.get_or_insert_default().backoff.wait()
    }

    /// There was room for some events at best. Returns how long to wait for more.
    pub fn short(&mut self, report: &dyn Report, why: &str, some_found_room: bool) -> Duration {
        if let Some(trouble) = self.now.as_mut().filter(|_| some_found_room) {
            trouble.backoff.reset();
        }
        let wait = self.unavailable(report, why);
        self.now.get_or_insert_default().short_at = Some(Instant::now());
        wait
    }

    /// For how long nobody has taken anything, as far as is known.
    pub fn lasts(&self) -> Duration {
        self.now.as_ref().filter(|trouble| trouble.short_at.is_none()).map_or(Duration::ZERO, |one| one.since.elapsed())
    }

    /// Everything was taken.
    pub fn all_is_well(&mut self, report: &dyn Report) {
        let over = |trouble: &mut Trouble| trouble.short_at.is_none_or(|at| at.elapsed() >= CALM);
        if self.now.take_if(over).is_some() {
            report.available();
        }
    }
}
