//! What ends it: a reader that goes, a limit, a refusal, a stop.

use super::*;

#[test]
fn a_reader_that_went_away_ends_it_quietly() {
    let (mut source, mut sink) = (Script::of([(1, 1)]), Memory { gone: true, ..Memory::default() });
    let end = run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap();
    assert_eq!((end, source.delivered.len()), (End::ReaderGone, 0));
}

#[test]
fn the_count_is_exact_and_takes_no_more() {
    let (mut source, mut sink) = (Script::of((1..=10).map(|id| (id, id))), Memory::default());
    let limits = Limits { count: Some(6), ..Limits::default() };
    let end = run(&mut source, &mut sink, limits, OnRefusal::Stop).unwrap();
    assert_eq!((end, source.delivered, source.events.len()), (End::Counted, ids(1..=6), 4));
}

#[test]
fn a_refusal_can_be_the_end() {
    let (mut source, mut sink) = (Script::of([(1, 1), (2, 2)]), Memory { refuses: vec![1], ..Memory::default() });
    let error = run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap_err();
    assert_eq!(error.to_string(), "delivering an event: no 1");
    // What was delivered beside it stays delivered.
    assert_eq!(source.delivered, [2]);
}

#[test]
fn time_over_ends_it() {
    let mut source = Script { endless: true, ..Script::of([(1, 1)]) };
    let limits = Limits { idle_timeout: Some(Duration::from_millis(20)), ..Limits::default() };
    let end = run(&mut source, &mut Memory::default(), limits, OnRefusal::Stop).unwrap();
    assert_eq!((end, source.delivered), (End::TimeOver, vec![1]));
}

#[test]
fn a_stop_ends_it_before_the_next_batch() {
    let (meter, stop) = (Meter::start(Limits::default()), Stop::default());
    stop.request(StopReason::Signal);
    let (mut source, mut sink) = (Script::of([(1, 1)]), Memory::default());
    let (source_, report) = (&mut source, &Silent);
    let pump = Pump {
        source: source_,
        sink: &mut sink,
        meter: &meter,
        batch: 4,
        on_refusal: OnRefusal::Stop,
        report,
        stop: &stop,
    };
    assert_eq!(pump.run().unwrap(), End::Signal);
    assert!(source.delivered.is_empty());
}
