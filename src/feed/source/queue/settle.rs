//! What becomes of a batch: events as the feed has them, and their fates as the queue knows them.

use std::sync::Arc;
use std::time::Duration;

use super::QueueSource;
use crate::error::Result;
use crate::feed::event::{Event, Item, Origin};
use crate::feed::{Settled, Undelivered};
use crate::queue::{Failure, Fate, Taken, delay};

impl QueueSource {
    pub(super) fn settle_batch(&mut self, batch: &[Item], undelivered: &[Undelivered]) -> Result<Settled> {
        if batch.iter().all(|item| id_of(item).is_none()) {
            return Ok(Settled::Recorded);
        }
        let events: Vec<Taken> = undelivered.iter().map(|one| taken(&batch[one.place])).collect();
        let fates: Vec<Fate> = events.iter().zip(undelivered).map(|(event, one)| self.fate(event, one)).collect();
        let failures: Vec<Failure> = events
            .iter()
            .zip(undelivered)
            .zip(fates)
            .map(|((event, one), fate)| Failure { event, fate, reason: one.reason.as_deref() })
            .collect();
        let failed: Vec<usize> = undelivered.iter().map(|one| one.place).collect();
        let delivered = batch.iter().enumerate().filter(|(place, _)| failed.binary_search(place).is_err());
        let delivered = delivered.filter_map(|(_, item)| match item {
            Item::Event(event) => event.key(),
            Item::Control(_) => None,
        });
        let Some(taker) = &mut self.taker else { return Ok(Settled::Lost) };
        let settled = taker.settle(delivered, &failures);
        let reached = taker.reached();
        if self.unless_lost(settled)?.is_none() {
            return Ok(Settled::Lost);
        }
        self.bell.settled(reached);
        for Failure { event, reason, .. } in failures.iter().filter(|failure| failure.fate == Fate::Bury) {
            self.observer.buried(event.id, reason.unwrap_or_default());
        }
        Ok(Settled::Recorded)
    }

    /// Lets a batch come again later, and others first; not at once, or nothing else would come.
    pub(super) fn put_off(&mut self, batch: &[Item], wait: Duration) -> Result<()> {
        let wait = wait.max(self.untried());
        let ids: Vec<i64> = batch.iter().filter_map(id_of).collect();
        let Some(taker) = &mut self.taker else { return Ok(()) };
        let put_off = taker.put_off(&ids, wait);
        self.unless_lost(put_off).map(drop)
    }

    /// How long what was not tried waits: what does not take it now may take others meanwhile.
    fn untried(&mut self) -> Duration {
        delay(self.policy.first_delay, 1, self.random.fraction())
    }

    fn fate(&mut self, event: &Taken, undelivered: &Undelivered) -> Fate {
        let failures = event.attempts + 1;
        if undelivered.reason.is_none() {
            return Fate::Later(self.untried());
        }
        if failures >= self.policy.max_attempts {
            return Fate::Bury;
        }
        Fate::Retry(delay(self.policy.first_delay, failures, self.random.fraction()))
    }
}

/// What was taken from a queue, as the feed has it.
pub fn item(queue: &Arc<str>, taken: Taken) -> Item {
    let Taken { id, at, key, barrier, payload, attempts } = taken;
    let origin = Origin::Queue { queue: Arc::clone(queue), id, attempt: attempts + 1, key, barrier };
    Item::Event(Event { origin, at, payload: payload.into_boxed_str() })
}

fn id_of(item: &Item) -> Option<i64> {
    match item {
        Item::Event(Event { origin: Origin::Queue { id, .. }, .. }) => Some(*id),
        _ => None,
    }
}

/// The event as it was taken.
fn taken(item: &Item) -> Taken {
    let Item::Event(Event { origin: Origin::Queue { id, attempt, key, barrier, .. }, at, payload }) = item else {
        unreachable!("this source hands over events of a queue only");
    };
    Taken { id: *id, at: *at, key: *key, barrier: *barrier, payload: payload.to_string(), attempts: attempt - 1 }
}
