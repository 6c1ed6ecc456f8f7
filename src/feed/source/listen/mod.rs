//! The LISTEN source: the pump's end of the reader thread that owns the connection.

mod held;
mod observer;
mod reader;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::connection::Settings;
use crate::error::{Error, Result};
use crate::feed::event::{Control, ControlKind, Item};
use crate::feed::{Poll, Settled, Source, Undelivered};
use crate::stop::Stop;
use held::Held;
use observer::Teller;
use reader::Reader;

pub use held::Overflow;
pub use observer::Observer;

/// What to listen to, and how.
pub struct Options {
    /// The database.
    pub settings: Settings,
    /// At least one channel, each 1 to 63 bytes.
    pub channels: Arc<[Arc<str>]>,
    /// How often a silent server is asked whether it is still there; zero never asks.
    pub heartbeat: Duration,
    /// What to do when the connection is lost.
    pub reconnect: Reconnect,
    /// For how long a server that is not there yet is tried at start.
    pub wait_server: Duration,
    /// Most bytes held for a slow sink.
    pub buffer_bytes: usize,
    /// What to do when that is full.
    pub overflow: Overflow,
}

/// What to do when the connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconnect {
    /// Try again for as long as it takes.
    Always,
    /// Fail.
    Never,
}

/// What the reader thread sends to the pump.
enum Message {
    Items(Vec<Item>),
    Failed(Error),
    /// Somebody asks to stop: look.
    Wake,
}

/// Notifications from the channels of one connection, in the order in which the server sent them.
pub struct Listen {
    messages: Receiver<Message>,
    sender: Sender<Message>,
    held: Arc<Held>,
    teller: Teller,
    channels: Arc<[Arc<str>]>,
    waiting: VecDeque<Item>,
    /// Why the feed ends behind what waits.
    failed: Option<Error>,
    was_live: bool,
}

impl Listen {
    /// Starts to listen, on a thread of its own: a listener that does not read pins the server's notification queue, so
    /// reading must never wait for a sink.
    pub fn start(options: Options, observers: Vec<Box<dyn Observer>>, stop: &Stop) -> Self {
        let (sender, messages) = channel();
        let held = Arc::new(Held::new(options.buffer_bytes, options.overflow));
        let channels = Arc::clone(&options.channels);
        let wake = sender.clone();
        stop.on_request(move || drop(wake.send(Message::Wake)));
        let teller = Teller::new(observers);
        let reader = Reader::new(options, teller.clone(), sender.clone(), Arc::clone(&held));
        std::thread::spawn(move || reader.run());
        Self { messages, sender, held, teller, channels, waiting: VecDeque::new(), failed: None, was_live: false }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Items(items) => {
                // The first of all is the record that it is live.
                self.was_live = true;
                self.waiting.extend(items);
            }
            Message::Failed(error) => self.failed = Some(error),
            Message::Wake => {}
        }
    }

    /// Whether it ever listened.
    pub fn was_live(&self) -> bool {
        self.was_live
    }

    /// The record of notifications that were dropped and not yet told: at the end there is nothing more to wait for.
    pub fn last_overflow(&self) -> Option<Control> {
        self.held.take_dropped(|dropped| overflow(dropped, &self.channels, &self.teller))
    }
}

impl Source for Listen {
    fn poll(&mut self, wait: Duration, max: usize) -> Result<Poll> {
        if self.waiting.is_empty() {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            match self.messages.recv_timeout(wait) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => return Ok(Poll::Idle),
                Err(RecvTimeoutError::Disconnected) => return Ok(Poll::Ended),
            }
        }
        // All that is ready, so that what came in small bursts is not written out in as many small pieces.
        while self.waiting.len() < max && self.failed.is_none() {
            let Ok(message) = self.messages.try_recv() else { break };
            self.take(message);
        }
        let count = max.min(self.waiting.len());
        Ok(if count == 0 { Poll::Idle } else { Poll::Batch(self.waiting.drain(..count).collect()) })
    }

    fn settle(&mut self, mut batch: Vec<Item>, undelivered: &[Undelivered]) -> Result<Settled> {
        // What nobody has tried comes again; what was refused does not.
        for Undelivered { place, .. } in undelivered.iter().rev().filter(|event| event.reason.is_none()) {
            self.waiting.push_front(batch.remove(*place));
        }
        // Through the channel, so that the record stands behind what was received before the drop and in front of what follows.
        self.held.release(&batch, |dropped| {
            let record = overflow(dropped, &self.channels, &self.teller);
            let _ = self.sender.send(Message::Items(vec![Item::Control(record)]));
        });
        Ok(Settled::Recorded)
    }

    fn give_back(&mut self, batch: Vec<Item>, _wait: Duration) -> Result<()> {
        for item in batch.into_iter().rev() {
            self.waiting.push_front(item);
        }
        Ok(())
    }
}

impl Drop for Listen {
    fn drop(&mut self) {
        self.teller.wait();
    }
}

/// Makes the record of a loss, and tells it.
fn overflow(dropped: u64, channels: &Arc<[Arc<str>]>, teller: &Teller) -> Control {
    let detail = format!("dropped {dropped} notifications, because the reader was too slow");
    let record = Control::now(ControlKind::Overflow, channels, None, Some(detail));
    let told = record.clone();
    teller.tell(move |observer| observer.control(&told));
    record
}
