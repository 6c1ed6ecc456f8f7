//! A taker among writers at random: what it reads above its floor and steps is what it would read from the beginning.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A transaction that writes.
struct Writer {
    number: i64,
    drawn: Vec<i64>,
}

/// The server, as far as numbers, ids and snapshots are concerned.
#[derive(Default)]
struct Server {
    number: i64,
    id: i64,
    writers: Vec<Writer>,
    /// The taker's own number, which its snapshots do not tell among the running ones.
    own: Option<i64>,
    highest_ended: i64,
    /// Committed, and not taken.
    visible: BTreeSet<i64>,
    state: u64,
}

impl Server {
    fn random(&mut self, below: usize) -> usize {
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % below
    }

    fn draw_number(&mut self) -> i64 {
        self.number += 1;
        self.number
    }

    fn end(&mut self, number: i64) {
        self.highest_ended = self.highest_ended.max(number);
    }

    /// Some of what writers do. The first one seldom ends.
    fn go_on(&mut self) {
        for _ in 0..self.random(6) {
            let count = self.writers.len();
            match self.random(4) {
                0 if count < 12 => {
                    let number = self.draw_number();
                    self.writers.push(Writer { number, drawn: Vec::new() });
                }
                1 | 2 if count > 0 => {
                    let which = self.random(count);
                    self.id += 1;
                    self.writers[which].drawn.push(self.id);
                }
                3 if count > 0 => {
                    let which = self.random(count);
                    if which > 0 || self.random(40) == 0 {
                        let Writer { number, drawn } = self.writers.remove(which);
                        if self.random(4) > 0 {
                            self.visible.extend(drawn);
                        }
                        self.end(number);
                    }
                }
                _ => {}
            }
        }
    }

    /// A snapshot, with its own `next_to_start`.
    fn horizon(&self) -> Horizon {
        let known_below = self.highest_ended + 1;
        let running: Vec<i64> =
            self.writers.iter().map(|writer| writer.number).filter(|number| *number < known_below).collect();
        let oldest_running = running.iter().copied().chain(self.own).min().unwrap_or(known_below).min(known_below);
        Horizon { oldest_running, known_below, running, next_to_start: known_below }
    }

    /// What a statement reads, if it leaves these out; and whether it has missed something.
    fn read(&self, above: &Above, without: &[i64], most: usize) -> (Vec<i64>, bool) {
        let start = above.seen_by(&self.horizon());
        let read = |from: i64| -> Vec<i64> {
            let ids = self.visible.range(from + 1..).filter(|id| !without.contains(*id));
            ids.take(most).copied().collect()
        };
        (read(start), read(start) != read(0))
    }
}

/// The batch in flight.
struct InFlight {
    horizon: Horizon,
    ids: Vec<i64>,
}

/// Which number a batch that was read ahead notes of the one in front of it.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    Drawn,
    /// One that tells nothing of a transaction that has not ended.
    HighestEnded,
}

const MOST: usize = 4;

/// Takes for a while. Returns whether anything was missed, how far the floor has come, and the most steps.
fn run(seed: u64, number: Number) -> (bool, i64, usize) {
    let mut server = Server { state: seed, ..Server::default() };
    let (mut floor, mut ahead, mut most_steps) = (Floor::default(), None, 0);
    for _ in 0..80 {
        server.go_on();
        let InFlight { horizon, ids } = match ahead.take() {
            Some(ahead) => ahead,
            None => {
                let horizon = server.horizon();
                floor.before_take(&horizon);
                server.go_on();
                let (ids, has_missed) = server.read(&floor.above(), &[], MOST);
                if has_missed {
                    return (true, floor.proven, most_steps);
                }
                InFlight { horizon, ids }
            }
        };
        server.go_on();
        let mut behind = floor.clone();
        behind.after_take(&horizon, ids.last().copied(), ids.len() < MOST);
        // Removed, with an answer that saw the state in front of that; and the next batch is read.
        let mut next = server.horizon();
        let own = server.draw_number();
        server.own = Some(own);
        if number == Number::Drawn {
            next.next_to_start = own;
        }
        server.go_on();
        let (read, has_missed) = server.read(&behind.above(), &ids, MOST);
        if has_missed {
            return (true, floor.proven, most_steps);
        }
        server.go_on();
        server.own = None;
        server.end(own);
        let is_rolled_back = server.random(10) == 0;
        if is_rolled_back {
            continue;
        }
        ids.iter().for_each(|id| assert!(server.visible.remove(id)));
        floor = behind;
        if server.random(4) > 0 && !read.is_empty() {
            floor.before_take(&next);
            ahead = Some(InFlight { horizon: next, ids: read });
        }
        most_steps = most_steps.max(floor.steps.len());
    }
    (false, floor.proven, most_steps)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]
    #[test]
    fn nothing_is_ever_missed(seed in any::<u64>()) {
        prop_assert!(!run(seed, Number::Drawn).0);
    }
}

#[test]
fn the_simulation_reaches_floors_and_steps_and_sees_what_is_missed() {
    let runs = |number| (0..3000).map(move |seed| run(seed, number));
    assert!(runs(Number::Drawn).any(|(_, floor, _)| floor > 40));
    assert!(runs(Number::Drawn).any(|(_, _, steps)| steps > 3));
    assert!(runs(Number::HighestEnded).any(|(has_missed, ..)| has_missed));
}
