//! Flags that every command with a feed shares: output, limits, delivery.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};

use crate::units;

/// How events are written to stdout.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// Form of the output: pretty is for people, raw the payload alone; auto is pretty on a terminal and json elsewhere
    #[arg(short = 'o', long, value_name = "FORM", default_value = "auto")]
    pub output: OutputFormat,

    /// End events with NUL instead of a newline
    #[arg(short = '0', long)]
    pub null: bool,

    /// Also emit control records (ready, lost, gap, overflow, stopped) in json output
    #[arg(long)]
    pub control: bool,

    /// Create FILE when the feed is live (one of an earlier run is removed at start); systemd is told READY=1 too
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

/// The form of an event on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// pretty on a terminal, json elsewhere
    Auto,
    /// For people: colours, and control characters escaped
    Pretty,
    /// One JSON object a line
    Json,
    /// The payload and a newline
    Raw,
}

/// When to stop by itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct Limits {
    /// Exit after N events
    #[arg(short = 'n', long, value_name = "N", value_parser = units::count)]
    pub count: Option<u64>,

    /// Exit after this long (exit code 124 when --count was not reached)
    #[arg(short = 't', long, value_name = "DUR", value_parser = units::duration)]
    pub timeout: Option<Duration>,

    /// Exit when nothing arrived for this long (exit code 124 when --count was not reached)
    #[arg(long, value_name = "DUR", value_parser = units::duration)]
    pub idle_timeout: Option<Duration>,
}

/// Who takes the events instead of stdout.
#[derive(Debug, Args)]
#[command(next_help_heading = "Delivery")]
#[command(group = ArgGroup::new("taker").args(["command", "to", "to_file"]))]
pub struct Delivery {
    /// Deliver to SINK, a URL such as file:PATH; its parameters are query parameters. `--to help` lists what there is
    #[arg(long, value_name = "SINK", conflicts_with_all = ["output", "null", "control"])]
    pub to: Option<String>,

    /// The same, with the URL read from FILE, so that no password stands in the list of processes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "null", "control"])]
    pub to_file: Option<PathBuf>,

    /// Run COMMAND, never through a shell, with events on its stdin as JSON lines; exit code 0 takes, any other refuses
    #[arg(last = true, value_name = "COMMAND", conflicts_with_all = ["output", "null", "control"])]
    pub command: Vec<OsString>,

    /// How many events a process gets: each one, a batch, or (stream) all of them. When a batch from a queue is refused, its
    /// halves are tried, until only what is at fault is refused. A stream from a queue answers every event on its stdout: its id
    /// alone takes it, its id and a reason refuses it
    #[arg(long, value_name = "MODE", default_value = "each", requires = "command")]
    pub exec_mode: ExecMode,

    /// Longest time for an event (mode batch: for a batch), then COMMAND is ended and has refused it; 0 is without limit
    #[arg(long, value_name = "DUR", default_value = "5m", value_parser = units::duration, requires = "command")]
    pub exec_timeout: Duration,
}

impl Delivery {
    /// Whether events go to a command or a sink, and not to stdout.
    pub fn is_given(&self) -> bool {
        !self.command.is_empty() || self.to.is_some() || self.to_file.is_some()
    }

    /// The longest time for an event, unless that is without limit.
    pub fn timeout(&self) -> Option<Duration> {
        Some(self.exec_timeout).filter(|timeout| !timeout.is_zero())
    }
}

/// How many events a process of the command gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExecMode {
    /// One
    Each,
    /// What is there
    Batch,
    /// All of them, for as long as it lives
    Stream,
}

/// What to do when a slow reader lets the buffer fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Overflow {
    /// Count what does not fit, and tell
    Drop,
    /// Deliver what was received, then exit 1
    Stop,
}
