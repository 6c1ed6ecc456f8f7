//! Runs the programs of a server: as the right user, under the guard's eyes, and ended by signals.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::guard::Guard;

/// How often what has no notification of its own is looked at.
const POLL: Duration = Duration::from_millis(5);

/// A signal that a server's processes understand, or that a test of faults needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A fast shutdown of the server.
    Int,
    /// An immediate shutdown of the server: the next start recovers as after a crash.
    Quit,
    /// Stops a process where it is; its connections stay open and say nothing.
    Stop,
    /// Lets a stopped process go on.
    Cont,
    /// Ends a process without its consent.
    Kill,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Stop => "STOP",
            Self::Cont => "CONT",
            Self::Kill => "KILL",
        }
    }
}

/// Sends a signal with the shell's `kill`: the system call would be unsafe code, and small systems lack the command.
pub(super) fn send(signal: Signal, pids: &[u32]) -> io::Result<()> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "kill -s \"$0\" \"$@\"", signal.name()]).args(pids.iter().map(u32::to_string));
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

/// The processes that a process has started: for a postmaster, its backends and helpers.
pub(super) fn children(pid: u32) -> io::Result<Vec<u32>> {
    let output = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).stdin(Stdio::null()).output()?;
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let child = |line: &str| {
        let mut columns = line.split_whitespace();
        let (child, parent) = (number(columns.next())?, number(columns.next())?);
        (parent == pid).then_some(child)
    };
    Ok(table.lines().filter_map(child).collect())
}

/// What to start, and around it.
#[derive(Debug)]
pub(super) struct Program<'a> {
    pub(super) path: &'a Path,
    pub(super) args: &'a [String],
    pub(super) home: &'a Path,
    pub(super) log: &'a Path,
    pub(super) account: &'a Account,
}

/// Starts a program of the server's, in a process group of its own and with its output in the log.
///
/// The guard hears of the process before the program begins: a shell waits for a line from us and then becomes the program.
/// Were we killed in between, the shell would read the end of the pipe, and nothing would be left behind.
pub(super) fn start(program: &Program<'_>, guard: &mut Guard) -> io::Result<Child> {
    let log = OpenOptions::new().append(true).open(program.log)?;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "read -r _ && exec \"$@\" </dev/null", "pgfeed-start"]).arg(program.path).args(program.args);
    command.process_group(0).current_dir(program.home);
    command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
    // What a client reads from the environment (PGPORT, PGDATA ...) the server reads too.
    forget_other_servers(&mut command);
    // With another locale the server speaks another language; on macOS it may even refuse to start.
    command.env("LC_ALL", "C").env("TZ", "UTC");
    program.account.lower(&mut command);
    let mut child = command.spawn()?;
    let mut pipe = child.stdin.take().expect("stdin was asked for as a pipe");
    let told = guard.watch(child.id()).and_then(|()| writeln!(pipe, "go"));
    drop(pipe);
    match told {
        Ok(()) => Ok(child),
        // The shell has not had its line, and ends.
        Err(error) => child.wait().and(Err(error)),
    }
}

/// Takes away every variable by which a user names another server: not only PGHOST, since PGHOSTADDR and PGSERVICE win over it.
pub fn forget_other_servers(command: &mut Command) {
    let is_postgres = |name: &[u8]| name.starts_with(b"PG") && !name.starts_with(b"PGFEED_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_postgres(name.as_encoded_bytes())) {
        command.env_remove(name);
    }
}

/// Waits until `ready`, at most until the deadline and no longer than the process lives. Tells which it was.
pub(super) fn wait_until(child: &mut Child, deadline: Instant, ready: impl Fn() -> bool) -> io::Result<Waited> {
    loop {
        if ready() {
            return Ok(Waited::Ready);
        }
        if let Some(status) = child.try_wait()? {
            return Ok(Waited::Ended(status));
        }
        if Instant::now() >= deadline {
            return Ok(Waited::TooLong);
        }
        thread::sleep(POLL);
    }
}

/// How waiting for a process ended.
#[derive(Debug, Clone, Copy)]
pub(super) enum Waited {
    /// What was waited for is there.
    Ready,
    /// The process has ended before.
    Ended(ExitStatus),
    /// Neither happened in time.
    TooLong,
}
