//! Tells people what happens to the feed that is served, and the clients of a queue as well.

use std::net::SocketAddr;

use crate::commands::ready::Ready;
use crate::error::Error;
use crate::feed::event::{Control, ControlKind};
use crate::feed::source::listen::{self, Overflow};
use crate::feed::source::queue;
use crate::term::Term;
use crate::units::show_duration;

/// Tells that clients are served, on stderr and to systemd.
pub fn ready(term: Term, what: &str, address: SocketAddr) {
    // In front of a stderr that nobody may read.
    let told = Ready::new(None).map(|ready| ready.tell());
    term.note(format!("serving {what} at http://{address}/"));
    told.into_iter().flatten().for_each(|why| term.warn(why));
}

/// Tells on stderr.
pub struct Watch {
    /// The terminal.
    pub term: Term,
}

impl listen::Observer for Watch {
    fn control(&mut self, control: &Control) {
        let detail = control.detail.as_deref().unwrap_or_default();
        match control.kind {
            ControlKind::Lost => self.term.warn(format!("connection lost: {detail}")),
            ControlKind::Gap => {
                let down = show_duration(control.down.unwrap_or_default());
                self.term.warn(format!("serving again, after a gap of {down}: what was sent in between is not known"));
            }
            ControlKind::Overflow => self.term.warn(detail),
            // Told when clients see it.
            ControlKind::Ready | ControlKind::Stopped => {}
        }
    }

    fn retrying(&mut self, error: &Error) {
        self.term.warn(format!("{error}; trying again"));
    }

    fn full(&mut self, _then: Overflow) {
        self.term.warn("the buffer is full: notifications are dropped until there is room");
    }
}

impl queue::Observer for Watch {
    fn lost(&self, error: &Error) {
        self.term.warn(format!("{error}; trying again"));
    }

    fn back(&self) {
        self.term.note("connected again: what others took from the queue in between was not shown");
    }

    fn buried(&self, _id: i64, _reason: &str) {}
}
