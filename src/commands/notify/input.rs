//! Reads records from stdin on a thread of its own, so that a batch is sent when no more input is ready, and a signal is heard.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::mpsc::{Receiver, SendError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex};

use super::batch::{Checker, Counted};
use crate::error::{Error, Result};
use crate::stop::Stop;

/// Records handed over at once, at most.
const CHUNK: usize = 512;
/// And about so many bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// Chunks read ahead, at most.
const AHEAD: usize = 8;
/// About the most bytes read ahead, and in a batch: one record always, however long.
const MOST_BYTES: usize = AHEAD * CHUNK_BYTES;

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

/// The bytes that were handed over and not received yet.
#[derive(Default)]
struct Ahead {
    bytes: Mutex<usize>,
    taken: Condvar,
}

impl Ahead {
    fn add(&self, bytes: usize) {
        *self.bytes.lock().expect("nobody panics while it holds this") += bytes;
    }

    fn take(&self, bytes: usize) {
        *self.bytes.lock().expect("nobody panics while it holds this") -= bytes;
        self.taken.notify_one();
    }

    /// Waits until more records may be read.
    fn wait_for_room(&self) {
        let bytes = self.bytes.lock().expect("nobody panics while it holds this");
        drop(self.taken.wait_while(bytes, |bytes| *bytes >= MOST_BYTES));
    }
}

/// The records of stdin.
pub struct Records {
    messages: Receiver<Message>,
    ahead: Arc<Ahead>,
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
        let (wake, ahead) = (sender.clone(), Arc::<Ahead>::default());
        let reader = Reader { sender, ahead: Arc::clone(&ahead) };
        // When the channel is full nobody waits for it.
        stop.on_request(move || drop(wake.try_send(Message::Wake)));
        std::thread::spawn(move || reader.read(BufReader::with_capacity(1 << 16, io::stdin()), separator, longest));
        Self { messages, ahead, waiting: VecDeque::new(), ended: false, what, hasher: RandomState::new(), number: 0 }
    }

    /// Waits for input and takes what is ready, at most `limit` payloads and about 8 MB. For notifications, ends a batch in front of a
    /// payload that it already holds, since the server would fold the two.
    ///
    /// # Errors
    /// When stdin cannot be read, or a payload is not as it must be: the batch that it would have been in is not sent.
    pub fn next_batch(&mut self, limit: usize, checker: Checker) -> Result<Input> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let folds = checker.counted != Counted::Not;
        let mut seen = HashSet::new();
        while batch.len() < limit {
            if self.waiting.is_empty() && !self.receive(batch.is_empty())? {
                break;
            }
            let Some(record) = self.waiting.front() else { break };
            if !batch.is_empty() && bytes + record.len() > MOST_BYTES {
                break;
            }
            // Two that only share their hash are sent apart, too: that costs nothing.
            if folds && !seen.insert(self.hasher.hash_one(record)) {
                break;
            }
            let record = self.waiting.pop_front().expect("looked at above");
            bytes += record.len();
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
            Some(Message::Records(records)) => {
                self.ahead.take(records.iter().map(Vec::len).sum());
                self.waiting.extend(records);
            }
            Some(Message::Failed(error)) => return Err(Error::failed(error.to_string()).doing("reading stdin")),
            Some(Message::Ended) => self.ended = true,
            Some(Message::Wake) | None => {}
        }
        Ok(!self.waiting.is_empty())
    }
}

/// Hands over records.
struct Reader {
    sender: SyncSender<Message>,
    ahead: Arc<Ahead>,
}

impl Reader {
    /// Reads to the end, and hands over whenever no more records are ready.
    fn read(&self, mut input: BufReader<impl Read>, separator: u8, longest: u64) {
        let (mut records, mut bytes) = (Vec::new(), 0);
        loop {
            if records.is_empty() {
                self.ahead.wait_for_room();
            }
            let mut record = Vec::new();
            match input.by_ref().take(longest).read_until(separator, &mut record) {
                Err(error) => return drop(self.sender.send(Message::Failed(error))),
                Ok(0) => break,
                Ok(_) if record.last() == Some(&separator) => drop(record.pop()),
                Ok(_) => {}
            }
            bytes += record.len();
            records.push(record);
            if (records.len() >= CHUNK || bytes >= CHUNK_BYTES || !input.buffer().contains(&separator))
                && self.hand_over(&mut records, &mut bytes).is_err()
            {
                return;
            }
        }
        if self.hand_over(&mut records, &mut bytes).is_ok() {
            let _ = self.sender.send(Message::Ended);
        }
    }

    fn hand_over(&self, records: &mut Vec<Vec<u8>>, bytes: &mut usize) -> Result<(), SendError<Message>> {
        if records.is_empty() {
            return Ok(());
        }
        self.ahead.add(std::mem::take(bytes));
        self.sender.send(Message::Records(std::mem::take(records)))
    }
}
