//! Who takes the events of a feed, as the command line says it: stdout, a command, or a sink.

use std::fs;

use crate::cli;
use crate::error::{Error, Result};
use crate::feed::sink::registry::{self, Acknowledgement, Destination};

/// Who takes the events.
pub enum Taker {
    /// They are printed.
    Stdout,
    /// A command.
    Command,
    /// A sink.
    Sink(Box<dyn Destination>),
}

/// Finds out who takes the events, and checks a sink's URL.
///
/// # Errors
/// Usage errors.
pub fn taker(delivery: &cli::Delivery, acknowledgement: Acknowledgement) -> Result<Taker> {
    let url = match (&delivery.to, &delivery.to_file) {
        (Some(url), _) => url.clone(),
        (None, Some(file)) => fs::read_to_string(file)
            .map_err(|error| Error::usage(format!("--to-file {}: {error}", file.display())))?
            .trim_end_matches(['\r', '\n'])
            .to_owned(),
        (None, None) if delivery.command.is_empty() => return Ok(Taker::Stdout),
        (None, None) => return Ok(Taker::Command),
    };
    Ok(Taker::Sink(registry::prepare(&url, acknowledgement)?))
}
