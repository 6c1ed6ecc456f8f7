//! Changes that are refused as if that would pass, while others get through: after so many times that is their own fault.

use std::collections::HashMap;
use std::sync::Mutex;

use super::apply::Applied;
use crate::feed::Outcome;

/// So often it may pass.
const ENOUGH: u32 = 5;
/// So few make way for others where none of them gets through; more may be all that there are, and wait where they are.
const FEW: usize = 16;
/// So many are remembered at most.
const MOST: usize = 10_000;

/// What a change does: a table that takes no rows may let them go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A row is to be there.
    Writes,
    /// Rows go.
    Removes,
}

/// Those of one table, shared by all workers. Only what is seen between others that get through is counted; while none does it is
/// the table that takes nothing, and nobody is to blame.
#[derive(Debug, Default)]
pub struct Suspects(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Counts what was judged.
    now: u64,
    /// By the number of the event.
    suspects: HashMap<i64, Suspect>,
    /// When changes of this kind got through, the last time; none once it was seen that they do not.
    got_through: HashMap<Kind, u64>,
}

#[derive(Debug)]
struct Suspect {
    since: u64,
    times: u32,
}

impl Suspects {
    /// What the feed is told of changes that were applied, by the numbers of their events. What is not to blame has no reason, and
    /// comes again.
    pub fn outcome(&self, applied: Applied, ids: &[Option<i64>], told: impl FnOnce(&str) -> String) -> Outcome {
        let Applied { mut undelivered, doubtful, got_through } = applied;
        let refused: Vec<usize> = undelivered.iter().map(|one| one.place).collect();
        let delivered = (0..ids.len()).filter(|place| refused.binary_search(place).is_err());
        let delivered: Vec<i64> = delivered.filter_map(|place| ids[place]).collect();
        let suspects: Vec<(i64, Kind)> =
            doubtful.iter().filter_map(|(place, kind)| Some((ids[*place]?, *kind))).collect();
        let verdicts = self.judge(&suspects, &delivered, &got_through);
        let mut trouble = None;
        for ((place, _), verdict) in doubtful.iter().zip(&verdicts).filter(|(_, verdict)| **verdict != Verdict::ToBlame)
        {
            let one = undelivered.iter_mut().find(|one| one.place == *place);
            let reason = one.and_then(|one| one.reason.take());
            trouble = trouble.or(reason.filter(|_| *verdict == Verdict::Unknown));
        }
        let is_outage = delivered.is_empty() && ids.len() > FEW;
        match trouble {
            Some(why) if is_outage => Outcome::Unavailable(told(&why)),
            Some(why) => Outcome::Blocked(undelivered, told(&why)),
            None if undelivered.is_empty() => Outcome::Delivered,
            None => Outcome::AllBut(undelivered),
        }
    }

    fn judge(&self, suspects: &[(i64, Kind)], delivered: &[i64], got_through: &[Kind]) -> Vec<Verdict> {
        let mut known = self.0.lock().expect("nobody panics while it holds them");
        known.now += 1;
        let now = known.now;
        if !known.suspects.is_empty() {
            for id in delivered {
                known.suspects.remove(id);
            }
        }
        if known.suspects.len() + suspects.len() > MOST {
            known.suspects.clear();
        }
        known.got_through.extend(got_through.iter().map(|kind| (*kind, now)));
        let verdicts: Vec<Verdict> = suspects.iter().map(|(id, kind)| known.verdict(*id, *kind)).collect();
        for ((_, kind), verdict) in suspects.iter().zip(&verdicts) {
            if *verdict == Verdict::Unknown {
                known.got_through.remove(kind);
            }
        }
        verdicts
    }
}

/// What is thought of a change that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing: it may be that none is taken.
    Unknown,
    /// Others are.
    Suspicious,
    /// Others were, often enough.
    ToBlame,
}

impl Known {
    fn verdict(&mut self, id: i64, kind: Kind) -> Verdict {
        let suspect = self.suspects.entry(id).or_insert(Suspect { since: self.now, times: 0 });
        if self.got_through.get(&kind).is_none_or(|at| *at < suspect.since) {
            return Verdict::Unknown;
        }
        suspect.times += 1;
        if suspect.times < ENOUGH { Verdict::Suspicious } else { Verdict::ToBlame }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Undelivered;
    use Kind::{Removes, Writes};
    use Verdict::{Suspicious, ToBlame, Unknown};

    #[test]
    fn whoever_fails_between_others_is_to_blame_after_so_many_times() {
        let suspects = Suspects::default();
        for times in 1..ENOUGH {
            // The others need not come again each time.
            let others: &[Kind] = if times == 1 { &[Writes] } else { &[] };
            assert_eq!(suspects.judge(&[(1, Writes)], &[], others), [Suspicious]);
        }
        assert_eq!(suspects.judge(&[(1, Writes)], &[], &[]), [ToBlame]);
        assert_eq!(suspects.judge(&[(1, Writes), (2, Writes)], &[], &[Writes]), [ToBlame, Suspicious]);
        suspects.judge(&[], &[1], &[Writes]);
        assert_eq!(suspects.judge(&[(1, Writes)], &[], &[Writes]), [Suspicious]);
    }

    #[test]
    fn nobody_is_to_blame_while_none_gets_through() {
        let suspects = Suspects::default();
        suspects.judge(&[], &[7], &[Writes]);
        for _ in 0..2 * ENOUGH {
            // What got through before proves nothing, and neither do changes of another kind.
            assert_eq!(suspects.judge(&[(1, Writes), (2, Writes)], &[], &[Removes]), [Unknown, Unknown]);
        }
        for _ in 1..ENOUGH {
            assert_eq!(suspects.judge(&[(1, Writes)], &[], &[Writes]), [Suspicious]);
        }
        // Where a new one fails alone, nothing may get through any more; and so the old one is not judged either.
        assert_eq!(suspects.judge(&[(3, Writes)], &[], &[]), [Unknown]);
        assert_eq!(suspects.judge(&[(1, Writes)], &[], &[]), [Unknown]);
        assert_eq!(suspects.judge(&[(1, Writes)], &[], &[Writes]), [ToBlame]);
    }

    #[test]
    fn the_feed_is_told_who_comes_again() {
        let suspects = Suspects::default();
        let outcome = |got_through: &[Kind], of: usize, undelivered: usize| {
            let refused = |place| Undelivered { place, reason: (place == 0).then(|| "busy".to_owned()) };
            let undelivered = (0..undelivered).map(refused).collect();
            let applied = Applied { undelivered, doubtful: vec![(0, Writes)], got_through: got_through.to_vec() };
            let ids: Vec<Option<i64>> = (0..of).map(|place| i64::try_from(place).ok()).collect();
            suspects.outcome(applied, &ids, |why| format!("x: {why}"))
        };
        let waits = [0, 1].map(|place| Undelivered { place, reason: None }).to_vec();
        assert_eq!(outcome(&[], FEW + 1, FEW + 1), Outcome::Unavailable("x: busy".to_owned()));
        assert_eq!(outcome(&[], 2, 2), Outcome::Blocked(waits.clone(), "x: busy".to_owned()));
        for _ in 1..ENOUGH {
            assert_eq!(outcome(&[Writes], 3, 2), Outcome::AllBut(waits.clone()));
        }
        let mut refused = waits;
        refused[0].reason = Some("busy".to_owned());
        assert_eq!(outcome(&[], 2, 2), Outcome::AllBut(refused));
    }
}
