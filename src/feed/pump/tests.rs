//! The pump with a scripted source and a sink in memory.

mod ends;
mod outages;
mod rounds;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::super::event::Origin;
use super::super::limits::Limits;
use super::*;
use crate::connection::Connection;
use crate::feed::{Outcome, Refuses, Undelivered, Written};
use crate::stop::StopReason;

/// The event `id` of a row.
fn event(id: i64, key: i64) -> Item {
    let origin = Origin::Queue { queue: Arc::from("q"), id, attempt: 1, key, barrier: false };
    Item::Event(Event { origin, at: Timestamp::UNIX_EPOCH, payload: "".into() })
}

fn id_of(item: &Item) -> i64 {
    match item {
        Item::Event(Event { origin: Origin::Queue { id, .. }, .. }) => *id,
        _ => panic!("only events are scripted"),
    }
}

/// Hands over scripted events; what is settled is kept.
#[derive(Default)]
struct Script {
    events: VecDeque<Item>,
    delivered: Vec<i64>,
    undelivered: Vec<(i64, Option<String>)>,
    given_back: usize,
    /// How often the connection is lost when it should record what was delivered.
    losses: usize,
    /// How often a batch is lost before it was delivered, and for which reason.
    lost: usize,
    lost_for: Option<Error>,
    endless: bool,
    /// From this event on, what is handed over is handed over again.
    again_from: Option<i64>,
    /// How long what came again was put off, each time.
    put_off: Vec<Duration>,
    /// How many events were asked for.
    asked: Vec<usize>,
}

impl Script {
    fn of(events: impl IntoIterator<Item = (i64, i64)>) -> Self {
        Self { events: events.into_iter().map(|(id, key)| event(id, key)).collect(), ..Self::default() }
    }
}

impl Source for Script {
    fn poll(&mut self, wait: Duration, max: usize) -> Result<Poll> {
        self.asked.push(max);
        let batch: Vec<Item> = (0..max).map_while(|_| self.events.pop_front()).collect();
        if !batch.is_empty() {
            let again = self.again_from.is_some_and(|from| id_of(&batch[0]) >= from);
            return Ok(if again { Poll::Again(batch) } else { Poll::Batch(batch) });
        }
        std::thread::sleep(wait.min(Duration::from_millis(1)));
        Ok(if self.endless { Poll::Idle } else { Poll::Ended })
    }

    fn settle(&mut self, batch: Vec<Item>, undelivered: &[Undelivered]) -> Result<Settled> {
        if self.losses > 0 {
            self.losses -= 1;
            self.give_back(batch, Duration::ZERO)?;
            return Ok(Settled::Lost);
        }
        for (place, item) in batch.iter().enumerate() {
            match undelivered.iter().find(|undelivered| undelivered.place == place) {
                None => self.delivered.push(id_of(item)),
                Some(undelivered) => self.undelivered.push((id_of(item), undelivered.reason.clone())),
            }
        }
        Ok(Settled::Recorded)
    }

    fn give_back(&mut self, batch: Vec<Item>, wait: Duration) -> Result<()> {
        self.given_back += batch.len();
        if self.again_from.is_some_and(|from| id_of(&batch[0]) >= from) {
            // Others first.
            self.put_off.push(wait);
            self.events.extend(batch);
            return Ok(());
        }
        batch.into_iter().rev().for_each(|item| self.events.push_front(item));
        Ok(())
    }

    fn holder(&mut self) -> Result<Option<&mut Connection>> {
        if self.lost == 0 {
            return Ok(None);
        }
        self.lost -= 1;
        self.lost_for.clone().map_or(Ok(None), Err)
    }
}

/// Keeps what it acknowledges, and behaves as told.
#[derive(Default)]
struct Memory {
    pending: Vec<i64>,
    taken: Vec<i64>,
    refuses: Vec<i64>,
    does_not_try: Vec<i64>,
    /// Those that are not taken where they lead, once each.
    blocks: Vec<i64>,
    impossible: Vec<i64>,
    /// Room for so many, and more with every flush; then `Short`.
    room: Option<usize>,
    outages: usize,
    /// The flush, counted from 1, that finds nobody.
    outage_at: Option<usize>,
    gone: bool,
    fails: bool,
    /// Keeps the order of a key itself.
    in_order: bool,
    flushes: usize,
}

impl Sink for Memory {
    fn write(&mut self, item: &Item) -> Result<Written> {
        let id = id_of(item);
        if self.impossible.contains(&id) {
            return Ok(Written::Refused("impossible".to_owned()));
        }
        self.pending.push(id);
        Ok(Written::Taken)
    }

    fn refuses(&self) -> Refuses {
        if self.in_order { Refuses::InOrder } else { Refuses::Events }
    }

    fn flush(&mut self) -> Result<Outcome> {
        self.flushes += 1;
        let pending = std::mem::take(&mut self.pending);
        if self.fails {
            return Err(Error::failed("disk full"));
        }
        if self.gone {
            return Ok(Outcome::ReaderGone);
        }
        if self.outages > 0 {
            self.outages -= 1;
            return Ok(Outcome::Unavailable("nobody there".to_owned()));
        }
        if self.outage_at == Some(self.flushes) {
            return Ok(Outcome::Unavailable("gone again".to_owned()));
        }
        let room = self.room.map(|room| room * self.flushes - self.taken.len());
        let mut missing = Vec::new();
        if let Some(room) = room.filter(|room| *room < pending.len()) {
            missing.extend((room..pending.len()).map(|place| Undelivered { place, reason: None }));
            self.taken.extend(&pending[..room]);
            return Ok(Outcome::Short(missing, "full".to_owned()));
        }
        if let [id] = pending[..]
            && let Some(blocked) = self.blocks.iter().position(|blocked| *blocked == id)
        {
            self.blocks.remove(blocked);
            return Ok(Outcome::Blocked(vec![Undelivered { place: 0, reason: None }], "nobody there".to_owned()));
        }
        for (place, id) in pending.into_iter().enumerate() {
            if self.refuses.contains(&id) {
                missing.push(Undelivered { place, reason: Some(format!("no {id}")) });
            } else if self.does_not_try.contains(&id) {
                missing.push(Undelivered { place, reason: None });
            } else {
                self.taken.push(id);
            }
        }
        // Once: it tries what comes again.
        self.does_not_try.clear();
        Ok(if missing.is_empty() { Outcome::Delivered } else { Outcome::AllBut(missing) })
    }
}

struct Silent;

impl Report for Silent {
    fn refused(&self, _: &Event, _: &str) {}
    fn unavailable(&self, _: &str) {}
    fn available(&self) {}
}

fn run(source: &mut Script, sink: &mut Memory, limits: Limits, on_refusal: OnRefusal) -> Result<End> {
    let (meter, stop) = (Meter::start(limits), Stop::default());
    Pump { source, sink, meter: &meter, batch: 4, on_refusal, report: &Silent, stop: &stop }.run()
}

fn ids(range: std::ops::RangeInclusive<i64>) -> Vec<i64> {
    range.collect()
}

#[test]
fn everything_is_taken_before_it_is_settled() {
    let (mut source, mut sink) = (Script::of((1..=10).map(|id| (id, id))), Memory::default());
    let end = run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap();
    assert_eq!((end, &source.delivered, &sink.taken), (End::SourceEnded, &ids(1..=10), &ids(1..=10)));
}

#[test]
fn what_was_delivered_but_not_recorded_is_counted_when_it_comes_again() {
    let mut source = Script { losses: 2, endless: true, ..Script::of([(1, 1), (2, 2), (3, 3)]) };
    let mut sink = Memory::default();
    let limits = Limits { count: Some(3), ..Limits::default() };
    assert_eq!(run(&mut source, &mut sink, limits, OnRefusal::GoOn).unwrap(), End::Counted);
    assert_eq!((source.delivered, sink.taken.len()), (ids(1..=3), 9));
}

#[test]
fn a_sink_that_fails_settles_nothing() {
    let (mut source, mut sink) = (Script::of([(1, 1)]), Memory { fails: true, ..Memory::default() });
    assert!(run(&mut source, &mut sink, Limits::default(), OnRefusal::GoOn).is_err());
    assert!(source.delivered.is_empty() && source.undelivered.is_empty());
}

#[test]
fn nothing_more_is_delivered_of_a_batch_that_is_lost() {
    let lost = Some(Error::connection("the connection is lost"));
    let (mut source, mut sink) =
        (Script { lost: 1, lost_for: lost, ..Script::of([(1, 7), (2, 7)]) }, Memory::default());
    run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap();
    // It is noticed between the rounds of the two events, which come again.
    assert_eq!((source.given_back, source.delivered, sink.taken), (2, ids(1..=2), [ids(1..=1), ids(1..=2)].concat()));
    assert_eq!(sink.flushes, 3);
    let mut source = Script { lost: 1, lost_for: Some(Error::failed("no rights")), ..Script::of([(1, 7), (2, 7)]) };
    let mut sink = Memory::default();
    assert!(run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).is_err());
    assert_eq!((sink.pending.len(), sink.flushes), (0, 1));
}

#[test]
fn a_refused_event_is_told_and_its_neighbours_go_on() {
    let (mut source, mut sink) =
        (Script::of([(1, 1), (2, 2), (3, 3)]), Memory { refuses: vec![2], ..Memory::default() });
    run(&mut source, &mut sink, Limits::default(), OnRefusal::GoOn).unwrap();
    assert_eq!(source.delivered, [1, 3]);
    assert_eq!(source.undelivered, [(2, Some("no 2".to_owned()))]);
}

#[test]
fn a_batch_that_nobody_tried_is_given_back_whole() {
    let (mut source, mut sink) =
        (Script::of([(1, 1), (2, 2)]), Memory { does_not_try: vec![1, 2], ..Memory::default() });
    run(&mut source, &mut sink, Limits::default(), OnRefusal::Stop).unwrap();
    assert_eq!((source.delivered, source.given_back, source.undelivered), (vec![1, 2], 2, vec![]));
}
