//! Waiting for the locks of several tables, all or nothing, so that nobody who writes pays for it.
//!
//! The server looks for deadlocks once, when somebody has waited for `deadlock_timeout` (1 s), and ends whoever finds one: that would
//! be an application whose write waits for a table that is held here, while another table that it holds is waited for here. So a
//! table is waited for at length only while nothing is held.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use postgres::Transaction;

use super::apply::{explain, limit_waits};
use crate::connection::ask;
use crate::error::{Error, Result};
use crate::queue::{self, Queue};
use crate::sql;

/// How long to wait for further tables while some are held, the first time: short transactions end within this.
const PATIENCE: Duration = Duration::from_millis(10);
/// How long at most: far below `deadlock_timeout`.
pub const MOST_PATIENCE: Duration = Duration::from_millis(200);
/// What the server says when a lock was waited for in vain.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// What CREATE TRIGGER takes.
pub const NO_WRITES: &str = "SHARE ROW EXCLUSIVE";
/// What DROP TRIGGER and DROP TABLE take.
pub const NOTHING_ELSE: &str = "ACCESS EXCLUSIVE";

/// A lock that a step needs.
#[derive(Debug)]
pub struct Lock {
    /// The statement that takes it.
    statement: String,
    /// Whether we have the right to that statement; the step's own statements take it otherwise.
    is_allowed: bool,
}

impl Lock {
    /// The locks of a table and its partitions.
    ///
    /// # Errors
    /// What the server says.
    pub fn of_table(transaction: &mut Transaction, table_oid: u32, mode: &str) -> Result<Vec<Self>> {
        let query = sql::fill(include_str!("../../sql/table_locks.sql"), &[("table", "$1::pg_catalog.oid")]);
        let rows = ask::rows(transaction, &query, &[&table_oid])?;
        let lock = |row: &postgres::Row| Self::new(row.get("name"), mode, row.get("may_be_locked"));
        Ok(rows.iter().map(lock).collect())
    }

    /// The locks of a queue that is dropped, as far as it is there.
    ///
    /// # Errors
    /// What the server says.
    pub fn of_queue(transaction: &mut Transaction, queue: &Queue) -> Result<Vec<Self>> {
        let missing = queue::missing(transaction, queue)?;
        let there = queue.tables().into_iter().filter(|table| !missing.contains(table));
        Ok(there.map(|table| Self::new(&table, NOTHING_ELSE, true)).collect())
    }

    fn new(table: &str, mode: &str, is_allowed: bool) -> Self {
        Self { statement: format!("LOCK TABLE ONLY {table} IN {mode} MODE"), is_allowed }
    }
}

/// What a step does.
type Work<'a> = Box<dyn FnMut(&mut Transaction) -> Result<()> + 'a>;

/// A part of what is done.
pub struct Step<'a> {
    /// What it does, for whoever reads of its error.
    pub doing: String,
    /// The rights that it needs, for the same.
    pub rights: &'static str,
    /// The locks that it needs.
    pub locks: Vec<Lock>,
    /// Does it; more than once, when what it has done was rolled back.
    pub run: Work<'a>,
}

/// Why an attempt has failed.
struct Failed {
    error: Error,
    /// Which step, and which of its locks where that is known.
    step: usize,
    lock: Option<usize>,
}

/// Does all steps or none, and waits for their locks for `lock_timeout` in all.
///
/// # Errors
/// What the server says.
pub fn all_or_nothing(transaction: &mut Transaction, mut steps: Vec<Step>, lock_timeout: Duration) -> Result<()> {
    let deadline = Instant::now() + lock_timeout;
    let mut patience = PATIENCE;
    loop {
        let mut attempt = transaction.transaction()?;
        let failed = match run(&mut attempt, &mut steps, deadline, patience) {
            Ok(()) => return Ok(attempt.commit()?),
            Err(failed) => failed,
        };
        if failed.error.sqlstate() != Some(LOCK_NOT_AVAILABLE) || Instant::now() >= deadline {
            return Err(failed.error);
        }
        attempt.rollback()?;
        let mut step = steps.remove(failed.step);
        if let Some(lock) = failed.lock {
            step.locks[..=lock].rotate_right(1);
        }
        steps.insert(0, step);
        // Whoever has waited for what was held gets his turn.
        thread::sleep(patience.min(deadline.saturating_duration_since(Instant::now())));
        patience = MOST_PATIENCE.min(patience * 2);
    }
}

fn run(attempt: &mut Transaction, steps: &mut [Step], deadline: Instant, patience: Duration) -> Result<(), Failed> {
    let mut holds_some = lock(attempt, steps, deadline, patience)?;
    for (at, step) in steps.iter_mut().enumerate() {
        // A statement that locks several is given the same time for each of them.
        let is_first = !holds_some && step.locks.len() < 2;
        let wait = if is_first { deadline.saturating_duration_since(Instant::now()) } else { patience };
        let done = limit_waits(attempt, wait).and_then(|()| (step.run)(attempt));
        done.map_err(|error| Failed { error: step.explain(error), step: at, lock: None })?;
        holds_some |= !step.locks.is_empty();
    }
    Ok(())
}

/// Takes all locks beforehand, where there are several and we have the right to; says whether it has.
fn lock(attempt: &mut Transaction, steps: &[Step], deadline: Instant, patience: Duration) -> Result<bool, Failed> {
    let locks = || steps.iter().flat_map(|step| &step.locks);
    let different: HashSet<&str> = locks().map(|lock| lock.statement.as_str()).collect();
    if different.len() < 2 || !locks().all(|lock| lock.is_allowed) {
        return Ok(false);
    }
    let statements: Vec<String> = locks().map(|lock| sql::literal(&lock.statement)).collect();
    let first = deadline.saturating_duration_since(Instant::now());
    let places = [
        ("locks", format!("ARRAY[{}]", statements.join(", "))),
        ("first", first.as_millis().to_string()),
        ("others", patience.as_millis().to_string()),
    ];
    let statement = format!("DO {}", sql::dollar(&sql::fill_body(include_str!("../../sql/lock_tables.sql"), &places)));
    attempt.batch_execute(&statement).map(|()| true).map_err(|error| {
        let (step, lock) = place(steps, error.as_db_error().and_then(|error| error.table()));
        Failed { error: steps[step].explain(error.into()), step, lock: Some(lock) }
    })
}

/// Which step has a lock with this statement, and where; the very first where none has.
fn place(steps: &[Step], statement: Option<&str>) -> (usize, usize) {
    let places = steps.iter().enumerate().flat_map(|(at, step)| (0..step.locks.len()).map(move |lock| (at, lock)));
    let mut places = places.filter(|(step, lock)| Some(steps[*step].locks[*lock].statement.as_str()) == statement);
    places.next().unwrap_or((0, 0))
}

impl Step<'_> {
    fn explain(&self, error: Error) -> Error {
        explain(error, self.rights).doing(self.doing.clone())
    }
}
