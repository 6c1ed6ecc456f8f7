//! What a worker learns that waits for the bell.

use super::*;

/// A bell that nobody rings, for two workers, after a look that has found nothing.
fn emptied() -> Bell {
    let options = Options { what: For::Anything, workers: 2, poll: Duration::from_secs(3600), ends: true };
    Bell {
        state: Mutex::new(State { nothing_left: true, ..State::default() }),
        changed: Condvar::new(),
        reached: Mutex::default(),
        settled: AtomicU64::new(0),
        stop: Stop::default(),
        options,
    }
}

#[test]
fn who_goes_on_although_nothing_is_left_learns_it_again() {
    let bell = emptied();
    // The other worker waits.
    bell.lock().idle = 1;
    for _ in 0..3 {
        assert!(matches!(bell.wait(0, Duration::ZERO), Waiting::Emptied));
    }
    // It does not count any more: the other one alone is not all.
    assert_eq!(bell.lock().idle, 1);
}

#[test]
fn a_busy_worker_may_still_bring_something() {
    assert!(matches!(emptied().wait(0, Duration::ZERO), Waiting::TimedOut));
}
