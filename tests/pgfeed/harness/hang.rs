//! Ends the whole run when a test hangs, after saying which: libtest would wait for ever, and whoever reads the output would not know for what.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test may take, in seconds: in the environment, or else far more than the slowest takes on a slow machine.
pub const LIMIT: &str = "PGFEED_TEST_LIMIT";
const DEFAULT_LIMIT: u64 = 600;

static RUNNING: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// Dropped with the thread of its test.
    static ENTRY: OnceCell<Option<Entry>> = const { OnceCell::new() };
}

struct Entry(String);

impl Drop for Entry {
    fn drop(&mut self) {
        running(|tests| tests.remove(&self.0));
    }
}

/// Notes that the test of this thread runs. libtest names its thread after it; threads of tests have no name, and are theirs.
///
/// Tests that run when asked for (`--ignored`) may take as long as they are told to.
pub fn watched() {
    static WATCHDOG: Once = Once::new();
    if std::env::args().any(|arg| arg == "--ignored" || arg == "--include-ignored") {
        return;
    }
    ENTRY.with(|entry| {
        entry.get_or_init(|| {
            let name = thread::current().name()?.to_owned();
            running(|tests| tests.insert(name.clone(), Instant::now()));
            Some(Entry(name))
        });
    });
    WATCHDOG.call_once(|| drop(thread::spawn(watch)));
}

fn running<T>(look: impl FnOnce(&mut BTreeMap<String, Instant>) -> T) -> T {
    look(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
}

fn watch() {
    let told = std::env::var(LIMIT).ok().map(|seconds| seconds.parse().expect("a number of seconds"));
    let limit = Duration::from_secs(told.unwrap_or(DEFAULT_LIMIT));
    loop {
        thread::sleep(Duration::from_secs(1));
        let hangs = |tests: &mut BTreeMap<String, Instant>| {
            let found = tests.iter().find(|(_, since)| since.elapsed() >= limit);
            found.map(|(name, _)| name.clone())
        };
        if let Some(name) = running(hangs) {
            // Not by eprintln, which libtest keeps to itself until the test ends.
            let told =
                format!("\ntest {name} has been running for {} s: it hangs, and this run ends\n", limit.as_secs());
            drop(std::io::stderr().write_all(told.as_bytes()));
            std::process::exit(101);
        }
    }
}
