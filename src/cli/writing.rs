//! Forms of reports, and the commands that print what the program knows of itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// The form of a plan, a result or a summary on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    Text,
    Json,
}

/// Print the completions of a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// Shell to complete for
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Print a manual page
#[derive(Debug, Args)]
pub struct Man {
    /// Command whose page to print [default: that of pgfeed itself]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,

    /// Write every page into DIR instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub dir: Option<PathBuf>,
}
