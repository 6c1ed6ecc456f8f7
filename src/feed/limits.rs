//! When a feed ends by itself: a number of events, a time, a silence. Shared by all workers of a feed.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::exit::Exit;
use crate::stop::StopReason;

/// A wait that no limit shortens; a stop wakes it early.
const LONG_WAIT: Duration = Duration::from_secs(3600);
/// A wait for workers who may still give back what is left of the count.
const SHORT_WAIT: Duration = Duration::from_millis(10);
/// For how long a worker that found nothing left of the count is remembered.
const ASKED_LATELY: Duration = Duration::from_millis(50);

/// When to stop by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// After this many events.
    pub count: Option<u64>,
    /// After this long.
    pub timeout: Option<Duration>,
    /// When nothing came for this long.
    pub idle_timeout: Option<Duration>,
}

/// Why a feed ended, when nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `--count` events were delivered.
    Counted,
    /// The source has ended.
    SourceEnded,
    /// `--timeout` or `--idle-timeout` ran out.
    TimeOver,
    /// Whoever took the events went away.
    ReaderGone,
    /// A signal asked to stop.
    Signal,
}

impl End {
    /// The exit code: running out of time is a failure only for who asked for a number of events.
    pub fn exit(self, limits: &Limits) -> Exit {
        match self {
            Self::Signal => Exit::Signal,
            Self::TimeOver if limits.count.is_some() => Exit::TimedOut,
            _ => Exit::Done,
        }
    }
}

impl From<StopReason> for End {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Signal => Self::Signal,
            StopReason::ReaderGone => Self::ReaderGone,
            StopReason::Finished => Self::SourceEnded,
        }
    }
}

/// How much of the limits is left.
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    delivered: u64,
    /// Given to workers, and neither delivered nor given back.
    reserved: u64,
    last_event: Instant,
    /// When a worker last found that others hold all that is left.
    asked: Option<Instant>,
}

impl State {
    /// Whether somebody has asked lately for what others hold.
    fn is_wanted(&self) -> bool {
        self.asked.is_some_and(|asked| asked.elapsed() < ASKED_LATELY)
    }
}

/// What may be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait at most so long, for at most so many events, which are reserved until they are delivered or given back.
    Poll(Duration, usize),
    /// Others hold all that is left: ask again after so long.
    Ask(Duration),
    /// It is over.
    End(End),
}

impl Meter {
    /// Starts the clock.
    pub fn start(limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            limits,
            started: now,
            state: Mutex::new(State { delivered: 0, reserved: 0, last_event: now, asked: None }),
        }
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        let over = |since: Instant, limit: Option<Duration>| limit.is_some_and(|limit| since.elapsed() >= limit);
        over(self.started, self.limits.timeout) || over(self.lock().last_event, self.limits.idle_timeout)
    }

    /// Reserves up to `most` events.
    pub fn next(&self, most: usize) -> Next {
        let mut state = self.lock();
        let left = |since: Instant, limit: Option<Duration>| match limit {
            None => Some(LONG_WAIT),
            Some(limit) => limit.checked_sub(since.elapsed()).filter(|left| !left.is_zero()),
        };
        if self.limits.count.is_some_and(|count| state.delivered >= count) {
            return Next::End(End::Counted);
        }
        let (timeout, idle) =
            (left(self.started, self.limits.timeout), left(state.last_event, self.limits.idle_timeout));
        let (Some(timeout), Some(idle)) = (timeout, idle) else { return Next::End(End::TimeOver) };
        let wait = timeout.min(idle);
        let room = self.limits.count.map_or(u64::MAX, |count| count - state.delivered - state.reserved);
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(most);
        if room == 0 {
            state.asked = Some(Instant::now());
            return Next::Ask(wait.min(SHORT_WAIT));
        }
        // Who finds no events must not keep others, who may have some, from theirs.
        let wait = if state.is_wanted() { wait.min(SHORT_WAIT) } else { wait };
        state.reserved += room as u64;
        Next::Poll(wait, room)
    }

    /// How long a worker that has found nothing leaves what is left of the count to those who asked for it.
    pub fn turn_of_others(&self) -> Duration {
        if self.lock().is_wanted() { 2 * SHORT_WAIT } else { Duration::ZERO }
    }

    /// Settles a reservation: so many of the `reserved` events were delivered.
    pub fn settle(&self, reserved: usize, delivered: usize) {
        let mut state = self.lock();
        state.reserved -= reserved as u64;
        state.delivered += delivered as u64;
        if delivered > 0 {
            state.last_event = Instant::now();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the state")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_shared_and_exact() {
        let meter = Meter::start(Limits { count: Some(5), ..Limits::default() });
        assert_eq!(meter.next(3), Next::Poll(LONG_WAIT, 3));
        assert_eq!(meter.next(3), Next::Poll(LONG_WAIT, 2));
        assert_eq!(meter.next(3), Next::Ask(SHORT_WAIT));
        meter.settle(3, 3);
        meter.settle(2, 1);
        // Somebody has asked: whoever finds nothing soon lets go of what is left.
        assert_eq!(meter.next(3), Next::Poll(SHORT_WAIT, 1));
        meter.settle(1, 1);
        assert_eq!(meter.next(3), Next::End(End::Counted));
    }

    #[test]
    fn time_over_is_a_failure_only_with_a_count() {
        let limits = Limits { timeout: Some(Duration::ZERO), ..Limits::default() };
        assert_eq!(Meter::start(limits).next(1), Next::End(End::TimeOver));
        assert_eq!(End::TimeOver.exit(&limits), Exit::Done);
        assert_eq!(End::TimeOver.exit(&Limits { count: Some(1), ..limits }), Exit::TimedOut);
    }
}
