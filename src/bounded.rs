//! Runs work that may never end in a thread of its own, and stops waiting for it in time.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often whoever waits is asked whether to stop: a signal is to be answered at once, as a person sees it.
const SLICE: Duration = Duration::from_millis(50);

/// What became of the work.
#[derive(Debug)]
pub enum Outcome<T> {
    /// This.
    Done(T),
    /// Nobody waits for it any more. The thread goes on by itself; what it still makes is dropped there.
    Expired,
    /// The thread panicked, or could not be started.
    Died,
}

/// Runs `work`, waiting for at most `limit`.
pub fn run<T: Send + 'static>(limit: Option<Duration>, work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
    start(work).wait(limit)
}

/// Work that is being done.
pub struct Started<T>(Receiver<T>);

/// Starts `work`.
pub fn start<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Started<T> {
    let (sender, receiver) = mpsc::channel();
    // Were there no thread to be had, the sender is dropped, which tells whoever waits.
    let _ = thread::Builder::new().name("bounded".to_owned()).spawn(move || {
        let _ = sender.send(work());
    });
    Started(receiver)
}

impl<T> Started<T> {
    /// Waits for at most `limit`; it may be waited for again then.
    pub fn wait(&self, limit: Option<Duration>) -> Outcome<T> {
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

    /// Waits until `stop` says not to.
    pub fn wait_unless(&self, stop: &dyn Fn() -> bool) -> Outcome<T> {
        loop {
            match self.wait(Some(SLICE)) {
                Outcome::Expired if !stop() => {}
                waited => return waited,
            }
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
