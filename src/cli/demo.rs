//! `pgfeed demo`.

use std::path::PathBuf;

use clap::Args;

use crate::units;

const EXAMPLES: &str = "\
Examples:
  pgfeed demo
  pgfeed demo -n 20                    end after twenty changes
  pgfeed demo -- psql                  a shell of your own on the sample shop
  pgfeed demo --port 0                 also on 127.0.0.1, for programs that cannot use a socket

--port PORT makes the server accept connections on 127.0.0.1 as well, with a password of its own; 0 takes a free port.";

/// Start a throwaway PostgreSQL with a live example
///
/// A sample shop with triggers, somebody who shops there, and the feed on stdout. DATABASE_URL is printed on stderr, for a second
/// terminal. Everything is gone at exit.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Demo {
    /// Exit after N changes (not with a COMMAND)
    #[arg(short = 'n', long, value_name = "N", value_parser = units::count, conflicts_with = "command")]
    pub count: Option<u64>,

    /// Changes a second
    #[arg(long, value_name = "N", default_value = "2", value_parser = positive)]
    pub rate: f64,

    /// Only the server, the shop and its triggers: change nothing
    #[arg(long)]
    pub no_writes: bool,

    /// Keep the server's data in DIR, which must not exist or be empty
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,

    /// Where initdb and postgres are, when they are not found by themselves
    #[arg(long, value_name = "DIR")]
    pub pg_bin: Option<PathBuf>,

    /// Run COMMAND with DATABASE_URL and PG* set, instead of printing the feed
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate <= 100_000.0 => Ok(rate),
        _ => Err(format!("'{text}' is not a rate: a number from above 0 to 100000")),
    }
}
