//! Events that share a key: none overtakes another, and none is sent again because of another.

use super::*;

#[test]
fn what_follows_a_refused_event_of_its_key_is_not_tried() {
    let events = [(1, 7), (2, 8), (3, 7), (4, 8)];
    let (mut source, mut sink) = (Script::of(events), Memory { refuses: vec![1], ..Memory::default() });
    run(&mut source, &mut sink, Limits::default(), OnRefusal::GoOn).unwrap();
    assert_eq!((source.delivered, sink.taken), (vec![2, 4], vec![2, 4]));
    assert_eq!(source.undelivered, [(1, Some("no 1".to_owned())), (3, None)]);
}

#[test]
fn what_can_never_be_delivered_keeps_its_key_waiting_whatever_the_sink_refuses() {
    for in_order in [false, true] {
        let mut source = Script::of([(1, 7), (2, 8), (3, 7)]);
        let mut sink = Memory { impossible: vec![1], in_order, ..Memory::default() };
        run(&mut source, &mut sink, Limits::default(), OnRefusal::GoOn).unwrap();
        assert_eq!((source.delivered, sink.taken), (vec![2], vec![2]));
        assert_eq!(source.undelivered, [(1, Some("impossible".to_owned())), (3, None)]);
    }
}

#[test]
fn what_was_not_tried_is_no_refusal_and_keeps_its_key_waiting() {
    let events = [(1, 7), (2, 8), (3, 7)];
    let (mut source, mut sink) = (Script::of(events), Memory { does_not_try: vec![1], ..Memory::default() });
    run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap();
    assert_eq!((source.delivered, sink.taken), (vec![2], vec![2]));
    assert_eq!(source.undelivered, [(1, None), (3, None)]);
}

#[test]
fn what_earlier_rounds_have_delivered_is_not_sent_again() {
    let mut source = Script::of([(1, 7), (2, 8), (3, 7), (4, 8)]);
    let mut sink = Memory { outage_at: Some(2), ..Memory::default() };
    run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap();
    assert_eq!((source.delivered, source.given_back, sink.taken), (vec![1, 2], 0, vec![1, 2]));
    assert_eq!(source.undelivered, [(3, None), (4, None)]);
}

#[test]
fn of_two_refusals_of_a_key_the_first_counts_however_it_was_refused() {
    let mut source = Script::of([(1, 7), (2, 7)]);
    let mut sink = Memory { refuses: vec![1], impossible: vec![2], in_order: true, ..Memory::default() };
    run(&mut source, &mut sink, Limits::default(), OnRefusal::GoOn).unwrap();
    assert_eq!(source.undelivered, [(1, Some("no 1".to_owned())), (2, None)]);
}
