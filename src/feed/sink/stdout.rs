//! The stdout sink: formats events and writes them out in as few calls as their pace allows.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::error::{Error, Result};
use crate::feed::event::Item;
use crate::feed::format::Format;
use crate::feed::{Outcome, Refuses, Sink, Written};
use crate::sys;

/// Written out before the flush when more than this has gathered, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// Writes items in a [`Format`], each ended by a terminator.
pub struct Stdout {
    // The descriptor itself: std's own Stdout would look for newlines in, and copy, all that is written. Shared by the workers of
    // a feed, each of which writes whole lines.
    out: Arc<Mutex<File>>,
    format: Box<dyn Format>,
    terminator: u8,
    buffer: Vec<u8>,
    end: Option<Ended>,
    written: Arc<AtomicU64>,
}

/// Why nothing can be written any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    ReaderGone,
    /// What was written last may have ended inside a line: nothing may follow it.
    Failed,
}

impl Stdout {
    /// Writes to a descriptor; `terminator` is a newline or NUL.
    pub fn new(out: Arc<Mutex<File>>, format: Box<dyn Format>, terminator: u8) -> Self {
        let (buffer, written) = (Vec::with_capacity(2 * CHUNK_BYTES), Arc::default());
        Self { out, format, terminator, buffer, end: None, written }
    }

    /// The number of bytes written so far, for whoever watches whether anybody reads.
    pub fn written(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.written)
    }

    fn write_out(&mut self) -> Result<()> {
        let written = match self.end {
            None => write_all(&mut self.out.lock().expect("a write does not panic"), &self.buffer, &self.written),
            Some(Ended::ReaderGone) => Ok(()),
            Some(Ended::Failed) => Err(io::Error::other("it has failed before")),
        };
        self.buffer.clear();
        match written {
            Ok(()) => Ok(()),
            // `pgfeed listen x | head -1`: whoever read has what it wanted. A socket can say the second.
            Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                self.end = Some(Ended::ReaderGone);
                Ok(())
            }
            Err(error) => {
                self.end = Some(Ended::Failed);
                Err(Error::failed(error.to_string()).doing("writing to stdout"))
            }
        }
    }
}

impl Sink for Stdout {
    fn write(&mut self, item: &Item) -> Result<Written> {
        if self.format.append(&mut self.buffer, item) {
            self.buffer.push(self.terminator);
        }
        if self.buffer.len() >= CHUNK_BYTES {
            self.write_out()?;
        }
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        self.write_out()?;
        Ok(if self.end == Some(Ended::ReaderGone) { Outcome::ReaderGone } else { Outcome::Delivered })
    }

    fn refuses(&self) -> Refuses {
        Refuses::Nothing
    }
}

/// Writes everything, also where whoever shares the descriptor has made it non-blocking.
fn write_all(out: &mut File, mut bytes: &[u8], written: &AtomicU64) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(length) => {
                written.fetch_add(length as u64, Ordering::Relaxed);
                bytes = &bytes[length..];
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => sys::wait_until_writable(out)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
