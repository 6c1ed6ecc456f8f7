//! Tells whether two connections are to one database.

use std::hash::{BuildHasher as _, RandomState};

use postgres::Client;

use crate::connection::Connection;
use crate::error::Result;

/// Tells whether two connections are to one database, as one user: then what one of them has locked is not to be had by the
/// other. (Names prove nothing, nor does the system's identifier: a copy of a server has the same.)
pub struct Mark {
    number: i64,
    user: String,
}

impl Mark {
    /// Locks something, until the end of the transaction that is open there.
    ///
    /// # Errors
    /// What has happened to the connection.
    pub fn set(holder: &mut Connection) -> Result<Self> {
        let number = RandomState::new().hash_one(0).cast_signed();
        let lock = "SELECT current_user::text, pg_catalog.pg_advisory_xact_lock($1)::text";
        Ok(Self { number, user: holder.query_one(lock, &[&number])?.get(0) })
    }

    /// Whether another connection sees it, as the same user.
    ///
    /// # Errors
    /// What has happened to that.
    pub fn is_seen_by(&self, client: &mut Client) -> Result<bool> {
        let lock = "SELECT current_user::text, pg_catalog.pg_try_advisory_xact_lock($1)";
        let row = client.query_one(lock, &[&self.number])?;
        Ok(row.get::<_, String>(0) == self.user && !row.get::<_, bool>(1))
    }
}
