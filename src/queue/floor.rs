//! The floor: an id below which a taker's slots hold nothing and never will again, so that it need not look there.
//!
//! A lower id can commit later than a higher one. The floor may pass id m only when every transaction that ran when m was the
//! newest id taken has ended: a transaction has its number before it draws an id, so one that started later draws higher ids.

/// What a taker saw of the server's transactions, before it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon {
    /// All transactions below have ended (`pg_snapshot_xmin`).
    pub oldest_running: i64,
    /// Every transaction that has drawn an id lower than those taken so far has a lower number. Takers use `pg_snapshot_xmax`, which
    /// is only the highest number that has ended, plus one: their own last take has ended, and had a number that was drawn after the
    /// ids that it took. Who takes nothing must draw a number.
    pub next_to_start: i64,
}

/// The floor of one taker, for the slots that it owns.
#[derive(Debug, Default, Clone)]
pub struct Floor {
    proven: i64,
    /// The highest id taken and committed.
    highest: i64,
    /// An id, and the transaction that would have to have ended for the floor to pass it.
    candidate: Option<(i64, i64)>,
}

impl Floor {
    /// Ids up to this one need not be looked at.
    pub fn get(&self) -> i64 {
        self.proven
    }

    /// Notes the horizon in front of a take: what was taken before is a candidate from now on.
    pub fn before_take(&mut self, horizon: Horizon) {
        if self.candidate.is_none() && self.highest > self.proven {
            self.candidate = Some((self.highest, horizon.next_to_start));
        }
    }

    /// Notes a take that was committed: `horizon` is the one in front of it, `last` the highest id it took, and `exhausted`
    /// whether it found less than it asked for.
    pub fn after_take(&mut self, horizon: Horizon, last: Option<i64>, exhausted: bool) {
        if let Some((id, until)) = self.candidate
            && horizon.oldest_running >= until
            // Everything up to the candidate was visible to this take, and is taken now.
            && (exhausted || last.is_some_and(|last| last >= id))
        {
            self.proven = id;
            self.candidate = None;
        }
        self.highest = self.highest.max(last.unwrap_or(0));
    }

    /// Notes the end of the queue behind a take that found nothing for these slots: up to it there is nothing to look at but what
    /// is under way. `next_to_start` was drawn by who has seen `end`.
    pub fn after_nothing(&mut self, end: i64, next_to_start: i64) {
        if !self.is_about_to_rise() && end > self.proven {
            self.candidate = Some((end, next_to_start));
        }
    }

    /// Whether there is an id already that only waits for transactions to end.
    pub fn is_about_to_rise(&self) -> bool {
        self.candidate.is_some()
    }

    /// Raises it to an id that is known to be no higher than it may be.
    pub fn raise(&mut self, id: i64) {
        self.proven = self.proven.max(id);
    }

    /// Forgets everything: the slots are others now, or somebody may have given events back.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn horizon(oldest_running: i64, next_to_start: i64) -> Horizon {
        Horizon { oldest_running, next_to_start }
    }

    fn take(floor: &mut Floor, seen: Horizon, last: Option<i64>, exhausted: bool) -> i64 {
        floor.before_take(seen);
        floor.after_take(seen, last, exhausted);
        floor.get()
    }

    #[test]
    fn waits_for_every_transaction_that_ran_when_the_id_was_taken() {
        let mut floor = Floor::default();
        assert_eq!(take(&mut floor, horizon(5, 10), Some(100), false), 0);
        // Transaction 5 may still commit an id below 100.
        assert_eq!(take(&mut floor, horizon(5, 12), Some(200), false), 0);
        assert_eq!(take(&mut floor, horizon(11, 14), Some(300), false), 0);
        // 12 and all before it have ended by now.
        assert_eq!(take(&mut floor, horizon(12, 15), Some(400), false), 100);
    }

    #[test]
    fn a_take_that_stopped_short_of_the_id_proves_nothing() {
        let mut floor = Floor::default();
        take(&mut floor, horizon(10, 10), Some(100), false);
        // Late ids below 100 filled this take: there may be more of them.
        assert_eq!(take(&mut floor, horizon(10, 10), Some(50), false), 0);
        assert_eq!(take(&mut floor, horizon(10, 10), Some(60), true), 100);
    }

    #[test]
    fn what_others_hold_is_passed_once_nothing_is_under_way() {
        let mut floor = Floor::default();
        take(&mut floor, horizon(10, 10), None, true);
        floor.after_nothing(5000, 12);
        // Number 11 may still commit an id below.
        assert_eq!(take(&mut floor, horizon(11, 13), None, true), 0);
        assert_eq!(take(&mut floor, horizon(12, 13), None, true), 5000);
        floor.after_nothing(5000, 14);
        assert!(!floor.is_about_to_rise());
    }

    #[test]
    fn an_empty_take_proves_it_too() {
        let mut floor = Floor::default();
        take(&mut floor, horizon(10, 10), Some(100), true);
        assert_eq!(take(&mut floor, horizon(10, 10), None, true), 100);
    }
}
