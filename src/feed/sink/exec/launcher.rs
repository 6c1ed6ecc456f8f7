//! What to run: the command as given, its environment, and what a failure to start it means.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::process::Process;
use super::variables::{NAMES, Variables};
use crate::error::{Error, Result};
use crate::sys;

/// Starts processes of one command.
pub struct Launcher {
    words: Vec<OsString>,
    variables: Vec<(String, String)>,
    stderr: Stderr,
}

/// Where the stderr of a process goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stderr {
    /// It is ours.
    Inherited,
    /// To ours as well, and its last line becomes a part of the reason why events were refused.
    Heard,
}

/// What a process may do with its stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// It is ours: what it prints goes where our output goes.
    Inherited,
    /// It answers there.
    Answers,
}

/// Either a process, or why there is none just now.
pub type Started = Result<Process, String>;

impl Launcher {
    /// Will start this program with these arguments.
    pub fn new(words: &[OsString]) -> Self {
        Self { words: words.to_vec(), variables: Vec::new(), stderr: Stderr::Inherited }
    }

    /// Sets a variable for every process.
    pub fn env(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Decides where the stderr of every process goes.
    pub fn stderr(&mut self, stderr: Stderr) {
        self.stderr = stderr;
    }

    /// The program's name, for people. The arguments may hold what is nobody's business.
    pub fn name(&self) -> String {
        self.words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Looks for the program where the system will, so that a mistyped name is told at once, and not when the first event comes.
    ///
    /// # Errors
    /// When it is not there, or may not be executed.
    pub fn look(&self) -> Result<()> {
        let Some(program) = self.words.first() else { return Ok(()) };
        let places = match std::env::var_os("PATH") {
            _ if program.as_bytes().contains(&b'/') => vec![PathBuf::from(program)],
            Some(path) => std::env::split_paths(&path).map(|folder| folder.join(program)).collect(),
            // The system has folders of its own for that.
            None => return Ok(()),
        };
        let files: Vec<_> = places.iter().filter_map(|place| fs::metadata(place).ok()).collect();
        if files.iter().any(|file| file.is_file() && file.mode() & 0o111 != 0) {
            return Ok(());
        }
        let code = if files.is_empty() { libc::ENOENT } else { libc::EACCES };
        Err(self.never(&io::Error::from_raw_os_error(code)))
    }

    /// Starts a process, in a group of its own so that it can be ended with all that it has started.
    ///
    /// # Errors
    /// When it can never be started; what may pass (no memory, too many processes) is told inside.
    pub fn start(&self, variables: &Variables, output: Output) -> Result<Started> {
        let Some((program, args)) = self.words.split_first() else {
            return Err(Error::usage("there is no command to run"));
        };
        let mut command = Command::new(program);
        command.args(args);
        // What an outer pgfeed has set tells of another event.
        for name in NAMES {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value))).envs(variables.iter());
        command.stdin(Stdio::piped());
        if output == Output::Answers {
            command.stdout(Stdio::piped());
        }
        if self.stderr == Stderr::Heard {
            command.stderr(Stdio::piped());
        }
        sys::kill_with_this_thread(&mut command);
        match Process::start(&mut command) {
            Ok(process) => Ok(Ok(process)),
            Err(error) if may_pass(&error) => Ok(Err(format!("{} cannot be started now: {error}", self.name()))),
            Err(error) => Err(self.never(&error)),
        }
    }

    fn never(&self, error: &io::Error) -> Error {
        let told = Error::failed(error.to_string()).doing(format!("running {}", self.name()));
        match error.kind() {
            ErrorKind::NotFound => told.hint(
                "it is looked for in PATH, and run without a shell: for shell syntax, run -- sh -c '...'; a script's \
                 interpreter, in its first line, must be there too",
            ),
            ErrorKind::PermissionDenied => told.hint("it must be a program, or a script with #! that may be executed"),
            _ => told,
        }
    }
}

/// Whether it could work in a while.
fn may_pass(error: &io::Error) -> bool {
    let codes = [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE, libc::ETXTBSY];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
