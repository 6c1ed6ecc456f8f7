//! What a process says on its stderr: passed on to ours as it comes, while its last line is remembered.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::process::ChildStderr;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::answers::Lines;
use super::stream::LAST_PIECES;
use crate::sys::{self, Readiness};
use crate::text;

/// Read at once, in bytes.
const PIECE: usize = 16 * 1024;
/// The longest line that is told, in characters; what is longer is cut.
const LONGEST: usize = 200;
/// How long a process that has ended is waited for to be heard to its end: only a stderr of ours that nobody reads takes any time.
const MOMENT: Duration = Duration::from_secs(1);

/// What is heard of a process.
pub struct Heard {
    last: Arc<Mutex<LastLine>>,
    all: Receiver<()>,
}

impl Heard {
    /// Begins to pass on what comes out of the pipe; `end` becomes readable when the process has ended.
    ///
    /// # Errors
    /// When the system has no room for another thread.
    pub fn begin(pipe: ChildStderr, end: OwnedFd) -> io::Result<Self> {
        sys::set_nonblocking(pipe.as_fd())?;
        let (last, (heard, all)) = (Arc::<Mutex<LastLine>>::default(), mpsc::channel());
        let passing = Passing { pipe: Some(pipe), last: Arc::clone(&last), piece: vec![0; PIECE].into() };
        // Not while somebody watches over the process: one of mode stream may say something between two flushes.
        thread::Builder::new().spawn(move || passing.run(&end, &heard))?;
        Ok(Self { last, all })
    }

    /// Forgets what it has said so far: that was about something else.
    pub fn forget(&self) {
        *self.last.lock().expect("nobody panics while it holds it") = LastLine::default();
    }

    /// The last line of a process that has ended, if it has said anything.
    pub fn last_line(self) -> Option<String> {
        // Nothing in it is worth more than going on.
        let _ = self.all.recv_timeout(MOMENT);
        self.last.lock().expect("nobody panics while it holds it").text()
    }
}

/// Passes on what comes out of a pipe.
struct Passing {
    pipe: Option<ChildStderr>,
    last: Arc<Mutex<LastLine>>,
    piece: Box<[u8]>,
}

impl Passing {
    /// Tells when all is heard that was said before the end of the process. What it has started may hold the pipe for longer, and a
    /// pipe that nobody reads would end that too.
    fn run(mut self, end: &OwnedFd, heard: &Sender<()>) {
        while let Some(pipe) = &self.pipe {
            match sys::wait_ready([Some((pipe.as_fd(), Readiness::Read)), Some((end.as_fd(), Readiness::Read))], None) {
                Ok([_, true]) => break,
                Ok([true, _]) => drop(self.pass()),
                Ok(_) => {}
                Err(_) => return,
            }
        }
        for _ in 0..LAST_PIECES {
            if self.pass() == 0 {
                break;
            }
        }
        let _ = heard.send(());
        while let Some(pipe) = &self.pipe {
            if sys::wait_ready([Some((pipe.as_fd(), Readiness::Read))], None).is_err() {
                return;
            }
            self.pass();
        }
    }

    /// Passes on what is there; returns how much that was, in bytes.
    fn pass(&mut self) -> usize {
        let Some(pipe) = &mut self.pipe else { return 0 };
        let read = match pipe.read(&mut self.piece) {
            Ok(read) if read > 0 => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return 0,
            _ => {
                self.pipe = None;
                return 0;
            }
        };
        let piece = &self.piece[..read];
        self.last.lock().expect("nobody panics while it holds it").take(piece);
        // A stderr that is closed or full is nobody's error.
        let _ = io::stderr().write_all(piece);
        read
    }
}

/// The last line with anything in it, in bounded memory.
#[derive(Default)]
struct LastLine {
    lines: Lines,
    complete: Vec<u8>,
}

impl LastLine {
    fn take(&mut self, piece: &[u8]) {
        let complete = &mut self.complete;
        self.lines.take(piece, |line| {
            if !line.trim_ascii().is_empty() {
                complete.clear();
                complete.extend_from_slice(line);
            }
        });
    }

    /// As it can be shown anywhere. Of a line that was written over, as progress is, the last state.
    fn text(&self) -> Option<String> {
        let partial = self.lines.partial();
        let line = if partial.trim_ascii().is_empty() { &self.complete } else { partial };
        let line = String::from_utf8_lossy(line);
        let line = line.rsplit('\r').map(str::trim).find(|state| !state.is_empty())?;
        let shown: String = line.chars().take(LONGEST).collect();
        let rest = if shown.len() < line.len() { "..." } else { "" };
        Some(format!("{}{rest}", text::escape(&shown)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_of(pieces: &[&[u8]]) -> Option<String> {
        let mut last = LastLine::default();
        pieces.iter().for_each(|piece| last.take(piece));
        last.text()
    }

    #[test]
    fn the_last_line_with_anything_in_it_is_kept_whole_or_not() {
        for (pieces, expected) in [
            (&[][..], None),
            (&["\n \r\n"], None),
            (&["one\ntw", "o\n"], Some("two")),
            (&["one\n\n  \n"], Some("one")),
            (&["one\ntwo"], Some("two")),
            (&["10 %\r20 %\rfull\r\n"], Some("full")),
        ] {
            let pieces: Vec<&[u8]> = pieces.iter().map(|piece| piece.as_bytes()).collect();
            assert_eq!(last_of(&pieces).as_deref(), expected, "{pieces:?}");
        }
    }

    #[test]
    fn it_can_be_shown_anywhere() {
        assert_eq!(last_of(&[b"\x1b[2Ja\0b\tc\n"]).unwrap(), "\\u{001b}[2Ja\\u{0000}b\\tc");
        // In the middle of a character, and beyond the end.
        assert_eq!(last_of(&[b"caf\xc3", b"\xa9 \xff"]).unwrap(), "caf\u{e9} \u{fffd}");
        let long = last_of(&["é".repeat(LONGEST + 1).as_bytes()]).unwrap();
        assert_eq!(long, format!("{}...", "é".repeat(LONGEST)));
        assert_eq!(last_of(&["é".repeat(LONGEST).as_bytes()]).unwrap(), "é".repeat(LONGEST));
    }
}
