//! Flags that every command has: how much to say, and which database.

use std::time::Duration;

use clap::{ArgAction, Args, ValueEnum};

use crate::units;

/// How much to say, and in which colours.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global")]
pub struct Global {
    /// Only data and errors
    #[arg(short = 'q', long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// More on stderr; twice for the text of every SQL statement
    #[arg(short = 'v', long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// When to use colour; NO_COLOR, CLICOLOR_FORCE and PG_COLOR are honoured too
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,

    /// Print help (so does a -h that is not followed by a host)
    #[arg(short = '?', long, global = true, action = ArgAction::HelpShort)]
    help: Option<bool>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    Always,
    Never,
}

/// Which database to connect to. What is not given comes from the service file, DATABASE_URL, or the PG* environment.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Database name, conninfo string or URI; else DATABASE_URL, then PGDATABASE
    #[arg(short = 'd', long, global = true, value_name = "DBNAME")]
    pub dbname: Option<String>,

    /// Server's host, or the directory of its socket; else PGHOST, then the local socket
    #[arg(short = 'h', long, global = true, value_name = "HOST")]
    pub host: Option<String>,

    /// Server's port; else PGPORT, then 5432
    #[arg(short = 'p', long, global = true, value_name = "PORT")]
    pub port: Option<String>,

    /// Role to connect as; else PGUSER, then your own name
    #[arg(short = 'U', long, global = true, value_name = "ROLE")]
    pub username: Option<String>,

    /// Longest time for a connect, start-up and authentication included [default: 10s, or PGCONNECT_TIMEOUT]
    #[arg(long, global = true, value_name = "DUR", value_parser = units::duration)]
    pub connect_timeout: Option<Duration>,

    /// At start, keep trying a server that is not there yet for this long
    #[arg(long, global = true, value_name = "DUR", default_value = "0", value_parser = units::duration)]
    pub wait_server: Duration,
}
