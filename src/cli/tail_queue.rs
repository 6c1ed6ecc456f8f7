//! `pgfeed tail-queue`.

use crate::sql::DEFAULT_SCHEMA;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{Delivery, Limits, Output};
use crate::units;

const EXAMPLES: &str = "\
Without a command, --to or --consume it only looks: prints what is there, oldest first,
then what is added; everything stays in the queue. (What others take between two
looks is not shown.)

At least once: an event leaves the queue only when it was delivered. A crash loses
nothing, and repeats at most the batch in flight; an event's id stays the same.
Events of one row are delivered in the order of their commits. An event that a
command or sink refuses is tried again, and dead after its last attempt; others of its row
wait behind it. Printed with --consume, an event counts as delivered when stdout
has taken it.

Examples:
  pgfeed tail-queue events                         look
  pgfeed tail-queue events --consume -e > today    take all that is there
  pgfeed tail-queue events -- ./on-change          run a command for each
  pgfeed tail-queue events --to file:today.jsonl   append to a file, each event on the disk before it is taken
  pgfeed tail-queue events --dead                  what could not be delivered
  pgfeed tail-queue events --dead --requeue        try that again";

/// Here, unlike with listen, an event that is refused is neither delivered nor the end.
const COUNT: &str =
    "Exit after N events. Only those that were delivered (or shown) count, not those that were refused or are dead";

/// Look at, or deliver, the events of a durable queue
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, mut_arg("count", |count| count.help(COUNT)))]
pub struct TailQueue {
    /// Queue; may be left out while there is exactly one
    #[arg(value_name = "QUEUE")]
    pub queue: Option<String>,

    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub limits: Limits,
    #[command(flatten)]
    pub delivery: Delivery,

    /// What to do with an event that is refused
    #[arg(long, value_name = "POLICY", default_value = "retry", requires = "taker", help_heading = "Delivery")]
    pub on_error: OnRefusedEvent,

    /// Allow sinks that acknowledge nothing: what they lose is lost
    #[arg(long, requires = "taker", help_heading = "Delivery")]
    pub at_most_once: bool,

    /// Take what is printed
    #[arg(long, conflicts_with = "taker", help_heading = "Queue")]
    pub consume: bool,

    /// Exit 0 when nothing is left but dead events
    #[arg(short = 'e', long, help_heading = "Queue")]
    pub exit_on_empty: bool,

    /// Workers, each with a connection of its own
    #[arg(short = 'j', long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = "Queue")]
    pub jobs: u16,

    /// Give up the order of a row's events, so that any worker can take any event
    #[arg(long, help_heading = "Queue")]
    pub unordered: bool,

    /// Events in a transaction, at most [default: 1000, and 1 with a process per event]
    #[arg(long, value_name = "N", value_parser = units::count, help_heading = "Queue")]
    pub batch: Option<u64>,

    /// Bytes of payload in a transaction, about at most
    #[arg(long, value_name = "SIZE", default_value = "8M", value_parser = units::size, help_heading = "Queue")]
    pub batch_bytes: u64,

    /// Look this often even if nobody rings
    #[arg(long, value_name = "DUR", default_value = "10s", value_parser = units::interval, help_heading = "Queue")]
    pub poll: Duration,

    /// Attempts before an event is dead
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u16).range(1..), help_heading = "Queue")]
    pub max_attempts: u16,

    /// Longest delay before the second attempt, of which half to all is waited; doubled each time, at most 10 minutes
    #[arg(long, value_name = "DUR", default_value = "1s", value_parser = units::duration, help_heading = "Queue")]
    pub backoff: Duration,

    /// Show dead events
    #[arg(long, conflicts_with_all = ["consume", "taker"], help_heading = "Dead events")]
    pub dead: bool,

    /// Put dead events back, under their ids, as new arrivals
    #[arg(long, requires = "dead", conflicts_with = "purge", help_heading = "Dead events")]
    pub requeue: bool,

    /// Delete dead events
    #[arg(long, requires = "dead", help_heading = "Dead events")]
    pub purge: bool,

    /// Only the dead events with these ids
    #[arg(
        long,
        value_name = "LIST",
        requires = "dead",
        value_delimiter = ',',
        allow_hyphen_values = true,
        help_heading = "Dead events"
    )]
    pub id: Vec<i64>,

    /// Schema of pgfeed's own objects
    #[arg(long, value_name = "SCHEMA", default_value = DEFAULT_SCHEMA)]
    pub schema: String,
}

/// What to do with an event that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnRefusedEvent {
    /// Try it again later, and stop here: exit 1
    Stop,
    /// Try it again later, as often as --max-attempts allows
    Retry,
    /// It is dead at once
    Dead,
}
