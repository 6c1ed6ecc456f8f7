//! `pgfeed install-trigger` and `pgfeed uninstall-trigger`.

use crate::sql::DEFAULT_SCHEMA;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::ReportFormat;
use crate::units;

const INSTALL_EXAMPLES: &str = "\
Live (--channel) is at most once; durable (--queue) at least once: the change is
stored in the writer's own transaction, and stays until it is delivered.
A live trigger never makes a write fail. A change that does not fit into a
notification (7999 bytes) is told without its values (\"truncated\":true), and any
error in the trigger becomes a WARNING.

Examples:
  pgfeed install-trigger --table orders
  pgfeed install-trigger --table orders --queue events --backfill
  pgfeed install-trigger --table orders --payload diff --exclude secret
  pgfeed install-trigger --table orders --channel shipped --events update \\
         --update-of status --when \"NEW.status = 'shipped'\"
  pgfeed install-trigger --table orders --print-sql > up.sql   as a migration
  pgfeed install-trigger --table orders --check                exit 4 if it differs";

/// Install or update triggers that feed a table's changes
#[derive(Debug, Args)]
#[command(after_help = INSTALL_EXAMPLES)]
pub struct InstallTrigger {
    #[command(flatten)]
    pub tables: Tables,

    /// Live: notify this channel [default, without --queue: the table's name]
    #[arg(long, value_name = "CHANNEL")]
    pub channel: Option<String>,

    /// Durable: store changes in this queue, made on first use; with an explicit --channel, both
    #[arg(long, value_name = "QUEUE")]
    pub queue: Option<String>,

    /// Changes to tell
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "insert,update,delete")]
    pub events: Vec<Event>,

    /// What a change tells of the row: its key; new values (old ones of a deleted row); new and old; new, and the previous
    /// ones of the columns that changed
    #[arg(long, value_name = "KIND", default_value = "row")]
    pub payload: Payload,

    /// Only these columns in the payload (the key is always in "key"); a name with a comma in double quotes, as in SQL
    #[arg(long, value_name = "LIST", conflicts_with = "exclude")]
    pub columns: Vec<String>,

    /// All columns but these in the payload
    #[arg(long, value_name = "LIST")]
    pub exclude: Vec<String>,

    /// Only updates that change one of these columns, or the key
    #[arg(long, value_name = "LIST")]
    pub update_of: Vec<String>,

    /// Skip updates that change none of the published columns, nor the key
    #[arg(long)]
    pub skip_unchanged: bool,

    /// SQL condition over NEW and OLD; events that lack what it names must be left out with --events. A change for which it fails is
    /// stored (durable), or not told (live), with a warning
    #[arg(long, value_name = "CONDITION")]
    pub when: Option<String>,

    /// Fire for replicated changes too
    #[arg(long)]
    pub enable_always: bool,

    /// Durable: also store the rows that are there already, as SNAPSHOT events, in chunks, while writers go on; only those that
    /// satisfy --when, whatever --events and --update-of say of changes. The table needs a primary key, and to be yours
    #[arg(long, requires = "queue", conflicts_with_all = ["check", "dry_run", "print_sql"])]
    pub backfill: bool,

    /// Durable: ring for consumers when one sleeps, always (for other programs that LISTEN), or never (they poll)
    #[arg(long, value_name = "WHEN", default_value = "adaptive", requires = "queue")]
    pub doorbell: Doorbell,

    /// Change nothing; exit 4 when the installation differs from what is asked
    #[arg(long, conflicts_with_all = ["dry_run", "print_sql"], help_heading = "Plan")]
    pub check: bool,

    /// Replace a trigger or function of that name that is not pgfeed's; with --queue, also fill a queue whose schema or tables belong
    /// to another role, which could run code with the rights of the table's owner
    #[arg(long, help_heading = "Plan")]
    pub force: bool,

    #[command(flatten)]
    pub apply: Apply,
}

const UNINSTALL_EXAMPLES: &str = "\
Removes exactly what install-trigger created, and never cascades. Nothing to remove is no error.

Examples:
  pgfeed uninstall-trigger --table orders
  pgfeed uninstall-trigger --all --dry-run
  pgfeed uninstall-trigger --table orders --print-sql > down.sql";

/// Remove what install-trigger created
#[derive(Debug, Args)]
#[command(after_help = UNINSTALL_EXAMPLES)]
pub struct UninstallTrigger {
    #[command(flatten)]
    pub tables: Tables,

    /// Only the installation that notifies this channel
    #[arg(long, value_name = "CHANNEL", conflicts_with = "all")]
    pub channel: Option<String>,

    /// With a table: only what feeds this queue. Without: every trigger that feeds it, then the queue itself
    #[arg(long, value_name = "QUEUE", conflicts_with_all = ["all", "channel"])]
    pub queue: Option<String>,

    /// Drop the queue even if it holds events
    #[arg(long, requires = "queue", conflicts_with_all = ["table", "tables"])]
    pub purge: bool,

    /// Every trigger of pgfeed's in this database
    #[arg(long, conflicts_with_all = ["table", "tables"])]
    pub all: bool,

    #[command(flatten)]
    pub apply: Apply,
}

/// The tables meant, as plain arguments or flags.
#[derive(Debug, Args)]
pub struct Tables {
    /// Table to watch, written as in SQL: [SCHEMA.]NAME, found by your search_path
    #[arg(long, value_name = "TABLE")]
    table: Vec<String>,

    /// The same as --table
    #[arg(value_name = "TABLE")]
    tables: Vec<String>,
}

impl Tables {
    /// Every table named, flags first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.table.iter().chain(&self.tables).map(String::as_str)
    }
}

/// How a plan is carried out, or only shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Plan")]
pub struct Apply {
    /// Show what would be done, change nothing
    #[arg(long, conflicts_with = "print_sql")]
    pub dry_run: bool,

    /// Print the SQL to stdout (a migration), change nothing
    #[arg(long)]
    pub print_sql: bool,

    /// Schema of pgfeed's own objects
    #[arg(long, value_name = "SCHEMA", default_value = DEFAULT_SCHEMA)]
    pub schema: String,

    /// Do not wait longer than this for a table that others hold
    #[arg(long, value_name = "DUR", default_value = "3s", value_parser = units::lock_wait)]
    pub lock_timeout: Duration,

    /// Form of the plan and the result
    #[arg(short = 'o', long, value_name = "FORM", default_value = "text")]
    pub output: ReportFormat,
}

/// When a durable trigger wakes consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Doorbell {
    Adaptive,
    Always,
    Never,
}

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Event {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// What a change tells of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Payload {
    /// The key alone
    Keys,
    /// New values (old ones of a deleted row)
    Row,
    /// New and old values
    Full,
    /// New values, and the previous ones of the columns that changed
    Diff,
}
