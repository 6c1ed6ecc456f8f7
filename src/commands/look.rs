//! Looks at a queue, for whoever shows what is in it: everything that is there, then what is added. Nothing is taken.

use std::sync::Arc;
use std::time::Duration;

use crate::connection::{Connection, Settings};
use crate::error::Result;
use crate::feed::Sink;
use crate::feed::limits::{End, Meter};
use crate::feed::pump::{OnRefusal, Pump, Report};
use crate::feed::source::peek::PeekSource;
use crate::feed::source::queue::Observer;
use crate::feed::source::records::Records;
use crate::queue::doorbell::{Bell, For, Options};
use crate::queue::{Peek, Queue};
use crate::stop::{Stop, StopReason};

/// How to look.
pub struct Look<'a> {
    /// At what.
    pub queue: &'a Queue,
    /// For the connections that are made when one is lost, and for the one that hears the bell.
    pub settings: Settings,
    /// What is told of the connection in control records, if anybody wants them.
    pub records: Option<Arc<Records>>,
    /// How often to look even without a bell.
    pub poll: Duration,
    /// Whether an empty queue is the end.
    pub ends: bool,
    /// Most events shown together.
    pub batch: usize,
    /// Most bytes of payload shown together, about; one event always is.
    pub bytes: usize,
    /// When to stop by itself.
    pub meter: &'a Meter,
    /// The wish to stop.
    pub stop: &'a Stop,
}

impl Look<'_> {
    /// Looks with a connection, until a limit or a stop; `ready` is called when everything that follows is seen.
    ///
    /// # Errors
    /// What the server says, and what the sink could not cope with.
    pub fn run(
        self,
        mut connection: Connection,
        observer: Box<dyn Observer>,
        sink: &mut dyn Sink,
        report: &dyn Report,
        ready: impl FnOnce(),
    ) -> Result<End> {
        let Self { queue, settings, records, poll, ends, batch, bytes, meter, stop } = self;
        let peek = Peek::new(&mut connection, queue)?;
        let options = Options { what: For::Unseen(peek.seen()), workers: 1, poll, ends };
        let (bell, waiting) = Bell::start(settings.clone(), queue.clone(), options, stop);
        ready();
        let source = PeekSource::new(settings, connection, peek, queue, bell, observer, stop);
        let pump = Pump {
            source: &mut source.with_bytes(bytes).with_records(records),
            sink,
            meter,
            batch,
            on_refusal: OnRefusal::GoOn,
            report,
            stop,
        };
        let end = pump.run();
        stop.request(StopReason::Finished);
        drop(waiting);
        end
    }
}
