//! Whether what events go to has ever worked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Before anything has worked, what is not accepted is a mistake of whoever started it; later, somebody is changing it, which is
/// waited for. All workers of one destination share it: one that has had nothing to do until then may connect in an outage.
#[derive(Debug, Clone, Default)]
pub struct Proven(Arc<AtomicBool>);

impl Proven {
    /// It works.
    pub fn prove(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it ever has.
    pub fn is_proven(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
