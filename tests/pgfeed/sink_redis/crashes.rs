//! The crash harness, into a Redis Stream.

use std::cell::RefCell;

use crate::crash::consumers::{Arrivals, Files};
use crate::crash::runs::Run;
use crate::harness::broker::redis::Redis;

/// A stream, and from where on nothing was taken of it.
struct Stream {
    redis: Redis,
    from: RefCell<String>,
}

impl Arrivals for Stream {
    fn url(&self) -> String {
        self.redis.url("stream=s")
    }

    fn take(&self) -> Vec<u8> {
        let (entries, last) = self.redis.entries_from("s", &self.from.borrow());
        if let Some(last) = last {
            *self.from.borrow_mut() = format!("({last}");
        }
        entries.into_iter().flat_map(|entry| (entry.body + "\n").into_bytes()).collect()
    }
}

#[test]
fn kills_lose_nothing_and_keep_the_order_of_every_row() {
    let run = Run::new(41, Files::OfSink, 4, 0);
    let tally =
        run.check_arrivals(|_| Some(Box::new(Stream { redis: Redis::start(), from: RefCell::new("-".to_owned()) })));
    tally.is_clean();
}
