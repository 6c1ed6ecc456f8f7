//! Reads records from stdin on a thread of its own, so that a batch is sent when no more input is ready, and a signal is heard.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::batch::{Checker, Counted};
use crate::error::{Error, Result};
use crate::stop::Stop;

/// Records handed over at once, at most.
const CHUNK: usize = 512;
/// And about so many bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks read ahead, at most.
const AHEAD: usize = 8;

enum Message {
    Records(Vec<Vec<u8>>),
    Failed(io::Error),
    Ended,
    /// Somebody asks to stop: look.
    Wake,
}

/// What the input has.
#[derive(Debug)]
pub enum Input {
    /// Payloads that differ from each other.
    Batch(Vec<String>),
    /// Nothing for now: look whether to stop.
    Idle,
    /// The end.
    Ended,
}

/// The records of stdin.
pub struct Records {
    messages: Receiver<Message>,
    waiting: VecDeque<Vec<u8>>,
    ended: bool,
    /// What one record is called.
    what: &'static str,
    hasher: RandomState,
    /// How many were taken.
    number: u64,
}

impl Records {
    /// Starts to read records that end with `separator`, of at most `longest` bytes: longer ones come in pieces.
    pub fn start(separator: u8, longest: u64, stop: &Stop) -> Self {
        let what = if separator == b'\n' { "line" } else { "record" };
        let (sender, messages) = sync_channel(AHEAD);
        let wake = sender.clone();
        // When the channel is full nobody waits for it.
        stop.on_request(move || drop(wake.try_send(Message::Wake)));
        std::thread::spawn(move || read(BufReader::with_capacity(1 << 16, io::stdin()), separator, longest, &sender));
        Self { messages, waiting: VecDeque::new(), ended: false, what, hasher: RandomState::new(), number: 0 }
    }

    /// Waits for input and takes what is ready, at most `limit` payloads. For notifications, ends a batch in front of a payload
    /// that it already holds, since the server would fold the two.
    ///
    /// # Errors
    /// When stdin cannot be read, or a payload is not as it must be: the batch that it would have been in is not sent.
    pub fn next_batch(&mut self, limit: usize, checker: Checker) -> Result<Input> {
        let mut batch = Vec::new();
        let folds = checker.counted != Counted::Not;
        let mut seen = HashSet::new();
        while batch.len() < limit {
            if self.waiting.is_empty() && !self.receive(batch.is_empty())? {
                break;
            }
            let Some(record) = self.waiting.front() else { break };
            // Two that only share their hash are sent apart, too: that costs nothing.
            if folds && !seen.insert(self.hasher.hash_one(record)) {
                break;
            }
            let record = self.waiting.pop_front().expect("looked at above");
            self.number += 1;
            batch.push(checker.check(record, format_args!("{} {}", self.what, self.number))?);
        }
        Ok(match batch.is_empty() {
            false => Input::Batch(batch),
            true if self.ended => Input::Ended,
            true => Input::Idle,
        })
    }

    /// Takes what the reader has; waits for it if told so. Returns whether there is something.
    fn receive(&mut self, wait: bool) -> Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let message = if wait { self.messages.recv().ok() } else { self.messages.try_recv().ok() };
        match message {
            Some(Message::Records(records)) => self.waiting.extend(records),
            Some(Message::Failed(error)) => return Err(Error::failed(error.to_string()).doing("reading stdin")),
            Some(Message::Ended) => self.ended = true,
            Some(Message::Wake) | None => {}
        }
        Ok(!self.waiting.is_empty())
    }
}

/// Hands over records whenever no more of them is ready.
fn read(mut input: BufReader<impl Read>, separator: u8, longest: u64, sender: &SyncSender<Message>) {
    let (mut records, mut bytes) = (Vec::new(), 0);
    loop {
        let mut record = Vec::new();
        match input.by_ref().take(longest).read_until(separator, &mut record) {
            Err(error) => return drop(sender.send(Message::Failed(error))),
            Ok(0) => break,
            Ok(_) if record.last() == Some(&separator) => drop(record.pop()),
            Ok(_) => {}
        }
        bytes += record.len();
        records.push(record);
        if (records.len() >= CHUNK || bytes >= CHUNK_BYTES || !input.buffer().contains(&separator))
            && sender.send(Message::Records(std::mem::take(&mut records))).is_err()
        {
            return;
        }
        if records.is_empty() {
            bytes = 0;
        }
    }
    if !records.is_empty() {
        let _ = sender.send(Message::Records(records));
    }
    let _ = sender.send(Message::Ended);
}
