//! The classes of the advisory locks of a queue. (`sql/status_consumers.sql`, `sql/durable_*.sql` and `sql/enqueue.sql` have the same numbers.)

/// What a lock is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockClass {
    /// "pgfS": a slot is owned.
    Slot,
    /// "pgfM": somebody takes events in order. Counting its holders counts the workers.
    Member,
    /// "pgfA": somebody takes events in order, and owns nothing for now, since nobody takes them from it.
    Aside,
    /// "pgfU": somebody takes events in any order.
    Unordered,
    /// "pgfX": somebody sleeps in front of the doorbell; shared, a writer is in flight.
    Front,
    /// "pgfW": somebody waits behind.
    Behind,
}

impl LockClass {
    /// The number of a class.
    pub const fn number(self) -> i32 {
        match self {
            Self::Slot => 0x7067_6653,
            Self::Member => 0x7067_664d,
            Self::Aside => 0x7067_6641,
            Self::Unordered => 0x7067_6655,
            Self::Front => 0x7067_6658,
            Self::Behind => 0x7067_6657,
        }
    }

    /// The class with this number, if it is one of ours.
    pub fn of(number: i32) -> Option<Self> {
        let all = [Self::Slot, Self::Member, Self::Aside, Self::Unordered, Self::Front, Self::Behind];
        all.into_iter().find(|class| class.number() == number)
    }

    /// The queue whose lock has this key: the key of a slot is made of both.
    pub fn queue_of(self, key: i32) -> i32 {
        if self == Self::Slot { key / 64 } else { key }
    }
}
