//! The floor: an id below which a taker's slots hold nothing and never will again, so that it need not look there.
//!
//! A lower id can commit later than a higher one. The floor may pass id m only when every transaction that ran when m was the
//! newest id taken has ended: a transaction has its number before it draws an id, so one that started later draws higher ids.
//!
//! A transaction that runs for an hour would hold the floor for an hour, and every take would look through all that was taken since.
//! Therefore there are steps above it: ids that only some transactions can still go below, none of which has ended. As long as
//! that is so ([`Above`] asks when it looks) there is nothing to be found below such a step either.

#[cfg(test)]
mod simulation;

use crate::connection::ask::Value;
use crate::sql;

/// So many steps at most: each has more transactions to wait for than the one below it.
const STEPS: usize = 8;

/// What a taker saw of the server's transactions, before it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Horizon {
    /// All transactions below have ended (`pg_snapshot_xmin`).
    pub oldest_running: i64,
    /// From this number on it is not known which have ended (`pg_snapshot_xmax`).
    pub known_below: i64,
    /// Those below that have not (`pg_snapshot_xip`).
    pub running: Vec<i64>,
    /// Every transaction that has drawn an id lower than those taken so far has a lower number. Takers use `pg_snapshot_xmax`, which
    /// is only the highest number that has ended, plus one: their own last take has ended, and had a number that was drawn after the
    /// ids that it took. Who takes nothing, or has not ended, must draw a number.
    pub next_to_start: i64,
}

impl Horizon {
    /// SQL for what the current snapshot says, with an expression for `next_to_start`.
    pub fn sql(next: &str) -> String {
        Self::sql_of("pg_catalog.pg_current_snapshot()", next)
    }

    /// SQL for what a snapshot says, which is an expression, `s.now` in `next`.
    pub fn sql_of(snapshot: &str, next: &str) -> String {
        sql::part(include_str!("../../sql/horizon.sql"), &[("snapshot", snapshot), ("next", next)])
    }

    /// Reads the answer of a statement.
    pub fn of(row: &postgres::Row) -> Self {
        Self {
            oldest_running: row.get("oldest_running"),
            known_below: row.get("known_below"),
            running: row.get::<_, Option<Vec<i64>>>("running").unwrap_or_default(),
            next_to_start: row.get("next_to_start"),
        }
    }

    fn has_ended(&self, number: i64) -> bool {
        number < self.known_below && !self.running.contains(&number)
    }
}

/// The highest number that has ended, plus one.
pub const ENDED: &str = "pg_catalog.pg_snapshot_xmax(s.now)::text::bigint";
/// A number that is drawn.
pub const DRAWN: &str = "pg_catalog.pg_current_xact_id()::text::bigint";

/// Where to begin to look: above the floor, or above the highest step that holds when it is looked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Above {
    /// The floor.
    pub floor: i64,
    /// The steps' ids, each as often as there are transactions that can go below it, and these.
    pub steps: Vec<i64>,
    pub running: Vec<i64>,
}

impl Above {
    /// SQL for the id, with these expressions for the floor, the steps and the transactions.
    pub fn sql(floor: &str, steps: &str, running: &str) -> String {
        let [steps, running] = [steps, running].map(|numbers| format!("{numbers}::bigint[]"));
        let places = [("floor", format!("{floor}::bigint")), ("steps", steps), ("running", running)];
        let places = places.each_ref().map(|(name, value)| (*name, value.as_str()));
        sql::part(include_str!("../../sql/above.sql"), &places)
    }

    /// Floor, steps and transactions, as parameters.
    pub fn values(&self) -> [&dyn Value; 3] {
        [&self.floor, &self.steps, &self.running]
    }

    /// The id, for somebody who sees no more than this.
    pub fn seen_by(&self, horizon: &Horizon) -> i64 {
        let ended = self.steps.iter().zip(&self.running).filter(|(_, number)| horizon.has_ended(**number));
        let lowest = ended.map(|(id, _)| *id).min().unwrap_or(i64::MAX);
        // What can go below one step can go below all higher ones.
        self.steps.iter().copied().filter(|id| *id < lowest).max().unwrap_or(self.floor)
    }
}

/// The floor of one taker, for the slots that it owns.
#[derive(Debug, Default, Clone)]
pub struct Floor {
    proven: i64,
    /// The steps above it, the lowest first; each waits for more transactions than the one below it, and for those too.
    steps: Vec<Step>,
    /// The highest id taken and committed.
    highest: i64,
    /// An id, and the transaction that would have to have ended for the floor to pass it.
    candidate: Option<(i64, i64)>,
}

/// An id that some transactions can still go below.
#[derive(Debug, Clone)]
struct Step {
    id: i64,
    running: Vec<i64>,
}

impl Floor {
    /// Ids up to this one need not be looked at as long as none of the transactions that are known to run has ended.
    pub fn highest_step(&self) -> i64 {
        self.steps.last().map_or(self.proven, |step| step.id)
    }

    /// The id below which nothing is left, nor ever will be.
    pub fn proven(&self) -> i64 {
        self.proven
    }

    /// The highest id that was taken and committed.
    pub fn highest(&self) -> i64 {
        self.highest
    }

    /// Where to look.
    pub fn above(&self) -> Above {
        let pairs = self.steps.iter().flat_map(|step| step.running.iter().map(|number| (step.id, *number)));
        let (steps, running) = pairs.unzip();
        Above { floor: self.proven, steps, running }
    }

    /// Notes the horizon in front of a take: what was taken before is a candidate from now on.
    pub fn before_take(&mut self, horizon: &Horizon) {
        if self.candidate.is_none() && self.highest > self.highest_step() {
            self.candidate = Some((self.highest, horizon.next_to_start));
        }
    }

    /// Notes a take that was committed: `horizon` is the one in front of it, `last` the highest id it took, and `exhausted`
    /// whether it found less than it asked for.
    pub fn after_take(&mut self, horizon: &Horizon, last: Option<i64>, exhausted: bool) {
        // Everything up to these was visible to this take, and is taken now.
        let has_passed = |id: i64| exhausted || last.is_some_and(|last| last >= id);
        for step in self.steps.iter_mut().filter(|step| has_passed(step.id)) {
            step.running.retain(|number| !horizon.has_ended(*number));
        }
        if let Some((id, until)) = self.candidate
            && horizon.known_below >= until
            && has_passed(id)
        {
            let running = horizon.running.iter().copied().filter(|number| *number < until).collect();
            // Above all there has to be one behind what was taken last; of the others, the lower ones become the floor first.
            self.steps.truncate(STEPS - 1);
            self.steps.push(Step { id, running });
            self.candidate = None;
        }
        self.raise_to_steps();
        self.highest = self.highest.max(last.unwrap_or(0));
    }

    /// Notes the end of the queue behind a take that found nothing for these slots: up to it there is nothing to look at but what
    /// is under way. `next_to_start` was drawn by who has seen `end`.
    pub fn after_nothing(&mut self, end: i64, next_to_start: i64) {
        if !self.is_about_to_rise() && end > self.highest_step() {
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
        self.steps.retain(|step| step.id > id);
    }

    /// Forgets everything: the slots are others now, or somebody may have given events back.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// A step that waits for nobody is the floor, and of two that wait for the same the lower one is of no use.
    fn raise_to_steps(&mut self) {
        if let Some(last) = self.steps.iter().rposition(|step| step.running.is_empty()) {
            self.proven = self.steps.drain(..=last).next_back().map_or(self.proven, |step| step.id);
        }
        self.steps.reverse();
        self.steps.dedup_by(|lower, higher| lower.running.len() == higher.running.len());
        self.steps.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A snapshot with the numbers that run, and the first that has not ended for certain.
    fn horizon(running: &[i64], known_below: i64) -> Horizon {
        let oldest_running = running.first().copied().unwrap_or(known_below);
        Horizon { oldest_running, known_below, running: running.to_vec(), next_to_start: known_below }
    }

    fn take(floor: &mut Floor, seen: &Horizon, last: Option<i64>, exhausted: bool) -> i64 {
        floor.before_take(seen);
        floor.after_take(seen, last, exhausted);
        floor.proven
    }

    #[test]
    fn waits_for_every_transaction_that_ran_when_the_id_was_taken() {
        let mut floor = Floor::default();
        assert_eq!(take(&mut floor, &horizon(&[5], 10), Some(100), false), 0);
        // Transaction 5 may still commit an id below 100.
        assert_eq!(take(&mut floor, &horizon(&[5, 11], 12), Some(200), false), 0);
        assert_eq!(take(&mut floor, &horizon(&[11, 13], 14), Some(300), false), 0);
        // 12 and all before it have ended by now.
        assert_eq!(take(&mut floor, &horizon(&[13], 15), Some(400), false), 100);
        assert_eq!(floor.above(), Above { floor: 100, steps: vec![300], running: vec![13] });
    }

    #[test]
    fn a_take_that_stopped_short_of_the_id_proves_nothing() {
        let mut floor = Floor::default();
        take(&mut floor, &horizon(&[], 10), Some(100), false);
        // Late ids below 100 filled this take: there may be more of them.
        assert_eq!(take(&mut floor, &horizon(&[], 10), Some(50), false), 0);
        assert_eq!(take(&mut floor, &horizon(&[], 10), Some(60), true), 100);
    }

    #[test]
    fn what_others_hold_is_passed_once_nothing_is_under_way() {
        let mut floor = Floor::default();
        take(&mut floor, &horizon(&[], 10), None, true);
        floor.after_nothing(5000, 12);
        // Number 11 may still commit an id below.
        assert_eq!(take(&mut floor, &horizon(&[11], 13), None, true), 0);
        assert_eq!(take(&mut floor, &horizon(&[], 13), None, true), 5000);
        floor.after_nothing(5000, 14);
        assert!(!floor.is_about_to_rise());
    }

    #[test]
    fn an_empty_take_proves_it_too() {
        let mut floor = Floor::default();
        take(&mut floor, &horizon(&[], 10), Some(100), true);
        assert_eq!(take(&mut floor, &horizon(&[], 10), None, true), 100);
    }

    #[test]
    fn what_runs_for_long_holds_the_floor_and_not_the_steps() {
        let mut floor = Floor::default();
        let long = horizon(&[5], 10);
        take(&mut floor, &long, Some(100), false);
        take(&mut floor, &long, Some(200), false);
        assert_eq!(floor.above(), Above { floor: 0, steps: vec![100], running: vec![5] });
        // One that waits for the same as a lower one replaces it.
        take(&mut floor, &long, Some(300), false);
        assert_eq!(floor.above(), Above { floor: 0, steps: vec![200], running: vec![5] });
        // One that waits for more does not.
        let longer = horizon(&[5, 7], 10);
        take(&mut floor, &longer, Some(400), false);
        let above = floor.above();
        assert_eq!(above, Above { floor: 0, steps: vec![200, 300, 300], running: vec![5, 5, 7] });
        assert_eq!([&longer, &long, &horizon(&[7], 10)].map(|seen| above.seen_by(seen)), [300, 200, 0]);
        // What the ends of others have brought was seen by this take, and is out of the way.
        assert_eq!(take(&mut floor, &horizon(&[7], 10), Some(500), false), 200);
        assert_eq!(floor.above(), Above { floor: 200, steps: vec![400], running: vec![7] });
    }

    #[test]
    fn there_are_not_more_and_more_steps() {
        let mut floor = Floor::default();
        for number in 1..100 {
            let running: Vec<i64> = (1..=number).collect();
            take(&mut floor, &horizon(&running, number + 1), Some(number), false);
        }
        assert_eq!((floor.steps.len(), floor.highest_step()), (STEPS, 98));
        assert_eq!(take(&mut floor, &horizon(&[99], 200), Some(200), false), 7);
    }
}
