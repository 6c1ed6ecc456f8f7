//! Where a measurement happens: a schema of its own, which is gone afterwards, and connections that can be told to give up.

use std::sync::{Mutex, MutexGuard};

use crate::connection::{Connection, Settings};
use crate::error::{Error, Result};
use crate::sql;

/// Class of the lock that says that a measurement is alive: "pgfB". (`sql/bench_leftovers.sql` has the same number.)
const CLASS: i32 = 0x7067_6642;
/// How many numbers are tried, and how far they lie apart: above all process ids (of Linux: 2^22), and in nine digits, as
/// `sql/bench_leftovers.sql` wants.
const TRIES: u32 = 100;
const APART: u32 = 10_000_000;
/// Only a schema that says so is one of ours.
const COMMENT: &str = "a measurement of pgfeed bench, which drops this when it ends";

/// How a server is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// A local socket.
    Socket,
    /// TCP, plain or encrypted.
    Tcp,
}

/// A schema for as long as this lives.
pub struct Place {
    settings: Settings,
    schema: String,
    owner: Mutex<Connection>,
    /// The server's processes that write for us.
    writers: Mutex<Vec<i32>>,
    is_there: bool,
}

impl Place {
    /// Makes the schema, which is named with `number`: a process id, or a higher number when another run has taken that, as in
    /// another container, where all have the same process ids.
    ///
    /// # Errors
    /// That it cannot connect or may not create one; that there is a namesake that nobody uses, which is left alone.
    pub fn make(settings: Settings, number: u32) -> Result<Self> {
        let mut owner = Connection::open(&settings)?;
        // Before the schema is there: others take one without its lock for a leftover.
        let lock = "SELECT pg_catalog.pg_try_advisory_lock($1, $2)";
        let mut free = None;
        for number in (0..TRIES).map(|nth| number + nth * APART) {
            let object = i32::try_from(number).expect("process ids are smaller");
            if owner.query_one(lock, &[&CLASS, &object])?.get(0) {
                free = Some(number);
                break;
            }
        }
        let Some(number) = free else {
            return Err(
                Error::failed("too many other measurements run in this database").hint("wait until they have ended")
            );
        };
        let schema = format!("pgfeed_bench_{number}");
        let refused = || {
            Error::failed(format!("there is a schema {schema} already, which this run has not made"))
                .hint(format!("if nobody needs it: DROP SCHEMA {schema} CASCADE"))
        };
        let create = format!("CREATE SCHEMA {schema}; COMMENT ON SCHEMA {schema} IS {}", sql::literal(COMMENT));
        owner.batch_execute(&create).map_err(|error| {
            let error = Error::from(error).doing(format!("creating the schema {schema}"));
            match error.sqlstate() {
                Some("42P06") => refused(),
                Some("42501") => error.hint("it needs CREATE on the database; --throwaway needs nothing"),
                Some("25006") => error.hint("this server is a standby: connect to its primary"),
                _ => error,
            }
        })?;
        Ok(Self { settings, schema, owner: Mutex::new(owner), writers: Mutex::default(), is_there: true })
    }

    /// The schema's name.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// How to connect.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How the server is reached.
    pub fn transport(&self) -> Transport {
        if self.owner().endpoint().is_socket() { Transport::Socket } else { Transport::Tcp }
    }

    /// The name of something in the schema, quoted.
    pub fn name(&self, what: &str) -> String {
        sql::qualified(&self.schema, what)
    }

    /// Runs statements with the connection that owns the schema.
    ///
    /// # Errors
    /// What the server says.
    pub fn execute(&self, statements: &str) -> Result<()> {
        Ok(self.owner().batch_execute(statements)?)
    }

    /// Works with the connection that owns the schema.
    ///
    /// # Errors
    /// Those of the work.
    pub fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        work(&mut self.owner())
    }

    /// Connects a writer.
    ///
    /// # Errors
    /// That it cannot.
    pub fn connect(&self) -> Result<Connection> {
        let connection = Connection::open(&self.settings)?;
        self.writers.lock().expect("nobody panics while it holds this").push(connection.backend_pid());
        Ok(connection)
    }

    /// Cancels what writers are at: they were told to stop, and their statements take long.
    pub fn cancel_writers(&self) {
        let pids = self.writers.lock().expect("nobody panics while it holds this").clone();
        // Some have ended since; whatever cannot be cancelled ends by itself.
        let cancel = "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity \
                      WHERE pid = ANY($1) AND application_name = pg_catalog.current_setting('application_name')";
        let _ = self.owner().execute(cancel, &[&pids]);
    }

    /// Drops the schema.
    ///
    /// # Errors
    /// When it could not be dropped; the error says how to do that.
    pub fn remove(mut self) -> Result<()> {
        self.drop_schema()
    }

    fn drop_schema(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.is_there) {
            return Ok(());
        }
        let drop = format!("DROP SCHEMA {} CASCADE", self.schema);
        let owner = self.owner.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The session lives a little longer than its connection, and the next scenario wants the lock.
        let quietly = format!("SET client_min_messages = warning; {drop}; SELECT pg_catalog.pg_advisory_unlock_all()");
        // The connection may have been lost meanwhile: then with a new one.
        let dropped = owner.batch_execute(&quietly).or_else(|error| {
            if !owner.is_closed() {
                return Err(Error::from(error));
            }
            Ok(Connection::open(&self.settings)?.batch_execute(&quietly)?)
        });
        dropped.map_err(|error| error.doing(format!("dropping the schema {}", self.schema)).hint(drop))
    }

    fn owner(&self) -> MutexGuard<'_, Connection> {
        self.owner.lock().expect("nobody panics while it holds this")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // There is nobody to tell; `remove` tells, and the next run finds what is left.
        let _ = self.drop_schema();
    }
}

/// What killed measurements have left in this database.
///
/// # Errors
/// That it cannot connect; what the server says.
pub fn leftovers(connection: &mut Connection) -> Result<Vec<String>> {
    let query = sql::fill(include_str!("../../sql/bench_leftovers.sql"), &[("comment", "$1::pg_catalog.text")]);
    Ok(connection.query(&query, &[&COMMENT])?.iter().map(|row| row.get("name")).collect())
}
