//! What the end of a process says about the events that it was given.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use super::process::Ended;
use super::watch::Cause;
use crate::error::{Error, Result};
use crate::units::show_duration;

/// The signals that ask to stop.
const STOPS: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// What became of what a process was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It took it.
    Delivered,
    /// It did not, for this reason, in which nothing is of the event but what the process itself has said.
    Refused(String),
    /// It was ended because pgfeed is to stop, or may not hold the batch for longer: that was no attempt.
    Stopped,
    /// There is no process just now.
    NotNow(String),
}

impl Verdict {
    /// Judges how a process has ended, by itself or for a cause of ours. While pgfeed is to stop, others may tell the process
    /// so too: a service manager signals all processes of a service.
    ///
    /// # Errors
    /// For the exit codes 126 and 127: a command that is not there will not take the next event either.
    pub fn of(
        ended: &Ended,
        cause: Option<Cause>,
        stopping: bool,
        timeout: Option<Duration>,
        name: &str,
    ) -> Result<Self> {
        let status = ended.status;
        let refused = |reason: String| {
            Self::Refused(match &ended.said {
                Some(said) => format!("{reason}; stderr: {said}"),
                None => reason,
            })
        };
        Ok(match (cause, status.code()) {
            (Some(Cause::Stopped | Cause::Lapsed), _) => Self::Stopped,
            (Some(Cause::TimedOut), _) => {
                refused(format!("timed out after {}", show_duration(timeout.unwrap_or_default())))
            }
            (Some(Cause::Deaf), _) => refused("it closed its stdin before it had taken everything".to_owned()),
            (Some(Cause::Mute), _) => refused("it closed its stdout without an answer".to_owned()),
            (None, Some(0)) => Self::Delivered,
            (None, Some(code @ (126 | 127))) => return Err(not_there(code, name)),
            (None, Some(code)) => refused(format!("exit code {code}")),
            (None, None) if stopping && status.signal().is_some_and(|signal| STOPS.contains(&signal)) => Self::Stopped,
            (None, None) => refused(format!("killed by signal {}", status.signal().unwrap_or_default())),
        })
    }
}

fn not_there(code: i32, name: &str) -> Error {
    let what = if code == 126 { "could not be executed" } else { "was not found" };
    Error::failed(format!("exit code {code}")).doing(format!("running {name}")).hint(format!(
        "with {code} a shell says that a command {what}; a handler that refuses an event needs another code"
    ))
}
