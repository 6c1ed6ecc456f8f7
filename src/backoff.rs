//! How long to wait before the next try: exponential with full jitter, so that many clients do not come back together.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const CAP: Duration = Duration::from_secs(30);
/// Full jitter may come out as nothing at all, and a loop that never sleeps is a storm.
const FLOOR: Duration = Duration::from_millis(20);

/// Waits that grow from 200 ms to 30 s, each drawn at random from nothing to its bound.
#[derive(Debug, Clone)]
pub struct Backoff {
    bound: Duration,
    random: Random,
}

impl Backoff {
    /// Starts small, with a random seed.
    pub fn new() -> Self {
        Self { bound: FIRST, random: Random::new() }
    }

    /// Starts small; the same seed draws the same waits.
    #[cfg(test)]
    pub fn seeded(seed: u64) -> Self {
        Self { bound: FIRST, random: Random(seed) }
    }

    /// The next wait.
    pub fn wait(&mut self) -> Duration {
        let wait = self.bound.mul_f64(self.random.fraction()).max(FLOOR);
        self.bound = (self.bound * 2).min(CAP);
        wait
    }

    /// Starts small again: call it when a connection has proved to be good.
    pub fn reset(&mut self) {
        self.bound = FIRST;
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

/// SplitMix64: nothing secret depends on it.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A random seed.
    pub fn new() -> Self {
        Self(RandomState::new().hash_one(0))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).expect("32 bits are left")) / f64::from(u32::MAX)
    }

    /// Brings `items` into a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.next() % (last as u64 + 1);
            items.swap(last, usize::try_from(other).expect("an index of a slice"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_stay_between_the_floor_and_a_bound_that_doubles(seed: u64) {
            let mut backoff = Backoff::seeded(seed);
            for step in 0..40 {
                let bound = FIRST.saturating_mul(2_u32.saturating_pow(step)).min(CAP);
                let wait = backoff.wait();
                prop_assert!(wait >= FLOOR && wait <= bound, "{:?} at step {}", wait, step);
            }
            backoff.reset();
            prop_assert!(backoff.wait() <= FIRST);
        }
    }

    #[test]
    fn one_seed_draws_one_row_and_another_seed_another() {
        let row = |seed| (0..8).map(|_| ()).scan(Backoff::seeded(seed), |b, ()| Some(b.wait())).collect::<Vec<_>>();
        assert_eq!(row(1), row(1));
        assert_ne!(row(1), row(2));
    }

    #[test]
    fn shuffling_keeps_everything() {
        let mut items = [1, 2, 3, 4, 5];
        Random(7).shuffle(&mut items);
        assert_ne!(items, [1, 2, 3, 4, 5]);
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3, 4, 5]);
    }
}
