//! Cuts connections whose server does not answer in time: the driver's queries have no deadline, and a server or a proxy that
//! hangs while its kernel goes on to acknowledge defeats keepalive too.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, Once};
use std::thread;
use std::time::{Duration, Instant};

use super::Connection;
use super::allowance::Allowance;
use super::line::Line;

/// How often is looked whose time is over. Nobody wakes the thread for it, so that to be watched costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_millis(500);

static WATCHED: LazyLock<Mutex<Watched>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Watched {
    next: u64,
    answers: HashMap<u64, Expected>,
}

/// An answer that is expected.
struct Expected {
    line: Line,
    since: Instant,
    within: Duration,
    allowance: Allowance,
}

/// Watches one connection when it is asked to. One over a local socket cannot be cut, and there is no network to hang.
#[derive(Debug, Clone)]
pub struct Watcher {
    line: Line,
    allowance: Allowance,
}

/// As long as it lives an answer is expected, for as long as is allowed at most.
#[must_use]
pub struct Watch(u64);

impl Connection {
    /// Lets its server take as long as is allowed, which those before it may have found out.
    #[must_use]
    pub fn allowing(mut self, allowance: &Allowance) -> Self {
        self.allowance = allowance.clone();
        self
    }

    /// Who cuts it when the server does not answer.
    pub fn watcher(&self) -> Watcher {
        Watcher { line: self.exit.line.clone(), allowance: self.allowance.clone() }
    }
}

impl Watcher {
    /// An answer is expected from now on.
    pub fn watch(&self) -> Watch {
        static STARTED: Once = Once::new();
        // Were there no thread to be had, nobody would be cut off.
        STARTED.call_once(|| drop(thread::Builder::new().name("watch".to_owned()).spawn(keep_watching)));
        let Self { line, allowance } = self.clone();
        let expected = Expected { line, since: Instant::now(), within: allowance.get(), allowance };
        let mut watched = lock();
        watched.next += 1;
        let number = watched.next;
        watched.answers.insert(number, expected);
        Watch(number)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let expected = lock().answers.remove(&self.0);
        let Some(Expected { since, within, allowance, .. }) = expected else { return };
        let now = Instant::now();
        // Or it was cut.
        if now - since < within {
            allowance.was_enough(now - since, now);
        }
    }
}

fn keep_watching() {
    loop {
        thread::sleep(LOOK_EVERY);
        let now = Instant::now();
        for Expected { line, since, within, allowance } in lock().answers.values() {
            if now.saturating_duration_since(*since) >= *within {
                line.cut();
                allowance.was_too_short(*within, now);
            }
        }
    }
}

fn lock() -> MutexGuard<'static, Watched> {
    WATCHED.lock().expect("nobody panics while it holds this")
}
