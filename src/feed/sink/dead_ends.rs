//! Places that an event's own values lead to, and where nothing takes it.

use std::collections::HashSet;
use std::sync::Mutex;

/// So many are remembered at most.
const MOST: usize = 10_000;

/// What takes nothing at one place may be an outage, or the fault of the events that go there. It is theirs when others arrive
/// elsewhere at the same time; until that is seen, everything waits. All workers of one destination share it.
#[derive(Debug, Default)]
pub struct DeadEnds(Mutex<HashSet<String>>);

impl DeadEnds {
    /// Whether events that nothing has taken at this place are to blame for it: others have arrived elsewhere in the same flush,
    /// or had when it was found to be a dead end.
    pub fn is_one(&self, place: &str, others_arrived: bool) -> bool {
        let mut known = self.0.lock().expect("nobody panics while it holds them");
        if others_arrived && !known.contains(place) {
            if known.len() == MOST {
                known.clear();
            }
            known.insert(place.to_owned());
        }
        others_arrived || known.contains(place)
    }

    /// Events have arrived at these places, which are not looked at where no dead end is known.
    pub fn reached(&self, places: impl Iterator<Item = String>) {
        let mut known = self.0.lock().expect("nobody panics while it holds them");
        if !known.is_empty() {
            places.for_each(|place| {
                known.remove(&place);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_others_that_arrive_to_find_one() {
        let dead_ends = DeadEnds::default();
        assert!(!dead_ends.is_one("a", false));
        assert!(dead_ends.is_one("a", true));
        assert!(dead_ends.is_one("a", false));
        assert!(!dead_ends.is_one("b", false));
        dead_ends.reached(["a".to_owned()].into_iter());
        assert!(!dead_ends.is_one("a", false));
    }
}
