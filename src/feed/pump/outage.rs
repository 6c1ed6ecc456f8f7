//! Times in which nobody takes events, or not all: each is told once, and waited for longer and longer.

use std::time::{Duration, Instant};

use super::{Again, Report};
use crate::backoff::Backoff;

/// How long a sink that had no room has to take everything, until that counts as over.
const CALM: Duration = Duration::from_secs(5);

/// What comes again waits for so long at most: it keeps nothing else waiting.
const AGAIN_AFTER: Duration = Duration::from_secs(3);

/// What is not taken now. What comes again has a trouble of its own: that it is not taken does not mean that nothing is.
#[derive(Default)]
pub struct Outages {
    fresh: Option<Trouble>,
    again: Option<Trouble>,
}

struct Trouble {
    why: String,
    since: Instant,
    backoff: Backoff,
    /// When there was no room for some events, the last time.
    short_at: Option<Instant>,
}

impl Outages {
    /// Nobody was there. Returns how long to wait for somebody.
    pub fn unavailable(&mut self, again: Again, report: &dyn Report, why: &str) -> Duration {
        let (ours, other) = self.lanes(again);
        let trouble = ours.get_or_insert_with(|| {
            // One reason for both is one line.
            if other.as_ref().is_none_or(|other| other.why != why) {
                report.unavailable(why);
            }
            Trouble { why: why.to_owned(), since: Instant::now(), backoff: Backoff::default(), short_at: None }
        });
        let wait = trouble.backoff.wait();
        if again == Again::Yes { wait.min(AGAIN_AFTER) } else { wait }
    }

    /// There was room for some events at best. Returns how long to wait for more.
    pub fn short(&mut self, again: Again, report: &dyn Report, why: &str, some_found_room: bool) -> Duration {
        if let Some(trouble) = self.lanes(again).0.as_mut().filter(|_| some_found_room) {
            trouble.backoff.reset();
        }
        let wait = self.unavailable(again, report, why);
        if let Some(trouble) = self.lanes(again).0 {
            trouble.short_at = Some(Instant::now());
        }
        wait
    }

    /// Some events cannot be taken where they lead; others may be. Returns how long to wait until they are tried again.
    pub fn blocked(&mut self, report: &dyn Report, why: &str, some_got_through: bool) -> Duration {
        if some_got_through {
            self.all_is_well(Again::No, report);
        }
        self.unavailable(Again::Yes, report, why)
    }

    /// Everything was taken.
    pub fn all_is_well(&mut self, again: Again, report: &dyn Report) {
        let (ours, other) = self.lanes(again);
        let over = |trouble: &mut Trouble| trouble.short_at.is_none_or(|at| at.elapsed() >= CALM);
        if let Some(ended) = ours.take_if(over)
            && other.as_ref().is_none_or(|other| other.why != ended.why)
        {
            report.available();
        }
    }

    /// For how long nobody has taken anything new, as far as is known.
    pub fn lasts(&self) -> Duration {
        let nobody = self.fresh.as_ref().filter(|trouble| trouble.short_at.is_none());
        nobody.map_or(Duration::ZERO, |trouble| trouble.since.elapsed())
    }

    fn lanes(&mut self, again: Again) -> (&mut Option<Trouble>, &mut Option<Trouble>) {
        match again {
            Again::No => (&mut self.fresh, &mut self.again),
            Again::Yes => (&mut self.again, &mut self.fresh),
        }
    }
}
