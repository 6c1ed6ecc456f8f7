//! The wish to stop, from a signal or from a reader that went away: asked once, seen by everybody.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Why to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StopReason {
    /// SIGINT, SIGTERM or SIGHUP.
    Signal = 1,
    /// Whoever read our stdout closed it.
    ReaderGone = 2,
    /// The feed has ended by itself: whoever still waits for it need not.
    Finished = 3,
}

type Waker = Box<dyn Fn() + Send>;

/// A flag that wakes whoever waits when it is raised. Clones share it.
#[derive(Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Default)]
struct Shared {
    reason: AtomicU8,
    wakers: Mutex<Vec<Waker>>,
}

impl Stop {
    /// Asks to stop. The first reason stays; returns whether this was the first.
    pub fn request(&self, reason: StopReason) -> bool {
        let first = self.0.reason.compare_exchange(0, reason as u8, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        for wake in self.0.wakers.lock().expect("no waker panics").iter() {
            wake();
        }
        first
    }

    /// The reason to stop, once there is one.
    pub fn requested(&self) -> Option<StopReason> {
        match self.0.reason.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(StopReason::Signal),
            2 => Some(StopReason::ReaderGone),
            _ => Some(StopReason::Finished),
        }
    }

    /// Waits, and returns early when a stop is asked for.
    pub fn pause(&self, wait: Duration) {
        const SLICE: Duration = Duration::from_millis(50);
        let until = Instant::now() + wait;
        while self.requested().is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(SLICE));
        }
    }

    /// Calls `wake` when a stop is asked for: what waits on a channel sends itself a message, so that it need not poll.
    pub fn on_request(&self, wake: impl Fn() + Send + 'static) {
        self.0.wakers.lock().expect("no waker panics").push(Box::new(wake));
        if self.requested().is_some() {
            self.request(StopReason::Signal);
        }
    }
}
