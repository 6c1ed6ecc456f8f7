//! `pgfeed bench`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::units;

const EXAMPLES: &str = "\
Scenarios:
  notify    rate and latency of NOTIFY, from a sender to a listener
  fanout    one sender, many listeners
  serve     the same, with web sockets of one pgfeed serve, of which some stall
  trigger   what each kind of trigger costs a writer: single rows, and many at once
  commit    transactions a second as writers grow: no trigger, NOTIFY in the trigger, durable
  queue     from a writer through a durable queue to its delivery; draining a backlog
  sync      a published demo of trigger and queue, repeated
  all       one after the other
  list      their names, and nothing is measured

Everything happens in a schema of its own, pgfeed_bench_PID, which is dropped at the
end. A percentile is shown only when at least ten samples lie beyond it.

Examples:
  pgfeed bench commit --throwaway                    on a private server
  pgfeed bench commit --throwaway --flush-delay 1ms  whose disk needs a millisecond
  pgfeed bench queue -R 200 -T 30s                   latency at 200 events a second
  pgfeed bench queue --to redis://localhost          a sink beside its client library alone
  pgfeed bench all --export before.json              then change something, and:
  pgfeed bench all --compare before.json --fail-if 'compared<0.9' --fail-if 'lost>0'";

/// Measure what LISTEN/NOTIFY and the queue cost on this server
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    /// What to measure
    #[arg(value_name = "SCENARIO")]
    pub scenario: String,

    /// Connections that write or send; a list measures each [default: 1; commit: 1,2,4,8,16,32]
    #[arg(short = 'c', long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1000), help_heading = "Load")]
    pub clients: Vec<u16>,

    /// Connections that listen, or consumers of the queue; a list measures each [default: 1; fanout: 1,10,50; serve: 100]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1000), help_heading = "Load")]
    pub listeners: Vec<u16>,

    /// Bytes of payload
    #[arg(short = 's', long, value_name = "SIZE", default_value = "100", value_parser = units::size, help_heading = "Load")]
    pub size: u64,

    /// End after N messages, transactions or rows
    #[arg(short = 'n', long, value_name = "N", value_parser = units::count, conflicts_with = "time", help_heading = "Load")]
    pub count: Option<u64>,

    /// End after this long
    #[arg(short = 'T', long, value_name = "DUR", default_value = "10s", value_parser = units::duration, help_heading = "Load")]
    pub time: Duration,

    /// So many a second, all clients together, however the server keeps up: latency is counted from the moment that was
    /// planned; 0 is as fast as it goes
    #[arg(short = 'R', long, value_name = "N", default_value = "0", value_parser = units::count, help_heading = "Load")]
    pub rate: u64,

    /// queue: deliver the backlog to this sink, too, beside its client library alone; sync: deliver through this RabbitMQ, too
    /// (`tail-queue --to help` lists sinks)
    #[arg(long, value_name = "SINK", conflicts_with = "to_file", help_heading = "Load")]
    pub to: Option<String>,

    /// The same, with the URL read from FILE, so that no password stands in the list of processes
    #[arg(long, value_name = "FILE", help_heading = "Load")]
    pub to_file: Option<PathBuf>,

    /// How long to run before anything counts
    #[arg(long, value_name = "DUR", default_value = "1s", value_parser = units::duration, help_heading = "Load")]
    pub warmup: Duration,

    /// Repeat everything, in turns, and report median and spread
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=1000), help_heading = "Load")]
    pub runs: u16,

    /// Simulate a slower disk: wait so long in front of every flush (commit_delay; for superusers)
    #[arg(long, value_name = "DUR", default_value = "0", value_parser = units::duration, help_heading = "Server")]
    pub flush_delay: Duration,

    /// Measure on a throwaway server of this machine, with fsync and synchronous_commit on
    #[arg(long, help_heading = "Server")]
    pub throwaway: bool,

    /// Form of the report on stdout
    #[arg(short = 'o', long, value_name = "FORM", default_value = "text", help_heading = "Report")]
    pub output: BenchFormat,

    /// Also write the report to FILE, in the form of its ending (.txt .json .csv .md)
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub export: Vec<PathBuf>,

    /// Show the difference to an earlier report in JSON
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub compare: Option<PathBuf>,

    /// Exit with 4 when this holds for any row: p99>5ms, rate<10k, lost>0, ratio<0.8, compared<0.9
    #[arg(long, value_name = "EXPR", help_heading = "Report")]
    pub fail_if: Vec<String>,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchFormat {
    /// For people
    Text,
    /// One JSON object for each scenario
    Json,
    /// One line for each row
    Csv,
    /// A table
    Markdown,
}
