//! The NATS sink: publishes to JetStream, and acknowledges what a stream has stored; or to core NATS, which stores nothing.

pub(crate) mod link;
pub(crate) mod options;
pub(crate) mod publish;
pub(crate) mod subject;

use std::sync::Arc;

use super::body;
use super::judged;
use super::patience::Patience;
use super::registry::{Acknowledgement, Destination, Kind};
use super::target::Target;
use crate::error::{Error, Result};
use crate::feed::event::Item;
use crate::feed::{Outcome, Sink, Written};
use crate::stop::Stop;
use link::{Failed, Link};
use options::Options;
use publish::{Message, Publishing};

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: &["nats", "tls"],
    form: "nats://[USER:PASSWORD@ or TOKEN@]HOST[:PORT][,HOST...], and tls:// for an encrypted connection",
    about: "Publishes to NATS JetStream. Acknowledged when a stream has stored it. The header Nats-Msg-Id holds the event's\n\
            queue and id, so that the stream itself drops repetitions (within its duplicate window).",
    parameters: options::PARAMETERS,
    prepare,
};

struct Place(Arc<Options>);

fn prepare(target: Target, acknowledgement: Acknowledgement) -> Result<Box<dyn Destination>> {
    Ok(Box::new(Place(Arc::new(Options::of(target, acknowledgement)?))))
}

impl Destination for Place {
    fn open(&self, stop: &Stop) -> Result<Box<dyn Sink>> {
        let (options, stop) = (Arc::clone(&self.0), stop.clone());
        Ok(Box::new(Nats { options, stop, link: None, was_accepted: false, messages: Vec::new() }))
    }
}

/// A worker's part: a connection of its own.
struct Nats {
    options: Arc<Options>,
    stop: Stop,
    link: Option<Link>,
    /// Whether the server has ever accepted who we are.
    was_accepted: bool,
    messages: Vec<Message>,
}

impl Nats {
    /// A connection that is good, as far as is known.
    fn link(&mut self, patience: &mut Patience) -> Result<Result<Link, String>> {
        // What happened while nobody used it is no outage: a new connection will do.
        if let Some(mut link) = self.link.take()
            && !link.is_in_trouble()
        {
            return Ok(Ok(link));
        }
        match Link::open(&self.options, patience) {
            Ok(link) => {
                self.was_accepted = true;
                Ok(Ok(link))
            }
            Err(Failed::Unavailable(why)) => Ok(Err(why)),
            Err(Failed::NotAccepted) if self.was_accepted => {
                Ok(Err("the server no longer accepts the credentials".to_owned()))
            }
            Err(Failed::NotAccepted) => Err(Error::connection("the server does not accept the credentials")
                .doing(format!("connecting to {}", self.options.shown))
                .hint("user and password, or a token, stand in the URL, percent-encoded; a key in the file of nkey= or creds=")),
        }
    }
}

impl Sink for Nats {
    fn write(&mut self, item: &Item) -> Result<Written> {
        let Item::Event(event) = item else { return Ok(Written::Taken) };
        let subject = match subject::of(&self.options.subject, event) {
            Ok(subject) => subject,
            Err(why) => return Ok(Written::Refused(why)),
        };
        let message = Message { subject, id: body::message_id(event), body: self.options.body.of(item) };
        self.messages.push(message);
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        let mut messages = std::mem::take(&mut self.messages);
        if messages.is_empty() {
            return Ok(Outcome::Delivered);
        }
        let options = Arc::clone(&self.options);
        let mut patience = Patience::new(&self.stop, options.within);
        let mut link = match self.link(&mut patience)? {
            Ok(link) => link,
            Err(why) => return Ok(Outcome::Unavailable(format!("{}: {why}", options.shown))),
        };
        let mut publishing = Publishing::new(&options, &mut messages, &mut patience);
        let done = link.run(async |line| publishing.run(line).await);
        let judged = publishing.judged(done.as_ref().err().map_or("", String::as_str));
        if done.is_ok() {
            self.link = Some(link);
        }
        Ok(judged::outcome(judged, &options.shown))
    }
}
