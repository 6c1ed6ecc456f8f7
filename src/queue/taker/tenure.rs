//! How a worker owns slots.

use crate::queue::slots::{Borrowed, Slots};

/// For how long slots are owned.
pub enum Tenure {
    /// As long as the session lives.
    Session(Slots),
    /// For a batch.
    Batch(Borrowed),
}

impl Tenure {
    /// The owned slots as bits.
    pub fn mask(&self) -> i64 {
        match self {
            Self::Session(slots) => slots.mask(),
            Self::Batch(borrowed) => borrowed.mask(),
        }
    }
}
