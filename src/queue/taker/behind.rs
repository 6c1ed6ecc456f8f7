//! Keeps the events whose key is being retried behind it.

use std::collections::HashSet;
use std::time::Duration;

use super::read::Read;
use super::{Take, Taker};
use crate::error::Result;
use crate::queue::batch::{Batch, Failure, Fate, Taken};

/// At most so many are moved at a time.
const MOVED: usize = 1000;

impl Taker {
    /// Takes those that were read and can be delivered. Where none can, it moves more than were asked for, and takes nothing.
    pub(super) fn take_ready(&mut self, read: Read, batch: &Batch) -> Result<Take> {
        let retried = self.retried(&read.events)?;
        if retried.is_empty() {
            self.remove(&read.events, read.places, None)?;
            return Ok(Take::Events(read.events));
        }
        if read.events.iter().any(|event| !retried.contains(&event.key)) {
            self.remove(&read.events, read.places, None)?;
            let (behind, ready): (Vec<Taken>, _) =
                read.events.into_iter().partition(|event| retried.contains(&event.key));
            self.put_behind(&behind)?;
            return Ok(Take::Events(ready));
        }
        self.move_many(batch)?;
        Ok(Take::Moved)
    }

    /// Moves those of the oldest events whose key is being retried; the others stay.
    fn move_many(&mut self, batch: &Batch) -> Result<()> {
        let batch = Batch { events: MOVED.max(batch.events), ..*batch };
        let read = self.read_on(&batch)?;
        let retried = self.retried(&read.events)?;
        let first_ready = read.events.iter().position(|event| !retried.contains(&event.key));
        let moved = first_ready.unwrap_or(read.events.len());
        if let Some(open) = &mut self.open {
            open.last = open.last.and(moved.checked_sub(1)).map(|last| read.events[last].id);
            open.exhausted &= read.exhausted && first_ready.is_none();
        }
        let (behind, places): (Vec<Taken>, Vec<_>) =
            read.events.into_iter().zip(read.places).filter(|(event, _)| retried.contains(&event.key)).unzip();
        self.remove(&behind, places, None)?;
        self.put_behind(&behind)
    }

    /// Those of the events' keys that are being retried.
    fn retried(&mut self, events: &[Taken]) -> Result<HashSet<i64>> {
        let keys: Vec<i64> = events.iter().map(|event| event.key).collect();
        let rows = self.statements.retried_keys.rows(&mut **self.session.get()?, &[&keys])?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    fn put_behind(&mut self, events: &[Taken]) -> Result<()> {
        let behind: Vec<Failure> =
            events.iter().map(|event| Failure { event, fate: Fate::Behind, reason: None }).collect();
        self.statements.retry(self.session.get()?, &behind.iter().collect::<Vec<_>>())?;
        // One that has committed late is older than what it waits for: then it is the other that waits.
        let keys: Vec<i64> = events.iter().map(|event| event.key).collect();
        self.promote(&keys, Duration::ZERO)
    }
}
