//! Some events of a queue, which stand for all: what is published has their sizes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::BATCH;
use crate::bench::Bench;
use crate::error::Result;
use crate::feed::event::{Event, Item};
use crate::feed::source::queue::item;
use crate::queue::{Peek, Queue};

/// Events, and the name of the place that is not the sink's.
#[derive(Clone)]
pub struct Sample {
    items: Arc<[Item]>,
    /// The queue that they are of.
    pub queue: Arc<str>,
    /// Letters, digits and underscores, which nobody else uses.
    pub place: String,
}

impl Sample {
    /// Events that are enough.
    pub const ENOUGH: u64 = BATCH;

    /// Looks at the first events of a queue, and takes none.
    ///
    /// # Errors
    /// What the server says.
    pub fn of(bench: &Bench, queue: &Queue) -> Result<Self> {
        let mut connection = bench.place.connect()?;
        let events = usize::try_from(Self::ENOUGH).unwrap_or(usize::MAX);
        let taken = Peek::new(&mut connection, queue)?.next(&mut connection, events, usize::MAX)?;
        let name: Arc<str> = Arc::from(queue.name.as_str());
        let items = taken.into_iter().map(|event| item(&name, event)).collect();
        Ok(Self { items, queue: name, place: format!("{}_alone", bench.place.schema()) })
    }

    /// The same for a place that no publisher has had before: an endpoint would know the messages again.
    pub fn elsewhere(&self) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Self { place: format!("{}_{}", self.place, NEXT.fetch_add(1, Ordering::Relaxed)), ..self.clone() }
    }

    /// What is made of each event.
    ///
    /// # Errors
    /// Those of making it.
    pub fn map<T>(&self, make: impl Fn(&Item, &Event) -> Result<T>) -> Result<Vec<T>> {
        let events = self.items.iter().filter_map(|item| match item {
            Item::Event(event) => Some(make(item, event)),
            Item::Control(_) => None,
        });
        events.collect()
    }
}

/// What a message with this number is like: one after the other, from the beginning again.
pub fn nth<T>(samples: &[T], number: u64) -> &T {
    &samples[usize::try_from(number % samples.len() as u64).expect("it is less than the length")]
}
