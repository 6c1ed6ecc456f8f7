//! THE connection module: the one place where a `postgres::Client` is made, kept alive and retired.
//!
//! [`Settings`] are resolved once, as libpq would; [`Connection::open`] connects under a deadline; [`Connection::alive`] and
//! [`Connection::within`] bound what the driver would wait for without end; dropping never hangs.

mod allowance;
mod announced;
pub mod ask;
mod attempt;
mod conninfo;
mod dial;
mod encryption;
mod endpoint;
mod environment;
mod keys;
mod line;
mod open;
mod passfile;
mod pooling;
mod preamble;
mod reason;
mod service;
mod settings;
mod sources;
mod statements;
mod transient;
mod uri;
mod verify;
mod watch;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::error::{DbError, Severity};
use postgres::{Client, Transaction};

use attempt::{EmergencyExit, Session};

use line::Line;
use preamble::Facts;

use crate::bounded::{self, Outcome};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::units::show_duration;

pub use allowance::Allowance;
pub use endpoint::Endpoint;
pub use environment::Environment;
pub use open::open_waiting;
pub use pooling::Pooling;
pub use settings::Settings;
pub use statements::tell_statements;
pub use transient::{is_transient, passing};
pub use verify::tls_config;
pub use watch::{Watch, Watcher};

/// How long a client may take to say goodbye to its server before its socket is cut.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long a drop waits for that; the rest happens in the background.
const COURTESY: Duration = Duration::from_millis(20);

/// What the command line said about the connection, as plain data.
#[derive(Clone, Default)]
pub struct Options {
    /// `-d`: a database name, a conninfo string or a URI.
    pub dbname: Option<String>,
    /// `-h`: a host, a socket directory, or a list of them.
    pub host: Option<String>,
    /// `-p`: a port, or a list of them.
    pub port: Option<String>,
    /// `-U`.
    pub user: Option<String>,
    /// `--connect-timeout`, for each host; zero is no limit.
    pub connect_timeout: Option<Duration>,
    /// Who said `dbname`, for messages; `-d` unless told otherwise.
    pub dbname_from: Option<&'static str>,
    /// What the session is called unless the user says otherwise, such as `pgfeed listen`.
    pub application_name: String,
}

/// The conninfo may hold a password, and shows nothing.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("application_name", &self.application_name).finish_non_exhaustive()
    }
}

/// A notice or warning of the server.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Whether it is more than a remark.
    pub is_warning: bool,
    /// The text.
    pub message: String,
    /// More of it.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<DbError> for Notice {
    fn from(notice: DbError) -> Self {
        Self {
            is_warning: notice.parsed_severity() == Some(Severity::Warning),
            message: notice.message().to_owned(),
            detail: notice.detail().map(str::to_owned),
            hint: notice.hint().map(str::to_owned),
        }
    }
}

/// A connection that is ready to use: dereferences to the driver's client.
///
/// Its session has the preamble of `sql/preamble.sql`: above all `search_path = pg_catalog`. Whoever resolves names that the
/// user wrote says `SET LOCAL search_path TO DEFAULT` in a transaction first. Behind a transaction pooler only what is
/// begun with [`Connection::begin`] has it.
pub struct Connection {
    /// There until the connection is dropped or lent to a thread.
    client: Option<Client>,
    exit: EmergencyExit,
    facts: Facts,
    pooling: Pooling,
    endpoint: Endpoint,
    allowance: Allowance,
}

impl Connection {
    /// Connects: names, TCP, TLS, start-up, authentication and preamble, each host within the connect timeout.
    ///
    /// # Errors
    /// A connection error (exit 3) that names each place that was tried and its reason.
    pub fn open(settings: &Settings) -> Result<Self> {
        open::open(settings)
    }

    fn new(session: Session, endpoint: Endpoint) -> Self {
        let Session { client, exit, facts, pooling } = session;
        Self { client: Some(client), exit, facts, pooling, endpoint, allowance: Allowance::default() }
    }

    /// Asks the server for a sign of life (an empty query). Notifications that arrive meanwhile are kept.
    ///
    /// # Errors
    /// A connection error when there is none in time: drop the connection then.
    pub fn alive(&mut self, within: Duration) -> Result<()> {
        self.is_valid(within).map_err(|error| {
            if error.to_string() == "timeout waiting for server" {
                silent(within)
            } else {
                Error::from(error).exiting(Exit::Connection)
            }
        })
    }

    /// Runs `work` with the client in a thread, waiting for at most `limit`: the driver's own calls have no deadline, and a
    /// server that hangs defeats every timeout of its own.
    ///
    /// An error of `work` ends the connection too; work that may fail and go on returns its own result as `T`.
    ///
    /// # Errors
    /// That of `work`, or a connection error when the time is over. The server is then asked to cancel the statement, but it
    /// may still have taken effect.
    pub fn within<T: Send + 'static>(
        mut self,
        limit: Duration,
        work: impl FnOnce(&mut Client) -> Result<T> + Send + 'static,
    ) -> Result<(Self, T)> {
        let mut client = self.client.take().expect("a client until the connection is dropped");
        let token = client.cancel_token();
        let outcome = bounded::run(Some(limit), move || {
            let done = work(&mut client);
            (client, done)
        });
        match outcome {
            Outcome::Done((client, done)) => {
                self.client = Some(client);
                Ok((self, done?))
            }
            Outcome::Expired => {
                self.exit.cancel(token);
                self.exit.line.cut();
                Err(silent(limit))
            }
            Outcome::Died => Err(Error::failed("the thread of a statement ended unexpectedly")),
        }
    }

    /// Begins a transaction, whose settings are those of the preamble also where the session is not ours.
    ///
    /// # Errors
    /// What the server says.
    pub fn begin(&mut self) -> Result<Transaction<'_>> {
        let settings = self.transaction_settings();
        let mut transaction = self.transaction()?;
        if let Some(settings) = settings {
            transaction.batch_execute(&settings)?;
        }
        Ok(transaction)
    }

    /// What is to be said at the beginning of each transaction; nothing where the session says it.
    pub fn transaction_settings(&self) -> Option<String> {
        (self.pooling == Pooling::Transaction).then(|| preamble::of_transaction(&self.facts))
    }

    /// Gets a query ready that is asked often; it belongs to this connection.
    ///
    /// # Errors
    /// What the server says.
    pub fn question(&mut self, query: &str) -> Result<ask::Question, postgres::Error> {
        let pooling = self.pooling;
        ask::Question::ready(&mut **self, pooling, query)
    }

    /// What stands between us and the server.
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// The process id of the server's side, as pg_stat_activity shows it.
    pub fn backend_pid(&self) -> i32 {
        self.facts.backend_pid
    }

    /// What is connected to, for people: `PostgreSQL 15.18 on db:5432 in 4ms, process 4711`.
    pub fn describe(&self, took: Duration) -> String {
        let (major, minor) = (self.facts.version_num / 10_000, self.facts.version_num % 10_000);
        let (place, process, took) = (&self.endpoint, self.facts.backend_pid, show_duration(took));
        format!("PostgreSQL {major}.{minor} on {place} in {took}, process {process}")
    }

    /// Where the server is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

fn silent(limit: Duration) -> Error {
    Error::connection(format!("the server did not answer within {}", show_duration(limit)))
}

/// Drops a client in a thread, and cuts its socket when the server does not let go: the driver's drop waits for the server,
/// for ever when that is stalled (rust-postgres#725; 645 s when tried with a stopped backend).
fn retire(client: Client, line: &Line, limit: Duration) {
    if !matches!(bounded::run(Some(limit), move || drop(client)), Outcome::Done(())) {
        line.cut();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let line = self.exit.line.clone();
        let (gone, heard) = mpsc::channel::<()>();
        let goodbye = move || {
            retire(client, &line, GOODBYE);
            drop(gone);
        };
        // Were there no thread to be had, the closure with the client in it would be dropped here.
        let _ = thread::Builder::new().name("goodbye".to_owned()).spawn(goodbye);
        // Mostly it takes a tenth of a millisecond, and a process that ends sooner leaves "connection reset by peer" in the
        // server's log.
        let _ = heard.recv_timeout(COURTESY);
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client.as_ref().expect("a client until the connection is dropped")
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        self.client.as_mut().expect("a client until the connection is dropped")
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("endpoint", &self.endpoint)
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
