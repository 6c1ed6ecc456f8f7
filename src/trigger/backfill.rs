//! Stores the rows that are there already as SNAPSHOT events, in chunks by key, while writers go on.

mod statements;

use super::plan::Plan;
use super::spec::{Destination, Doorbell};
use super::table::Table;
use crate::connection::ask::{self, Value};
use crate::connection::{Connection, is_transient};
use crate::error::{Error, Result};
use crate::queue::Queue;
use statements::{Statement, Statements};

/// Rows stored in a transaction, and locked against writers for as long as that takes.
const CHUNK: i64 = 1000;
/// What the server says when somebody else holds a row for longer than `lock_timeout`.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// What functions of extensions say that give no reason of their own.
const INTERNAL_ERROR: &str = "XX000";

/// Refuses a table whose rows cannot be stored.
///
/// # Errors
/// A usage error when it has no primary key, or belongs to another role.
pub fn refuse_backfill(table: &Table) -> Result<()> {
    if table.key().is_empty() {
        return Err(Error::usage(format!("{} has no primary key, so it cannot be read in chunks", table.display()))
            .hint("add a primary key, or leave out --backfill"));
    }
    // row_to_json calls casts that the owner of a type can define: they get the rights of the table's owner here, as they do in
    // the trigger, and never those of a superuser.
    if !table.is_ours {
        let (name, owner) = (table.display(), &table.owner);
        return Err(Error::usage(format!("{name} belongs to {owner}, and only that role can store its rows"))
            .hint(format!("install without --backfill, then run the same with --backfill and -U {owner}")));
    }
    Ok(())
}

/// What a backfill has done so far.
#[derive(Debug, Default)]
pub struct Backfilled {
    /// So many rows are in the queue.
    pub stored: u64,
    /// For so many of these the condition failed.
    pub failed: u64,
    /// As the server said of the first of them.
    pub first_failure: Option<String>,
}

/// Stores the rows of a table that satisfy the condition of a plan for it, or for which that fails, and calls `progress` with their
/// number after each chunk; stops when that says no. What `done` says is right after an error, too.
///
/// # Errors
/// A usage error when that is refused for the table; what the server says.
pub fn backfill(
    connection: &mut Connection,
    table: &Table,
    plan: &Plan,
    queue: &Queue,
    done: &mut Backfilled,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<()> {
    refuse_backfill(table)?;
    let key = table.key();
    let statements = Statements::prepare(connection, table, plan, queue, &key)?;
    let rings = !matches!(plan.spec.to, Destination::Queue { doorbell: Doorbell::Never, .. });
    let mut last: Option<Key> = None;
    loop {
        let met = match &last {
            None => store(connection, &statements, &statements.first, &[], CHUNK)?,
            Some(last) => store(connection, &statements, &statements.next, last, CHUNK)?,
        };
        let Some((_, end)) = met.last() else { return Ok(()) };
        last = Some(end.clone());
        done.count(&met);
        for (_, left) in met.iter().filter(|(fate, _)| *fate == Fate::Locked) {
            let met = store_one(connection, &statements, left, &mut || progress(done.stored))?;
            done.count(&met);
        }
        if rings {
            ask::execute(&mut **connection, "SELECT pg_catalog.pg_notify($1, '')", &[&queue.doorbell()])?;
        }
        if !progress(done.stored) {
            return Ok(());
        }
    }
}

impl Backfilled {
    fn count(&mut self, met: &[(Fate, Key)]) {
        for (fate, _) in met {
            match fate {
                Fate::Stored => self.stored += 1,
                Fate::StoredUnjudged(why) => {
                    self.stored += 1;
                    self.failed += 1;
                    self.first_failure.get_or_insert_with(|| why.clone());
                }
                Fate::Unwanted | Fate::Locked => {}
            }
        }
    }
}

/// The values of a key, as text.
type Key = Vec<String>;

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// It is in the queue.
    Stored,
    /// It is, although the condition failed, for this reason.
    StoredUnjudged(String),
    /// It does not satisfy the condition.
    Unwanted,
    /// Somebody else has it.
    Locked,
}

impl Fate {
    /// As the statement says it.
    fn read(told: Option<&str>) -> Self {
        match told {
            None => Self::Locked,
            Some("stored") => Self::Stored,
            Some("unwanted") => Self::Unwanted,
            Some(failed) => Self::StoredUnjudged(failed.strip_prefix("failed: ").unwrap_or(failed).to_owned()),
        }
    }
}

/// Stores rows; gives the keys that were met, and what became of their rows. Only where something fails that may be the condition
/// each row is judged by itself, which takes longer.
fn store(
    connection: &mut Connection,
    statements: &Statements,
    statement: &Statement,
    key: &[String],
    rows: i64,
) -> Result<Vec<(Fate, Key)>> {
    let failed = match run(connection, statements, statement, Judging::Together, key, rows) {
        Err(error) if may_be_of_the_condition(&error) => error,
        done => return done,
    };
    match &statements.judge {
        Some(judge) => run(connection, statements, statement, Judging::Apart(judge), key, rows),
        None => Err(failed),
    }
}

/// Whether an error may be that of a condition: what passes is waited for, or ends the backfill.
fn may_be_of_the_condition(error: &Error) -> bool {
    error.sqlstate().is_some_and(|code| code == INTERNAL_ERROR || !is_transient(error))
}

/// How it is found out whether rows satisfy the condition.
#[derive(Clone, Copy)]
enum Judging<'a> {
    /// By the statement, which fails as a whole.
    Together,
    /// By a function that this creates.
    Apart(&'a str),
}

fn run(
    connection: &mut Connection,
    statements: &Statements,
    statement: &Statement,
    judging: Judging,
    key: &[String],
    rows: i64,
) -> Result<Vec<(Fate, Key)>> {
    let mut values: Vec<&dyn Value> = vec![&rows];
    values.extend(key.iter().map(|value| value as &dyn Value));
    let mut transaction = connection.begin()?;
    if !statements.settings.is_empty() {
        transaction.batch_execute(&statements.settings)?;
    }
    let met = match judging {
        Judging::Together => statement.together.rows(&mut transaction, &values)?,
        Judging::Apart(judge) => {
            transaction.batch_execute(judge)?;
            let met = ask::rows(&mut transaction, &statement.apart, &values)?;
            // The session may be others' as well.
            transaction.batch_execute(statements::NO_JUDGE)?;
            met
        }
    };
    transaction.commit()?;
    Ok(met.iter().map(|row| (Fate::read(row.get(0)), (1..row.len()).map(|column| row.get(column)).collect())).collect())
}

/// Stores a row that somebody else has locked, as soon as he lets go of it; it may be gone by then.
fn store_one(
    connection: &mut Connection,
    statements: &Statements,
    key: &[String],
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Vec<(Fate, Key)>> {
    loop {
        match store(connection, statements, &statements.one, key, 1) {
            Err(error) if error.sqlstate() == Some(LOCK_NOT_AVAILABLE) && go_on() => {}
            Err(error) if error.sqlstate() == Some(LOCK_NOT_AVAILABLE) => return Ok(Vec::new()),
            done => return done,
        }
    }
}
