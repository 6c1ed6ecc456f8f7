//! Describes a run of the binary, and checks how it ended.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::DEADLINE;
use super::running::Running;

/// The variables that a run inherits. Everything else in a developer's environment could change what is tested.
const INHERITED: &[&str] = &["PATH", "TMPDIR", "LLVM_PROFILE_FILE"];

/// A run of pgfeed that is being described.
#[derive(Debug)]
pub struct Pgfeed {
    pub(super) command: Command,
    pub(super) stdin: Stdin,
    pub(super) stdout: Stdout,
    /// Where stderr goes, when it is not collected.
    pub(super) stderr: Option<File>,
    pub(super) deadline: Duration,
    /// An empty HOME, which disappears with the run.
    pub(super) home: TempDir,
}

/// What the process reads.
#[derive(Debug)]
pub(super) enum Stdin {
    Text(Vec<u8>),
    Open,
}

/// What happens to what the process prints on stdout.
#[derive(Debug)]
pub enum Stdout {
    /// It is collected.
    Read,
    /// Nobody reads it, until [`Running::read_stdout`] or [`Running::close_stdout`]: a stalled reader.
    Stalled,
    /// It is collected until there are that many lines, and then closed, as by `head`; 0 closes it at once.
    Head(usize),
    /// It goes to a file, such as /dev/full.
    To(File),
}

impl Pgfeed {
    /// Runs pgfeed without any database: `DATABASE_URL` is not set.
    pub fn new<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgfeed"));
        command.args(args);
        Self::command(command)
    }

    /// Runs another program in the same way.
    pub fn command(mut command: Command) -> Self {
        super::hang::watched();
        let home = tempfile::tempdir().expect("an empty HOME");
        command.env_clear().envs(INHERITED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        // No server has its socket in an empty folder: without a database the machine's own must not be found.
        command.env("HOME", home.path()).env("PGHOST", home.path());
        Self { command, stdin: Stdin::Text(Vec::new()), stdout: Stdout::Read, stderr: None, deadline: DEADLINE, home }
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Removes a variable that the harness has set.
    pub fn env_remove(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Sets the folder that it runs in.
    pub fn current_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives it something to read; without this, stdin is at its end at once.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = Stdin::Text(input.into());
        self
    }

    /// Leaves stdin open, for [`Running::write_stdin`].
    pub fn stdin_open(mut self) -> Self {
        self.stdin = Stdin::Open;
        self
    }

    /// Does something else with stdout than to collect it.
    pub fn stdout(mut self, stdout: Stdout) -> Self {
        self.stdout = stdout;
        self
    }

    /// Sends stderr elsewhere than to the collector.
    pub fn stderr(mut self, file: impl Into<File>) -> Self {
        self.stderr = Some(file.into());
        self
    }

    /// Sets how long the run, and each wait for something in it, may take.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The empty folder that is its HOME.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Output {
        self.spawn().finish()
    }

    /// Starts it in the background.
    #[track_caller]
    pub fn spawn(self) -> Running {
        Running::start(self)
    }
}

/// How a run has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The program and its arguments, as it would be typed.
    pub command: String,
    /// What was collected of stdout.
    pub stdout: String,
    /// The same, exactly as printed.
    pub stdout_bytes: Vec<u8>,
    /// Everything on stderr.
    pub stderr: String,
    /// The exit code, or 128 and the signal's number, as in a shell.
    pub code: i32,
}

impl Output {
    /// Checks that the exit code is 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert!(self.code == code, "exit code {} instead of {code}\n{self}", self.code);
        self
    }

    /// Checks all of stdout.
    #[track_caller]
    pub fn stdout_is(self, expected: &str) -> Self {
        assert!(self.stdout == expected, "stdout is not:\n{expected}\n{self}");
        self
    }

    /// Checks all of stderr.
    #[track_caller]
    pub fn stderr_is(self, expected: &str) -> Self {
        assert!(self.stderr == expected, "stderr is not:\n{expected}\n{self}");
        self
    }

    /// Checks that stdout has this in it.
    #[track_caller]
    pub fn stdout_has(self, expected: &str) -> Self {
        assert!(self.stdout.contains(expected), "stdout lacks: {expected}\n{self}");
        self
    }

    /// Checks that stderr has this in it.
    #[track_caller]
    pub fn stderr_has(self, expected: &str) -> Self {
        assert!(self.stderr.contains(expected), "stderr lacks: {expected}\n{self}");
        self
    }

    /// Checks that this is nowhere in what was printed, such as a password.
    #[track_caller]
    pub fn lacks(self, unwanted: &str) -> Self {
        assert!(!self.stdout.contains(unwanted) && !self.stderr.contains(unwanted), "printed: {unwanted}\n{self}");
        self
    }

    /// The lines of stdout.
    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// The lines of stdout, each of them JSON.
    #[track_caller]
    pub fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{self}"));
        self.stdout.lines().map(parse).collect()
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, stdout, stderr, code, .. } = self;
        write!(f, "{command}\n--- exit code {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}

/// A command as it would be typed.
pub(super) fn shown(command: &Command) -> String {
    let words: Vec<OsString> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(OsStr::to_owned).collect();
    let quote = |word: &OsString| {
        let word = word.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.into_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}
