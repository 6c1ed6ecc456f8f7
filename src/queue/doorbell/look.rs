//! A look at a queue: whether it holds anything for whoever waits.

use std::time::Duration;

use postgres::Row;

use crate::connection::ask::{Question, Value};
use crate::connection::{Connection, Pooling};
use crate::error::Result;
use crate::queue::floor::{Above, ENDED, Floor, Horizon};
use crate::queue::peek::{Seen, SeenUpTo};
use crate::queue::reached::Reached;
use crate::queue::registry::{Queue, Storage};
use crate::queue::{STEADY_PLANS, begin};
use crate::sql;

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

/// What a sleeper waits for.
#[derive(Debug, Clone)]
pub enum For {
    /// Anything, for anybody: events are there to be taken.
    Anything,
    /// What has not been seen: events stay.
    Unseen(Seen),
}

/// Looks through one connection.
pub struct Looker {
    pub(super) connection: Connection,
    what: For,
    question: Question,
    floor: Floor,
    /// Where the queue was stored when it was looked at the last time.
    storage: Storage,
}

impl Looker {
    /// Prepares to look.
    ///
    /// # Errors
    /// What the server says.
    pub fn new(mut connection: Connection, queue: &Queue, what: &For) -> Result<Self> {
        if connection.pooling() == Pooling::None {
            connection.batch_execute(STEADY_PLANS)?;
        }
        let (table, retry) = (queue.table(), queue.retry_table());
        let storage = queue.storage();
        let storage = ("storage", storage.as_str());
        let above = Above::sql("$1", "$2", "$3");
        let (queue_place, above) = (("queue", table.as_str()), ("above", above.as_str()));
        let question = match what {
            For::Anything => {
                let (retry, horizon) = (("retry", retry.as_str()), Horizon::sql(ENDED));
                let places = [queue_place, retry, above, storage, ("horizon", &horizon)];
                sql::fill(include_str!("../../../sql/anything.sql"), &places)
            }
            For::Unseen(_) => {
                let before = ("before", "$4::text::pg_snapshot");
                sql::fill(include_str!("../../../sql/unseen.sql"), &[queue_place, above, before, storage])
            }
        };
        let question = connection.question(&question)?;
        Ok(Self { connection, what: what.clone(), question, floor: Floor::default(), storage: None })
    }

    /// Looks; so far the workers have come.
    ///
    /// # Errors
    /// What the server says.
    pub fn look(&mut self, reached: Reached) -> Result<Look> {
        if let For::Unseen(seen) = &self.what {
            let SeenUpTo { above, snapshot, storage } = seen.get();
            let row = self.ask(&[&above.floor, &above.steps, &above.running, &snapshot])?;
            // In another file nothing was seen.
            let now = row.get("now") || row.get::<_, Storage>("storage") != storage;
            return Ok(Look { now, later: false, due_in: None });
        }
        // They need not look where they have been.
        self.storage = self.storage.or(reached.storage);
        if self.storage == reached.storage {
            self.floor.raise(reached.floor);
        }
        let row = self.ask(&self.floor.above().values())?;
        let look = Look {
            now: row.get("now"),
            later: row.get("later"),
            due_in: row.get::<_, Option<f64>>("due_in").map(|seconds| Duration::from_secs_f64(seconds.max(0.0))),
        };
        let horizon = Horizon::of(&row);
        let storage = row.get("storage");
        if self.storage != storage {
            self.floor.reset();
            let looked_before = self.storage.is_some();
            self.storage = storage;
            if looked_before {
                // Emptied, or made anew: the ids may have begun anew, below the floor that was.
                return self.look(reached);
            }
        }
        self.floor.before_take(&horizon);
        if !look.now {
            let highest = Some(reached.highest).filter(|_| reached.storage == storage);
            self.floor.after_take(&horizon, highest, true);
        }
        Ok(look)
    }

    fn ask(&mut self, values: &[&dyn Value]) -> Result<Row> {
        let _watch = self.connection.watcher().watch();
        if self.connection.pooling() == Pooling::None {
            return Ok(self.question.row(&mut *self.connection, values)?);
        }
        let mut transaction = begin(&mut self.connection)?;
        let row = self.question.row(&mut transaction, values)?;
        transaction.commit()?;
        Ok(row)
    }
}
