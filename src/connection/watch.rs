//! Cuts connections whose server does not answer in time: the driver's queries have no deadline, and a server or a proxy that
//! hangs while its kernel goes on to acknowledge defeats keepalive too.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, Once};
use std::thread;
use std::time::{Duration, Instant};

use super::line::Line;
use crate::failpoint;

/// How long a server may take to answer who works for a queue. Long, since a commit may wait for a standby or a slow disk.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// How often is looked whose time is over. Nobody wakes the thread for it, so that to be watched costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_millis(500);

static WATCHED: LazyLock<Mutex<Watched>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Watched {
    next: u64,
    lines: HashMap<u64, (Instant, Line)>,
}

/// Watches one connection when it is asked to. One over a local socket cannot be cut, and there is no network to hang.
#[derive(Debug, Clone)]
pub struct Watcher(pub(super) Line);

/// As long as it lives an answer is expected, for two minutes at most.
#[must_use]
pub struct Watch(u64);

impl Watcher {
    /// An answer is expected from now on.
    pub fn watch(&self) -> Watch {
        static STARTED: Once = Once::new();
        // Were there no thread to be had, nobody would be cut off.
        STARTED.call_once(|| drop(thread::Builder::new().name("watch".to_owned()).spawn(keep_watching)));
        let until = Instant::now() + failpoint::at_most("PGFEED_ANSWER", ANSWER_WITHIN);
        let mut watched = lock();
        watched.next += 1;
        let number = watched.next;
        watched.lines.insert(number, (until, self.0.clone()));
        Watch(number)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        lock().lines.remove(&self.0);
    }
}

fn keep_watching() {
    loop {
        thread::sleep(LOOK_EVERY);
        let now = Instant::now();
        lock().lines.values().filter(|(until, _)| *until <= now).for_each(|(_, line)| line.cut());
    }
}

fn lock() -> MutexGuard<'static, Watched> {
    WATCHED.lock().expect("nobody panics while it holds this")
}
