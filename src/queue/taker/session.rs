//! A worker's connection, which by itself removes what the worker is delivering, and reads what comes next.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, SimpleQueryMessage};

use super::ahead::{Ahead, LookAhead};
use super::facts::Facts;
use super::place::Place;
use super::statements::Statements;
use crate::connection::ask::Value;
use crate::connection::{Connection, Watch, Watcher};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::queue::registry::Storage;

/// From so many events on it pays to remove them in a thread.
const MANY: usize = 100;

/// Whether it pays for so many events.
pub fn are_many(events: usize) -> bool {
    events >= failpoint::at_most_so_many("PGFEED_MANY", MANY)
}

/// How long a connection that ends is waited for while it is busy.
const COURTESY: Duration = Duration::from_millis(20);

/// Where the events stand that a take has read.
pub struct Removal {
    pub places: Vec<Place>,
    /// The lowest id and the highest.
    pub first: i64,
    pub last: i64,
}

impl Removal {
    /// As the statement has them.
    pub fn values(&self) -> [&dyn Value; 3] {
        [&self.places, &self.first, &self.last]
    }
}

/// What a connection does by itself.
pub struct Errand {
    pub statements: Arc<Statements>,
    pub removal: Removal,
    /// What to read then.
    pub ahead: Option<LookAhead>,
}

impl Errand {
    /// Removes, tells that it has, and reads.
    fn run(&self, client: &mut Client, removed: impl FnOnce()) -> Result<Option<Ahead>> {
        let Some(ahead) = &self.ahead else {
            self.remove(client)?;
            return Ok(None);
        };
        let facts = Facts::of(&self.statements.remove_and_ask.row(client, &self.removal.values())?);
        removed();
        ahead.read(client, &self.statements, facts)
    }

    fn remove(&self, client: &mut Client) -> Result<()> {
        match self.statements.remove.execute(client, &self.removal.values())? {
            0 => Err(Error::connection("somebody else has removed its events, or moved them: they are read again")),
            _ => Ok(()),
        }
    }
}

/// Where the queue is stored, as the last of several statements has answered.
fn storage(answers: &[SimpleQueryMessage]) -> Storage {
    answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => row.get("storage")?.parse().ok(),
        _ => None,
    })
}

/// Only a panic ends the thread, and it had the connection.
fn gone() -> Error {
    Error::failed("the connection has ended with its thread")
}

/// A connection, and what it does by itself.
pub struct Session {
    /// None while the thread has it.
    connection: Option<Connection>,
    watcher: Watcher,
    runner: Option<Runner>,
    /// Whether nobody else can have what is to be removed: it is removed, or locked.
    is_certain: bool,
    /// Whether the open transaction has locked the queue, and nothing was removed in it yet.
    is_locked: bool,
    /// What it has read ahead.
    ahead: Option<Ahead>,
    /// Why the transaction cannot be committed: the server would take a COMMIT for a rollback, and not complain.
    failed: Option<Error>,
}

/// The thread that runs errands; it ends with the session.
struct Runner {
    errands: Sender<(Connection, Errand)>,
    done: Receiver<Done>,
}

/// What the thread tells.
enum Done {
    /// The events of the errand are removed.
    Removal,
    /// The errand is done.
    All(Box<(Connection, Result<Option<Ahead>>)>),
}

impl Runner {
    fn start() -> Self {
        let (errands, received) = mpsc::channel::<(Connection, Errand)>();
        let (tell, done) = mpsc::channel();
        thread::spawn(move || {
            for (mut connection, errand) in received {
                let watch = connection.watcher().watch();
                let ran = errand.run(&mut connection, || drop(tell.send(Done::Removal)));
                drop(watch);
                if tell.send(Done::All(Box::new((connection, ran)))).is_err() {
                    return;
                }
            }
        });
        Self { errands, done }
    }
}

impl Session {
    /// Has a connection.
    pub fn new(connection: Connection) -> Self {
        let watcher = connection.watcher();
        Self {
            connection: Some(connection),
            watcher,
            runner: None,
            is_certain: true,
            is_locked: false,
            ahead: None,
            failed: None,
        }
    }

    /// An answer is expected as long as what this returns lives.
    pub fn watch(&self) -> Watch {
        self.watcher.watch()
    }

    /// The connection, when it has done what it does by itself.
    ///
    /// # Errors
    /// That this has failed: nothing but [`Session::roll_back`] is possible then.
    pub fn get(&mut self) -> Result<&mut Connection> {
        self.finish();
        match (&self.failed, &mut self.connection) {
            (None, Some(connection)) => Ok(connection),
            (Some(error), _) => Err(error.clone()),
            (None, None) => Err(gone()),
        }
    }

    /// Runs an errand; where there is much to do, while the worker goes on.
    ///
    /// # Errors
    /// What the server says, if it has said so already.
    pub fn start(&mut self, errand: Errand) -> Result<()> {
        self.finish();
        self.ahead = None;
        let is_locked = std::mem::take(&mut self.is_locked);
        let connection = self.get()?;
        if !are_many(errand.removal.places.len()) {
            return errand.remove(connection);
        }
        let runner = self.runner.get_or_insert_with(Runner::start);
        if let Some(connection) = self.connection.take() {
            // Were the thread gone, the connection would be too.
            let _ = runner.errands.send((connection, errand));
            self.is_certain = is_locked;
        }
        Ok(())
    }

    /// Locks the queue for the next errand, which removes from it. Returns where the queue is stored.
    ///
    /// # Errors
    /// What the server says.
    pub fn lock(&mut self, statements: &Statements) -> Result<Storage> {
        let answers = self.get()?.simple_query(&statements.lock)?;
        self.is_locked = true;
        Ok(storage(&answers))
    }

    /// Waits until nobody else can have what the last errand removes.
    ///
    /// # Errors
    /// That this has failed.
    pub fn secure(&mut self) -> Result<()> {
        while !self.is_certain && self.hear() {}
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.is_certain => Ok(()),
            None => Err(gone()),
        }
    }

    /// What the last errand has read ahead.
    pub fn ahead(&mut self) -> Option<Ahead> {
        self.finish();
        self.ahead.take()
    }

    /// Rolls back the transaction.
    ///
    /// # Errors
    /// What the server says.
    pub fn roll_back(&mut self) -> Result<()> {
        self.finish();
        (self.failed, self.ahead, self.is_locked) = (None, None, false);
        Ok(self.get()?.batch_execute("ROLLBACK")?)
    }

    /// Waits for what it does by itself.
    fn finish(&mut self) {
        while self.connection.is_none() && self.hear() {}
    }

    /// Waits for what the thread tells next. Returns whether it told something.
    fn hear(&mut self) -> bool {
        let Some(Ok(done)) = self.runner.as_ref().map(|runner| runner.done.recv()) else { return false };
        self.is_certain = true;
        let Done::All(done) = done else { return true };
        let (connection, ran) = *done;
        self.connection = Some(connection);
        match ran {
            Ok(ahead) => self.ahead = ahead,
            Err(error) => self.failed = Some(error),
        }
        true
    }
}

impl Drop for Session {
    /// Lets the connection say goodbye, but does not wait for a server that hangs.
    fn drop(&mut self) {
        if self.connection.is_none()
            && let Some(runner) = &self.runner
        {
            let until = Instant::now() + COURTESY;
            let left = || until.saturating_duration_since(Instant::now());
            while let Ok(Done::Removal) = runner.done.recv_timeout(left()) {}
        }
    }
}
