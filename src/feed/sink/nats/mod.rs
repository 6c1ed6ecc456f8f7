//! The NATS sink: publishes to JetStream, and acknowledges what a stream has stored; or to core NATS, which stores nothing.

mod link;
mod options;
mod publish;
mod subject;

use std::sync::Arc;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;

use super::body;
use super::patience::Patience;
use super::registry::{Acknowledgement, Destination, Kind};
use super::target::Target;
use crate::error::Result;
use crate::feed::event::Item;
use crate::feed::{Outcome, Sink, Undelivered, Written};
use crate::stop::Stop;
use link::{Failed, Line, Link, not_accepted, within};
use options::Options;
use publish::{Message, Verdict};

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
    /// Publishes over a connection that is known to be good, or a new one.
    fn publish(&mut self, messages: &mut [Message]) -> Result<Result<Vec<Verdict>, String>> {
        let options = Arc::clone(&self.options);
        let mut patience = Patience::new(&self.stop, options.within);
        // What happened while nobody used it is no outage: a new connection will do.
        let link = self.link.take().and_then(|mut link| (!link.is_in_trouble()).then_some(link));
        let mut link = match link {
            Some(link) => link,
            None => match Link::open(&options, &mut patience) {
                Ok(link) => link,
                Err(Failed::Credentials) if !self.was_accepted => return Err(not_accepted(&options)),
                Err(Failed::Credentials) => return Ok(Err("the server no longer accepts the credentials".to_owned())),
                Err(Failed::Unavailable(why)) => return Ok(Err(why)),
            },
        };
        self.was_accepted = true;
        let judged = link.run(async |line| {
            let mut verdicts = publish::all(line, &options, messages, &mut patience).await?;
            settle_strays(line, &options, messages, &mut verdicts, &mut patience).await?;
            Ok(verdicts)
        });
        if judged.is_ok() {
            self.link = Some(link);
        }
        Ok(judged)
    }
}

impl Nats {
    /// What is not taken now comes again, and as long as anything is taken there is no outage: acknowledged at once, it need not
    /// be sent again, when the stream may have forgotten its id.
    fn outcome(&self, verdicts: Vec<Verdict>) -> Outcome {
        let (mut missing, mut later) = (Vec::new(), None);
        let count = verdicts.len();
        for (place, verdict) in verdicts.into_iter().enumerate() {
            match verdict {
                Verdict::Taken | Verdict::NoStream => {}
                Verdict::Refused(reason) => missing.push(Undelivered { place, reason: Some(reason) }),
                Verdict::Later(why) => {
                    later.get_or_insert(why);
                    missing.push(Undelivered { place, reason: None });
                }
            }
        }
        match later {
            Some(why) if missing.len() == count => Outcome::Unavailable(format!("{}: {why}", self.options.shown)),
            _ if missing.is_empty() => Outcome::Delivered,
            _ => Outcome::AllBut(missing),
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
        let verdicts = match self.publish(&mut messages)? {
            Ok(verdicts) => verdicts,
            Err(why) => return Ok(Outcome::Unavailable(format!("{}: {why}", self.options.shown))),
        };
        Ok(self.outcome(verdicts))
    }
}

/// Finds out why no stream took some messages: a stream that exists will never take other subjects than its own, so what an
/// event's own values have led there is refused. All else can be repaired, and is waited for.
async fn settle_strays(
    line: &Line,
    options: &Options,
    messages: &[Message],
    verdicts: &mut [Verdict],
    patience: &mut Patience,
) -> Result<(), String> {
    if !verdicts.contains(&Verdict::NoStream) {
        return Ok(());
    }
    let is_there = match &options.stream {
        None => false,
        Some(name) => match within(patience, line.jetstream().get_stream(name)).await?.map_err(|error| error.kind()) {
            Ok(_) => true,
            Err(GetStreamErrorKind::JetStream(error)) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => false,
            Err(error) => return Err(format!("looking for the stream \"{name}\": {error}")),
        },
    };
    let verdict_on = |subject: &str| match &options.stream {
        None => {
            Verdict::Later(format!("no stream takes the subject \"{subject}\" (stream=NAME&create=SUBJECTS makes one)"))
        }
        Some(name) if !is_there => Verdict::Later(format!("there is no stream \"{name}\" (create=SUBJECTS makes it)")),
        Some(name) => {
            let reason = format!("the stream \"{name}\" does not take the subject \"{subject}\"");
            if options.subject.is_the_same_for_all() { Verdict::Later(reason) } else { Verdict::Refused(reason) }
        }
    };
    for (verdict, message) in verdicts.iter_mut().zip(messages) {
        if *verdict == Verdict::NoStream {
            *verdict = verdict_on(&message.subject);
        }
    }
    Ok(())
}
