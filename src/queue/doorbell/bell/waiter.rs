//! The thread that waits, for whoever started it.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::stop::{Stop, StopReason};

/// How long whoever leaves may take to give X back. A server may not answer, and then those behind look by themselves.
const FAREWELL: Duration = Duration::from_secs(1);

/// The thread that waits. Dropped, it leaves, and wakes whoever relied on it.
#[must_use]
pub struct Waiter {
    pub(super) thread: Option<JoinHandle<()>>,
    pub(super) stop: Stop,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.stop.request(StopReason::Finished);
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + FAREWELL;
        while !thread.is_finished() {
            if Instant::now() >= until {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = thread.join();
    }
}
