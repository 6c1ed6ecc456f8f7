//! Puts events where others may have their ids: those that were there before TRUNCATE ... RESTART IDENTITY let ids begin anew.

use postgres::error::SqlState;
use postgres::{Error, GenericClient};

use super::registry::Queue;
use crate::sql;

/// Of which table the rows that are in the way get other ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Retry,
    Dead,
}

impl Way {
    /// The statement that makes way for rows with these ids.
    pub fn sql(self, queue: &Queue, ids: &str) -> String {
        let table = match self {
            Self::Retry => queue.retry_table(),
            Self::Dead => queue.dead_table(),
        };
        sql::fill(include_str!("../../sql/make_way.sql"), &[("table", &table), ("ids", ids)])
    }
}

/// Puts rows into a table; if there are some with their ids, it makes way first. Only then: nobody pays for it otherwise, nor needs
/// the rights.
///
/// # Errors
/// What the server says; the transaction is lost then.
pub fn put<C: GenericClient, T>(
    client: &mut C,
    put: impl Fn(&mut C) -> Result<T, Error>,
    make_way: impl FnOnce(&mut C) -> Result<u64, Error>,
) -> Result<T, Error> {
    client.batch_execute("SAVEPOINT put")?;
    match put(client) {
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {}
        result => return result,
    }
    client.batch_execute("ROLLBACK TO SAVEPOINT put")?;
    make_way(client)?;
    put(client)
}
