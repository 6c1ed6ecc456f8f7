//! The command line: clap structs and their help, nothing else.
//!
//! Rules: a doc comment is the help; values are named in UPPER CASE; a short letter is written out and has one meaning in the
//! whole tool; no environment, no terminal and no file is looked at here.

mod bench;
mod delivery;
mod demo;
mod doctor;
mod global;
mod host;
mod listen;
mod notify;
mod serve;
mod status;
mod tail_queue;
mod trigger;
mod writing;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

pub use bench::{Bench, BenchFormat};
pub use delivery::{Delivery, ExecMode, Limits, Output, OutputFormat, Overflow};
pub use demo::Demo;
pub use doctor::Doctor;
pub use global::{Color, Connection, Global};
pub use host::asks_for_sinks;
use host::tell_help_from_host;
pub use listen::{Listen, OnError, Reconnect};
pub use notify::Notify;
pub use serve::Serve;
pub use status::Status;
pub use tail_queue::{OnRefusedEvent, TailQueue};
pub use trigger::{Doorbell, Event, InstallTrigger, Payload, UninstallTrigger};
pub use writing::{Completions, Man, ReportFormat};

const AFTER_HELP: &str = "\
Promises:
  listen is at most once: all that is sent while pgfeed is connected is delivered,
  in order, and every interruption is told: a line on stderr, and a gap record
  with --control. It never goes silent and never hangs.
  tail-queue is at least once: a crash loses nothing and repeats at most the batch in
  flight, under the same ids; events of one row come in the order of their commits.
  A live trigger never makes the application's write fail. Two exceptions are
  PostgreSQL's own: PREPARE TRANSACTION after a NOTIFY, and a commit while the
  server's notification queue is full.
  stdout carries data only. A password never appears in any output.

Examples:
  pgfeed demo                                      see it, on a throwaway server
  pgfeed install-trigger --table orders            tell the changes of a table
  pgfeed listen orders                             watch them
  pgfeed listen orders -o json | jq .payload.new   use them
  pgfeed notify orders '{\"hello\":1}'               send something yourself";

/// Turns any PostgreSQL table into a feed: LISTEN/NOTIFY from the command line.
#[derive(Debug, Parser)]
#[command(name = "pgfeed", version, propagate_version = true, disable_help_flag = true, max_term_width = 100)]
#[command(after_help = AFTER_HELP, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(flatten)]
    pub connection: Connection,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses the words of a command line.
    ///
    /// # Errors
    /// What is wrong with them, or the help that was asked for.
    pub fn parse_words(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words = tell_help_from_host(words);
        // To clap, `listen x --` is `listen x`, which prints what a script meant to hand to a command.
        let nothing_follows = words.iter().position(|word| word == "--").is_some_and(|at| at + 1 == words.len());
        let cli = Self::try_parse_from(words)?;
        if nothing_follows && matches!(cli.command, Command::Listen(_) | Command::TailQueue(_)) {
            return Err(
                Self::command().error(ErrorKind::TooFewValues, "nothing follows --: there is no command to run")
            );
        }
        Ok(cli)
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    InstallTrigger(InstallTrigger),
    UninstallTrigger(UninstallTrigger),
    Listen(Listen),
    Notify(Notify),
    TailQueue(TailQueue),
    Serve(Serve),
    Bench(Bench),
    Status(Status),
    Doctor(Doctor),
    Demo(Demo),
    Completions(Completions),
    Man(Man),
}

impl Command {
    /// The name as typed, which is also the second word of the default application_name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::InstallTrigger(_) => "install-trigger",
            Self::UninstallTrigger(_) => "uninstall-trigger",
            Self::Listen(_) => "listen",
            Self::Notify(_) => "notify",
            Self::TailQueue(_) => "tail-queue",
            Self::Serve(_) => "serve",
            Self::Bench(_) => "bench",
            Self::Status(_) => "status",
            Self::Doctor(_) => "doctor",
            Self::Demo(_) => "demo",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_short_letter_has_one_meaning() {
        let mut meanings = std::collections::BTreeMap::new();
        let top = Cli::command();
        for command in std::iter::once(&top).chain(top.get_subcommands()) {
            for arg in command.get_arguments() {
                let Some(letter) = arg.get_short() else { continue };
                let meaning = meanings.entry(letter).or_insert_with(|| arg.get_id().clone());
                assert_eq!(meaning, arg.get_id(), "-{letter}");
            }
        }
    }
}
