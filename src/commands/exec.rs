//! Makes the exec sink of what the command line says about it.

use crate::cli;
use crate::error::Result;
use crate::feed::sink::Exec;
use crate::feed::sink::exec::{Mode, Stderr};
use crate::stop::Stop;
use crate::term::Term;

/// The sink that runs the command; what is odd about its answers is told on `term`.
///
/// # Errors
/// When the program is not there, or the system has no descriptors left.
pub fn sink(delivery: &cli::Delivery, stop: &Stop, term: Term) -> Result<Exec> {
    let mode = match delivery.exec_mode {
        cli::ExecMode::Each => Mode::Each,
        cli::ExecMode::Batch => Mode::Batch,
        cli::ExecMode::Stream => Mode::Stream,
    };
    let sink = Exec::new(&delivery.command, mode, delivery.timeout(), stop, move |warning| term.warn(warning))?;
    sink.look()?;
    Ok(sink)
}

/// Where the stderr of a command goes that may have to account for an event that is dead. On a terminal it is left alone: the
/// command may ask what it is, and whoever sits there reads it.
pub fn stderr(term: Term) -> Stderr {
    if term.stderr_is_terminal { Stderr::Inherited } else { Stderr::Heard }
}

/// How many events to take at once, unless any number will do. With a process per event it is one: what was taken waits for
/// the whole batch, and an error that stops it should stop it there.
pub fn batch(delivery: &cli::Delivery) -> Option<usize> {
    (delivery.exec_mode == cli::ExecMode::Each).then_some(1)
}
