//! The session of whoever waits: the locks X and W of a queue, the doorbell's channel, and a look at the queue.

use std::time::{Duration, Instant};

use fallible_iterator::FallibleIterator;
use postgres::Statement;

use crate::connection::{Connection, Settings};
use crate::error::{Error, Result};
use crate::queue::STEADY_PLANS;
use crate::queue::floor::{Floor, Horizon};
use crate::queue::peek::Seen;
use crate::queue::registry::Queue;
use crate::sql;

/// Class of the lock X, which writers name too: "pgfX". (`sql/durable_*.sql` has the same number.)
pub const X_CLASS: i32 = 0x7067_6658;
/// Class of the lock W, "somebody waits behind": "pgfW".
const W_CLASS: i32 = 0x7067_6657;

/// What a look at the queue has found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Something is there for somebody, now.
    pub now: bool,
    /// Something waits for another attempt.
    pub later: bool,
    /// How long until the next attempt is due.
    pub due_in: Option<Duration>,
}

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

/// What a sleeper waits for.
#[derive(Debug, Clone)]
pub enum For {
    /// Anything, for anybody: events are there to be taken.
    Anything,
    /// What has not been seen: events stay.
    Unseen(Seen),
}

/// One session.
pub struct Session {
    connection: Connection,
    queue: Queue,
    what: For,
    look: Statement,
    floor: Floor,
}

impl Session {
    /// Connects, and LISTENs: from now on no ring is missed.
    ///
    /// # Errors
    /// That it cannot connect; what the server says.
    pub fn open(settings: &Settings, queue: &Queue, what: &For) -> Result<Self> {
        let mut connection = Connection::open(settings)?;
        connection.batch_execute(&format!("LISTEN {}", sql::ident(&queue.doorbell())))?;
        connection.batch_execute(STEADY_PLANS)?;
        let (table, retry) = (queue.table(), queue.retry_table());
        let (queue_place, floor) = (("queue", table.as_str()), ("floor", "$1"));
        let look = match what {
            For::Anything => {
                sql::fill(include_str!("../../../sql/anything.sql"), &[queue_place, ("retry", retry.as_str()), floor])
            }
            For::Unseen(_) => {
                let before = ("before", "$2::text::pg_snapshot");
                sql::fill(include_str!("../../../sql/unseen.sql"), &[queue_place, floor, before])
            }
        };
        let look = connection.prepare(&look)?;
        Ok(Self { connection, queue: queue.clone(), what: what.clone(), look, floor: Floor::default() })
    }

    /// Looks; `highest` is the highest id that is known to have been taken.
    ///
    /// # Errors
    /// What the server says.
    pub fn look(&mut self, highest: i64) -> Result<Look> {
        if let For::Unseen(seen) = &self.what {
            let (floor, before) = seen.get();
            let now = self.connection.query_one(&self.look, &[&floor, &before])?.get(0);
            return Ok(Look { now, later: false, due_in: None });
        }
        let row = self.connection.query_one(&self.look, &[&self.floor.get()])?;
        let look = Look {
            now: row.get("now"),
            later: row.get("later"),
            due_in: row.get::<_, Option<f64>>("due_in").map(|seconds| Duration::from_secs_f64(seconds.max(0.0))),
        };
        let horizon = Horizon { oldest_running: row.get("oldest_running"), next_to_start: row.get("next_to_start") };
        self.floor.before_take(horizon);
        if !look.now {
            self.floor.after_take(horizon, Some(highest), true);
        }
        Ok(look)
    }

    /// Tries to take a lock, for the session.
    ///
    /// # Errors
    /// What the server says.
    pub fn try_lock(&mut self, lock: Lock) -> Result<bool> {
        let query = format!("SELECT pg_catalog.pg_try_advisory_lock{}($1, $2)", lock.suffix());
        Ok(self.connection.query_one(&query, &[&lock.class(), &self.queue.id])?.get(0))
    }

    /// Takes W shared, waiting for whoever tests it right now: a try would be refused then, and whoever gives X back next would
    /// not know of us.
    ///
    /// # Errors
    /// What the server says.
    pub fn share_w(&mut self) -> Result<()> {
        let query = "SELECT pg_catalog.pg_advisory_lock_shared($1, $2)";
        self.connection.execute(query, &[&W_CLASS, &self.queue.id])?;
        Ok(())
    }

    /// Gives a lock back.
    ///
    /// # Errors
    /// What the server says.
    pub fn unlock(&mut self, lock: Lock) -> Result<()> {
        let query = format!("SELECT pg_catalog.pg_advisory_unlock{}($1, $2)", lock.suffix());
        self.connection.execute(&query, &[&lock.class(), &self.queue.id])?;
        Ok(())
    }

    /// Whether nobody waits behind. The lock lasts for the statement's transaction only, so that a process that is stopped
    /// right here keeps nobody from waiting.
    ///
    /// # Errors
    /// What the server says.
    pub fn nobody_waits(&mut self) -> Result<bool> {
        let query = "SELECT pg_catalog.pg_try_advisory_xact_lock($1, $2)";
        Ok(self.connection.query_one(query, &[&W_CLASS, &self.queue.id])?.get(0))
    }

    /// Rings.
    ///
    /// # Errors
    /// What the server says.
    pub fn ring(&mut self) -> Result<()> {
        self.connection.execute("SELECT pg_catalog.pg_notify($1, '')", &[&self.queue.doorbell()])?;
        Ok(())
    }

    /// Waits for a ring, at most so long. All rings that have come are one.
    ///
    /// # Errors
    /// That the connection is lost.
    pub fn wait(&mut self, longest: Duration) -> Result<bool> {
        let mut notifications = self.connection.notifications();
        let rung = notifications.timeout_iter(longest).next()?.is_some();
        // `iter` takes what is there and never waits.
        while !notifications.is_empty() && notifications.iter().next()?.is_some() {}
        drop(notifications);
        if !rung && self.connection.is_closed() {
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
