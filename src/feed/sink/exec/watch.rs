//! Watches over a process: waits for what it does, and ends it when its time is over or pgfeed is to stop.

use std::io::{PipeReader, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use super::process::Process;
use crate::error::{Error, Result};
use crate::stop::Stop;
use crate::sys::{self, Ending, Readiness};

/// How long a command in flight may go on when pgfeed is to stop.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
/// How long it may then take to end.
pub const STOPPED_GRACE: Duration = Duration::from_secs(1);
/// How long a command whose time is over may take to end.
const ASKED_GRACE: Duration = Duration::from_secs(5);
/// How long a process that has closed a pipe of its own may take to end.
const MOMENT: Duration = Duration::from_secs(1);

/// The wish to stop, as something that can be waited for beside a process.
pub struct Stopping {
    stop: Stop,
    wake: PipeReader,
    asked: Option<Instant>,
}

impl Stopping {
    /// Sees when `stop` is requested.
    ///
    /// # Errors
    /// When the system has no descriptors left.
    pub fn new(stop: &Stop) -> Result<Self> {
        let (wake, waker) =
            std::io::pipe().map_err(|error| Error::failed(error.to_string()).doing("opening a pipe"))?;
        let shared = std::sync::Mutex::new(waker);
        stop.on_request(move || drop(shared.lock().map(|mut waker| waker.write_all(b"!"))));
        Ok(Self { stop: stop.clone(), wake, asked: None })
    }

    /// When it was seen that a stop is requested.
    pub fn asked(&mut self) -> Option<Instant> {
        if self.asked.is_none() && self.stop.requested().is_some() {
            self.asked = Some(Instant::now());
        }
        self.asked
    }
}

/// Why a process was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Its time was over.
    TimedOut,
    /// The batch will soon be somebody else's.
    Lapsed,
    /// pgfeed is to stop.
    Stopped,
    /// It had closed its stdin, and did not end.
    Deaf,
    /// It had closed its stdout, and did not end.
    Mute,
}

/// What a process allows just now.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// It has ended.
    pub ended: bool,
    /// It can be fed.
    pub fed: bool,
    /// It has printed something.
    pub read: bool,
}

/// Watches over one process.
pub struct Watch<'a> {
    stopping: &'a mut Stopping,
    timeout: Option<Duration>,
    limit: Option<(Instant, Cause)>,
    stage: Stage,
    cause: Option<Cause>,
}

enum Stage {
    Running,
    /// Asked to end; it is killed then.
    Asked(Instant),
    Killed,
}

impl<'a> Watch<'a> {
    /// Starts the clock; no timeout is without limit.
    pub fn new(stopping: &'a mut Stopping, timeout: Option<Duration>) -> Self {
        let mut watch = Self { stopping, timeout, limit: None, stage: Stage::Running, cause: None };
        watch.restart();
        watch
    }

    /// Starts the clock anew: it has done something.
    pub fn restart(&mut self) {
        self.limit = self.timeout.and_then(|timeout| Some((Instant::now().checked_add(timeout)?, Cause::TimedOut)));
    }

    /// Does not start the clock anew though it has done something: what is open then has not had its whole time.
    pub fn lapse(&mut self) {
        if let Some((_, cause @ Cause::TimedOut)) = &mut self.limit {
            *cause = Cause::Lapsed;
        }
    }

    /// Gives it only a moment more: without that pipe it can do nothing more for us.
    pub fn hurry(&mut self, cause: Cause) {
        let soon = Instant::now() + MOMENT;
        if self.limit.is_none_or(|(limit, _)| limit > soon) {
            self.limit = Some((soon, cause));
        }
    }

    /// Why it was ended, if it did not end by itself.
    pub fn cause(&self) -> Option<Cause> {
        self.cause
    }

    /// Waits until it has ended, or can be fed (if that is wanted), or has printed something, and ends it when its time is over.
    ///
    /// # Errors
    /// When the system has no memory for it.
    pub fn wait(&mut self, process: &Process, feed: bool) -> Result<Ready> {
        let asked = self.stopping.asked().is_some();
        let next = self.press(process);
        let wanted = [
            (!asked).then(|| (self.stopping.wake.as_fd(), Readiness::Read)),
            Some((process.end(), Readiness::Read)),
            process.stdin().filter(|_| feed).map(|stdin| (stdin, Readiness::Write)),
            process.stdout().map(|stdout| (stdout, Readiness::Read)),
        ];
        let timeout = next.map(|next| next.saturating_duration_since(Instant::now()));
        let ready = sys::wait_ready(wanted, timeout);
        let [_, ended, fed, read] =
            ready.map_err(|error| Error::failed(error.to_string()).doing("waiting for the command"))?;
        if ended && self.cause.is_some() {
            // What it has started, and what has not heard the first signal, ends with it.
            process.signal(Ending::Kill);
        }
        Ok(Ready { ended, fed, read })
    }

    /// Sends the signal that is due, and returns when the next one will be.
    fn press(&mut self, process: &Process) -> Option<Instant> {
        let now = Instant::now();
        match self.stage {
            Stage::Running => {
                let stop = self.stopping.asked().map(|asked| (asked + STOP_GRACE, Cause::Stopped));
                let (due, cause) = [self.limit, stop].into_iter().flatten().min_by_key(|(due, _)| *due)?;
                if due > now {
                    return Some(due);
                }
                process.signal(Ending::Ask);
                self.cause = Some(cause);
                let kill = now + if cause == Cause::Stopped { STOPPED_GRACE } else { ASKED_GRACE };
                self.stage = Stage::Asked(kill);
                Some(kill)
            }
            Stage::Asked(kill) if kill > now => Some(kill),
            Stage::Asked(_) => {
                process.signal(Ending::Kill);
                self.stage = Stage::Killed;
                None
            }
            Stage::Killed => None,
        }
    }
}
