//! `pgfeed doctor`.

use crate::sql::DEFAULT_SCHEMA;
use clap::Args;

use super::ReportFormat;

const EXAMPLES: &str = "\
Each check is ok, warn or fail; what is not ok has a remedy. Any fail is exit 4.
It opens a few connections, sends notifications on channels of its own, and commits
as fast as it can for less than half a second; it changes nothing.

Examples:
  pgfeed doctor
  pgfeed doctor -o json | jq 'select(.verdict != \"ok\")'";

/// Check that LISTEN/NOTIFY and the queue work on this connection, and why not
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    /// Form of the report
    #[arg(short = 'o', long, value_name = "FORM", default_value = "text")]
    pub output: ReportFormat,

    /// Schema of pgfeed's own objects
    #[arg(long, value_name = "SCHEMA", default_value = DEFAULT_SCHEMA)]
    pub schema: String,
}
