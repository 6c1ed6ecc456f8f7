//! The NATS sink: publishes to JetStream, and acknowledges what a stream has stored; or to core NATS, which stores nothing.

pub(crate) mod link;
pub(crate) mod options;
pub(crate) mod publish;
pub(crate) mod subject;

use std::sync::Arc;

use super::body;
use super::dead_ends::DeadEnds;
use super::judged::{self, Places};
use super::patience::Patience;
use super::proven::Proven;
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
    about: "Publishes to NATS JetStream. Acknowledged when a stream has stored it. The header Nats-Msg-Id is QUEUE:ID:MICROSECONDS,\n\
            so that the stream itself drops repetitions (within its duplicate window).",
    parameters: options::PARAMETERS,
    prepare,
};

struct Place {
    options: Arc<Options>,
    proven: Proven,
    dead_ends: Arc<DeadEnds>,
}

fn prepare(target: Target, acknowledgement: Acknowledgement) -> Result<Box<dyn Destination>> {
    let options = Arc::new(Options::of(target, acknowledgement)?);
    Ok(Box::new(Place { options, proven: Proven::default(), dead_ends: Arc::default() }))
}

impl Destination for Place {
    fn open(&self, stop: &Stop) -> Result<Box<dyn Sink>> {
        let Self { options, proven, dead_ends } = self;
        let (options, proven, dead_ends) = (Arc::clone(options), proven.clone(), Arc::clone(dead_ends));
        Ok(Box::new(Nats { options, proven, dead_ends, stop: stop.clone(), link: None, messages: Vec::new() }))
    }
}

/// A worker's part: a connection of its own.
struct Nats {
    options: Arc<Options>,
    /// Whether the server has ever accepted who we are.
    proven: Proven,
    /// Subjects that we may not publish to.
    dead_ends: Arc<DeadEnds>,
    stop: Stop,
    link: Option<Link>,
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
                self.proven.prove();
                Ok(Ok(link))
            }
            Err(Failed::Unavailable(why)) => Ok(Err(why)),
            Err(Failed::NotAccepted) if self.proven.is_proven() => {
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
        let dead_ends = Arc::clone(&self.dead_ends);
        let mut publishing = Publishing::new(&options, &mut messages, &mut patience, &dead_ends);
        let done = link.run(async |line| publishing.run(line).await);
        let judged = publishing.judged(done.as_ref().err().map_or("", String::as_str));
        // Where the connection is lost, nothing is taken anywhere.
        let places = if done.is_ok() && !options.subject.is_the_same_for_all() { Places::Many } else { Places::One };
        if done.is_ok() {
            self.link = Some(link);
        }
        Ok(judged::outcome(judged, places, &options.shown))
    }
}
