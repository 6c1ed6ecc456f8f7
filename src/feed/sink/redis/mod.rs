//! The Redis sink: adds events to streams, in transactions; or publishes them on channels, which keep nothing.

mod link;
pub(crate) mod options;
mod wire;

use std::sync::Arc;

use redis::{ServerError, Value};

use super::judged::{self, Judged, Places};
use super::patience::Patience;
use super::proven::Proven;
use super::registry::{Acknowledgement, Destination, Kind};
use super::target::Target;
use crate::error::{Error, Result};
use crate::feed::event::Item;
use crate::feed::{Outcome, Refuses, Sink, Undelivered, Written};
use crate::stop::Stop;
use link::{Failed, LONGEST, Link, Undone, text};
use options::{Options, Place};

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: &["redis", "rediss"],
    form: "redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], and rediss:// for an encrypted connection",
    about: "Adds to Redis Streams. Acknowledged when the server has added it; whether that survives the server's own crash is\n\
            decided by its persistence (appendfsync). A repetition after a crash is a second entry with the same field id.",
    parameters: options::PARAMETERS,
    prepare,
};

/// The server does nothing else during a transaction: commands in one, and bytes.
const COMMANDS: usize = 500;
const BYTES: usize = 4 << 20;

struct Destined {
    options: Arc<Options>,
    proven: Proven,
}

fn prepare(target: Target, acknowledgement: Acknowledgement) -> Result<Box<dyn Destination>> {
    let options = Arc::new(Options::of(target, acknowledgement)?);
    Ok(Box::new(Destined { options, proven: Proven::default() }))
}

impl Destination for Destined {
    fn open(&self, stop: &Stop) -> Result<Box<dyn Sink>> {
        let (options, proven, stop) = (Arc::clone(&self.options), self.proven.clone(), stop.clone());
        Ok(Box::new(Redis {
            options,
            proven,
            stop,
            link: None,
            longest: LONGEST,
            commands: Vec::new(),
            written: Vec::new(),
            largest: 0,
        }))
    }
}

/// A worker's part: a connection of its own.
struct Redis {
    options: Arc<Options>,
    /// Whether the server has ever accepted who we are.
    proven: Proven,
    stop: Stop,
    link: Option<Link>,
    /// The longest value that the server takes, as far as is known, in bytes.
    longest: usize,
    /// The commands that were written since the last flush.
    commands: Vec<u8>,
    written: Vec<Command>,
    /// The length of the longest value in them, in bytes.
    largest: usize,
}

/// One of the commands.
struct Command {
    /// Where it ends.
    end: usize,
    /// The name of the stream or channel.
    name: Box<str>,
}

impl Redis {
    /// A connection that is good, as far as is known.
    fn link(&mut self) -> Result<Result<Link, String>> {
        let patience = Patience::new(&self.stop, self.options.within);
        // What was closed while nobody used it is no outage: a new connection will do.
        if let Some(mut link) = self.link.take().filter(|link| !link.wire.is_closed()) {
            link.wire.be_patient(patience);
            return Ok(Ok(link));
        }
        match Link::open(&self.options, patience) {
            Ok(link) => {
                self.proven.prove();
                self.longest = link.longest;
                Ok(Ok(link))
            }
            Err(Failed::Unavailable(why)) => Ok(Err(why)),
            Err(Failed::NotAccepted(why)) if self.proven.is_proven() => Ok(Err(why)),
            Err(Failed::NotAccepted(why)) => Err(Error::connection(why)
                .doing(format!("connecting to {}", self.options.shown))
                .hint("user, password and database stand in the URL, percent-encoded (--to-file keeps it out of the list of processes); the user needs the commands XADD, MULTI and EXEC")),
        }
    }

    fn deliver(&mut self) -> Result<Outcome> {
        let shown = self.options.shown.clone();
        let told = |why: String| format!("{shown}: {why}");
        let mut link = match self.link()? {
            Ok(link) => link,
            Err(why) => return Ok(Outcome::Unavailable(told(why))),
        };
        if self.largest > self.longest {
            // Known only now. All come again, and what is too long is refused when it is written.
            self.link = Some(link);
            let all = (0..self.written.len()).map(|place| Undelivered { place, reason: None });
            return Ok(Outcome::AllBut(all.collect()));
        }
        let mut judged = Vec::with_capacity(self.written.len());
        let sent = self.send(&mut link, &mut judged);
        if !matches!(sent, Err(Undone::Unknown(_))) {
            self.link = Some(link);
        }
        if let Err(undone) = sent {
            let why = match undone {
                Undone::Nothing(error, place) => self.said(place.map(|place| judged.len() + place), &error),
                Undone::Unknown(why) => why,
            };
            judged.resize_with(self.written.len(), || Judged::Later(why.clone()));
        }
        Ok(judged::outcome(judged, Places::One, &shown))
    }

    /// Sends the commands in pieces, and goes no further than the first trouble: what follows must not be done before what it
    /// follows.
    fn send(&self, link: &mut Link, judged: &mut Vec<Judged>) -> Result<(), Undone> {
        while judged.len() < self.written.len() {
            let first = judged.len();
            let start = first.checked_sub(1).map_or(0, |before| self.written[before].end);
            let rest = self.written[first..].iter().take(COMMANDS);
            let fitting = rest.take_while(|command| command.end - start <= BYTES).count().max(1);
            let piece = &self.commands[start..self.written[first + fitting - 1].end];
            let replies = match self.options.place {
                Place::Stream { .. } => link.transaction(piece, fitting)?,
                Place::Channel(_) => link.one_by_one(piece, fitting)?,
            };
            judged.extend(replies.iter().zip(first..).map(|(reply, place)| self.judge(place, reply)));
        }
        Ok(())
    }

    /// What one reply means. In a transaction that was done, only the key itself can be wrong: one that an event's own values
    /// have chosen is its fault.
    fn judge(&self, place: usize, reply: &Value) -> Judged {
        match reply {
            Value::ServerError(error) if error.code() == "WRONGTYPE" && !self.options.place.is_the_same_for_all() => {
                Judged::Refused(self.said(Some(place), error))
            }
            Value::ServerError(error) => Judged::Later(self.said(Some(place), error)),
            _ => Judged::Taken,
        }
    }

    /// What the server says of a command, with the name that it leaves out.
    fn said(&self, place: Option<usize>, error: &ServerError) -> String {
        let said = text(error);
        match place.map(|place| &self.written[place].name).filter(|_| ["WRONGTYPE", "NOPERM"].contains(&error.code())) {
            Some(name) => format!("{} \"{name}\": {said}", self.options.place.kind()),
            None => said,
        }
    }
}

impl Sink for Redis {
    fn write(&mut self, item: &Item) -> Result<Written> {
        let Item::Event(event) = item else { return Ok(Written::Taken) };
        let (name, length) = match self.options.append_command(&mut self.commands, item, event, self.longest) {
            Ok(appended) => appended,
            Err(why) => return Ok(Written::Refused(why)),
        };
        self.largest = self.largest.max(length);
        self.written.push(Command { end: self.commands.len(), name });
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        if self.written.is_empty() {
            return Ok(Outcome::Delivered);
        }
        let outcome = self.deliver();
        self.commands.clear();
        self.written.clear();
        self.largest = 0;
        outcome
    }

    fn refuses(&self) -> Refuses {
        if self.options.place.is_the_same_for_all() { Refuses::Nothing } else { Refuses::Events }
    }
}
