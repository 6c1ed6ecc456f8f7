//! How far the workers of a process have come, for the thread that waits for them.

use super::registry::Storage;

/// What is known of a queue that was stored there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reached {
    /// Where it was stored.
    pub storage: Storage,
    /// The highest id that was taken from it, and committed.
    pub highest: i64,
    /// An id below which nothing is left for anybody.
    pub floor: i64,
}

impl Reached {
    /// Takes note of what a worker knows.
    pub fn rise(&mut self, other: Self) {
        if self.storage != other.storage {
            *self = other;
        }
        self.highest = self.highest.max(other.highest);
        self.floor = self.floor.max(other.floor);
    }
}
