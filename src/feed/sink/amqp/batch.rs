//! What became of the messages of one flush.

use std::collections::HashMap;

use lapin::Confirmation;
use lapin::message::BasicReturnMessage;

use super::message::Message;
use super::trouble::Trouble;
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
    /// No queue is bound for it.
    Returned,
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
            if !matches!(fate, Fate::Refused(_)) {
                *fate = Fate::Open;
            }
        }
    }

    /// Whether any came back.
    pub fn any_returned(&self) -> bool {
        self.fates.contains(&Fate::Returned)
    }

    /// Gives up on a message.
    pub fn refuse(&mut self, place: usize, reason: String) {
        self.fates[place] = Fate::Refused(reason);
    }

    /// Gives up on all open messages of this kind; returns whether there were any.
    pub fn refuse_those(&mut self, of_those: impl Fn(&Message) -> bool, reason: impl Fn(&Message) -> String) -> bool {
        let mut any = false;
        for (message, fate) in self.messages.iter().zip(&mut self.fates) {
            if *fate == Fate::Open && of_those(message) {
                *fate = Fate::Refused(reason(message));
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
                Some(place) => self.fates[place] = Fate::Returned,
                None => return Err(Trouble::Passing("it returned a message that is none of the last ones".to_owned())),
            }
        }
        Ok(())
    }

    /// What the pump is told. A queue that is missing, with one route for all events, is no event's fault; nor is a full one.
    pub fn outcome(self, is_one_route: bool, told: impl Fn(&str) -> String) -> Outcome {
        if is_one_route
            && let Some(message) = self.messages.first()
            && self.fates.iter().all(|fate| *fate == Fate::Returned)
        {
            return Outcome::Unavailable(told(&no_queue(message)));
        }
        let (mut missing, mut short) = (Vec::new(), None);
        for (place, (message, fate)) in self.messages.iter().zip(self.fates).enumerate() {
            let reason = match fate {
                Fate::Confirmed => continue,
                Fate::Refused(reason) => Some(reason),
                Fate::Returned if !is_one_route => Some(no_queue(message)),
                Fate::Returned => {
                    short.get_or_insert_with(|| told(&no_queue(message)));
                    None
                }
                Fate::Nacked | Fate::Open => {
                    short.get_or_insert_with(|| told(&no_room(message)));
                    None
                }
            };
            missing.push(Undelivered { place, reason });
        }
        match short {
            Some(why) => Outcome::Short(missing, why),
            None if missing.is_empty() => Outcome::Delivered,
            None => Outcome::AllBut(missing),
        }
    }
}

fn no_queue(message: &Message) -> String {
    match message.exchange.as_str() {
        "" => format!("there is no queue \"{}\" (NO_ROUTE)", message.key),
        exchange => {
            format!("no queue is bound to exchange \"{exchange}\" for routing key \"{}\" (NO_ROUTE)", message.key)
        }
    }
}

fn no_room(message: &Message) -> String {
    format!(
        "it does not take messages with routing key \"{}\" for now (nack: a queue is full, or not available)",
        message.key
    )
}
