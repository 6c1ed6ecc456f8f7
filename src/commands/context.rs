//! What every command needs: the terminal, and a way to the database.

use std::io::{ErrorKind, Write as _};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use crate::cli;
use crate::connection::{self, Connection, Environment, Notice, Settings};
use crate::error::{Error, Result};
use crate::feed::sink::Out;
use crate::stop::Stop;
use crate::term::Term;

/// What every command needs.
pub struct Context {
    /// The terminal.
    pub term: Term,
    /// The connection flags, as given.
    pub connection: cli::Connection,
    command: &'static str,
}

impl Context {
    /// Keeps the connection flags until a command asks for them.
    pub fn new(term: Term, connection: cli::Connection, command: &'static str) -> Self {
        Self { term, connection, command }
    }

    /// Decides where to connect to, from flags, files and environment.
    ///
    /// # Errors
    /// Usage errors.
    pub fn settings(&self) -> Result<Settings> {
        let given = &self.connection;
        let options = connection::Options {
            dbname: given.dbname.clone(),
            host: given.host.clone(),
            port: given.port.clone(),
            user: given.username.clone(),
            connect_timeout: given.connect_timeout,
            dbname_from: None,
            application_name: format!("pgfeed {}", self.command),
        };
        let settings = Settings::resolve(&options, &Environment::of_process())?;
        for warning in settings.warnings() {
            self.term.warn(warning);
        }
        let term = self.term;
        Ok(settings.on_notice(move |notice| tell_notice(term, &notice)))
    }

    /// Connects, trying as long as `--wait-server` allows.
    ///
    /// # Errors
    /// That it could not be connected (exit 3).
    pub fn connect(&self) -> Result<Connection> {
        self.connect_unless(&Stop::default())
    }

    /// Connects like [`Context::connect`], and gives up when a stop is asked for.
    ///
    /// # Errors
    /// As for `connect`; with the exit code of a signal when it was stopped.
    pub fn connect_unless(&self, stop: &Stop) -> Result<Connection> {
        let stopped = || stop.requested().is_some();
        let settings = self.settings()?;
        let started = Instant::now();
        let mut told = false;
        let connection = connection::open_waiting(&settings, self.connection.wait_server, &stopped, &mut |error| {
            if !std::mem::replace(&mut told, true) {
                self.term.note(format!("{error}; waiting for it"));
            }
        })?;
        self.term.verbose(format!("connected to {}", connection.describe(started.elapsed())));
        Ok(connection)
    }
}

/// How to connect to a server of our own: nothing of the user's environment decides where that is.
///
/// # Errors
/// When the URL is none.
pub fn throwaway_settings(url: String, application_name: &str) -> Result<Settings> {
    let application_name = application_name.to_owned();
    let options = connection::Options { dbname: Some(url), application_name, ..connection::Options::default() };
    Settings::resolve(&options, &Environment::of(&[]))
}

/// Warnings are told always, notices with `--verbose`: most say that something exists already.
fn tell_notice(term: Term, notice: &Notice) {
    let mut text = format!("server: {}", notice.message);
    for more in [&notice.detail, &notice.hint].into_iter().flatten() {
        text.push_str(&format!(" ({more})"));
    }
    if notice.is_warning { term.warn(text) } else { term.verbose(text) }
}

/// Stdout as the descriptor it is: std's own would look for newlines in, and copy, all that is written.
///
/// # Errors
/// When the process has none.
pub fn stdout() -> Result<Arc<Out>> {
    let stdout = std::io::stdout().as_fd().try_clone_to_owned();
    let stdout = stdout.map_err(|error| Error::failed(error.to_string()).doing("opening stdout"))?;
    Ok(Arc::new(Out::new(stdout.into())))
}

/// Prints lines of data. A reader that went away is no error.
///
/// # Errors
/// When stdout cannot be written, as on a full disk.
pub fn print_lines(lines: impl Iterator<Item = String>) -> Result<()> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    print(text.as_bytes())
}

/// Prints data as it is. A reader that went away is no error.
///
/// # Errors
/// When stdout cannot be written, as on a full disk.
pub fn print(text: &[u8]) -> Result<()> {
    print_while_read(text).map(drop)
}

/// Whether anybody reads stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// As far as is known.
    There,
    /// No more.
    Gone,
}

/// Prints one of several pieces of data: when the reader went away, nobody wants the next.
///
/// # Errors
/// When stdout cannot be written, as on a full disk.
pub fn print_while_read(text: &[u8]) -> Result<Reader> {
    match stdout()?.file().write_all(text) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(Error::failed(error.to_string()).doing("writing to stdout")),
    }
}
