//! The sink: what comes from the database goes into the log, from which every client reads.

use std::sync::Arc;

use super::log::Log;
use super::metrics::Metrics;
use crate::error::Result;
use crate::feed::event::{Control, ControlKind, Item};
use crate::feed::{Outcome, Refuses, Sink, Written};

/// Shows everything to whoever is there.
#[derive(Clone)]
pub struct Fan {
    log: Arc<Log>,
    metrics: Arc<Metrics>,
}

impl Fan {
    /// Writes to this log.
    pub fn new(log: Arc<Log>, metrics: Arc<Metrics>) -> Self {
        Self { log, metrics }
    }

    /// Tells all clients what happened to the feed, behind everything that was written so far.
    pub fn tell(&self, control: &Control) {
        if control.kind == ControlKind::Stopped {
            // Clients see the end of the server itself.
            return;
        }
        if control.kind == ControlKind::Gap {
            self.metrics.reconnected();
        }
        self.log.append(&Item::Control(for_strangers(control)));
        self.log.wake();
    }
}

/// Where the database is, and why it is away, is nothing for those who see its feed.
fn for_strangers(control: &Control) -> Control {
    let detail = control.detail.clone().filter(|_| !matches!(control.kind, ControlKind::Lost | ControlKind::Gap));
    Control { detail, ..control.clone() }
}

impl Sink for Fan {
    fn write(&mut self, item: &Item) -> Result<Written> {
        match item {
            Item::Control(control) => self.tell(control),
            Item::Event(_) => {
                self.metrics.received(1);
                self.log.append(item);
            }
        }
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        self.log.wake();
        Ok(Outcome::Delivered)
    }

    fn refuses(&self) -> Refuses {
        Refuses::Nothing
    }
}
