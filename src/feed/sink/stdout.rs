//! The stdout sink: formats events and writes them out in as few calls as their pace allows.

use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::feed::event::Item;
use crate::feed::format::Format;
use crate::feed::{Outcome, Refuses, Sink, Written};
use crate::sys;

/// Written out before the flush when more than this has gathered, in bytes.
const CHUNK_BYTES: usize = 64 * 1024;

/// The descriptor itself: std's own Stdout would look for newlines in, and copy, all that is written. Shared by the workers of a
/// feed, each of which writes whole lines.
pub struct Out {
    file: Mutex<File>,
    written: AtomicU64,
    is_writing: AtomicBool,
}

/// What becomes of a write, for whoever watches whether anybody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is being written.
    Idle,
    /// Something is, and so many bytes were before or are already.
    Writing(u64),
}

impl Out {
    /// Writes to a descriptor.
    pub fn new(file: File) -> Self {
        Self { file: Mutex::new(file), written: AtomicU64::new(0), is_writing: AtomicBool::new(false) }
    }

    /// The descriptor, while nobody else writes to it.
    pub fn file(&self) -> MutexGuard<'_, File> {
        self.file.lock().expect("a write does not panic")
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        match self.is_writing.load(Ordering::Relaxed) {
            true => Progress::Writing(self.written.load(Ordering::Relaxed)),
            false => Progress::Idle,
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.file();
        self.is_writing.store(true, Ordering::Relaxed);
        let written = write_all(&mut file, bytes, &self.written);
        self.is_writing.store(false, Ordering::Relaxed);
        written
    }
}

/// Writes items in a [`Format`], each ended by a terminator.
pub struct Stdout {
    out: Arc<Out>,
    format: Box<dyn Format>,
    terminator: u8,
    buffer: Vec<u8>,
    end: Option<Ended>,
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
    pub fn new(out: Arc<Out>, format: Box<dyn Format>, terminator: u8) -> Self {
        Self { out, format, terminator, buffer: Vec::with_capacity(2 * CHUNK_BYTES), end: None }
    }

    /// What it writes to.
    pub fn out(&self) -> Arc<Out> {
        Arc::clone(&self.out)
    }

    fn write_out(&mut self) -> Result<()> {
        let written = match self.end {
            None => self.out.write(&self.buffer),
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
        // A call returns when all is written: in smaller ones it is seen that somebody reads.
        match out.write(&bytes[..bytes.len().min(CHUNK_BYTES)]) {
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
