//! Finds the events of a batch that are refused, where the whole batch is refused for one of them.

use std::collections::HashSet;

use crate::feed::Undelivered;

/// What became of some events that were offered together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offer {
    /// All were taken.
    Taken,
    /// None was, for this reason.
    Refused(String),
    /// Nobody has tried.
    NotTried,
}

/// Offers events, at most so many together, and halves of what is refused, until each event is taken or refused alone. With one
/// that is not taken, later ones of its key are not offered any more; all others are, in their order. `offer` gets their places,
/// from 0 to `count`.
///
/// # Errors
/// The first that `offer` has.
pub fn isolate<E>(
    count: usize,
    most: usize,
    key: impl Fn(usize) -> Option<i64>,
    mut offer: impl FnMut(&[usize]) -> Result<Offer, E>,
) -> Result<Vec<Undelivered>, E> {
    let (mut undelivered, mut held) = (Vec::new(), HashSet::new());
    // A stack with the oldest part on top.
    let all: Vec<usize> = (0..count).collect();
    let mut parts: Vec<Vec<usize>> = all.chunks(most.max(1)).rev().map(<[usize]>::to_vec).collect();
    while let Some(mut part) = parts.pop() {
        part.retain(|&place| {
            let waits = key(place).is_some_and(|key| held.contains(&key));
            if waits {
                undelivered.push(Undelivered { place, reason: None });
            }
            !waits
        });
        if part.is_empty() {
            continue;
        }
        let reason = match offer(&part)? {
            Offer::Taken => continue,
            Offer::Refused(reason) => reason,
            Offer::NotTried => {
                held.extend(part.iter().filter_map(|&place| key(place)));
                undelivered.extend(part.into_iter().map(|place| Undelivered { place, reason: None }));
                continue;
            }
        };
        if let [place] = part[..] {
            held.extend(key(place));
            undelivered.push(Undelivered { place, reason: Some(reason) });
            continue;
        }
        let younger = part.split_off(part.len() / 2);
        parts.extend([younger, part]);
    }
    undelivered.sort_unstable_by_key(|one| one.place);
    Ok(undelivered)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// Events with these keys, of which those at some places are refused; gives what was taken, in order, and what was not.
    fn run(most: usize, keys: &[i64], bad: &[usize]) -> (Vec<usize>, Vec<(usize, bool)>) {
        let mut taken = Vec::new();
        let undelivered = isolate(
            keys.len(),
            most,
            |place| Some(keys[place]),
            |places| {
                if places.iter().any(|place| bad.contains(place)) {
                    return Ok::<_, Infallible>(Offer::Refused("bad".to_owned()));
                }
                taken.extend_from_slice(places);
                Ok(Offer::Taken)
            },
        );
        let Ok(undelivered) = undelivered;
        (taken, undelivered.into_iter().map(|one| (one.place, one.reason.is_some())).collect())
    }

    #[test]
    fn what_is_taken_whole_is_offered_once() {
        let mut offers = 0;
        let undelivered = isolate(
            100,
            100,
            |_| None,
            |_| {
                offers += 1;
                Ok::<_, Infallible>(Offer::Taken)
            },
        );
        assert_eq!((undelivered, offers), (Ok(Vec::new()), 1));
        assert_eq!(run(9, &[], &[]), (vec![], vec![]));
    }

    #[test]
    fn a_refused_event_keeps_its_key_waiting_and_nobody_else() {
        assert_eq!(run(9, &[7, 8, 7, 9, 8], &[0]), (vec![1, 3, 4], vec![(0, true), (2, false)]));
    }

    #[test]
    fn an_error_ends_it() {
        assert_eq!(isolate(3, 2, |_| None, |_| Err("gone")), Err("gone"));
    }

    proptest! {
        #[test]
        fn everything_is_taken_once_refused_or_waits(
            most in 0..12_usize, keys in prop::collection::vec(0..6_i64, 0..40), bad in prop::collection::vec(0..40_usize, 0..5)
        ) {
            let (taken, undelivered) = run(most, &keys, &bad);
            let mut held = HashSet::new();
            let mut expected = (Vec::new(), Vec::new());
            for (place, key) in keys.iter().enumerate() {
                if held.contains(key) {
                    expected.1.push((place, false));
                } else if bad.contains(&place) {
                    held.insert(*key);
                    expected.1.push((place, true));
                } else {
                    expected.0.push(place);
                }
            }
            prop_assert_eq!((taken, undelivered), expected);
        }
    }
}
