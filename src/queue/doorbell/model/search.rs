//! The search: every state that can be reached, and what is wrong with any of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::state::{Life, MANY_RINGS, State};
use super::{Chance, World};
use crate::queue::doorbell::protocol::Step;

/// What the search has found; a fault with the states that lead there.
#[derive(Debug)]
#[allow(dead_code, reason = "the states are shown when a test fails")]
pub enum Verdict {
    Holds {
        states: usize,
        /// In so many nothing can move any more.
        at_rest: usize,
        /// The most rings by waiters after the last transaction.
        rings: u8,
    },
    /// Something is there for somebody, and nothing that is bound to happen leads to its delivery.
    Lost(Vec<State>),
    /// Nothing moves, and somebody is not asleep.
    Stuck(Vec<State>),
    /// Waiters ring each other without end.
    Storm(Vec<State>),
}

struct Search {
    states: Vec<State>,
    /// Where each state was first reached from.
    parents: Vec<usize>,
    /// Where what is bound to happen leads.
    certain: Vec<Vec<u32>>,
}

impl World {
    pub fn explore(&self) -> Verdict {
        let start = State::start(self);
        let mut places = HashMap::from([(start.key(), 0)]);
        let mut search = Search { states: vec![start], parents: vec![0], certain: Vec::new() };
        let (mut at_rest, mut rings) = (0, 0);
        let mut place = 0;
        while place < search.states.len() {
            let state = search.states[place];
            if state.rings == MANY_RINGS {
                return Verdict::Storm(search.path_to(place));
            }
            rings = rings.max(state.rings);
            let moves = self.moves(&state);
            if moves.iter().all(|(chance, _)| *chance == Chance::Possible) {
                at_rest += 1;
                let asleep = |step| matches!(step, Step::SleepInFront | Step::SleepBehind);
                if !state.waiters.iter().all(|waiter| waiter.life == Life::Gone || asleep(waiter.step)) {
                    return Verdict::Stuck(search.path_to(place));
                }
                if !state.is_delivered() {
                    return Verdict::Lost(search.path_to(place));
                }
            }
            let mut certain = Vec::new();
            for (chance, next) in moves {
                let next = match places.entry(next.key()) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        search.states.push(next);
                        search.parents.push(place);
                        *new.insert(search.states.len() - 1)
                    }
                };
                if chance == Chance::Certain {
                    certain.push(u32::try_from(next).expect("states fit into memory"));
                }
            }
            search.certain.push(certain);
            place += 1;
        }
        match search.without_way_out() {
            Some(lost) => Verdict::Lost(search.path_to(lost)),
            None => Verdict::Holds { states: search.states.len(), at_rest, rings },
        }
    }
}

impl Search {
    /// A state from which what is bound to happen leads nowhere where all is delivered.
    fn without_way_out(&self) -> Option<usize> {
        let mut is_fine: Vec<bool> = self.states.iter().map(State::is_delivered).collect();
        loop {
            let mut changed = false;
            for place in (0..is_fine.len()).rev() {
                if !is_fine[place] && self.certain[place].iter().any(|next| is_fine[*next as usize]) {
                    is_fine[place] = true;
                    changed = true;
                }
            }
            if !changed {
                return is_fine.iter().position(|is_fine| !is_fine);
            }
        }
    }

    fn path_to(&self, place: usize) -> Vec<State> {
        let mut path = vec![place];
        while path[path.len() - 1] != 0 {
            path.push(self.parents[path[path.len() - 1]]);
        }
        path.iter().rev().map(|place| self.states[*place]).collect()
    }
}
