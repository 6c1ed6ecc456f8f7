//! Publishes the messages of one flush, and finds out what became of each.

use std::borrow::Cow;
use std::collections::HashSet;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::{HeaderMap, Message as Answer, StatusCode, header};
use serde::Deserialize;

use super::link::{Heard, Line, denial, within};
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

/// A message to publish.
pub struct Message {
    pub subject: String,
    /// What the server deduplicates by.
    pub id: Option<String>,
    pub body: Vec<u8>,
}

impl Message {
    /// What is sent of it; its body is gone then.
    fn parts(&mut self, options: &Options) -> (String, HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::new();
        if let Some(id) = &self.id {
            headers.insert(header::NATS_MESSAGE_ID, id.as_str());
        }
        if let Some(stream) = &options.stream {
            headers.insert(header::NATS_EXPECTED_STREAM, stream.as_str());
        }
        (self.subject.clone(), headers, std::mem::take(&mut self.body))
    }

    /// Its size as the server counts it, in bytes.
    fn size(&self, options: &Options) -> usize {
        let line = |name: header::HeaderName, value: &Option<String>| {
            let name: &str = name.as_ref();
            value.as_ref().map_or(0, |value| name.len() + value.len() + ": \r\n".len())
        };
        let lines = line(header::NATS_MESSAGE_ID, &self.id) + line(header::NATS_EXPECTED_STREAM, &options.stream);
        let frame = if lines > 0 { "NATS/1.0\r\n\r\n".len() } else { 0 };
        self.body.len() + lines + frame
    }
}

/// The messages of one flush on their way.
pub struct Publishing<'a> {
    options: &'a Options,
    messages: &'a mut [Message],
    patience: &'a mut Patience,
    judged: Vec<Option<Judged>>,
    /// Those whose subject belongs to no stream, or to another than the expected one.
    strays: Vec<usize>,
    /// Those to whose subject we may not publish, and what the server has said of these subjects.
    denied: HashSet<usize>,
    denials: HashSet<String>,
    dead_ends: &'a DeadEnds,
}

impl<'a> Publishing<'a> {
    /// Nothing is sent yet.
    pub fn new(
        options: &'a Options,
        messages: &'a mut [Message],
        patience: &'a mut Patience,
        dead_ends: &'a DeadEnds,
    ) -> Self {
        let judged = vec![None; messages.len()];
        Self {
            options,
            messages,
            patience,
            judged,
            strays: Vec::new(),
            denied: HashSet::new(),
            denials: HashSet::new(),
            dead_ends,
        }
    }

    /// Publishes all, and waits until each is acknowledged.
    ///
    /// # Errors
    /// What has happened to the connection, or that the time is over.
    pub async fn run(&mut self, line: &mut Line) -> Result<(), String> {
        let most = line.client.max_payload();
        for (message, judged) in self.messages.iter().zip(&mut self.judged) {
            let size = message.size(self.options);
            // A server ends the connection of whoever sends more.
            if size > most {
                let reason = format!("the message is {size} bytes long, and the server takes {most}");
                *judged = Some(Judged::Refused(reason));
            }
        }
        match self.options.mode {
            Mode::JetStream => {
                self.store(line).await?;
                self.judge_strays(line).await
            }
            Mode::Core => self.tell(line).await,
        }
    }

    /// What became of each; what is not known came to nothing for this reason.
    pub fn judged(mut self, trouble: &str) -> Vec<Judged> {
        let taken = || (0..self.messages.len()).filter(|place| self.judged[*place] == Some(Judged::Taken));
        let any_taken = taken().next().is_some();
        self.dead_ends.reached(taken().map(|place| self.messages[place].subject.clone()));
        for place in std::mem::take(&mut self.denied) {
            let subject = &self.messages[place].subject;
            let judged = if self.dead_ends.is_one(subject, any_taken) { Judged::Refused } else { Judged::Later };
            self.judged[place] = Some(judged(format!("{}{ALLOW_IT}", denial(subject))));
        }
        let unknown = || Judged::Later(trouble.to_owned());
        self.judged.into_iter().map(|judged| judged.unwrap_or_else(unknown)).collect()
    }

    fn to_send(&self) -> Vec<usize> {
        (0..self.messages.len()).filter(|place| self.judged[*place].is_none()).collect()
    }

    async fn store(&mut self, line: &mut Line) -> Result<(), String> {
        let sent = self.to_send();
        let first = line.next;
        line.next += sent.len() as u64;
        let mut to_send = sent.iter().enumerate();
        let mut open = HashSet::new();
        loop {
            while open.len() < WINDOW
                && let Some((number, place)) = to_send.next()
            {
                if self.denied.contains(place) {
                    continue;
                }
                let reply = format!("{}.{}", line.inbox, first + number as u64);
                let (subject, headers, body) = self.messages[*place].parts(self.options);
                let sent = line.client.publish_with_reply_and_headers(subject, reply, headers, body.into()).await;
                sent.map_err(|error| error.to_string())?;
                open.insert(*place);
            }
            if open.is_empty() {
                return Ok(());
            }
            let (number, answer) = match line.hear(self.patience).await? {
                Heard::Answer(number, answer) => (number, answer),
                Heard::Denied(why) => {
                    self.deny(&sent, &why)?;
                    open.retain(|place| !self.denied.contains(place));
                    continue;
                }
            };
            let number = number.and_then(|number| usize::try_from(number.checked_sub(first)?).ok());
            let Some(place) = number.and_then(|number| sent.get(number)).filter(|place| open.remove(place)) else {
                continue;
            };
            match judge(&answer)? {
                Some(judged) => self.judged[*place] = Some(judged),
                None => self.strays.push(*place),
            }
        }
    }

    /// Takes note of a subject that we may not publish to.
    ///
    /// # Errors
    /// That no event has chosen it.
    fn deny(&mut self, sent: &[usize], why: &str) -> Result<(), String> {
        if self.options.subject.is_the_same_for_all() {
            return Err(format!("{why}{ALLOW_IT}"));
        }
        // Each message is told of, and the first stands for all.
        if self.denials.insert(why.to_owned()) {
            let is_denied = |place: &&usize| denial(&self.messages[**place].subject) == why;
            self.denied.extend(sent.iter().filter(is_denied));
        }
        Ok(())
    }

    /// Nobody acknowledges here; but the server works a connection's messages off in their order, so that it has had all of them
    /// once it has sent an empty one back to us.
    async fn tell(&mut self, line: &mut Line) -> Result<(), String> {
        for window in self.to_send().chunks(WINDOW) {
            for place in window {
                let (subject, headers, body) = self.messages[*place].parts(self.options);
                let sent = line.client.publish_with_headers(subject, headers, body.into()).await;
                sent.map_err(|error| error.to_string())?;
            }
            let mark = line.next;
            line.next += 1;
            let sent = line.client.publish(format!("{}.{mark}", line.inbox), Vec::new().into()).await;
            sent.map_err(|error| error.to_string())?;
            loop {
                match line.hear(self.patience).await? {
                    Heard::Answer(number, _) if number == Some(mark) => break,
                    Heard::Answer(..) => {}
                    Heard::Denied(why) => self.deny(window, &why)?,
                }
            }
            window.iter().for_each(|place| self.judged[*place] = Some(Judged::Taken));
        }
        Ok(())
    }

    /// Finds out why no stream took some messages: a stream takes its own subjects and no others, so what an event's own values have
    /// led elsewhere is refused. All else can be repaired, and is waited for; so is a stream that takes the subject by now: it was
    /// made in between, or has a leader again.
    async fn judge_strays(&mut self, line: &Line) -> Result<(), String> {
        if self.strays.is_empty() {
            return Ok(());
        }
        let taken = match &self.options.stream {
            None => None,
            Some(name) => self.subjects_of(line, name).await?,
        };
        for place in std::mem::take(&mut self.strays) {
            let subject = &self.messages[place].subject;
            self.judged[place] = Some(match &self.options.stream {
                None => Judged::Later(format!(
                    "no stream takes the subject \"{subject}\" (stream=NAME&create=SUBJECTS makes one)"
                )),
                Some(name) => match &taken {
                    None => Judged::Later(format!("there is no stream \"{name}\" (create=SUBJECTS makes it)")),
                    Some(taken) => {
                        let by_now = taken.iter().any(|pattern| subject::is_covered(subject, pattern));
                        let fixed = self.options.subject.is_the_same_for_all();
                        let reason = if by_now {
                            format!("the stream \"{name}\" did not take the subject \"{subject}\"")
                        } else {
                            format!(
                                "the stream \"{name}\" does not take the subject \"{subject}\" (add it to the stream's)"
                            )
                        };
                        if fixed || by_now { Judged::Later(reason) } else { Judged::Refused(reason) }
                    }
                },
            });
        }
        Ok(())
    }

    /// The subjects that a stream takes, if there is that stream.
    async fn subjects_of(&mut self, line: &Line, name: &str) -> Result<Option<Vec<String>>, String> {
        let found = within(self.patience, line.jetstream().get_stream(name)).await?;
        match found.map_err(|error| error.kind()) {
            Ok(stream) => Ok(Some(stream.cached_info().config.subjects.clone())),
            Err(GetStreamErrorKind::JetStream(error)) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            Err(error) => Err(format!("looking for the stream \"{name}\": {error}")),
        }
    }
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
