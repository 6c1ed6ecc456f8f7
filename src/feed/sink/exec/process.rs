//! A process of the command: its group, its pipes, and its end, none of which can make us wait.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus};
use std::thread;

use super::heard::Heard;
use crate::sys::{self, Ending};

/// A process in a group of its own. Dropped, it is killed with its group.
pub struct Process {
    child: Child,
    /// Readable when the process has ended.
    end: OwnedFd,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    heard: Option<Heard>,
    reaped: bool,
}

impl Process {
    /// Starts it. Its stdin must be a pipe; its stdout may be, and its stderr, which is then passed on to ours.
    ///
    /// # Errors
    /// What the system says when it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.process_group(0).spawn()?;
        let end = match end_of(child.id()) {
            Ok(end) => end,
            Err(error) => {
                drop(child.kill());
                drop(child.wait());
                return Err(error);
            }
        };
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut process = Self { child, end, stdin, stdout, heard: None, reaped: false };
        if let Some(stdin) = &process.stdin {
            sys::set_nonblocking(stdin.as_fd())?;
        }
        if let Some(stdout) = &process.stdout {
            sys::set_nonblocking(stdout.as_fd())?;
        }
        if let Some(stderr) = stderr {
            process.heard = Some(Heard::begin(stderr, process.end.try_clone()?)?);
        }
        Ok(process)
    }

    /// What becomes readable when it has ended.
    pub fn end(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }

    /// Its stdin, unless that is closed.
    pub fn stdin(&self) -> Option<BorrowedFd<'_>> {
        self.stdin.as_ref().map(AsFd::as_fd)
    }

    /// Its stdout, if that is a pipe and still open.
    pub fn stdout(&self) -> Option<BorrowedFd<'_>> {
        self.stdout.as_ref().map(AsFd::as_fd)
    }

    /// Writes to its stdin as much as there is room for, and returns how much that was, in bytes. A stdin that it has closed is
    /// closed here too.
    pub fn feed(&mut self, input: &[u8]) -> usize {
        let mut fed = 0;
        while let (Some(stdin), true) = (&mut self.stdin, fed < input.len()) {
            match stdin.write(&input[fed..]) {
                Ok(written) => fed += written,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // It reads no more, which is its own affair: its exit code tells whether that was well.
                Err(_) => self.close_stdin(),
            }
        }
        fed
    }

    /// Ends its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Reads what there is of its stdout, and returns how much that was, in bytes; at its end it is closed here too.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        let Some(stdout) = &mut self.stdout else { return 0 };
        match stdout.read(buffer) {
            Ok(read) if read > 0 => read,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => 0,
            _ => {
                self.stdout = None;
                0
            }
        }
    }

    /// Sends a signal to it and to all that it has started and that has stayed in its group.
    pub fn signal(&self, ending: Ending) {
        sys::signal_group(self.child.id(), ending);
    }

    /// What it has said so far is about something else than what comes.
    pub fn forget_what_it_said(&self) {
        self.heard.iter().for_each(Heard::forget);
    }

    /// Takes how it has ended; to be called when it has.
    ///
    /// # Errors
    /// When the system lost it.
    pub fn reap(mut self) -> io::Result<Ended> {
        self.reaped = true;
        Ok(Ended { status: self.child.wait()?, said: self.heard.take().and_then(Heard::last_line) })
    }
}

/// What becomes readable when a process has ended. A pipe to it would not tell: what it has started may hold that open for long.
fn end_of(pid: u32) -> io::Result<OwnedFd> {
    if let Some(end) = sys::end_of(pid) {
        return Ok(end);
    }
    // Nothing is ever written to it.
    let (end, ends) = io::pipe()?;
    thread::Builder::new().spawn(move || {
        sys::wait_for_end(pid);
        drop(ends);
    })?;
    Ok(end.into())
}

/// How a process has ended.
pub struct Ended {
    /// Its exit code, or the signal.
    pub status: ExitStatus,
    /// The last line of its stderr, where that is heard.
    pub said: Option<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            // Its number is its own until it is waited for.
            self.signal(Ending::Kill);
            let _ = self.child.wait();
        }
    }
}
