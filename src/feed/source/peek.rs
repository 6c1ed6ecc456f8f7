//! The looking source: shows the events of a queue, and takes none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::queue::{Observer, item};
use super::records::{self, Records};
use crate::backoff::Backoff;
use crate::connection::{Allowance, Connection, Settings, is_transient};
use crate::error::Result;
use crate::feed::event::Item;
use crate::feed::{Poll, Settled, Source, Undelivered};
use crate::queue::doorbell::{Bell, Waiting};
use crate::queue::{Peek, Queue, Taken};
use crate::stop::Stop;

/// Shows what is there, then what is added.
pub struct PeekSource {
    settings: Settings,
    allowance: Allowance,
    /// None after it was lost.
    connection: Option<Connection>,
    peek: Peek,
    /// About the most bytes of payload in a batch.
    bytes: usize,
    queue: Queue,
    name: Arc<str>,
    bell: Arc<Bell>,
    kick: u64,
    backoff: Backoff,
    observer: Box<dyn Observer>,
    /// Where somebody wants control records.
    records: Option<Arc<Records>>,
    stop: Stop,
}

impl PeekSource {
    /// Looks with `peek`, whose statements belong to `connection`.
    pub fn new(
        settings: Settings,
        connection: Connection,
        peek: Peek,
        queue: &Queue,
        bell: Arc<Bell>,
        observer: Box<dyn Observer>,
        stop: &Stop,
    ) -> Self {
        let allowance = Allowance::default();
        Self {
            settings,
            connection: Some(connection.allowing(&allowance)),
            allowance,
            peek,
            bytes: usize::MAX,
            queue: queue.clone(),
            name: Arc::from(queue.name.as_str()),
            bell,
            kick: 0,
            backoff: Backoff::new(),
            observer,
            records: None,
            stop: stop.clone(),
        }
    }

    /// Shows about so many bytes of payload together, at most.
    #[must_use]
    pub fn with_bytes(self, bytes: usize) -> Self {
        Self { bytes, ..self }
    }

    /// Tells of its connection in control records too.
    #[must_use]
    pub fn with_records(self, records: Option<Arc<Records>>) -> Self {
        Self { records, ..self }
    }

    fn look(&mut self, max: usize) -> Result<Vec<Taken>> {
        if let Some(connection) = &mut self.connection {
            return self.peek.next(connection, max, self.bytes);
        }
        let mut connection = Connection::open(&self.settings)?.allowing(&self.allowance);
        self.peek.go_on_with(&mut connection, &self.queue)?;
        let events = self.peek.next(&mut connection, max, self.bytes)?;
        self.connection = Some(connection);
        self.backoff.reset();
        self.observer.back();
        self.records.iter().for_each(|records| records.back());
        Ok(events)
    }
}

impl Source for PeekSource {
    fn poll(&mut self, wait: Duration, max: usize) -> Result<Poll> {
        let until = Instant::now() + wait;
        loop {
            let records = records::waiting(self.records.as_deref(), max);
            if !records.is_empty() {
                return Ok(Poll::Batch(records));
            }
            let events = match self.look(max) {
                Ok(events) => events,
                Err(error) if is_transient(&error) => {
                    if self.connection.take().is_some() {
                        self.observer.lost(&error);
                        self.records.iter().for_each(|records| records.lost(&error));
                    }
                    self.stop.pause(self.backoff.wait().min(until.saturating_duration_since(Instant::now())));
                    return Ok(Poll::Idle);
                }
                Err(error) => return Err(error),
            };
            // That the connection is back comes before what it has brought.
            let mut batch = records::waiting(self.records.as_deref(), max);
            batch.extend(events.into_iter().map(|event| item(&self.name, event)));
            if !batch.is_empty() {
                return Ok(Poll::Batch(batch));
            }
            match self.bell.wait(self.kick, until.saturating_duration_since(Instant::now())) {
                Waiting::Kicked(kick) => self.kick = kick,
                Waiting::Emptied => return Ok(Poll::Ended),
                Waiting::Failed(error) => return Err(error),
                Waiting::TimedOut => return Ok(Poll::Idle),
            }
        }
    }

    fn settle(&mut self, _batch: Vec<Item>, _undelivered: &[Undelivered]) -> Result<Settled> {
        Ok(Settled::Recorded)
    }

    fn give_back(&mut self, _batch: Vec<Item>, _wait: Duration) -> Result<()> {
        Ok(())
    }
}
