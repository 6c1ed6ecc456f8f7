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
    what: RefCell<String>,
    /// None until something is done: the time before that is no part of the rate.
    current: RefCell<Option<progress::Progress>>,
}

impl Progress {
    /// Nothing to show yet.
    pub fn new(term: Term) -> Self {
        Self { term, what: RefCell::default(), current: RefCell::default() }
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
        *self.what.borrow_mut() = format!("{what} ({number} of {of})");
    }

    fn at(&self, done: u64) {
        let start = || progress::Progress::new(self.term, self.what.borrow().as_str()).every(INTERVAL);
        self.current.borrow_mut().get_or_insert_with(start).at(done);
    }
}
