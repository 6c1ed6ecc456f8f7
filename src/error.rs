//! The one error of the program: what was being done, what the server said, what to do about it.

use std::error::Error as _;
use std::fmt;

use crate::exit::Exit;

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error as the user will read it. [`Exit`] is decided where the error arises, next to its meaning.
#[derive(Debug, Clone)]
pub struct Error(Box<Parts>);

#[derive(Debug, Clone)]
struct Parts {
    exit: Exit,
    doing: Option<String>,
    message: String,
    sqlstate: Option<String>,
    detail: Option<String>,
    hint: Option<String>,
    retry: Retry,
    origin: Origin,
}

/// Who has said an error of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Unknown,
    /// A function, by RAISE of PL/pgSQL.
    Raised,
}

/// Whether trying again could help, as far as whoever made the error knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    /// The exit code and the SQLSTATE tell.
    Unknown,
    Useless,
}

impl Error {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        let (doing, sqlstate, detail, hint) = (None, None, None, None);
        let (retry, origin) = (Retry::Unknown, Origin::Unknown);
        Self(Box::new(Parts { exit, doing, message: message.into(), sqlstate, detail, hint, retry, origin }))
    }

    /// Reports a wrong use of the command line, or an invalid name or value (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Reports a failure while running (exit 1).
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Reports that there is no connection (exit 3).
    pub fn connection(message: impl Into<String>) -> Self {
        Self::new(Exit::Connection, message)
    }

    /// Reports that a check was not satisfied (exit 4).
    pub fn check(message: impl Into<String>) -> Self {
        Self::new(Exit::Check, message)
    }

    /// Says what was being done; what was said before stays behind it.
    #[must_use]
    pub fn doing(mut self, what: impl Into<String>) -> Self {
        let what = what.into();
        self.0.doing = Some(match self.0.doing.take() {
            Some(inner) => format!("{what}: {inner}"),
            None => what,
        });
        self
    }

    /// Says what to do about it, unless the server already did.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert(hint.into());
        self
    }

    /// Adds a detail line, unless the server already gave one.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail.get_or_insert(detail.into());
        self
    }

    /// Changes the exit code: the same server error means different things to different callers.
    #[must_use]
    pub fn exiting(mut self, exit: Exit) -> Self {
        self.0.exit = exit;
        self
    }

    /// Says that trying again cannot help: a certificate or a missing password stays wrong until somebody repairs it.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.0.retry = Retry::Useless;
        self
    }

    /// Whether it was said that trying again cannot help.
    pub fn is_permanent(&self) -> bool {
        self.0.retry == Retry::Useless
    }

    /// The exit code of the process, were this error its end.
    pub fn exit(&self) -> Exit {
        self.0.exit
    }

    /// The server's SQLSTATE, where the server raised the error.
    pub fn sqlstate(&self) -> Option<&str> {
        self.0.sqlstate.as_deref()
    }

    /// Whether somebody's function has said it, with an SQLSTATE of its own choice.
    pub fn is_raised(&self) -> bool {
        self.0.origin == Origin::Raised
    }

    /// The labelled lines that belong below the message, in the order in which they are printed.
    pub fn notes(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let notes = [("sqlstate", &self.0.sqlstate), ("detail", &self.0.detail), ("hint", &self.0.hint)];
        notes.into_iter().filter_map(|(label, text)| Some((label, text.as_deref()?)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(doing) = &self.0.doing {
            write!(f, "{doing}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

/// `Display` of the driver's error is only "db error": the message is in its source (postgres 0.19.14).
impl From<postgres::Error> for Error {
    fn from(error: postgres::Error) -> Self {
        let Some(server) = error.as_db_error() else {
            let exit = if error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
            {
                Exit::Connection
            } else {
                Exit::Failed
            };
            return Self::new(exit, chain(&error));
        };
        let mut told = Self::new(Exit::Failed, server.message());
        told.0.sqlstate = Some(server.code().code().to_owned());
        told.0.detail = server.detail().map(str::to_owned);
        told.0.hint = server.hint().map(str::to_owned);
        // The server's source (14 to 18) does so in this place only. What a handler merely lets pass on keeps the place that it has.
        if server.routine() == Some("exec_stmt_raise") {
            told.0.origin = Origin::Raised;
        }
        told
    }
}

/// Joins an error and its causes, without saying twice what a cause repeats.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
