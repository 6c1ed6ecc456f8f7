//! Times in which nobody takes events, or not all: each is told once, and waited for longer and longer.

use std::time::{Duration, Instant};

use super::{Again, Report};
use crate::backoff::Backoff;
use crate::feed::event::Event;

/// For how long all that was not taken because of a lack of room, or where it leads, has to be taken until that counts as over.
const CALM: Duration = Duration::from_secs(5);
/// What comes back so soon was not over: it has to stay away for longer the next time. Several workers may see it in turns.
const SOON: Duration = Duration::from_secs(600);

/// What comes again waits for so long at most: it keeps nothing else waiting.
const AGAIN_AFTER: Duration = Duration::from_secs(3);

/// What is not taken now. What comes again has a trouble of its own: that it is not taken does not mean that nothing is.
#[derive(Default)]
pub struct Outages {
    fresh: Lane,
    again: Lane,
}

#[derive(Default)]
struct Lane {
    trouble: Option<Trouble>,
    /// When the last one was over, and for how long it had stayed away.
    over: Option<(Instant, Duration)>,
}

struct Trouble {
    why: String,
    /// Since when, as far as it is as extensive as it is now.
    since: Instant,
    backoff: Backoff,
    /// How long it has to stay away until it is over.
    calm: Duration,
    /// When it was seen, the last time.
    seen: Instant,
    has_eased: Eased,
    extent: Extent,
}

/// Events that cannot be taken where they lead.
pub struct Blocked<'a> {
    pub why: &'a str,
    pub waiting: &'a [&'a Event],
}

/// Whether everything was taken since a trouble was seen.
#[derive(PartialEq, Eq)]
enum Eased {
    No,
    Yes,
}

/// What is not taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Everything,
    Some,
}

impl Outages {
    /// Nobody was there. Returns how long to wait for somebody.
    pub fn unavailable(&mut self, again: Again, report: &dyn Report, why: &str) -> Duration {
        self.see(again, why, Extent::Everything, Duration::ZERO, || report.unavailable(why))
    }

    /// There was room for some events at best. Returns how long to wait for more.
    pub fn short(&mut self, again: Again, report: &dyn Report, why: &str, some_found_room: bool) -> Duration {
        if let Some(trouble) = self.lanes(again).0.trouble.as_mut().filter(|_| some_found_room) {
            trouble.backoff.reset();
        }
        self.see(again, why, Extent::Some, CALM, || report.unavailable(why))
    }

    /// Some events cannot be taken where they lead; others may be, beside them or between their attempts, of which one comes `within`
    /// a time. Returns how long to wait until they are tried again.
    pub fn blocked(
        &mut self,
        report: &dyn Report,
        blocked: &Blocked,
        some_got_through: bool,
        within: Duration,
    ) -> Duration {
        if some_got_through {
            self.all_is_well(Again::No, report);
        }
        let calm = within.max(AGAIN_AFTER) + CALM;
        let Blocked { why, waiting } = blocked;
        self.see(Again::Yes, why, Extent::Some, calm, || report.blocked(why, waiting))
    }

    /// Everything was taken.
    pub fn all_is_well(&mut self, again: Again, report: &dyn Report) {
        if let Some(trouble) = &mut self.lanes(again).0.trouble {
            trouble.has_eased = Eased::Yes;
        }
        self.end_what_is_over(report);
    }

    /// Tells what has been over for long enough.
    pub fn end_what_is_over(&mut self, report: &dyn Report) {
        for again in [Again::No, Again::Yes] {
            let (ours, other) = self.lanes(again);
            let Some(ended) = ours.trouble.take_if(|trouble| trouble.is_over()) else { continue };
            ours.over = Some((Instant::now(), ended.calm));
            if !other.is_told(&ended.why) {
                report.available();
            }
        }
    }

    /// For how long nobody has taken anything new, as far as is known.
    pub fn lasts(&self) -> Duration {
        let nobody = self.fresh.trouble.as_ref().filter(|trouble| trouble.extent == Extent::Everything);
        nobody.map_or(Duration::ZERO, |trouble| trouble.since.elapsed())
    }

    fn see(&mut self, again: Again, why: &str, extent: Extent, calm: Duration, tell: impl FnOnce()) -> Duration {
        let (ours, other) = self.lanes(again);
        // Who else may have dealt with it is not known here, and it would never be told again.
        ours.trouble.take_if(|trouble| trouble.seen.elapsed() >= trouble.calm.max(SOON));
        // What is new is taken or not. Of what comes again, others may be taken while it lasts.
        let over = ours.over.filter(|_| again == Again::Yes);
        let longer = over.map_or(Duration::ZERO, |(at, calm)| longer_than(calm, at.elapsed()));
        let trouble = ours.trouble.get_or_insert_with(|| {
            // One reason for both is one line.
            if !other.is_told(why) {
                tell();
            }
            Trouble::new(why, longer)
        });
        trouble.calm = trouble.calm.max(calm);
        if (trouble.extent, extent) == (Extent::Some, Extent::Everything) {
            trouble.since = Instant::now();
        }
        trouble.extent = extent;
        (trouble.seen, trouble.has_eased) = (Instant::now(), Eased::No);
        let wait = trouble.backoff.wait();
        if again == Again::Yes { wait.min(AGAIN_AFTER) } else { wait }
    }

    fn lanes(&mut self, again: Again) -> (&mut Lane, &mut Lane) {
        match again {
            Again::No => (&mut self.fresh, &mut self.again),
            Again::Yes => (&mut self.again, &mut self.fresh),
        }
    }
}

impl Lane {
    fn is_told(&self, why: &str) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.why == why)
    }
}

impl Trouble {
    fn new(why: &str, calm: Duration) -> Self {
        let (now, backoff) = (Instant::now(), Backoff::default());
        let (has_eased, extent) = (Eased::No, Extent::Everything);
        Self { why: why.to_owned(), since: now, backoff, calm, seen: now, has_eased, extent }
    }

    fn is_over(&self) -> bool {
        self.has_eased == Eased::Yes && self.seen.elapsed() >= self.calm
    }
}

/// How long a trouble has to stay away whose predecessor had done so for this long, and was over so long ago.
fn longer_than(calm: Duration, ago: Duration) -> Duration {
    if ago < SOON { (calm * 2).clamp(CALM, SOON) } else { Duration::ZERO }
}

#[cfg(test)]
#[path = "tests/calm.rs"]
mod tests;
