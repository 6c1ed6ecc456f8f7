//! The doorbell's protocol for whoever waits for a queue, as a plain function: the thread that waits executes it, and the model
//! checker explores the very same.
//!
//! Writers hold X shared from before their commit until after it, or ring when X is refused. So whoever gets X exclusively sees, in
//! the look that follows, every event of a writer that did not ring; and whoever gives X back wakes those who relied on it.

/// What a sleeper does next. Two advisory locks a queue: X, and W ("somebody waits behind").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Awake: look whether the queue holds anything for anybody.
    Look,
    /// Take W shared. Not a try: whoever tests W holds it for a moment, and to be refused then would mean to sleep behind unheard.
    ShareW,
    /// Try to take X exclusively.
    TryX,
    /// Got X: give W back.
    ReleaseW,
    /// Look once more, holding X.
    LookInFront,
    /// Sleep, holding X: every writer rings.
    SleepInFront,
    /// Give X back.
    ReleaseX,
    /// Does somebody hold W?
    TestW,
    /// Ring, so that one of those behind moves to the front.
    Ring,
    /// X was refused: by writers, who hold it shared, or by a sleeper? Try it shared.
    TryXShared,
    /// Only writers are in flight: give both back, and look again soon.
    ReleaseBoth,
    /// Somebody sleeps in front: look once more, holding W.
    LookBehind,
    /// Something is there: give W back.
    LeaveBehind,
    /// Sleep, holding W: who gives X back rings.
    SleepBehind,
}

impl Step {
    /// What follows. `yes` answers a step that asks: something is there, the lock was granted.
    #[must_use]
    pub fn next(self, yes: bool) -> Self {
        match (self, yes) {
            (Self::Look, true) => Self::Look,
            (Self::Look, false) => Self::ShareW,
            (Self::ShareW, _) => Self::TryX,
            (Self::TryX, true) => Self::ReleaseW,
            (Self::TryX, false) => Self::TryXShared,
            (Self::ReleaseW, _) => Self::LookInFront,
            (Self::LookInFront, true) => Self::ReleaseX,
            (Self::LookInFront, false) => Self::SleepInFront,
            // Looks while it still holds X: giving X back on every ring would make sleepers ring each other for ever.
            (Self::SleepInFront, _) => Self::LookInFront,
            (Self::ReleaseX, _) => Self::TestW,
            (Self::TestW, true) => Self::Look,
            (Self::TestW, false) => Self::Ring,
            (Self::Ring, _) => Self::Look,
            (Self::TryXShared, true) => Self::ReleaseBoth,
            (Self::TryXShared, false) => Self::LookBehind,
            (Self::ReleaseBoth, _) => Self::Look,
            (Self::LookBehind, true) | (Self::SleepBehind, _) => Self::LeaveBehind,
            (Self::LookBehind, false) => Self::SleepBehind,
            (Self::LeaveBehind, _) => Self::Look,
        }
    }

    /// What is left to do for whoever stops in front of this step, as long as anything is: X is given back like on waking, and
    /// whoever gave it back has promised to test W. (What else it holds ends with its session, and nobody relies on that.)
    #[must_use]
    pub fn leaving(self) -> Option<Self> {
        match self {
            Self::ReleaseW | Self::LookInFront | Self::SleepInFront | Self::ReleaseX => Some(Self::ReleaseX),
            Self::TestW | Self::Ring => Some(self),
            _ => None,
        }
    }
}
