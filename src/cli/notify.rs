//! `pgfeed notify`.

use crate::sql::DEFAULT_SCHEMA;
use clap::Args;

use super::ReportFormat;
use crate::error::{Error, Result};
use crate::units;

const EXAMPLES: &str = "\
Examples:
  pgfeed notify events '{\"hello\":1}'
  pgfeed notify events -- -5                a payload that looks like a flag
  date | pgfeed notify events               all of stdin is one payload
  tail -f app.log | pgfeed notify log -l    a notification a line, as the lines come
  pgfeed notify --queue jobs --create '{\"job\":1}'   kept until it is delivered";

/// Send notifications, or enqueue durable events
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Notify {
    /// Channel, spelled exactly as listeners spell it (1 to 63 bytes); left out with --queue
    #[arg(value_name = "CHANNEL", required_unless_present = "queue")]
    channel: Option<String>,

    /// Payload, for a channel at most 7999 bytes; `-`, or none while stdin is not a terminal, is all of stdin less one final
    /// newline
    #[arg(value_name = "PAYLOAD", conflicts_with_all = ["lines", "null"])]
    payload: Option<String>,

    /// Store a durable event in this queue instead
    #[arg(long, value_name = "QUEUE")]
    pub queue: Option<String>,

    /// Make the queue if there is none
    #[arg(long, requires = "queue")]
    pub create: bool,

    /// Send a notification, or an event, for every line of stdin
    #[arg(short = 'l', long)]
    pub lines: bool,

    /// The same for every NUL-terminated record of stdin
    #[arg(short = '0', long, conflicts_with = "lines")]
    pub null: bool,

    /// Refuse a payload that is not valid JSON
    #[arg(long)]
    pub json: bool,

    /// Payloads in a transaction, at most, and about 8 MB of them [default: 1, with -l and -0 1000]
    #[arg(long, value_name = "N", value_parser = units::count)]
    pub batch: Option<u64>,

    /// Schema of pgfeed's own objects
    #[arg(long, value_name = "SCHEMA", default_value = DEFAULT_SCHEMA, requires = "queue")]
    pub schema: String,

    /// Print a summary to stdout
    #[arg(short = 'o', long, value_name = "FORM")]
    pub output: Option<ReportFormat>,
}

impl Notify {
    /// The channel, unless there is a queue, and the payload: with a queue the first plain argument is the payload.
    ///
    /// # Errors
    /// A usage error when there is one argument too many.
    pub fn target_and_payload(&self) -> Result<(Option<&str>, Option<&str>)> {
        let (first, second) = (self.channel.as_deref(), self.payload.as_deref());
        if self.queue.is_none() {
            return Ok((first, second));
        }
        if second.is_some() || first.is_some() && (self.lines || self.null) {
            return Err(Error::usage("with --queue there is no channel").hint("pgfeed notify --queue QUEUE [PAYLOAD]"));
        }
        Ok((None, first))
    }
}
