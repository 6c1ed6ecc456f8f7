//! The NATS sink: publishes to JetStream, and acknowledges what a stream has stored; or to core NATS, which stores nothing.

pub(crate) mod link;
mod message;
pub(crate) mod options;
pub(crate) mod publish;
pub(crate) mod subject;

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

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
use link::{Busy, Failed, Line, Link};
use message::Message;
use options::Options;
use publish::{Published, Publishing};

/// So many messages are handed to the connection's thread at once: to wake it for each would cost more than the message does.
const HANDFUL: usize = 64;

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
        Ok(Box::new(Nats {
            options,
            proven,
            dead_ends,
            stop: stop.clone(),
            link: None,
            round: None,
            messages: Vec::new(),
        }))
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
    /// None while it is published over.
    link: Option<Link>,
    round: Option<Round>,
    /// What was written and not handed over yet.
    messages: Vec<Message>,
}

/// What happens between the first message and the flush.
enum Round {
    /// They are published while others are written.
    Publishing { messages: UnboundedSender<Vec<Message>>, busy: Busy<(Line, Published)> },
    /// There is no connection, for this reason.
    Unavailable(String),
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

    /// Hands what was written to the connection's thread, and begins a round with it where there is none.
    fn hand_over(&mut self) -> Result<()> {
        let round = match self.round.take() {
            Some(round) => round,
            None => self.begin()?,
        };
        let written = std::mem::take(&mut self.messages);
        if let Round::Publishing { messages, .. } = &round {
            messages.send(written).expect("it takes messages until there are no more");
        }
        self.round = Some(round);
        Ok(())
    }

    /// Lets the connection's thread publish what comes, if there is a connection.
    fn begin(&mut self) -> Result<Round> {
        let mut patience = Patience::new(&self.stop, self.options.within);
        let link = match self.link(&mut patience)? {
            Ok(link) => link,
            Err(why) => return Ok(Round::Unavailable(why)),
        };
        let (messages, written) = unbounded_channel();
        let (options, dead_ends) = (Arc::clone(&self.options), Arc::clone(&self.dead_ends));
        let publishing = Publishing::new(options, dead_ends, patience, written);
        let busy = link.start(async move |mut line| {
            let done = publishing.run(&mut line).await;
            (line, done)
        });
        Ok(Round::Publishing { messages, busy })
    }
}

impl Sink for Nats {
    fn write(&mut self, item: &Item) -> Result<Written> {
        let Item::Event(event) = item else { return Ok(Written::Taken) };
        match Message::of(event, item, &self.options) {
            Ok(message) => self.messages.push(message),
            Err(why) => return Ok(Written::Refused(why)),
        }
        if self.messages.len() >= HANDFUL {
            self.hand_over()?;
        }
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        if !self.messages.is_empty() {
            self.hand_over()?;
        }
        let Self { options, .. } = self;
        let (messages, busy) = match self.round.take() {
            None => return Ok(Outcome::Delivered),
            Some(Round::Unavailable(why)) => return Ok(Outcome::Unavailable(format!("{}: {why}", options.shown))),
            Some(Round::Publishing { messages, busy }) => (messages, busy),
        };
        drop(messages);
        let (link, Published { judged, is_line_good }) = busy.end();
        // Where the connection is lost, nothing is taken anywhere.
        let places = if is_line_good && !options.subject.is_the_same_for_all() { Places::Many } else { Places::One };
        self.link = is_line_good.then_some(link);
        Ok(judged::outcome(judged, places, &options.shown))
    }
}
