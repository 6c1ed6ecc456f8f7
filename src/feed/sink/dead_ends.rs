//! Places that an event's own values lead to, and where nothing takes it.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::Instant;

/// So many are remembered at most.
const MOST: usize = 10_000;

/// What takes nothing at one place may be an outage, or the fault of the events that go there. It is theirs when others arrive
/// elsewhere at the same time, or have since; until that is seen, they wait. All workers of one destination share it.
#[derive(Debug, Default)]
pub struct DeadEnds(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    dead_ends: HashSet<String>,
    /// Where nothing was taken, and since when.
    suspects: HashMap<String, Instant>,
    /// When anything arrived anywhere, the last time.
    arrived: Option<Instant>,
}

impl DeadEnds {
    /// Whether events that nothing has taken at this place are to blame for it: others have arrived elsewhere in the same flush,
    /// or since it was seen first.
    pub fn is_one(&self, place: &str, others_arrived: bool) -> bool {
        let mut known = self.0.lock().expect("nobody panics while it holds them");
        if known.dead_ends.contains(place) {
            return true;
        }
        let since = known.suspects.get(place).copied();
        let have_arrived_since = since.is_some_and(|since| known.arrived.is_some_and(|arrived| arrived > since));
        if others_arrived || have_arrived_since {
            known.suspects.remove(place);
            known.dead_ends.insert(place.to_owned());
            return true;
        }
        known.suspects.entry(place.to_owned()).or_insert_with(Instant::now);
        if known.dead_ends.len() + known.suspects.len() > MOST {
            *known = Known { arrived: known.arrived, ..Known::default() };
        }
        false
    }

    /// Events have arrived at these places, if at any; they are not looked at where no other place is known.
    pub fn reached(&self, places: impl Iterator<Item = String>) {
        let mut places = places.peekable();
        if places.peek().is_none() {
            return;
        }
        let mut known = self.0.lock().expect("nobody panics while it holds them");
        known.arrived = Some(Instant::now());
        if known.dead_ends.is_empty() && known.suspects.is_empty() {
            return;
        }
        for place in places {
            known.dead_ends.remove(&place);
            known.suspects.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(dead_ends: &DeadEnds, place: &str) {
        dead_ends.reached([place.to_owned()].into_iter());
    }

    #[test]
    fn it_takes_others_that_arrive_to_find_one() {
        let dead_ends = DeadEnds::default();
        assert!(!dead_ends.is_one("a", false));
        assert!(dead_ends.is_one("a", true));
        assert!(dead_ends.is_one("a", false));
        assert!(!dead_ends.is_one("b", false));
        reach(&dead_ends, "a");
        assert!(!dead_ends.is_one("a", false));
    }

    #[test]
    fn others_may_arrive_later_but_not_before() {
        let dead_ends = DeadEnds::default();
        reach(&dead_ends, "b");
        assert!(!dead_ends.is_one("a", false));
        assert!(!dead_ends.is_one("a", false));
        reach(&dead_ends, "b");
        assert!(dead_ends.is_one("a", false));
        // Where nothing has arrived, nothing was seen.
        assert!(!dead_ends.is_one("c", false));
        dead_ends.reached(std::iter::empty());
        assert!(!dead_ends.is_one("c", false));
    }
}
