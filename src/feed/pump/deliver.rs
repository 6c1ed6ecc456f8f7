//! Delivers a batch: in as many rounds as the order of its keys asks for, and told apart by what became of each event.

use std::collections::HashSet;
use std::time::Duration;

use super::Pump;
use crate::connection::passing;
use crate::error::Result;
use crate::failpoint;
use crate::feed::event::Item;
use crate::feed::{Outcome, Refuses, Undelivered, Written};

/// What became of a batch.
pub enum Delivery {
    /// Settled but for these.
    Done(Vec<Undelivered>, Room),
    /// Nothing of it: why, and for how long at least.
    Unavailable(String, Duration),
    /// Nobody wants more.
    ReaderGone,
}

/// Whether the sink has taken all that it was offered and did not refuse.
pub enum Room {
    /// It has.
    Enough,
    /// Not what leads to some places, for this reason.
    Elsewhere(String),
    /// No, for this reason, and for so long at least.
    None(String, Duration),
}

/// A batch that is being delivered.
struct Rounds<'a> {
    batch: &'a [Item],
    keeps_order: bool,
    /// Keys of which an event was not delivered: what follows it must not be.
    held_keys: HashSet<i64>,
    undelivered: Vec<Undelivered>,
    /// Why some events cannot be taken where they lead.
    blocked: Option<String>,
}

/// What was made of the events of one round, by their places.
struct Round {
    written: Vec<usize>,
    refused: Vec<Undelivered>,
    /// For the next round.
    later: Vec<usize>,
}

impl Pump<'_> {
    /// Delivers a batch in rounds, in each of which no key occurs twice when the sink may refuse single events. Other sinks get
    /// all at once.
    pub(super) fn deliver(&mut self, batch: &[Item]) -> Result<Delivery> {
        let keeps_order = self.source.keeps_order();
        let by_key = self.sink.refuses() == Refuses::Events && keeps_order;
        let mut rounds =
            Rounds { batch, keeps_order, held_keys: HashSet::new(), undelivered: Vec::new(), blocked: None };
        let (mut rest, mut is_first) = ((0..batch.len()).collect::<Vec<_>>(), true);
        while !rest.is_empty() {
            // Others may have the batch already, where the server has given up on us: it may be held for long.
            let ours = if is_first { self.source.secure() } else { self.source.holder().map(drop) };
            if let Err(why) = passing(ours)? {
                return Ok(Delivery::Unavailable(why, Duration::ZERO));
            }
            let Round { written, refused, later } = self.write(&mut rounds, rest, by_key)?;
            failpoint::reach("before_flush");
            let flushed = self.sink.flush_beside(self.source)?;
            failpoint::reach("after_flush");
            let (missing, waits) = match flushed {
                Outcome::Delivered => (Vec::new(), None),
                Outcome::AllBut(missing) => (missing, None),
                Outcome::Blocked(missing, why) => {
                    rounds.blocked.get_or_insert(why);
                    (missing, None)
                }
                Outcome::Short(missing, why) => (missing, Some((why, Duration::ZERO))),
                Outcome::ReaderGone => return Ok(Delivery::ReaderGone),
                Outcome::Unavailable(why) if is_first => return Ok(Delivery::Unavailable(why, Duration::ZERO)),
                Outcome::UnavailableFor(why, wait) if is_first => return Ok(Delivery::Unavailable(why, wait)),
                // What earlier rounds have delivered must not be sent again.
                Outcome::Unavailable(why) => (untried(0..written.len()).collect(), Some((why, Duration::ZERO))),
                Outcome::UnavailableFor(why, wait) => (untried(0..written.len()).collect(), Some((why, wait))),
            };
            let missing = missing.into_iter().map(|one| Undelivered { place: written[one.place], ..one });
            rounds.hold(missing.chain(refused).collect());
            if let Some((why, at_least)) = waits {
                rounds.undelivered.extend(untried(later));
                return Ok(rounds.done(Some(Room::None(why, at_least))));
            }
            (rest, is_first) = (later, false);
        }
        Ok(rounds.done(None))
    }

    /// Writes what may be written now.
    fn write(&mut self, rounds: &mut Rounds, places: Vec<usize>, by_key: bool) -> Result<Round> {
        let mut round = Round { written: Vec::new(), refused: Vec::new(), later: Vec::new() };
        let (mut seen, mut refused_keys) = (HashSet::new(), HashSet::new());
        for place in places {
            let item = &rounds.batch[place];
            let key = key_of(item).filter(|_| rounds.keeps_order);
            if key.is_some_and(|key| rounds.held_keys.contains(&key) || refused_keys.contains(&key)) {
                rounds.undelivered.push(Undelivered { place, reason: None });
            } else if by_key && key.is_some_and(|key| !seen.insert(key)) {
                round.later.push(place);
            } else if let Written::Refused(reason) = self.sink.write(item)? {
                refused_keys.extend(key);
                round.refused.push(Undelivered { place, reason: Some(reason) });
            } else {
                failpoint::reach("after_write");
                if matches!(item, Item::Event(_)) {
                    round.written.push(place);
                }
            }
        }
        Ok(round)
    }
}

impl Rounds<'_> {
    /// Takes note of what a round did not deliver, and holds its keys. Of events that share a key the first stands for those
    /// behind it: they were not at fault.
    fn hold(&mut self, mut missing: Vec<Undelivered>) {
        missing.sort_unstable_by_key(|undelivered| undelivered.place);
        for Undelivered { place, reason } in missing {
            let is_first = key_of(&self.batch[place]).is_none_or(|key| self.held_keys.insert(key));
            let reason = reason.filter(|_| is_first || !self.keeps_order);
            self.undelivered.push(Undelivered { place, reason });
        }
    }

    fn done(mut self, room: Option<Room>) -> Delivery {
        self.undelivered.sort_unstable_by_key(|undelivered| undelivered.place);
        let room = room.unwrap_or_else(|| self.blocked.map_or(Room::Enough, Room::Elsewhere));
        Delivery::Done(self.undelivered, room)
    }
}

/// Events that nobody has tried to deliver.
fn untried(places: impl IntoIterator<Item = usize>) -> impl Iterator<Item = Undelivered> {
    places.into_iter().map(|place| Undelivered { place, reason: None })
}

/// What must be delivered in order shares this.
fn key_of(item: &Item) -> Option<i64> {
    match item {
        Item::Event(event) => event.key(),
        Item::Control(_) => None,
    }
}
