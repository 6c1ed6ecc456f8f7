//! Tells people what becomes of events: what was refused, and that nobody is there to take them.

use crate::feed::event::{Event, Origin};
use crate::feed::pump::Report;
use crate::term::Term;

/// Tells on stderr.
pub struct Told {
    /// The terminal.
    pub term: Term,
}

impl Report for Told {
    fn refused(&self, event: &Event, reason: &str) {
        self.term.warn(match &event.origin {
            Origin::Channel { channel, .. } => format!("a notification on {channel} was refused: {reason}"),
            Origin::Queue { queue, id, attempt, .. } => {
                format!("event {id} of queue {queue} was refused, attempt {attempt}: {reason}")
            }
        });
    }

    fn unavailable(&self, why: &str) {
        self.term.warn(format!("{why}; trying again"));
    }

    fn blocked(&self, why: &str, waiting: &[&Event]) {
        match waiting {
            [Event { origin: Origin::Queue { queue, id, .. }, .. }, others @ ..] => {
                let (more, wait) = match others.len() {
                    0 => (String::new(), "waits"),
                    more => (format!(" and {more} more"), "wait"),
                };
                self.term.warn(format!("{why}; trying again (event {id} of queue {queue}{more} {wait})"));
            }
            _ => self.unavailable(why),
        }
    }

    fn available(&self) {
        self.term.note("delivering again");
    }

    fn noticed(&self, what: &str) {
        self.term.warn(what);
    }
}
