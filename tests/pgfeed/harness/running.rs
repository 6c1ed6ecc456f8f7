//! A process in the background, which ends with the test at the latest.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::collect::{Collected, Until};
use super::command::{Output, Pgfeed, Stdin, Stdout, shown};

/// A run of pgfeed that goes on. Every wait has a deadline, and tells what was printed when it fails.
#[derive(Debug)]
pub struct Running {
    shown: String,
    child: Child,
    status: Option<ExitStatus>,
    stdin: Option<ChildStdin>,
    unread: Option<ChildStdout>,
    stdout: Collected,
    stderr: Collected,
    deadline: Duration,
    home: TempDir,
}

/// The signals that a user, a shell or a service manager sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in the shell")]
pub enum Signal {
    Int,
    Term,
    Hup,
    Quit,
    Kill,
    Stop,
    Cont,
}

impl Running {
    #[track_caller]
    pub(super) fn start(described: Pgfeed) -> Self {
        let Pgfeed { mut command, stdin, stdout, stderr, deadline, home } = described;
        let shown = shown(&command);
        command.stdin(Stdio::piped()).stderr(stderr.map_or_else(Stdio::piped, Stdio::from));
        let (pipe, how) = match stdout {
            Stdout::To(file) => (Stdio::from(file), None),
            Stdout::Read => (Stdio::piped(), Some(Until::End)),
            Stdout::Head(lines) => (Stdio::piped(), Some(Until::Lines(lines))),
            Stdout::Stalled => (Stdio::piped(), None),
        };
        let mut child = command.stdout(pipe).spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        let (collected, stderr) = (Collected::default(), Collected::default());
        match child.stderr.take() {
            Some(pipe) => stderr.read(pipe, Until::End),
            None => stderr.end(),
        }
        let mut unread = child.stdout.take();
        match how {
            Some(until) => collected.read(unread.take().unwrap(), until),
            None => collected.end(),
        }
        let stdin = given(child.stdin.take().unwrap(), stdin);
        Self { shown, child, status: None, stdin, unread, stdout: collected, stderr, deadline, home }
    }

    /// The process's number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The folder that is its HOME.
    pub fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    /// Waits for a line of stdout that satisfies `pred`, behind the line that the last wait returned.
    #[track_caller]
    pub fn wait_stdout_line(&self, pred: impl Fn(&str) -> bool) -> String {
        let found = self.stdout.wait(Instant::now() + self.deadline, |new| {
            let mut length = 0;
            new.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n")).find_map(|line| {
                length += line.len();
                let line = String::from_utf8_lossy(&line[..line.len() - 1]).into_owned();
                pred(&line).then_some((line, length))
            })
        });
        found.unwrap_or_else(|| self.fail("waited in vain for a line on stdout"))
    }

    /// Waits for the next line of stdout, whatever it is.
    #[track_caller]
    pub fn next_line(&self) -> String {
        self.wait_stdout_line(|_| true)
    }

    /// The next line of stdout, if it comes in that time.
    pub fn line_within(&self, limit: Duration) -> Option<String> {
        self.stdout.wait(Instant::now() + limit, |new| {
            let length = new.iter().position(|&byte| byte == b'\n')? + 1;
            Some((String::from_utf8_lossy(&new[..length - 1]).into_owned(), length))
        })
    }

    /// Waits until stderr has this in it, behind what the last wait returned.
    #[track_caller]
    pub fn wait_stderr(&self, substring: &str) {
        let found = self.stderr.wait(Instant::now() + self.deadline, |new| {
            let text = String::from_utf8_lossy(new);
            // In the bytes, since the text may have replaced some.
            let at = new.windows(substring.len()).position(|window| window == substring.as_bytes());
            text.contains(substring).then_some(((), at.unwrap_or(0) + substring.len()))
        });
        found.unwrap_or_else(|| self.fail(&format!("waited in vain on stderr for: {substring}")));
    }

    /// The complete lines of stdout so far.
    pub fn lines(&self) -> Vec<String> {
        let text = self.stdout.text();
        text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
    }

    /// What is on stderr so far.
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Writes to its stdin, which was left open.
    #[track_caller]
    pub fn write_stdin(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("stdin_open() was asked for");
        stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()).expect("the process reads its stdin");
    }

    /// Ends its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Begins to read a stdout that nobody has read.
    pub fn read_stdout(&mut self) {
        self.stdout = Collected::default();
        self.stdout.read(self.unread.take().expect("stdout was stalled"), Until::End);
    }

    /// Closes a stdout that nobody has read.
    pub fn close_stdout(&mut self) {
        self.unread = None;
    }

    /// Tells whether it is still running.
    pub fn is_running(&mut self) -> bool {
        self.ended().is_none()
    }

    /// Sends a signal.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        send(signal, self.child.id());
    }

    /// Ends it without its consent, as `kill -9`, and waits for its end.
    #[track_caller]
    pub fn kill(mut self) -> Output {
        self.child.kill().expect("it was still there to be killed");
        self.finish()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn finish(mut self) -> Output {
        let deadline = Instant::now() + self.deadline;
        let status = loop {
            match self.ended() {
                Some(status) => break status,
                None if Instant::now() >= deadline => self.fail(&format!("still running after {:?}", self.deadline)),
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        // What it has printed may not all have arrived. A grandchild can hold the streams open, hence the deadline.
        self.stdout.wait_end(deadline);
        self.stderr.wait_end(deadline);
        self.output(status)
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child can be waited for");
        }
        self.status
    }

    fn output(&self, status: ExitStatus) -> Output {
        let stdout_bytes = self.stdout.bytes();
        Output {
            command: self.shown.clone(),
            stdout: String::from_utf8_lossy(&stdout_bytes).into_owned(),
            stdout_bytes,
            stderr: self.stderr.text(),
            code: status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(-1),
        }
    }

    #[track_caller]
    fn fail(&self, why: &str) -> ! {
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        panic!("{why}\n{}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---", self.shown);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.status.is_none() {
            // It may have ended since; then there is nothing to kill.
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Sends a signal to a process by its number, which `std` cannot.
#[track_caller]
pub fn send(signal: Signal, pid: u32) {
    let name = format!("{signal:?}").to_uppercase();
    let sent = Command::new("/bin/sh").args(["-c", "kill -s \"$0\" \"$1\"", &name, &pid.to_string()]).status();
    assert!(sent.expect("sh runs").success(), "{name} could not be sent to {pid}");
}

/// Writes on a thread, since a process may print a lot before it reads on.
fn given(mut pipe: ChildStdin, stdin: Stdin) -> Option<ChildStdin> {
    match stdin {
        Stdin::Open => return Some(pipe),
        Stdin::Text(text) if text.is_empty() => drop(pipe),
        Stdin::Text(text) => {
            thread::spawn(move || {
                // It need not read everything.
                drop(pipe.write_all(&text));
            });
        }
    }
    None
}
