//! How long a batch is held, for who delivers it event by event.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a batch is held: whoever takes it starts the clock, whoever delivers it looks.
#[derive(Debug, Clone)]
pub struct Hold {
    limit: Duration,
    since: Arc<Mutex<Instant>>,
}

impl Hold {
    /// A batch is held for at most `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit, since: Arc::new(Mutex::new(Instant::now())) }
    }

    /// A batch was taken.
    pub fn begin(&self) {
        *self.since.lock().expect("nobody panics while it holds this") = Instant::now();
    }

    /// Whether to offer no further event of it: what is begun now could outlive it, and others would have it as well.
    pub fn is_half_over(&self) -> bool {
        self.since.lock().expect("nobody panics while it holds this").elapsed() >= self.limit / 2
    }
}
