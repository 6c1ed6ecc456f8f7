//! Runs work that may never end in a thread of its own, and stops waiting for it in time.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// What became of the work.
#[derive(Debug)]
pub(super) enum Outcome<T> {
    Done(T),
    /// The limit passed. The thread goes on by itself; what it still makes is dropped there.
    Expired,
    /// The thread panicked, or could not be started.
    Died,
}

/// Runs `work`, waiting for at most `limit`.
pub(super) fn run<T: Send + 'static>(limit: Option<Duration>, work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
    start(work).wait(limit)
}

/// Work that is being done.
pub(super) struct Started<T>(Receiver<T>);

/// Starts `work`.
pub(super) fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Started<T> {
    let (sender, receiver) = mpsc::channel();
    // Were there no thread to be had, the sender is dropped, which tells whoever waits.
    let _ = thread::Builder::new().name("postgres".to_owned()).spawn(move || {
        let _ = sender.send(work());
    });
    Started(receiver)
}

impl<T> Started<T> {
    /// Waits for at most `limit`; it may be waited for again then.
    pub(super) fn wait(&self, limit: Option<Duration>) -> Outcome<T> {
        let done = match limit {
            Some(limit) => self.0.recv_timeout(limit),
            None => self.0.recv().map_err(RecvTimeoutError::from),
        };
        match done {
            Ok(done) => Outcome::Done(done),
            Err(RecvTimeoutError::Timeout) => Outcome::Expired,
            Err(RecvTimeoutError::Disconnected) => Outcome::Died,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_ends_is_handed_back_and_work_that_does_not_is_left() {
        assert!(matches!(run(None, || 7), Outcome::Done(7)));
        let (_held, never) = mpsc::channel::<()>();
        assert!(matches!(run(Some(Duration::ZERO), move || never.recv()), Outcome::Expired));
        assert!(matches!(run(None, || panic!("expected: this test kills its thread")), Outcome::<()>::Died));
    }
}
