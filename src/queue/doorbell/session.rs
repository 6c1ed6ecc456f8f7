//! The session of whoever waits: the locks X and W of a queue, and the doorbell's channel.

use std::time::{Duration, Instant};

use fallible_iterator::FallibleIterator;

use super::look::Looker;
use crate::error::{Error, Result};
use crate::queue::lock::LockClass;
use crate::queue::registry::Queue;
use crate::sql;

/// Class of the lock X, which writers name too.
pub const X_CLASS: i32 = LockClass::Front.number();
/// Class of the lock W, "somebody waits behind".
const W_CLASS: i32 = LockClass::Behind.number();

/// Which of the two locks, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// X, exclusively: sleeping in front.
    X,
    /// X, shared, as writers hold it.
    XShared,
    /// W, shared: waiting behind, or about to.
    WShared,
}

impl Lock {
    fn class(self) -> i32 {
        match self {
            Self::X | Self::XShared => X_CLASS,
            Self::WShared => W_CLASS,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::X => "",
            Self::XShared | Self::WShared => "_shared",
        }
    }
}

/// One session.
pub struct Session {
    looker: Looker,
    queue: Queue,
}

impl Session {
    /// LISTENs: from now on no ring is missed.
    ///
    /// # Errors
    /// What the server says.
    pub fn new(mut looker: Looker, queue: &Queue) -> Result<Self> {
        looker.connection.batch_execute(&format!("LISTEN {}", sql::ident(&queue.doorbell())))?;
        Ok(Self { looker, queue: queue.clone() })
    }

    /// What looks at the queue meanwhile.
    pub fn looker(&mut self) -> &mut Looker {
        &mut self.looker
    }

    /// Tries to take a lock, for the session.
    ///
    /// # Errors
    /// What the server says.
    pub fn try_lock(&mut self, lock: Lock) -> Result<bool> {
        let query = format!("SELECT pg_catalog.pg_try_advisory_lock{}($1, $2)", lock.suffix());
        self.ask(&query, lock.class())
    }

    /// Takes W shared, waiting for whoever tests it right now: a try would be refused then, and whoever gives X back next would
    /// not know of us.
    ///
    /// # Errors
    /// What the server says.
    pub fn share_w(&mut self) -> Result<()> {
        let query = "SELECT pg_catalog.pg_advisory_lock_shared($1, $2)";
        self.execute(query, W_CLASS)
    }

    /// Gives a lock back.
    ///
    /// # Errors
    /// What the server says.
    pub fn unlock(&mut self, lock: Lock) -> Result<()> {
        let query = format!("SELECT pg_catalog.pg_advisory_unlock{}($1, $2)", lock.suffix());
        self.execute(&query, lock.class())
    }

    /// Whether nobody waits behind. The lock lasts for the statement's transaction only, so that a process that is stopped
    /// right here keeps nobody from waiting.
    ///
    /// # Errors
    /// What the server says.
    pub fn nobody_waits(&mut self) -> Result<bool> {
        let query = "SELECT pg_catalog.pg_try_advisory_xact_lock($1, $2)";
        self.ask(query, W_CLASS)
    }

    /// Rings.
    ///
    /// # Errors
    /// What the server says.
    pub fn ring(&mut self) -> Result<()> {
        let _watch = self.looker.connection.watcher().watch();
        self.looker.connection.execute("SELECT pg_catalog.pg_notify($1, '')", &[&self.queue.doorbell()])?;
        Ok(())
    }

    /// Asks about the queue's lock of a class.
    fn ask(&mut self, query: &str, class: i32) -> Result<bool> {
        let _watch = self.looker.connection.watcher().watch();
        Ok(self.looker.connection.query_one(query, &[&class, &self.queue.id])?.get(0))
    }

    /// Does something about the queue's lock of a class.
    fn execute(&mut self, query: &str, class: i32) -> Result<()> {
        let _watch = self.looker.connection.watcher().watch();
        self.looker.connection.execute(query, &[&class, &self.queue.id])?;
        Ok(())
    }

    /// Waits for a ring, at most so long. All rings that have come are one.
    ///
    /// # Errors
    /// That the connection is lost.
    pub fn wait(&mut self, longest: Duration) -> Result<bool> {
        let mut notifications = self.looker.connection.notifications();
        let rung = notifications.timeout_iter(longest).next()?.is_some();
        // `iter` takes what is there and never waits.
        while !notifications.is_empty() && notifications.iter().next()?.is_some() {}
        drop(notifications);
        if !rung && self.looker.connection.is_closed() {
            return Err(Error::connection("the server closed the connection"));
        }
        Ok(rung)
    }

    /// Waits like [`Session::wait`], in slices, so that `stop` is heard.
    ///
    /// # Errors
    /// That the connection is lost.
    pub fn wait_unless(&mut self, longest: Duration, stop: &dyn Fn() -> bool) -> Result<bool> {
        const SLICE: Duration = Duration::from_millis(50);
        let until = Instant::now() + longest;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || stop() {
                return Ok(false);
            }
            if self.wait(left.min(SLICE))? {
                return Ok(true);
            }
        }
    }
}
