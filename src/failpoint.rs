//! Named points at which a debug build can be told to die, and named mistakes it can be told to make, so that tests see what
//! follows. A release build knows none of it.

use std::time::Duration;

#[cfg(debug_assertions)]
use std::sync::{
    LazyLock,
    atomic::{AtomicU32, Ordering},
};

/// Aborts the process when `PGFEED_FAIL` is `POINT:N` and this is the Nth time that the point is reached.
#[cfg(debug_assertions)]
pub fn reach(point: &str) {
    static ARMED: LazyLock<Option<(String, AtomicU32)>> = LazyLock::new(|| {
        let armed = std::env::var("PGFEED_FAIL").ok()?;
        let (point, nth) = armed.split_once(':').expect("PGFEED_FAIL is POINT:N");
        Some((point.to_owned(), AtomicU32::new(nth.parse().expect("PGFEED_FAIL ends in a number"))))
    });
    if let Some((armed, left)) = &*ARMED
        && armed == point
        && left.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}

/// Whether `PGFEED_MUTANT` asks for this mistake, which the tests must notice.
#[cfg(debug_assertions)]
pub fn is_mutant(mistake: &str) -> bool {
    static MUTANT: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("PGFEED_MUTANT").ok());
    MUTANT.as_deref() == Some(mistake)
}

/// A time, or the shorter one of an environment variable, in milliseconds: no test waits for minutes.
#[cfg(debug_assertions)]
pub fn at_most(variable: &str, time: Duration) -> Duration {
    let told = std::env::var(variable).ok().map(|told| told.parse().expect("a number of milliseconds"));
    told.map_or(time, |told| time.min(Duration::from_millis(told)))
}

/// A number, or the smaller one of an environment variable: no test needs so many of anything.
#[cfg(debug_assertions)]
pub fn at_most_so_many(variable: &str, number: usize) -> usize {
    let told = std::env::var(variable).ok().map(|told| told.parse().expect("a number"));
    told.map_or(number, |told| number.min(told))
}

/// The number.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn at_most_so_many(_variable: &str, number: usize) -> usize {
    number
}

/// The time.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn at_most(_variable: &str, time: Duration) -> Duration {
    time
}

/// Does nothing.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn reach(_point: &str) {}

/// Never.
#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn is_mutant(_mistake: &str) -> bool {
    false
}
