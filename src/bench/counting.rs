//! Counts what a sink was given and has acknowledged.

use std::sync::Arc;

use super::receiver::Collected;
use crate::error::Result;
use crate::feed::event::Item;
use crate::feed::{Outcome, Refuses, Sink, Source, Written};

/// A sink as it is, with a count.
pub struct Counting {
    sink: Box<dyn Sink>,
    /// Since the last flush.
    written: u64,
    collected: Arc<Collected>,
}

impl Counting {
    /// Counts what this sink takes.
    pub fn new(sink: Box<dyn Sink>, collected: Arc<Collected>) -> Self {
        Self { sink, written: 0, collected }
    }

    fn count(&mut self, outcome: &Outcome) {
        let written = std::mem::take(&mut self.written);
        match outcome {
            Outcome::Delivered => self.collected.count(written),
            Outcome::AllBut(undelivered) | Outcome::Short(undelivered, _) | Outcome::Blocked(undelivered, _) => {
                self.collected.count(written - undelivered.len() as u64);
            }
            Outcome::Unavailable(_) | Outcome::UnavailableFor(..) | Outcome::ReaderGone => {}
        }
    }
}

impl Sink for Counting {
    fn write(&mut self, item: &Item) -> Result<Written> {
        let written = self.sink.write(item)?;
        if matches!((item, &written), (Item::Event(_), Written::Taken)) {
            self.written += 1;
        }
        Ok(written)
    }

    fn flush(&mut self) -> Result<Outcome> {
        let outcome = self.sink.flush()?;
        self.count(&outcome);
        Ok(outcome)
    }

    fn flush_beside(&mut self, source: &mut dyn Source) -> Result<Outcome> {
        let outcome = self.sink.flush_beside(source)?;
        self.count(&outcome);
        Ok(outcome)
    }

    fn close(&mut self) -> Result<()> {
        self.sink.close()
    }

    fn refuses(&self) -> Refuses {
        self.sink.refuses()
    }
}
