//! One process from start to end: given its input, watched, judged.

use std::time::Duration;

use super::launcher::{Launcher, Output};
use super::variables::Variables;
use super::verdict::Verdict;
use super::watch::{Stopping, Watch};
use crate::error::{Error, Result};

/// Runs a process with this input.
///
/// # Errors
/// When the command is not there, or the system fails us.
pub fn run(
    launcher: &Launcher,
    variables: &Variables,
    input: &[u8],
    stopping: &mut Stopping,
    timeout: Option<Duration>,
) -> Result<Verdict> {
    if stopping.asked().is_some() {
        return Ok(Verdict::Stopped);
    }
    let mut process = match launcher.start(variables, Output::Inherited)? {
        Ok(process) => process,
        Err(why) => return Ok(Verdict::NotNow(why)),
    };
    let mut watch = Watch::new(stopping, timeout);
    let mut rest = input;
    loop {
        rest = &rest[process.feed(rest)..];
        if rest.is_empty() {
            process.close_stdin();
        }
        if watch.wait(&process, true)?.ended {
            break;
        }
    }
    let cause = watch.cause();
    let ended = process.reap().map_err(|error| Error::failed(error.to_string()).doing("waiting for the command"))?;
    Verdict::of(&ended, cause, stopping.asked().is_some(), timeout, &launcher.name())
}
