//! How many events to take at once: many from a sink that is fast, few for one that is slow.

use std::time::Duration;

/// What a batch should take at most. Its transaction is open all that time, which holds back vacuum, and the server ends the
/// session of a worker that seems to be stopped.
const TARGET: Duration = Duration::from_secs(5);
/// How many to begin with, and by how much to grow.
const STEP: usize = 4;

/// The size of the next batch.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    most: usize,
    next: usize,
}

impl Pace {
    /// Begins small; a batch never has more than `most` events.
    pub fn new(most: usize) -> Self {
        Self { most, next: STEP.min(most) }
    }

    /// The most events for the next batch.
    pub fn next(self) -> usize {
        self.next
    }

    /// Takes fewer, since nobody is known to have taken the last batch.
    pub fn shrink(&mut self) {
        self.next = (self.next / 2).max(1);
    }

    /// Learns from a batch.
    pub fn learn(&mut self, events: usize, took: Duration) {
        if events == 0 {
            return;
        }
        let fitting = TARGET.as_nanos() * events as u128 / took.as_nanos().max(1);
        let fitting = usize::try_from(fitting).unwrap_or(usize::MAX);
        self.next = fitting.min(self.next.saturating_mul(STEP)).clamp(1, self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_while_the_sink_is_fast_and_shrinks_when_it_is_slow() {
        let mut pace = Pace::new(1000);
        let mut sizes = Vec::new();
        for _ in 0..6 {
            sizes.push(pace.next());
            pace.learn(pace.next(), Duration::from_millis(1));
        }
        assert_eq!(sizes, [4, 16, 64, 256, 1000, 1000]);
        pace.learn(1000, Duration::from_secs(1000));
        assert_eq!(pace.next(), 5);
        pace.learn(1, Duration::from_secs(300));
        assert_eq!(pace.next(), 1);
        pace.learn(0, Duration::ZERO);
        assert_eq!(pace.next(), 1);
    }

    #[test]
    fn what_is_too_much_to_be_acknowledged_in_time_is_halved_until_it_is_not() {
        let mut pace = Pace { most: 1000, next: 1000 };
        let mut sizes = Vec::new();
        for _ in 0..12 {
            pace.shrink();
            sizes.push(pace.next());
        }
        assert_eq!(sizes, [500, 250, 125, 62, 31, 15, 7, 3, 1, 1, 1, 1]);
    }

    #[test]
    fn never_asks_for_more_than_the_most() {
        assert_eq!(Pace::new(1).next(), 1);
        let mut pace = Pace::new(2);
        pace.learn(2, Duration::ZERO);
        assert_eq!(pace.next(), 2);
    }
}
