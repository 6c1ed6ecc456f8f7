//! The crash harness, into JetStream.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::crash::consumers::{Arrivals, Files};
use crate::crash::runs::Run;
use crate::harness::broker::nats::Nats;

/// A stream, and what was taken of it. The server is killed once as well.
struct Stream {
    nats: RefCell<Nats>,
    last: Cell<u64>,
    is_killed: Rc<Cell<bool>>,
}

/// When it holds so many messages, of about 2500.
const KILLED_AT: u64 = 500;

/// How many messages to take at once, each of which is a request: the producers may be faster.
const AT_ONCE: u64 = 500;

impl Arrivals for Stream {
    fn url(&self) -> String {
        self.nats.borrow().url("stream=S&subject=s.{key.key}")
    }

    fn take(&self) -> Vec<u8> {
        if self.last.get() >= KILLED_AT && !self.is_killed.get() {
            let mut nats = self.nats.borrow_mut();
            nats.process().kill();
            nats.again();
            self.is_killed.set(true);
        }
        let (stored, last) = self.nats.borrow().stored_behind("S", self.last.get(), AT_ONCE);
        self.last.set(last);
        stored.into_iter().flat_map(|message| (message.body + "\n").into_bytes()).collect()
    }
}

#[test]
fn kills_lose_nothing_and_keep_the_order_of_every_row() {
    let is_killed = Rc::new(Cell::new(false));
    let tally = Run::new(31, Files::OfSink, 4, 0).check_arrivals(|_| {
        let nats = Nats::start();
        let config = async_nats::jetstream::stream::Config {
            name: "S".into(),
            subjects: vec!["s.*".into()],
            ..Default::default()
        };
        nats.make_stream(config);
        let (nats, is_killed) = (RefCell::new(nats), Rc::clone(&is_killed));
        Some(Box::new(Stream { nats, last: Cell::new(0), is_killed }))
    });
    tally.is_clean();
    assert!(is_killed.get(), "it never held {KILLED_AT} messages");
}
