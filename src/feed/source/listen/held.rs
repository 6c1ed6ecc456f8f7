//! Accounts for what is held between the reader thread and a slow sink, and decides what happens when that is too much.

use std::sync::{Mutex, MutexGuard};

use crate::feed::event::{Event, Item};

/// What to do with a notification for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Count it and go on; the count is told when there is room again.
    Drop,
    /// Stop receiving: what was received is delivered, then the feed fails.
    Stop,
}

/// What became of a burst of notifications.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// There was room for all.
    Whole,
    /// Dropping begins, or goes on.
    Dropping,
    /// There was no room, and that is the end.
    Full,
}

/// The bytes held, shared by both ends.
pub struct Held {
    limit: usize,
    overflow: Overflow,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bytes: usize,
    dropped: u64,
}

impl Held {
    /// Starts with nothing held; `limit` is in bytes.
    pub fn new(limit: usize, overflow: Overflow) -> Self {
        Self { limit, overflow, state: Mutex::default() }
    }

    /// Passes on to `send` what there is room for, and drops the rest. Once something was dropped nothing is let in before
    /// [`Held::release`] has told so: an event behind a loss must not overtake the record of it. Nor may the record overtake
    /// an event in front of the loss, or the news of it, so `send` and `full` run before anybody can release. `full` hears
    /// that there is no room any more, and what happens then.
    pub fn admit(&self, mut burst: Vec<Item>, send: impl FnOnce(Vec<Item>), full: impl FnOnce(Overflow)) -> Admission {
        let mut state = self.lock();
        let mut fitting = 0;
        if state.dropped == 0 {
            for item in &burst {
                let bytes = held_bytes(item);
                // One event is always let in, however long, or nothing would ever move.
                if state.bytes > 0 && state.bytes + bytes > self.limit {
                    break;
                }
                state.bytes += bytes;
                fitting += 1;
            }
        }
        let lost = (burst.len() - fitting) as u64;
        burst.truncate(fitting);
        if !burst.is_empty() {
            send(burst);
        }
        if lost == 0 {
            return Admission::Whole;
        }
        if state.dropped == 0 {
            full(self.overflow);
        }
        match self.overflow {
            Overflow::Stop => Admission::Full,
            Overflow::Drop => {
                state.dropped += lost;
                Admission::Dropping
            }
        }
    }

    /// Gives back the room of delivered items. When something was dropped and half of the room is free again, calls `tell` with
    /// the number before anything new is let in.
    pub fn release(&self, delivered: &[Item], tell: impl FnOnce(u64)) {
        let mut state = self.lock();
        state.bytes -= delivered.iter().map(held_bytes).sum::<usize>();
        if state.dropped > 0 && state.bytes <= self.limit / 2 {
            tell(std::mem::take(&mut state.dropped));
        }
    }

    /// Calls `tell` with the number of what was dropped and not yet told, unless that is nothing.
    pub fn take_dropped<T>(&self, tell: impl FnOnce(u64) -> T) -> Option<T> {
        let dropped = std::mem::take(&mut self.lock().dropped);
        (dropped > 0).then(|| tell(dropped))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the account")
    }
}

fn held_bytes(item: &Item) -> usize {
    match item {
        Item::Event(event) => Event::held_bytes(event),
        // Records are few, and must never be lost.
        Item::Control(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;
    use crate::feed::event::Origin;

    fn burst(events: usize) -> Vec<Item> {
        let event = Event {
            origin: Origin::Channel { channel: Arc::from("c"), pid: 1 },
            at: Timestamp::UNIX_EPOCH,
            payload: "x".into(),
        };
        vec![Item::Event(event); events]
    }

    fn room_for(events: usize) -> usize {
        burst(events).iter().map(held_bytes).sum()
    }

    /// Admits that many events; returns what became of them, how many were let in, and what was told.
    fn admit(held: &Held, events: usize) -> (Admission, usize, Option<Overflow>) {
        let (mut let_in, mut told) = (0, None);
        let admission = held.admit(burst(events), |items| let_in = items.len(), |then| told = Some(then));
        (admission, let_in, told)
    }

    /// Releases that many events; returns the number that was told.
    fn release(held: &Held, events: usize) -> Option<u64> {
        let mut told = None;
        held.release(&burst(events), |dropped| told = Some(dropped));
        told
    }

    #[test]
    fn what_does_not_fit_stops_it() {
        let held = Held::new(room_for(3), Overflow::Stop);
        assert_eq!(admit(&held, 5), (Admission::Full, 3, Some(Overflow::Stop)));
    }

    #[test]
    fn drops_are_told_once_and_before_anything_new() {
        let held = Held::new(room_for(4), Overflow::Drop);
        assert_eq!(admit(&held, 6), (Admission::Dropping, 4, Some(Overflow::Drop)));
        assert_eq!(release(&held, 1), None);
        assert_eq!(admit(&held, 1), (Admission::Dropping, 0, None));
        assert_eq!(release(&held, 3), Some(3));
        assert_eq!(admit(&held, 1), (Admission::Whole, 1, None));
        assert_eq!((release(&held, 1), held.take_dropped(|n| n)), (None, None));
    }

    #[test]
    fn what_was_not_told_can_be_told_at_the_end() {
        let held = Held::new(room_for(1), Overflow::Drop);
        admit(&held, 3);
        assert_eq!((held.take_dropped(|n| n), held.take_dropped(|n| n)), (Some(2), None));
    }

    #[test]
    fn the_record_of_a_loss_cannot_overtake_what_was_before() {
        let held = Held::new(room_for(1), Overflow::Drop);
        let locked = || assert!(held.state.try_lock().is_err(), "a release could come in between");
        held.admit(burst(3), |_| locked(), |_| locked());
    }

    #[test]
    fn one_event_is_always_let_in() {
        let held = Held::new(1, Overflow::Stop);
        assert_eq!(admit(&held, 1), (Admission::Whole, 1, None));
    }
}
