//! Shows how far the measurements are.

use std::cell::RefCell;
use std::time::Duration;

use crate::bench::Watch;
use crate::progress;
use crate::term::Term;

/// How often a line is written where nothing can be redrawn.
const INTERVAL: Duration = Duration::from_secs(1);

/// One progress for each measurement.
pub struct Progress {
    term: Term,
    current: RefCell<Option<progress::Progress>>,
}

impl Progress {
    /// Nothing to show yet.
    pub fn new(term: Term) -> Self {
        Self { term, current: RefCell::new(None) }
    }

    /// Takes the line away.
    pub fn finish(&self) {
        if let Some(current) = self.current.take() {
            current.finish();
        }
    }
}

impl Watch for Progress {
    fn begin(&self, what: &str, number: usize, of: usize) {
        self.finish();
        let what = format!("{what} ({number} of {of})");
        *self.current.borrow_mut() = Some(progress::Progress::new(self.term, what).every(INTERVAL));
    }

    fn at(&self, done: u64) {
        if let Some(current) = self.current.borrow_mut().as_mut() {
            current.at(done);
        }
    }
}
