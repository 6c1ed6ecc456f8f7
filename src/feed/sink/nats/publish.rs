//! Publishes the messages of one flush while they are written, and finds out what became of each.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::{Message as Answer, StatusCode};
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::yield_now;

use super::link::{Heard, Line, denial, within};
use super::message::{Fate, Message};
use super::options::{Mode, Options};
use super::subject;
use crate::feed::sink::dead_ends::DeadEnds;
use crate::feed::sink::judged::Judged;
use crate::feed::sink::patience::Patience;

/// How many messages may wait for their acknowledgements. The library queues up to 2048 before it makes anybody wait, so that
/// nothing here waits for a server that has stopped reading but under [`Line::hear`]'s eyes.
pub(crate) const WINDOW: usize = 1024;
/// What to do where we may not publish.
const ALLOW_IT: &str = " (allow it in the user's permissions)";

/// The messages of one flush on their way.
pub struct Publishing {
    options: Arc<Options>,
    dead_ends: Arc<DeadEnds>,
    patience: Patience,
    /// What the feed writes, while what it has written before is published.
    written: UnboundedReceiver<Vec<Message>>,
    messages: Vec<Message>,
    /// How many were sent, or never will be.
    passed: usize,
    /// Of how many that were sent nothing is known.
    open: usize,
    /// What the server has said of subjects that we may not publish to.
    denials: HashSet<String>,
}

/// What publishing has come to.
pub struct Published {
    /// What became of each message, in their order.
    pub judged: Vec<Judged>,
    /// Whether the connection is as good as before.
    pub is_line_good: bool,
}

impl Publishing {
    /// Nothing is sent yet. What is to be published comes through `written`, until that is closed.
    pub fn new(
        options: Arc<Options>,
        dead_ends: Arc<DeadEnds>,
        patience: Patience,
        written: UnboundedReceiver<Vec<Message>>,
    ) -> Self {
        let (messages, denials) = (Vec::new(), HashSet::new());
        Self { options, dead_ends, patience, written, messages, passed: 0, open: 0, denials }
    }

    /// Publishes all that is written, and waits until each is acknowledged.
    pub async fn run(mut self, line: &mut Line) -> Published {
        let done = match self.options.mode {
            Mode::JetStream => self.store(line).await,
            Mode::Core => self.tell(line).await,
        };
        // Each has its place in what became of them, though it was never looked at.
        while let Some(more) = self.written.recv().await {
            self.messages.extend(more);
        }
        let done = match done {
            Ok(()) => self.judge_strays(line).await,
            Err(trouble) => Err(trouble),
        };
        let is_line_good = done.is_ok();
        Published { judged: self.judged(&done.err().unwrap_or_default()), is_line_good }
    }

    /// What became of each; what is not known came to nothing for this reason.
    fn judged(self, trouble: &str) -> Vec<Judged> {
        let taken = || self.messages.iter().filter(|message| message.fate == Fate::Known(Judged::Taken));
        let any_taken = taken().next().is_some();
        self.dead_ends.reached(taken().map(|message| message.subject.to_string()));
        let judged = |message: Message| match message.fate {
            Fate::Known(judged) => judged,
            Fate::Unsent | Fate::Sent | Fate::Stray => Judged::Later(trouble.to_owned()),
            Fate::Denied => {
                let is_dead_end = self.dead_ends.is_one(&message.subject, any_taken);
                let judged = if is_dead_end { Judged::Refused } else { Judged::Later };
                judged(format!("{}{ALLOW_IT}", denial(&message.subject)))
            }
        };
        self.messages.into_iter().map(judged).collect()
    }

    /// Publishes to a stream.
    ///
    /// # Errors
    /// What has happened to the connection, or that the time is over.
    async fn store(&mut self, line: &mut Line) -> Result<(), String> {
        let first = line.next;
        let mut is_all_written = false;
        loop {
            while self.open < WINDOW && self.passed < self.messages.len() {
                let reply = format!("{}.{}", line.inbox, first + self.passed as u64);
                self.send_next(line, Some(reply)).await?;
            }
            line.next = first + self.passed as u64;
            if self.open < WINDOW && !is_all_written {
                match self.written.recv().await {
                    Some(more) => self.messages.extend(more),
                    None => is_all_written = true,
                }
                while let Some(heard) = line.heard() {
                    self.note(first, heard)?;
                }
            } else if self.open > 0 {
                let heard = line.hear(&mut self.patience).await?;
                self.note(first, heard)?;
            } else {
                return Ok(());
            }
        }
    }

    /// Sends the next message, or passes it over when it is known not to be taken.
    ///
    /// # Errors
    /// That the connection is closed.
    async fn send_next(&mut self, line: &Line, reply: Option<String>) -> Result<(), String> {
        let message = &mut self.messages[self.passed];
        self.passed += 1;
        let most = line.client.max_payload();
        // A server ends the connection of whoever sends more.
        if message.size > most {
            let reason = format!("the message is {} bytes long, and the server takes {most}", message.size);
            message.fate = Fate::Known(Judged::Refused(reason));
            return Ok(());
        }
        if !self.denials.is_empty() && self.denials.contains(&denial(&message.subject)) {
            message.fate = Fate::Denied;
            return Ok(());
        }
        let (subject, headers) = (message.subject.clone(), std::mem::take(&mut message.headers));
        let body = std::mem::take(&mut message.body);
        let sent = match reply {
            Some(reply) => line.client.publish_with_reply_and_headers(subject, reply, headers, body).await,
            None => line.client.publish_with_headers(subject, headers, body).await,
        };
        sent.map_err(|error| error.to_string())?;
        message.fate = Fate::Sent;
        self.open += 1;
        Ok(())
    }

    /// Takes note of what has come, where the answer to the first message has this number.
    ///
    /// # Errors
    /// That it is no acknowledgement, or that we may publish nothing.
    fn note(&mut self, first: u64, heard: Heard) -> Result<(), String> {
        let (number, answer) = match heard {
            Heard::Answer(number, answer) => (number, answer),
            Heard::Denied(why) => return self.deny(why),
        };
        let place = number.and_then(|number| usize::try_from(number.checked_sub(first)?).ok());
        let message = place.and_then(|place| self.messages.get_mut(place));
        if let Some(message) = message.filter(|message| message.fate == Fate::Sent) {
            message.fate = judge(&answer)?.map_or(Fate::Stray, Fate::Known);
            self.open -= 1;
        }
        Ok(())
    }

    /// Takes note of a subject that we may not publish to.
    ///
    /// # Errors
    /// That no event has chosen it.
    fn deny(&mut self, why: String) -> Result<(), String> {
        if self.options.subject.is_the_same_for_all() {
            return Err(format!("{why}{ALLOW_IT}"));
        }
        // Each message is told of, and the first stands for all.
        if self.denials.contains(&why) {
            return Ok(());
        }
        for message in &mut self.messages[..self.passed] {
            if message.fate == Fate::Sent && denial(&message.subject) == why {
                message.fate = Fate::Denied;
                self.open -= 1;
            }
        }
        self.denials.insert(why);
        Ok(())
    }

    /// Nobody acknowledges here; but the server works a connection's messages off in their order, so that it has had all of them
    /// once it has sent an empty one back to us.
    ///
    /// # Errors
    /// What has happened to the connection, or that the time is over.
    async fn tell(&mut self, line: &mut Line) -> Result<(), String> {
        while let Some(more) = self.written.recv().await {
            self.messages.extend(more);
        }
        while self.passed < self.messages.len() {
            let first = self.passed;
            while self.passed < self.messages.len().min(first + WINDOW) {
                self.send_next(line, None).await?;
            }
            let mark = line.next;
            line.next += 1;
            let sent = line.client.publish(format!("{}.{mark}", line.inbox), Vec::new().into()).await;
            sent.map_err(|error| error.to_string())?;
            loop {
                match line.hear(&mut self.patience).await? {
                    Heard::Answer(number, _) if number == Some(mark) => break,
                    Heard::Answer(..) => {}
                    Heard::Denied(why) => self.deny(why)?,
                }
            }
            // What the server has said in front of it is told by another task of the library's.
            yield_now().await;
            while let Some(why) = line.denied()? {
                self.deny(why)?;
            }
            let sent = self.messages[first..self.passed].iter_mut().filter(|message| message.fate == Fate::Sent);
            sent.for_each(|message| message.fate = Fate::Known(Judged::Taken));
            self.open = 0;
        }
        Ok(())
    }

    /// Finds out why no stream took some messages: a stream takes its own subjects and no others, so what an event's own values have
    /// led elsewhere is refused. All else can be repaired, and is waited for; so is a stream that takes the subject by now: it was
    /// made in between, or has a leader again.
    async fn judge_strays(&mut self, line: &Line) -> Result<(), String> {
        if !self.messages.iter().any(|message| message.fate == Fate::Stray) {
            return Ok(());
        }
        let taken = match &self.options.stream {
            None => None,
            Some(name) => self.subjects_of(line, name).await?,
        };
        for message in self.messages.iter_mut().filter(|message| message.fate == Fate::Stray) {
            message.fate = Fate::Known(judge_stray(&message.subject, &self.options, taken.as_deref()));
        }
        Ok(())
    }

    /// The subjects that a stream takes, if there is that stream.
    async fn subjects_of(&self, line: &Line, name: &str) -> Result<Option<Vec<String>>, String> {
        let found = within(&mut self.patience.clone(), line.jetstream().get_stream(name)).await?;
        match found.map_err(|error| error.kind()) {
            Ok(stream) => Ok(Some(stream.cached_info().config.subjects.clone())),
            Err(GetStreamErrorKind::JetStream(error)) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            Err(error) => Err(format!("looking for the stream \"{name}\": {error}")),
        }
    }
}

/// Why no stream took a message, where the expected one takes these subjects, if it is there.
fn judge_stray(subject: &str, options: &Options, taken: Option<&[String]>) -> Judged {
    let Some(name) = &options.stream else {
        return Judged::Later(format!(
            "no stream takes the subject \"{subject}\" (stream=NAME&create=SUBJECTS makes one)"
        ));
    };
    let Some(taken) = taken else {
        return Judged::Later(format!("there is no stream \"{name}\" (create=SUBJECTS makes it)"));
    };
    if taken.iter().any(|pattern| subject::is_covered(subject, pattern)) {
        return Judged::Later(format!("the stream \"{name}\" did not take the subject \"{subject}\""));
    }
    let reason = format!("the stream \"{name}\" does not take the subject \"{subject}\" (add it to the stream's)");
    if options.subject.is_the_same_for_all() { Judged::Later(reason) } else { Judged::Refused(reason) }
}

/// What JetStream answers: the name of the stream that has stored it, or why none has.
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    stream: Option<Cow<'a, str>>,
    error: Option<async_nats::jetstream::Error>,
}

/// Reads an acknowledgement; nothing when no stream took the message.
///
/// # Errors
/// That it is none.
fn judge(answer: &Answer) -> Result<Option<Judged>, String> {
    if answer.status == Some(StatusCode::NO_RESPONDERS) {
        return Ok(None);
    }
    match serde_json::from_slice(&answer.payload) {
        // Also when it was stored by an earlier attempt: `"duplicate":true`.
        Ok(Stored { error: None, stream: Some(_) }) => Ok(Some(Judged::Taken)),
        Ok(Stored { error: Some(error), .. }) => match error.error_code() {
            ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => Ok(Some(Judged::Refused(error.to_string()))),
            ErrorCode::STREAM_NOT_MATCH => Ok(None),
            // A full stream, a full disk, a stream without a leader.
            _ => Ok(Some(Judged::Later(error.to_string()))),
        },
        _ => Err("what the server has answered is no acknowledgement".to_owned()),
    }
}
