//! What became of the messages of one flush.

use std::collections::HashMap;

use lapin::Confirmation;
use lapin::message::BasicReturnMessage;

use super::message::Message;
use super::trouble::Trouble;
use crate::feed::sink::dead_ends::DeadEnds;
use crate::feed::{Outcome, Undelivered};

/// Messages, each with what is known of it.
pub struct Batch {
    pub messages: Vec<Message>,
    fates: Vec<Fate>,
    /// What came back. The library hands each to whichever confirmation comes next (lapin 4.12), so they are told apart at the end.
    returned: Vec<BasicReturnMessage>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// It was not published, or nobody knows what became of it.
    Open,
    Confirmed,
    /// The broker had no room for it.
    Nacked,
    /// Where it goes there is nothing, for this reason.
    Nowhere(String),
    /// It can never be delivered as it is.
    Refused(String),
}

impl Batch {
    /// Begins with nothing known.
    pub fn of(messages: Vec<Message>) -> Self {
        let fates = vec![Fate::Open; messages.len()];
        Self { messages, fates, returned: Vec::new() }
    }

    /// Whether this one is still to be published.
    pub fn is_open(&self, place: usize) -> bool {
        self.fates[place] == Fate::Open
    }

    /// Takes note of the broker's answer.
    pub fn confirm(&mut self, place: usize, confirmation: Confirmation) {
        self.fates[place] = if confirmation.is_nack() { Fate::Nacked } else { Fate::Confirmed };
        self.returned.extend(confirmation.take_message());
    }

    /// Forgets what was confirmed, after trouble: what came back is known only once every confirmation is there.
    pub fn forget(&mut self) {
        self.returned.clear();
        for fate in &mut self.fates {
            if !matches!(fate, Fate::Refused(_) | Fate::Nowhere(_)) {
                *fate = Fate::Open;
            }
        }
    }

    /// Whether there is nothing where one of them goes.
    pub fn any_leads_nowhere(&self) -> bool {
        self.fates.iter().any(|fate| matches!(fate, Fate::Nowhere(_)))
    }

    /// There is nothing where this one goes.
    pub fn leads_nowhere(&mut self, place: usize, why: String) {
        self.fates[place] = Fate::Nowhere(why);
    }

    /// There is nothing where all open messages of this kind go; returns whether there were any.
    pub fn lead_nowhere(&mut self, of_those: impl Fn(&Message) -> bool, why: &str) -> bool {
        self.settle_those(of_those, |_| Fate::Nowhere(why.to_owned()))
    }

    /// Gives up on a message.
    pub fn refuse(&mut self, place: usize, reason: String) {
        self.fates[place] = Fate::Refused(reason);
    }

    /// Gives up on all open messages of this kind; returns whether there were any.
    pub fn refuse_those(&mut self, of_those: impl Fn(&Message) -> bool, reason: impl Fn(&Message) -> String) -> bool {
        self.settle_those(of_those, |message| Fate::Refused(reason(message)))
    }

    fn settle_those(&mut self, of_those: impl Fn(&Message) -> bool, settled: impl Fn(&Message) -> Fate) -> bool {
        let mut any = false;
        for (message, fate) in self.messages.iter().zip(&mut self.fates) {
            if *fate == Fate::Open && of_those(message) {
                *fate = settled(message);
                any = true;
            }
        }
        any
    }

    /// Finds out which messages came back, once all are confirmed: each comes back before its confirmation.
    ///
    /// # Errors
    /// When it is none of these: then nothing is known.
    pub fn sort_returned(&mut self) -> Result<(), Trouble> {
        if self.returned.is_empty() {
            return Ok(());
        }
        let id = |message: &Message| message.properties.message_id().clone();
        let places: HashMap<_, _> =
            self.messages.iter().enumerate().filter_map(|(place, message)| Some((id(message)?, place))).collect();
        for returned in std::mem::take(&mut self.returned) {
            let place = match returned.properties.message_id() {
                Some(id) => places.get(id).copied(),
                // A notification: of equal ones, any.
                None => (0..self.messages.len()).find(|place| {
                    let message = &self.messages[*place];
                    self.fates[*place] == Fate::Confirmed
                        && (&message.exchange, &message.key) == (&returned.exchange, &returned.routing_key)
                        && message.body == returned.data
                }),
            };
            match place {
                Some(place) => self.fates[place] = Fate::Nowhere(no_queue(&self.messages[place])),
                None => return Err(Trouble::Passing("it returned a message that is none of the last ones".to_owned())),
            }
        }
        Ok(())
    }

    /// What the pump is told. That there is nothing where messages go is no event's fault, unless their own values lead there (then
    /// there are `dead_ends`) and others arrive elsewhere. Nor is a full queue.
    pub fn outcome(self, dead_ends: Option<&DeadEnds>, told: impl Fn(&str) -> String) -> Outcome {
        let arrived = || self.messages.iter().zip(&self.fates).filter(|(_, fate)| **fate == Fate::Confirmed);
        let any_arrived = arrived().next().is_some();
        if let Some(dead_ends) = dead_ends {
            dead_ends.reached(arrived().map(|(message, _)| route(message)));
        }
        let is_dead_end = |message| dead_ends.is_some_and(|known| known.is_one(&route(message), any_arrived));
        let (mut missing, mut short, mut has_room) = (Vec::new(), None, true);
        for (place, (message, fate)) in self.messages.iter().zip(&self.fates).enumerate() {
            let reason = match fate {
                Fate::Confirmed => continue,
                Fate::Refused(reason) => Some(reason.clone()),
                Fate::Nowhere(why) if is_dead_end(message) => Some(why.clone()),
                Fate::Nowhere(why) => {
                    short.get_or_insert_with(|| told(why));
                    None
                }
                Fate::Nacked | Fate::Open => {
                    has_room = false;
                    short.get_or_insert_with(|| told(&no_room(message)));
                    None
                }
            };
            missing.push(Undelivered { place, reason });
        }
        let is_none_judged = !any_arrived && missing.iter().all(|one| one.reason.is_none());
        match short {
            // Other routes may lead elsewhere.
            Some(why) if dead_ends.is_some() => Outcome::Blocked(missing, why),
            Some(why) if has_room && is_none_judged => Outcome::Unavailable(why),
            Some(why) => Outcome::Short(missing, why),
            None if missing.is_empty() => Outcome::Delivered,
            None => Outcome::AllBut(missing),
        }
    }
}

/// Where a message goes.
fn route(message: &Message) -> String {
    format!("{}\0{}", message.exchange, message.key)
}

fn no_queue(message: &Message) -> String {
    match message.exchange.as_str() {
        "" => format!("there is no queue \"{}\" (NO_ROUTE; declare=queue makes it)", message.key),
        exchange => format!(
            "no queue is bound to exchange \"{exchange}\" for routing key \"{}\" (NO_ROUTE; bind one, or have such messages dropped \
             with mandatory=no)",
            message.key
        ),
    }
}

fn no_room(message: &Message) -> String {
    format!(
        "it does not take messages with routing key \"{}\" for now (nack: a queue is full, or not available)",
        message.key
    )
}
