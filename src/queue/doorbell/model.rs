//! The doorbell's model: writers and waiters in every order in which their steps can fall. The waiters' steps are the very
//! [`Step::next`] that `bell.rs` executes.
//!
//! The search is written by hand: `stateright` cannot tell a cycle from two ways to one state (it says so of `eventually`),
//! does not answer whether a way out is left, and brings forty crates, a web server among them.

mod search;
mod state;
mod tests;

use super::protocol::Step;
use state::{Life, State, W, W_EXCLUSIVE, WAITERS, WRITERS, Waiter, Worker, Writer, X, X_SHARED};

/// Who there is, and what may happen to them.
#[derive(Debug, Clone, Copy)]
struct World {
    takers: usize,
    /// Those who only look.
    lookers: usize,
    /// So many transactions of all writers.
    transactions: u8,
    /// Whether every event belongs to one taker. Otherwise any taker takes any event.
    slots: bool,
    /// So many processes are killed, at any moment.
    crashes: u8,
    /// So many are asked to stop, at any moment.
    stops: u8,
    /// Whether a transaction that holds X may stay open for ever.
    long_transaction: bool,
    rules: Rules,
}

/// What the waiters stick to. Tests break it piece by piece.
#[derive(Debug, Clone, Copy)]
struct Rules {
    next: fn(Step, bool) -> Step,
    leaving: fn(Step) -> Option<Step>,
    /// Whether `ShareW` waits for whoever tests W right now. Otherwise it goes on without the lock.
    share_w_waits: bool,
}

/// Whether something is bound to happen, if nothing else happens before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chance {
    Certain,
    /// A new transaction, a crash, a stop: nobody may rely on it.
    Possible,
}

/// What can happen next, and what is then.
struct Moves<'a> {
    world: &'a World,
    from: &'a State,
    found: Vec<(Chance, State)>,
}

impl World {
    fn moves(&self, from: &State) -> Vec<(Chance, State)> {
        let mut moves = Moves { world: self, from, found: Vec::with_capacity(16) };
        (0..WRITERS).for_each(|who| moves.of_writer(who));
        (0..WAITERS).for_each(|who| moves.of_waiter(who));
        moves.found
    }
}

impl Moves<'_> {
    fn add(&mut self, chance: Chance, change: impl FnOnce(&mut State)) {
        let mut state = *self.from;
        change(&mut state);
        state.sort();
        self.found.push((chance, state));
    }

    /// A transaction stores an event, tries X, commits or rolls back, and gives X back when the event is visible.
    fn of_writer(&mut self, who: usize) {
        let from = *self.from;
        let writer = from.writers[who];
        match writer {
            Writer::Idle if from.transactions > 0 => self.add(Chance::Possible, |state| {
                state.transactions -= 1;
                state.writers[who] = if from.somebody_holds(X) { Writer::Loud } else { Writer::Silent };
            }),
            Writer::Silent | Writer::Loud => {
                let visible = if writer == Writer::Silent { Writer::SilentAndVisible } else { Writer::LoudAndVisible };
                let slots: Vec<Option<usize>> = match self.world.slots {
                    true => (0..WAITERS).filter(|owner| from.waiters[*owner].has_slots).map(Some).collect(),
                    false => vec![None],
                };
                for owner in slots {
                    self.add(Chance::Certain, |state| {
                        state.store(owner);
                        state.writers[who] = visible;
                    });
                }
                self.add(Chance::Certain, |state| state.writers[who] = Writer::Idle);
                if writer == Writer::Silent && self.world.long_transaction {
                    self.add(Chance::Possible, |state| state.writers[who] = Writer::Open);
                }
            }
            Writer::SilentAndVisible => self.add(Chance::Certain, |state| state.writers[who] = Writer::Idle),
            Writer::LoudAndVisible => self.add(Chance::Certain, |state| {
                state.ring();
                state.writers[who] = Writer::Idle;
            }),
            Writer::Idle | Writer::Open => {}
        }
    }

    fn of_waiter(&mut self, who: usize) {
        let from = *self.from;
        let waiter = from.waiters[who];
        if waiter.life == Life::Gone {
            return self.of_slots_of(who);
        }
        self.of_worker(who);
        self.of_step(who);
        if from.crashes > 0 {
            self.add(Chance::Possible, |state| {
                state.crashes -= 1;
                state.end(who);
            });
        }
        // Between two steps.
        if from.stops > 0 && waiter.life == Life::Alive && waiter.holds & W_EXCLUSIVE == 0 {
            let rules = self.world.rules;
            self.add(Chance::Possible, |state| {
                state.stops -= 1;
                state.waiters[who].life = Life::Leaving;
                rules.go_to(waiter.step, who, state);
            });
        }
    }

    /// One step of the protocol, as `bell.rs` executes it.
    fn of_step(&mut self, who: usize) {
        let (from, rules) = (*self.from, self.world.rules);
        let Waiter { step, rung, holds, worker, .. } = from.waiters[who];
        let something = from.something_for(who);
        let yes = match step {
            Step::Look if worker != Worker::Idle => return,
            Step::Look | Step::LookInFront | Step::LookBehind => something,
            Step::ShareW if from.others_hold(who, W_EXCLUSIVE) && rules.share_w_waits => return,
            Step::ShareW => !from.others_hold(who, W_EXCLUSIVE),
            Step::TryX => !from.others_hold(who, X | X_SHARED) && !from.a_writer_holds_x(),
            Step::TryXShared => !from.others_hold(who, X),
            // Those behind also look once a second. Only after a crash, since nothing else may need it.
            Step::SleepBehind if from.crashes < self.world.crashes => rung,
            Step::SleepInFront | Step::SleepBehind if !rung => return,
            // W is held for one statement: taken here, and given back by the next move.
            Step::TestW if holds & W_EXCLUSIVE == 0 && !from.others_hold(who, W | W_EXCLUSIVE) => {
                return self.add(Chance::Certain, |state| state.waiters[who].holds |= W_EXCLUSIVE);
            }
            Step::TestW => holds & W_EXCLUSIVE != 0,
            _ => true,
        };
        let (taken, given) = match step {
            Step::ShareW if yes => (W, 0),
            Step::TryX if yes => (X, 0),
            Step::TryXShared if yes => (X_SHARED, 0),
            Step::ReleaseX => (0, X),
            Step::ReleaseBoth => (0, X_SHARED | W),
            Step::ReleaseW | Step::LeaveBehind => (0, W),
            Step::TestW if yes => (0, W_EXCLUSIVE),
            _ => (0, 0),
        };
        assert!(holds & taken == 0, "{step:?} takes what it holds: {from:?}");
        assert!(holds & given == given || !rules.share_w_waits, "{step:?} gives back what it does not hold: {from:?}");
        let looks = matches!(step, Step::Look | Step::LookInFront | Step::LookBehind);
        let mut go_on = |hears: bool| {
            self.add(Chance::Certain, |state| {
                let waiter = &mut state.waiters[who];
                waiter.holds = (holds | taken) & !given;
                waiter.rung = rung && !hears;
                if looks && something && worker == Worker::Idle {
                    waiter.worker = Worker::Kicked;
                }
                if step == Step::Ring {
                    state.ring();
                    state.rings += u8::from(from.writers_are_done());
                }
                rules.go_to(rules.next(step, yes), who, state);
            });
        };
        let sleeps = matches!(step, Step::SleepInFront | Step::SleepBehind);
        go_on(sleeps);
        // The pauses between looks may hear a ring too.
        if rung && (step == Step::ReleaseBoth || step == Step::Look && something) {
            go_on(true);
        }
    }

    /// A worker that was kicked takes, delivers and settles until it finds nothing. Whoever only looks takes nothing.
    fn of_worker(&mut self, who: usize) {
        let Waiter { worker, only_looks, mine, .. } = self.from.waiters[who];
        let takes = !only_looks && (mine || self.from.common);
        let next = match worker {
            Worker::Idle => return,
            Worker::Kicked if takes => Worker::Busy,
            Worker::Kicked => Worker::Idle,
            Worker::Busy => Worker::Kicked,
        };
        self.add(Chance::Certain, |state| {
            if worker == Worker::Kicked {
                state.waiters[who].mine = false;
                state.common &= only_looks;
            }
            state.waiters[who].worker = next;
        });
    }

    /// Once a second an idle worker looks for the slots of the dead, also while the protocol sleeps, and takes what is there.
    fn of_slots_of(&mut self, dead: usize) {
        let from = *self.from;
        let idle = |waiter: &Waiter| waiter.life == Life::Alive && waiter.has_slots && waiter.worker == Worker::Idle;
        for who in (0..WAITERS).filter(|who| from.waiters[dead].has_slots && idle(&from.waiters[*who])) {
            self.add(Chance::Certain, |state| {
                state.waiters[who].mine |= from.waiters[dead].mine;
                state.waiters[who].worker = Worker::Kicked;
                state.waiters[dead].mine = false;
                state.waiters[dead].has_slots = false;
            });
        }
    }
}

impl Rules {
    fn next(&self, step: Step, yes: bool) -> Step {
        (self.next)(step, yes)
    }

    fn go_to(&self, step: Step, who: usize, state: &mut State) {
        let waiter = &mut state.waiters[who];
        let step = if waiter.life == Life::Leaving { (self.leaving)(step) } else { Some(step) };
        match step {
            Some(step) => waiter.step = step,
            None => state.end(who),
        }
    }
}
