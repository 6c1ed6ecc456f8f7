//! `pgfeed status`.

use crate::sql::DEFAULT_SCHEMA;
use std::time::Duration;

use clap::Args;

use super::ReportFormat;
use crate::units;

const EXAMPLES: &str = "\
What is added to a queue and leaves it in a second is measured for half a second, or
between two looks with --watch. What other roles do is told to members of pg_monitor.
What a trigger was asked besides its defaults is shown in the words of install-trigger's
flags, in json as columns, exclude, update_of, skip_unchanged, when, enable_always and
doorbell.

Examples:
  pgfeed status
  pgfeed status --watch                            again every two seconds
  pgfeed status -o json | jq '.queues[].waiting'
  pgfeed status -o json | jq '.triggers[] | {table, when}'";

/// Show triggers, queues, consumers and the notification queue
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Status {
    /// Form of the report
    #[arg(short = 'o', long, value_name = "FORM", default_value = "text")]
    pub output: ReportFormat,

    /// Look again, every DUR [default with no DUR: 2s]
    #[arg(short = 'w', long, value_name = "DUR", num_args = 0..=1, require_equals = true, default_missing_value = "2s", value_parser = units::duration)]
    pub watch: Option<Duration>,

    /// Schema of pgfeed's own objects
    #[arg(long, value_name = "SCHEMA", default_value = DEFAULT_SCHEMA)]
    pub schema: String,
}
