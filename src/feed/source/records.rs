//! Control records of a feed from a queue, shared by its workers: whoever is asked next hands them over.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use crate::error::Error;
use crate::feed::event::{Control, ControlKind, Item};

/// What the workers have to tell of their connections.
#[derive(Debug)]
pub struct Records {
    queue: Arc<str>,
    back: ControlKind,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Control>,
    /// Workers without a connection.
    lost: usize,
    since: Instant,
}

/// The records that nobody has handed over yet, for whoever may hand over `max` items; whoever may hand over nothing gets none.
pub fn waiting(records: Option<&Records>, max: usize) -> Vec<Item> {
    records.filter(|_| max > 0).map(Records::take).unwrap_or_default()
}

impl Records {
    /// Of a feed that is live now. `back` is what a connection that is back means: ready where everything has waited, a gap where
    /// something may have been missed.
    pub fn new(queue: &str, back: ControlKind) -> Self {
        let queue: Arc<str> = Arc::from(queue);
        let ready = Control::of_queue(ControlKind::Ready, &queue, None, None);
        let state = State { waiting: VecDeque::from([ready]), lost: 0, since: Instant::now() };
        Self { queue, back, state: Mutex::new(state) }
    }

    /// A worker has lost its connection; the first one is told.
    pub fn lost(&self, error: &Error) {
        let mut state = self.lock();
        state.lost += 1;
        if state.lost == 1 {
            state.since = Instant::now();
            let record = Control::of_queue(ControlKind::Lost, &self.queue, None, Some(error.to_string()));
            state.waiting.push_back(record);
        }
    }

    /// A worker has a connection again; the last one is told.
    pub fn back(&self) {
        let mut state = self.lock();
        state.lost = state.lost.saturating_sub(1);
        if state.lost == 0 {
            let record = Control::of_queue(self.back, &self.queue, Some(state.since.elapsed()), None);
            state.waiting.push_back(record);
        }
    }

    fn take(&self) -> Vec<Item> {
        self.lock().waiting.drain(..).map(Item::Control).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while it holds the state")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(records: &Records) -> Vec<ControlKind> {
        let kind = |item| match item {
            Item::Control(control) => control.kind,
            Item::Event(_) => unreachable!("records are no events"),
        };
        records.take().into_iter().map(kind).collect()
    }

    #[test]
    fn workers_that_lose_their_connections_together_are_one_outage() {
        let records = Records::new("q", ControlKind::Ready);
        assert_eq!(kinds(&records), [ControlKind::Ready]);
        let error = Error::connection("gone");
        records.lost(&error);
        records.lost(&error);
        records.back();
        assert_eq!(kinds(&records), [ControlKind::Lost]);
        records.back();
        assert_eq!(kinds(&records), [ControlKind::Ready]);
        assert_eq!(kinds(&records), []);
    }
}
