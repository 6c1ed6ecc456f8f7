//! The thread that waits for the workers of one process: asleep where there is nothing, and never past an event.

mod deaf;
mod pace;
#[cfg(test)]
mod tests;
mod waiter;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::look::{For, Looker};
use super::protocol::Step;
use super::session::{Lock, Session};
use crate::backoff::Backoff;
use crate::connection::{self, Allowance, Connection, Pooling, Settings};
use crate::error::{Error, Result};
use crate::queue::reached::Reached;
use crate::queue::registry::Queue;
use crate::stop::Stop;
use pace::{LOOK_AGAIN, Pace};
pub use waiter::Waiter;

/// How often a sleeper behind looks by itself: whoever sleeps in front may have died without a ring.
const BEHIND: Duration = Duration::from_secs(1);
/// What a worker that waited learns.
#[derive(Debug)]
pub enum Waiting {
    /// There may be something: take.
    Kicked(u64),
    /// Nothing yet.
    TimedOut,
    /// Nothing is left at all, not even for another attempt.
    Emptied,
    /// Waiting has failed for good.
    Failed(Error),
}

/// Shared by the workers of one process and the thread that waits for them.
pub struct Bell {
    state: Mutex<State>,
    changed: Condvar,
    /// How far the workers of this process have come.
    reached: Mutex<Reached>,
    /// How many batches they have settled.
    settled: AtomicU64,
    stop: Stop,
    options: Options,
}

/// How to wait.
#[derive(Debug, Clone)]
pub struct Options {
    /// For what.
    pub what: For,
    /// For how many workers.
    pub workers: usize,
    /// The longest sleep.
    pub poll: Duration,
    /// Whether an empty queue is the end.
    pub ends: bool,
}

#[derive(Default)]
struct State {
    /// How often the workers were told to take.
    kicks: u64,
    /// How many workers wait for the next kick.
    idle: usize,
    /// The last look has found nothing, and nobody was told to take since.
    nothing_left: bool,
    failed: Option<Error>,
}

impl Bell {
    /// Starts to wait, on a thread of its own.
    pub fn start(settings: Settings, queue: Queue, options: Options, stop: &Stop) -> (Arc<Self>, Waiter) {
        let bell = Arc::new(Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            reached: Mutex::default(),
            settled: AtomicU64::new(0),
            stop: stop.clone(),
            options,
        });
        let wake = Arc::clone(&bell);
        // With the lock, or whoever has seen no stop and is about to wait would sleep through it.
        stop.on_request(move || {
            let _state = wake.lock();
            wake.changed.notify_all();
        });
        let waits = Arc::clone(&bell);
        let thread = Some(std::thread::spawn(move || waits.keep_waiting(&settings, &queue)));
        (bell, Waiter { thread, stop: stop.clone() })
    }

    /// Waits for a kick after the one that was `seen`, at most so long; returns early when a stop is asked for.
    pub fn wait(&self, seen: u64, longest: Duration) -> Waiting {
        let until = Instant::now() + longest;
        let mut state = self.lock();
        if state.kicks == seen {
            state.idle += 1;
            self.changed.notify_all();
        }
        loop {
            if let Some(error) = &state.failed {
                return Waiting::Failed(error.clone());
            }
            if state.kicks != seen {
                return Waiting::Kicked(state.kicks);
            }
            // What a busy worker has taken is still there for a look, until it is settled.
            if self.options.ends && state.nothing_left && state.idle >= self.options.workers {
                // Whoever goes on nevertheless waits, and counts, again.
                state.idle -= 1;
                return Waiting::Emptied;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stop.requested().is_some() {
                state.idle -= 1;
                return Waiting::TimedOut;
            }
            state = self.changed.wait_timeout(state, left).expect("nobody panics while it holds the state").0;
        }
    }

    /// The longest that a worker may rely on this.
    pub fn poll(&self) -> Duration {
        self.options.poll
    }

    /// Notes that a worker has something in hand, whether it was told to take or not: the last look is out of date.
    pub fn found(&self) {
        self.lock().nothing_left = false;
    }

    /// Notes that a worker has settled a batch, and how far it has come.
    pub fn settled(&self, reached: Reached) {
        self.reached.lock().expect("nobody panics while it holds this").rise(reached);
        self.settled.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while it holds the state")
    }

    fn kick(&self) {
        let mut state = self.lock();
        state.kicks += 1;
        state.idle = 0;
        state.nothing_left = false;
        self.changed.notify_all();
    }

    fn stopping(&self) -> bool {
        self.stop.requested().is_some()
    }

    /// Waits until a worker has found nothing. Not until all have: one may be busy for as long as it likes, and what is in its
    /// hands keeps us awake, looking for the others.
    fn wait_for_a_worker(&self) {
        let mut state = self.lock();
        while state.idle == 0 && !self.stopping() {
            state =
                self.changed.wait_timeout(state, self.options.poll).expect("nobody panics while it holds the state").0;
        }
    }

    fn keep_waiting(&self, settings: &Settings, queue: &Queue) {
        let (mut backoff, allowance) = (Backoff::new(), Allowance::default());
        while !self.stopping() {
            let mut pace = Pace::new(self.options.poll);
            let connection = Connection::open(settings).map(|open| open.allowing(&allowance));
            let looker = connection.and_then(|open| Looker::new(open, queue, &self.options.what));
            let error = match looker.and_then(|looker| self.wait_through(looker, queue, &mut pace)) {
                Ok(()) => return,
                Err(error) => error,
            };
            // Connecting alone proves little: on a standby it works, and LISTEN does not.
            if pace.has_looked {
                backoff.reset();
            }
            if !connection::is_transient(&error) {
                self.lock().failed = Some(error);
                return self.changed.notify_all();
            }
            self.be_deaf(backoff.wait().min(self.options.poll));
        }
    }

    fn wait_through(&self, mut looker: Looker, queue: &Queue, pace: &mut Pace) -> Result<()> {
        match looker.connection.pooling() {
            Pooling::None => self.wait_with(&mut Session::new(looker, queue)?, pace),
            Pooling::Transaction => self.keep_looking(&mut looker, pace),
        }
    }

    /// Executes the protocol until a stop is asked for, and then what it owes to others.
    fn wait_with(&self, session: &mut Session, pace: &mut Pace) -> Result<()> {
        let mut step = Step::Look;
        while !self.stopping() {
            step = step.next(self.execute(step, session, pace)?);
        }
        while let Some(last) = step.leaving() {
            step = last.next(self.execute(last, session, pace)?);
        }
        Ok(())
    }

    /// Executes one step. Returns the answer to a step that asks.
    fn execute(&self, step: Step, session: &mut Session, pace: &mut Pace) -> Result<bool> {
        Ok(match step {
            Step::Look => {
                self.wait_for_a_worker();
                let something = self.look(session.looker(), pace)?;
                if something {
                    self.wait_for_a_worker();
                    self.keep_pace(pace);
                    self.pause(session, pace)?;
                }
                something
            }
            Step::LookInFront | Step::LookBehind => self.look(session.looker(), pace)?,
            Step::ShareW => session.share_w().map(|()| true)?,
            Step::TryX => session.try_lock(Lock::X)?,
            Step::TryXShared => session.try_lock(Lock::XShared)?,
            Step::ReleaseW | Step::LeaveBehind => session.unlock(Lock::WShared).map(|()| true)?,
            Step::ReleaseX => session.unlock(Lock::X).map(|()| true)?,
            Step::ReleaseBoth => {
                session.unlock(Lock::XShared)?;
                session.unlock(Lock::WShared)?;
                self.pause(session, pace)?;
                true
            }
            Step::SleepInFront => self.sleep(session, pace, self.options.poll)?,
            Step::SleepBehind => self.sleep(session, pace, BEHIND)?,
            Step::TestW => session.nobody_waits()?,
            Step::Ring => session.ring().map(|()| true)?,
        })
    }

    fn sleep(&self, session: &mut Session, pace: &mut Pace, longest: Duration) -> Result<bool> {
        pace.again = LOOK_AGAIN.0;
        self.stop.pause(pace.quiet);
        let rung = session.wait_unless(pace.sleep.min(longest), &|| self.stopping())?;
        pace.woken(rung);
        Ok(rung)
    }

    /// Waits in front of the next look, longer every time, unless a ring tells of something new.
    fn pause(&self, session: &mut Session, pace: &mut Pace) -> Result<()> {
        let rung = session.wait_unless(pace.again, &|| self.stopping())?;
        pace.again = if rung { LOOK_AGAIN.0 } else { (pace.again * 2).min(LOOK_AGAIN.1) };
        Ok(())
    }

    /// Looks often as long as something comes of it: what the workers leave is what others are busy with. (Whoever only looks
    /// has seen everything by now.)
    fn keep_pace(&self, pace: &mut Pace) {
        let settled = self.settled.load(Ordering::Relaxed);
        if settled != pace.settled || matches!(self.options.what, For::Unseen(_)) {
            pace.again = LOOK_AGAIN.0;
        }
        pace.settled = settled;
    }

    /// Looks, and tells the workers.
    fn look(&self, looker: &mut Looker, pace: &mut Pace) -> Result<bool> {
        let look = looker.look(*self.reached.lock().expect("nobody panics while it holds this"))?;
        pace.has_looked = true;
        pace.sleep = look.due_in.map_or(self.options.poll, |due| due.min(self.options.poll).max(LOOK_AGAIN.0));
        if look.now {
            pace.quiet = Duration::ZERO;
            self.kick();
        } else if !look.later {
            self.lock().nothing_left = true;
            self.changed.notify_all();
        }
        Ok(look.now)
    }
}
