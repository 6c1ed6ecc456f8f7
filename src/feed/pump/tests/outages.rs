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

#[test]
fn an_outage_is_told_once_however_often_there_is_a_little_room() {
    let told = |sink: &mut Memory| {
        let (report, meter, stop) = (Told::default(), Meter::start(Limits::default()), Stop::default());
        let source = &mut Script::of((1..=12).map(|id| (id, id)));
        let on_refusal = OnRefusal::GoOn;
        Pump { source, sink, meter: &meter, batch: 3, on_refusal, report: &report, stop: &stop }.run().unwrap();
        (report.unavailable.get(), report.available.get())
    };
    assert_eq!(told(&mut Memory { outages: 2, ..Memory::default() }), (1, 1));
    assert_eq!(told(&mut Memory { room: Some(2), ..Memory::default() }), (1, 0));
}
