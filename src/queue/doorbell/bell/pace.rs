//! How long whoever looks for the workers waits between two looks.

use std::time::Duration;

/// First and longest wait between two looks while the queue holds only what others are busy with.
pub const LOOK_AGAIN: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// How long to wait with one connection.
pub struct Pace {
    /// For the next look, while others are busy.
    pub again: Duration,
    /// For a ring: until something is due by itself.
    pub sleep: Duration,
    /// Before a ring is heard again: none, unless rings have told of nothing.
    pub quiet: Duration,
    /// The batches that were settled when the pace was set.
    pub settled: u64,
    /// Whether a look has succeeded: the connection is good.
    pub has_looked: bool,
}

impl Pace {
    /// Looks again soon, and sleeps at most for `poll`.
    pub fn new(poll: Duration) -> Self {
        Self { again: LOOK_AGAIN.0, sleep: poll, quiet: Duration::ZERO, settled: 0, has_looked: false }
    }

    /// Notes how a sleep has ended. Anybody may ring, and as often as they like: they are heard less and less often, until a look
    /// finds something.
    pub fn woken(&mut self, rung: bool) {
        self.quiet = if rung { (self.quiet * 2).clamp(LOOK_AGAIN.0, LOOK_AGAIN.1) } else { Duration::ZERO };
    }
}
