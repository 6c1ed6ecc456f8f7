//! A worker's connection, which removes by itself what the worker is delivering.

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use postgres::Client;

use super::place::Place;
use crate::connection::Connection;
use crate::connection::ask::Question;
use crate::error::{Error, Result};

/// From so many events on it pays to remove them in a thread.
const MANY: usize = 100;
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
    fn run(&self, client: &mut Client, remove: &Question) -> Result<()> {
        remove.execute(client, &[&self.places, &self.first, &self.last])?;
        Ok(())
    }
}

/// A connection, and what it does by itself.
pub struct Session {
    /// None while the thread has it.
    connection: Option<Connection>,
    remover: Option<Remover>,
    /// Why the transaction cannot be committed: the server would take a COMMIT for a rollback, and not complain.
    failed: Option<Error>,
}

/// The thread that removes; it ends with the session.
struct Remover {
    orders: Sender<(Connection, Question, Removal)>,
    done: Receiver<(Connection, Result<()>)>,
}

impl Remover {
    fn start() -> Self {
        let (orders, received) = mpsc::channel::<(Connection, Question, Removal)>();
        let (tell, done) = mpsc::channel();
        thread::spawn(move || {
            for (mut connection, remove, removal) in received {
                let removed = removal.run(&mut connection, &remove);
                if tell.send((connection, removed)).is_err() {
                    return;
                }
            }
        });
        Self { orders, done }
    }
}

impl Session {
    /// Has a connection.
    pub fn new(connection: Connection) -> Self {
        Self { connection: Some(connection), remover: None, failed: None }
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
            (None, None) => Err(Error::failed("the connection has ended with its thread")),
        }
    }

    /// Removes events; many of them while the worker goes on.
    ///
    /// # Errors
    /// What the server says, if it has said so already.
    pub fn remove(&mut self, remove: &Question, removal: Removal) -> Result<()> {
        let connection = self.get()?;
        if removal.places.len() < MANY {
            return removal.run(connection, remove);
        }
        let remover = self.remover.get_or_insert_with(Remover::start);
        if let Some(connection) = self.connection.take() {
            // Were the thread gone, the connection would be too.
            let _ = remover.orders.send((connection, remove.clone(), removal));
        }
        Ok(())
    }

    /// Rolls back the transaction.
    ///
    /// # Errors
    /// What the server says.
    pub fn roll_back(&mut self) -> Result<()> {
        self.finish();
        self.failed = None;
        Ok(self.get()?.batch_execute("ROLLBACK")?)
    }

    /// Waits for what it does by itself.
    fn finish(&mut self) {
        if self.connection.is_none()
            && let Some(remover) = &self.remover
            && let Ok((connection, removed)) = remover.done.recv()
        {
            self.connection = Some(connection);
            self.failed = removed.err();
        }
    }
}

impl Drop for Session {
    /// Lets the connection say goodbye, but does not wait for a server that hangs.
    fn drop(&mut self) {
        if self.connection.is_none()
            && let Some(remover) = &self.remover
        {
            let _ = remover.done.recv_timeout(COURTESY);
        }
    }
}
