//! Publishes the messages of one flush, and finds out what became of each.

use async_nats::jetstream::ErrorCode;
use async_nats::{HeaderMap, Message as Answer, StatusCode, header};
use serde::Deserialize;

use super::link::{Line, within};
use super::options::{Mode, Options};
use crate::feed::sink::patience::Patience;

/// How many messages may wait for their acknowledgements.
const WINDOW: usize = 256;

/// A message to publish.
pub struct Message {
    pub subject: String,
    /// What the server deduplicates by.
    pub id: Option<String>,
    pub body: Vec<u8>,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A stream has it, perhaps from an earlier attempt; or, of core NATS, the server has had it.
    Taken,
    /// The stream never takes it.
    Refused(String),
    /// The stream does not take it now: it is full, or without a leader.
    Later(String),
    /// The subject belongs to no stream, or to another than the expected one.
    NoStream,
}

/// What JetStream answers: this, or the name of the stream and the number in it.
#[derive(Deserialize)]
struct Stored<'a> {
    #[serde(borrow)]
    stream: Option<std::borrow::Cow<'a, str>>,
    error: Option<async_nats::jetstream::Error>,
}

impl Message {
    /// What is sent of it.
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

/// Publishes all, and waits until each is acknowledged. Their bodies are gone then.
///
/// # Errors
/// Why nothing is known of some.
pub async fn all(
    line: &mut Line,
    options: &Options,
    messages: &mut [Message],
    patience: &mut Patience,
) -> Result<Vec<Verdict>, String> {
    let most = line.client.max_payload();
    let mut verdicts: Vec<Option<Verdict>> =
        messages.iter().map(|message| too_large(message.size(options), most)).collect();
    let left = verdicts.iter().enumerate().filter(|(_, verdict)| verdict.is_none()).map(|(place, _)| place);
    let left: Vec<usize> = left.collect();
    match options.mode {
        Mode::JetStream => to_stream(line, options, messages, &left, &mut verdicts, patience).await?,
        Mode::Core => to_anybody(line, options, messages, &left, patience).await?,
    }
    Ok(verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Taken)).collect())
}

/// A server ends the connection of whoever sends more.
fn too_large(size: usize, most: usize) -> Option<Verdict> {
    (size > most).then(|| Verdict::Refused(format!("the message is {size} bytes long, and the server takes {most}")))
}

async fn to_stream(
    line: &mut Line,
    options: &Options,
    messages: &mut [Message],
    left: &[usize],
    verdicts: &mut [Option<Verdict>],
    patience: &mut Patience,
) -> Result<(), String> {
    let first = line.next;
    line.next += left.len() as u64;
    let mut to_send = left.iter().zip(first..);
    let mut open = 0;
    loop {
        for (place, number) in to_send.by_ref().take(WINDOW - open) {
            let reply = format!("{}.{number}", line.inbox);
            let (subject, headers, body) = messages[*place].parts(options);
            let sent = line.client.publish_with_reply_and_headers(subject, reply, headers, body.into());
            sent.await.map_err(|error| error.to_string())?;
            open += 1;
        }
        if open == 0 {
            return Ok(());
        }
        let (number, answer) = line.answer(patience).await?;
        let sent = number.and_then(|number| usize::try_from(number.checked_sub(first)?).ok());
        let Some(place) = sent.and_then(|sent| left.get(sent)) else { continue };
        if verdicts[*place].replace(judge(&answer)?).is_none() {
            open -= 1;
        }
    }
}

/// Nobody acknowledges here; but the server works a connection's messages off in their order, so that it has had all of them
/// once it has sent an empty one back to us.
async fn to_anybody(
    line: &mut Line,
    options: &Options,
    messages: &mut [Message],
    left: &[usize],
    patience: &mut Patience,
) -> Result<(), String> {
    for window in left.chunks(WINDOW) {
        for place in window {
            let (subject, headers, body) = messages[*place].parts(options);
            let sent = line.client.publish_with_headers(subject, headers, body.into());
            within(patience, sent).await?.map_err(|error| error.to_string())?;
        }
        let mark = line.next;
        line.next += 1;
        let sent = line.client.publish(format!("{}.{mark}", line.inbox), Vec::new().into());
        within(patience, sent).await?.map_err(|error| error.to_string())?;
        while line.answer(patience).await?.0 != Some(mark) {}
    }
    Ok(())
}

/// Reads an acknowledgement.
///
/// # Errors
/// That it is none.
fn judge(answer: &Answer) -> Result<Verdict, String> {
    if answer.status == Some(StatusCode::NO_RESPONDERS) {
        return Ok(Verdict::NoStream);
    }
    let unclear = || "what the server has answered is no acknowledgement".to_owned();
    let stored: Stored<'_> = serde_json::from_slice(&answer.payload).map_err(|_| unclear())?;
    match (stored.error, stored.stream) {
        (None, Some(_)) => Ok(Verdict::Taken),
        (None, None) => Err(unclear()),
        (Some(error), _) => match error.error_code() {
            ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM => Ok(Verdict::Refused(error.to_string())),
            ErrorCode::STREAM_NOT_MATCH => Ok(Verdict::NoStream),
            _ => Ok(Verdict::Later(error.to_string())),
        },
    }
}
