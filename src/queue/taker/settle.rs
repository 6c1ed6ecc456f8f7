//! Commits a batch, with the fates of what was not delivered.

use std::time::Duration;

use super::Taker;
use crate::error::Result;
use crate::failpoint;
use crate::queue::batch::{Failure, Fate};

impl Taker {
    /// Commits the batch: all of it was delivered but the failures, which get their fate in the same transaction.
    /// `delivered` are the keys of what was delivered.
    ///
    /// # Errors
    /// What the server says; then all of the batch comes again.
    pub fn settle(&mut self, delivered: impl Iterator<Item = i64>, failures: &[Failure]) -> Result<()> {
        let _watch = self.session.watch();
        let (dead, again): (Vec<&Failure>, Vec<&Failure>) =
            failures.iter().partition(|failure| failure.fate == Fate::Bury);
        self.statements.retry(self.session.get()?, &again)?;
        self.statements.bury(self.session.get()?, &dead)?;
        // Where an event of a key is gone, the oldest of the key may have nobody in front. In any order: what waits behind may do so
        // since others kept the order.
        let mut gone: Vec<i64> = dead.iter().map(|one| one.event.key).collect();
        if self.has_taken_again() {
            gone.extend(delivered);
        }
        self.promote(&gone, Duration::ZERO)?;
        // And what was not tried may be the oldest itself.
        let later = |one: &&Failure| match one.fate {
            Fate::Later(delay) => Some((one.event.key, delay)),
            Fate::Behind | Fate::Retry(_) | Fate::Bury => None,
        };
        let (keys, delays): (Vec<i64>, Vec<Duration>) = again.iter().filter_map(later).unzip();
        self.promote(&keys, delays.into_iter().max().unwrap_or_default())?;
        failpoint::reach("before_commit");
        if failures.is_empty() {
            self.commit_and_go_on()?;
        } else {
            self.commit()?;
        }
        failpoint::reach("after_commit");
        Ok(())
    }

    /// Lets the oldest of what waits behind each of some keys go on.
    pub(super) fn promote(&mut self, keys: &[i64], delay: Duration) -> Result<()> {
        self.statements.promote(self.session.get()?, keys, delay)
    }
}
