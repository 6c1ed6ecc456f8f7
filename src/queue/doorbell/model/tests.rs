//! What holds, and that each rule is needed: without it the search finds what goes wrong.

use super::search::Verdict;
use super::{Rules, World};
use crate::queue::doorbell::protocol::Step;

const RULES: Rules = Rules { next: Step::next, leaving: Step::leaving, share_w_waits: true };

/// Two writers, two takers, one who only looks.
const WORLD: World = World {
    takers: 2,
    lookers: 1,
    transactions: 2,
    slots: false,
    crashes: 0,
    stops: 0,
    long_transaction: false,
    rules: RULES,
};
/// The same, and one of the waiters is killed at any moment, and a transaction stays open for ever. What may happen need not: every
/// history of [`WORLD`] is among these.
const HARSH_WORLD: World = World { crashes: 1, long_transaction: true, ..WORLD };
/// Where processes end, one transaction and three waiters, or two of each, show what every rule is for. (`larger_worlds` has more.)
const ONE_TRANSACTION: World = World { transactions: 1, ..WORLD };
const TWO_TAKERS: World = World { lookers: 0, ..WORLD };

#[track_caller]
fn holds(world: World) {
    let verdict = world.explore();
    let Verdict::Holds { states, at_rest, rings } = verdict else { panic!("{world:?}\n{verdict:#?}") };
    // That the search went somewhere, and that waiters ring each other as often as one of them goes, and no more.
    assert!(states > 10_000 && at_rest > 0 && (1..=5).contains(&rings), "{states} {at_rest} {rings}");
}

#[test]
fn takers_share_all_events() {
    holds(HARSH_WORLD);
}

#[test]
fn takers_own_slots() {
    holds(World { slots: true, ..HARSH_WORLD });
}

#[test]
fn all_take() {
    holds(World { takers: 3, lookers: 0, ..WORLD });
}

#[test]
fn without_who_only_looks() {
    for slots in [false, true] {
        holds(World { crashes: 1, long_transaction: true, slots, ..TWO_TAKERS });
    }
}

#[test]
fn a_process_stops() {
    for slots in [false, true] {
        holds(World { stops: 1, slots, ..ONE_TRANSACTION });
        holds(World { stops: 1, slots, ..TWO_TAKERS });
    }
}

#[test]
#[ignore = "takes minutes: make large"]
fn larger_worlds() {
    for slots in [false, true] {
        holds(World { takers: 3, lookers: 0, slots, ..HARSH_WORLD });
        holds(World { takers: 1, lookers: 2, slots, ..HARSH_WORLD });
        holds(World { transactions: 3, slots, ..HARSH_WORLD });
        holds(World { stops: 1, slots, ..HARSH_WORLD });
    }
}

fn with(next: fn(Step, bool) -> Step) -> World {
    World { rules: Rules { next, ..RULES }, takers: 1, lookers: 1, ..WORLD }
}

#[track_caller]
fn loses_an_event(world: World) {
    let verdict = world.explore();
    assert!(matches!(verdict, Verdict::Lost(_)), "{verdict:#?}");
}

/// A writer that found X free a moment before has committed in between, and has not rung.
#[test]
fn no_look_in_front_loses_an_event() {
    loses_an_event(with(|step, yes| match step {
        Step::ReleaseW => Step::SleepInFront,
        _ => step.next(yes),
    }));
}

/// Nobody is in front any more, and writers ring for nobody.
#[test]
fn no_ring_for_those_behind_loses_an_event() {
    loses_an_event(with(|step, yes| match step {
        Step::ReleaseX => Step::Look,
        _ => step.next(yes),
    }));
}

/// Whoever was in front has rung before W was taken, and a writer has committed before X was.
#[test]
fn no_look_behind_loses_an_event() {
    loses_an_event(with(|step, yes| match (step, yes) {
        (Step::TryXShared, false) => Step::SleepBehind,
        _ => step.next(yes),
    }));
}

/// Each ring makes the next one in front ring the others.
#[test]
fn giving_x_back_before_the_look_rings_for_ever() {
    let verdict = with(|step, yes| match step {
        Step::SleepInFront => Step::ReleaseX,
        _ => step.next(yes),
    })
    .explore();
    assert!(matches!(verdict, Verdict::Storm(_)), "{verdict:#?}");
}

/// Whoever tests W holds it exclusively for a moment: a try fails then, and nobody knows of the one behind.
#[test]
fn not_waiting_for_w_loses_an_event() {
    loses_an_event(World { rules: Rules { share_w_waits: false, ..RULES }, takers: 1, lookers: 2, ..WORLD });
}

/// Whoever has given X back still has to test W, or to ring, before it may go.
#[test]
fn leaving_without_a_ring_loses_an_event() {
    for missing in [
        |step: Step| step.leaving().filter(|_| step != Step::LookInFront),
        |step: Step| step.leaving().filter(|_| step != Step::TestW),
        |step: Step| step.leaving().filter(|_| step != Step::Ring),
    ] {
        loses_an_event(World { stops: 1, rules: Rules { leaving: missing, ..RULES }, ..ONE_TRANSACTION });
    }
}
