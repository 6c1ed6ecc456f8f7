//! One file per subcommand: glue between the command line, the domain and the terminal. The only layer that sees all three.

mod bench;
mod context;
mod delivery;
mod demo;
mod doctor;
mod documentation;
mod exec;
mod install;
mod listen;
mod look;
mod notify;
mod output;
mod ready;
#[cfg(feature = "serve")]
mod serve;
#[cfg(not(feature = "serve"))]
#[path = "no_serve.rs"]
mod serve;
mod status;
mod tail_queue;
mod told;
mod uninstall;

use std::ffi::OsString;
use std::io::Write as _;

use crate::cli::{self, Cli, Command};
use crate::connection;
use crate::error::Result;
use crate::exit::Exit;
use crate::feed::sink::registry;
use crate::term::{ColorChoice, Term, Verbosity};
use context::Context;

/// Parses the words of a command line, runs the command, and tells its error.
pub fn run(words: impl IntoIterator<Item = OsString>) -> Exit {
    let words: Vec<OsString> = words.into_iter().collect();
    if cli::asks_for_sinks(&words) {
        let printed = context::print(registry::help().as_bytes());
        return printed.map_or_else(|error| error.exit(), |()| Exit::Done);
    }
    let cli = match Cli::parse_words(words) {
        Ok(cli) => cli,
        Err(error) => return tell_clap(&error),
    };
    let term = Term::new(color(cli.global.color), verbosity(&cli.global));
    if term.says(Verbosity::Sql) {
        connection::tell_statements(move |statement| term.statement(statement));
    }
    match dispatch(cli, term) {
        Ok(exit) => exit,
        Err(error) => {
            term.error(&error);
            error.exit()
        }
    }
}

/// Help and version were asked for, and go to stdout; a reader that has seen enough of them is no error.
fn tell_clap(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Done;
    }
    let _ = std::io::stderr().write_all(format!("pgfeed: {}", error.render()).as_bytes());
    Exit::Usage
}

fn dispatch(cli: Cli, term: Term) -> Result<Exit> {
    let context = Context::new(term, cli.connection, cli.command.name());
    match cli.command {
        Command::InstallTrigger(args) => install::run(&args, &context),
        Command::UninstallTrigger(args) => uninstall::run(&args, &context),
        Command::Listen(args) => listen::run(&args, &context),
        Command::Notify(args) => notify::run(&args, &context),
        Command::TailQueue(args) => tail_queue::run(&args, &context),
        Command::Serve(args) => serve::run(&args, &context),
        Command::Bench(args) => bench::run(&args, &context),
        Command::Status(args) => status::run(&args, &context),
        Command::Doctor(args) => doctor::run(&args, &context),
        Command::Demo(args) => demo::run(&args, &context),
        Command::Completions(args) => documentation::completions(&args),
        Command::Man(args) => documentation::man(&args),
    }
}

fn color(color: cli::Color) -> ColorChoice {
    match color {
        cli::Color::Auto => ColorChoice::Auto,
        cli::Color::Always => ColorChoice::Always,
        cli::Color::Never => ColorChoice::Never,
    }
}

fn verbosity(global: &cli::Global) -> Verbosity {
    match (global.quiet, global.verbose) {
        (true, _) => Verbosity::Quiet,
        (false, 0) => Verbosity::Normal,
        (false, 1) => Verbosity::Verbose,
        (false, _) => Verbosity::Sql,
    }
}
