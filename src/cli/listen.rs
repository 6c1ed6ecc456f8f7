//! `pgfeed listen`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Delivery, Limits, Output, Overflow};
use crate::units;

const EXAMPLES: &str = "\
At most once: all that is sent while pgfeed is connected is delivered, in order,
and every interruption is told.

Examples:
  pgfeed listen events
  pgfeed listen orders users -o json | jq .payload.new.id
  pgfeed listen orders -n 1 -t 10s          wait for one; exit code 124 when none comes
  pgfeed listen orders --control | ./invalidate-cache
  pgfeed listen orders -- ./handle-order    run it for each, with the event on its stdin

COMMAND's environment has PGFEED_CHANNEL and, in mode each, PGFEED_OP and PGFEED_TABLE
when the event is a change that a trigger of pgfeed tells. In mode stream it answers
nothing: what was written to it counts as delivered.";

/// Print or forward notifications from channels
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Listen {
    /// Channels, spelled exactly as they are notified (1 to 63 bytes)
    #[arg(value_name = "CHANNEL", required = true)]
    pub channels: Vec<String>,

    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub limits: Limits,
    #[command(flatten)]
    pub delivery: Delivery,

    /// What to do about a notification that is refused: stop exits 1; skip tells and goes on
    #[arg(long, value_name = "POLICY", default_value = "stop", requires = "taker", help_heading = "Delivery")]
    pub on_error: OnError,

    /// Whether to come back after a lost connection; never exits 3
    #[arg(long, value_name = "WHEN", default_value = "always", help_heading = "Link")]
    pub reconnect: Reconnect,

    /// Ask a silent server this often whether it is still there; 0 never asks
    #[arg(long, value_name = "DUR", default_value = "30s", value_parser = units::interval_or_never, help_heading = "Link")]
    pub heartbeat: Duration,

    /// Write a line to this open file descriptor at every gap
    #[arg(long, value_name = "FD", help_heading = "Link")]
    pub gap_fd: Option<i32>,

    /// Bytes held for a slow reader
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = units::size, help_heading = "Link")]
    pub buffer: u64,

    /// What to do when that is full: stop delivers what was received, then exits 1; drop counts, tells and goes on
    #[arg(long, value_name = "POLICY", default_value = "stop", help_heading = "Link")]
    pub overflow: Overflow,
}

/// Whether to come back after a lost connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Reconnect {
    /// Try again for as long as it takes
    Always,
    /// Exit 3
    Never,
}

/// What to do about a notification that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Exit 1
    Stop,
    /// Tell, and go on
    Skip,
}
