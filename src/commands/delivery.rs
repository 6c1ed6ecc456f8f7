//! Who takes the events of a feed, as the command line says it: stdout, a command, or a sink.

use std::fs;
use std::path::Path;

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
    match url(delivery.to.as_deref(), delivery.to_file.as_deref())? {
        Some(url) => Ok(Taker::Sink(registry::prepare(&url, acknowledgement)?)),
        None if delivery.command.is_empty() => Ok(Taker::Stdout),
        None => Ok(Taker::Command),
    }
}

/// The URL of a sink, from the command line or from a file.
///
/// # Errors
/// A usage error when the file cannot be read.
pub fn url(to: Option<&str>, to_file: Option<&Path>) -> Result<Option<String>> {
    match (to, to_file) {
        (Some(url), _) => Ok(Some(url.to_owned())),
        (None, None) => Ok(None),
        (None, Some(file)) => {
            let read = fs::read_to_string(file);
            let url = read.map_err(|error| Error::usage(format!("--to-file {}: {error}", file.display())))?;
            Ok(Some(url.trim_end_matches(['\r', '\n']).to_owned()))
        }
    }
}
