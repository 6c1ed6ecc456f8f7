//! How long a server may take to answer: longer once it was cut off, since it may have been at work rather than hung.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::failpoint;

/// How long a server may take to answer who works for a queue. Long, since a commit may wait for a standby or a slow disk.
const USUAL: Duration = Duration::from_secs(120);
/// What was too short is doubled up to this.
const MOST: Duration = Duration::from_secs(3600);
/// So soon after a cut a quick answer proves nothing: those in front of the statement that was cut always are, and there is nothing
/// to take as long as the session that was cut has not ended.
const PROVES_NOTHING: Duration = Duration::from_secs(120);

/// Shared by the connections that follow each other for one purpose: by itself none of them would ever get further.
#[derive(Debug, Clone, Default)]
pub struct Allowance(Arc<Mutex<Option<Longer>>>);

/// More than usual.
#[derive(Debug, Clone, Copy)]
struct Longer {
    time: Duration,
    needed_at: Instant,
}

impl Allowance {
    /// For the next answer.
    pub(super) fn get(&self) -> Duration {
        self.longer().map_or(usual(), |longer| longer.time)
    }

    /// There was no answer in this time.
    pub(super) fn was_too_short(&self, time: Duration, now: Instant) {
        let mut longer = self.longer();
        let time = (time * 2).min(MOST).max(longer.map_or(Duration::ZERO, |longer| longer.time));
        *longer = Some(Longer { time, needed_at: now });
    }

    /// There was an answer after this time.
    pub(super) fn was_enough(&self, time: Duration, now: Instant) {
        let mut longer = self.longer();
        let Some(Longer { needed_at, .. }) = longer.as_mut() else { return };
        if time >= usual() {
            *needed_at = now;
        } else if now.duration_since(*needed_at) >= PROVES_NOTHING {
            *longer = None;
        }
    }

    fn longer(&self) -> MutexGuard<'_, Option<Longer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn usual() -> Duration {
    failpoint::at_most("PGFEED_ANSWER", USUAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(3);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn what_was_too_short_is_doubled_up_to_an_hour() {
        let (allowance, now) = (Allowance::default(), Instant::now());
        let next = || {
            let allowed = allowance.get();
            allowance.was_too_short(allowed, now);
            allowed.as_secs() / 60
        };
        assert_eq!(std::array::from_fn(|_| next()), [2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn two_that_are_cut_together_double_it_once() {
        let (allowance, now) = (Allowance::default(), Instant::now());
        allowance.was_too_short(2 * MINUTE, now);
        allowance.was_too_short(2 * MINUTE, now);
        assert_eq!(allowance.get(), 4 * MINUTE);
    }

    #[test]
    fn it_is_as_usual_again_once_answers_come_soon() {
        let (allowance, cut_at) = (Allowance::default(), Instant::now());
        allowance.was_too_short(2 * MINUTE, cut_at);
        allowance.was_enough(QUICK, cut_at + MINUTE);
        assert_eq!(allowance.get(), 4 * MINUTE, "the next connection was only made");
        allowance.was_enough(3 * MINUTE, cut_at + 4 * MINUTE);
        allowance.was_enough(QUICK, cut_at + 5 * MINUTE);
        assert_eq!(allowance.get(), 4 * MINUTE, "it was needed a minute ago");
        allowance.was_enough(QUICK, cut_at + 6 * MINUTE);
        assert_eq!(allowance.get(), 2 * MINUTE);
    }
}
