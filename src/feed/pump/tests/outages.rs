//! While nobody takes events, or there is no room for all: nothing is lost, nothing is refused, and it is told once.

use super::*;

/// Counts what is told.
#[derive(Default)]
struct Told {
    unavailable: std::cell::Cell<usize>,
    available: std::cell::Cell<usize>,
}

impl Report for Told {
    fn refused(&self, _: &Event, _: &str) {}

    fn unavailable(&self, _: &str) {
        self.unavailable.set(self.unavailable.get() + 1);
    }

    fn available(&self) {
        self.available.set(self.available.get() + 1);
    }
}

#[test]
fn an_outage_loses_nothing_and_refuses_nothing() {
    let (mut source, mut sink) = (Script::of([(1, 1), (2, 2)]), Memory { outages: 2, ..Memory::default() });
    run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap();
    assert_eq!((source.delivered, source.given_back, source.undelivered.len()), (vec![1, 2], 4, 0));
}

#[test]
fn what_finds_no_room_comes_again_and_what_did_does_not() {
    let events = [(1, 7), (2, 8), (3, 7), (4, 9)];
    let (mut source, mut sink) = (Script::of(events), Memory { room: Some(1), ..Memory::default() });
    run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap();
    // Nothing follows in front of what found no room: the later event of key 7 was not given to the sink.
    assert_eq!((source.delivered, sink.taken, sink.flushes), (vec![1], vec![1], 1));
    assert_eq!(source.undelivered, [(2, None), (3, None), (4, None)]);
}

/// Runs to the end of the source; how often it was told that nobody takes events, and that somebody does again.
fn told(source: &mut Script, sink: &mut Memory, batch: usize) -> (usize, usize) {
    let (report, meter, stop) = (Told::default(), Meter::start(Limits::default()), Stop::default());
    let on_refusal = OnRefusal::GoOn;
    Pump { source, sink, meter: &meter, batch, on_refusal, report: &report, stop: &stop }.run().unwrap();
    (report.unavailable.get(), report.available.get())
}

#[test]
fn an_outage_is_told_once_however_often_there_is_a_little_room() {
    let told = |sink: &mut Memory| told(&mut Script::of((1..=12).map(|id| (id, id))), sink, 3);
    assert_eq!(told(&mut Memory { outages: 2, ..Memory::default() }), (1, 1));
    assert_eq!(told(&mut Memory { room: Some(2), ..Memory::default() }), (1, 0));
}

#[test]
fn while_nobody_takes_a_batch_it_is_offered_in_smaller_parts() {
    let mut source = Script::of((1..=40).map(|id| (id, id)));
    told(&mut source, &mut Memory { outage_at: Some(3), ..Memory::default() }, 16);
    // 4, 16, then 16 that nobody takes.
    assert_eq!(source.asked[..5], [4, 16, 16, 8, 16]);
    assert_eq!((source.delivered, source.given_back), ((1..=40).collect(), 16));
}

#[test]
fn what_comes_again_and_is_not_taken_keeps_nothing_else_waiting() {
    // Nobody takes 100 for now; only that it came through in the end means that it is over.
    let mut source = Script { again_from: Some(100), ..Script::of([(100, 1), (1, 2), (2, 3), (3, 4)]) };
    assert_eq!(told(&mut source, &mut Memory { outages: 1, ..Memory::default() }, 1), (1, 1));
    assert_eq!((source.delivered, source.put_off.len()), (vec![1, 2, 3, 100], 1));
}

#[test]
fn what_is_blocked_again_and_again_beside_what_is_delivered_is_told_once() {
    let events = (100..120).map(|id| (id, id));
    let mut source = Script { again_from: Some(100), ..Script::of(events.chain((1..=5).map(|id| (id, id)))) };
    let mut sink = Memory { blocks: (100..120).step_by(2).collect(), ..Memory::default() };
    assert_eq!(told(&mut source, &mut sink, 1), (1, 0));
    assert_eq!((source.delivered.len(), source.put_off.len()), (25, 10));
}
