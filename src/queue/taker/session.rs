//! A worker's connection, which removes by itself what the worker is delivering.

use std::thread::{self, JoinHandle};

use postgres::{Client, Statement};

use super::place::Place;
use crate::connection::Connection;
use crate::error::{Error, Result};

/// From so many events on it pays to remove them in a thread.
const MANY: usize = 100;

/// Where the events stand that a take has read.
pub struct Removal {
    pub places: Vec<Place>,
    pub first: i64,
    pub last: i64,
}

impl Removal {
    fn run(&self, client: &mut Client, remove: &Statement) -> Result<()> {
        client.execute(remove, &[&self.places, &self.first, &self.last])?;
        Ok(())
    }
}

/// A connection, and what it does by itself.
pub struct Session {
    /// None while a thread has it.
    connection: Option<Connection>,
    removing: Option<JoinHandle<(Connection, Result<()>)>>,
}

impl Session {
    /// Has a connection.
    pub fn new(connection: Connection) -> Self {
        Self { connection: Some(connection), removing: None }
    }

    /// The connection, when it has done what it does by itself.
    ///
    /// # Errors
    /// What became of that: nothing but a rollback is possible then.
    pub fn get(&mut self) -> Result<&mut Connection> {
        if let Some(thread) = self.removing.take() {
            let (connection, removed) =
                thread.join().map_err(|_| Error::failed("the thread that removes delivered events ended"))?;
            self.connection = Some(connection);
            removed?;
        }
        self.connection.as_mut().ok_or_else(|| Error::failed("the connection has ended with its thread"))
    }

    /// Removes events; many of them while the worker goes on.
    ///
    /// # Errors
    /// What the server says, if it has said so already.
    pub fn remove(&mut self, remove: &Statement, removal: Removal) -> Result<()> {
        let connection = self.get()?;
        if removal.places.len() < MANY {
            return removal.run(connection, remove);
        }
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        let remove = remove.clone();
        self.removing = Some(thread::spawn(move || {
            let removed = removal.run(&mut connection, &remove);
            (connection, removed)
        }));
        Ok(())
    }
}
