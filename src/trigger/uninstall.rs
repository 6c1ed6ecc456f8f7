//! Removes exactly what was installed, and never cascades.

use std::time::Duration;

use postgres::Transaction;

use super::apply::{Mode, begin, execute};
use super::installed::{Installed, drop_function, drop_trigger};
use super::locks::{Lock, NOTHING_ELSE, Step, all_or_nothing};
use super::names::{base_name, trigger_names};
use super::spec::{Destination, Doorbell};
use super::table::Table;
use super::waits::Waits;
use crate::connection::{Connection, ask};
use crate::error::{Error, Result};
use crate::queue;
use crate::queue::Queue;
use crate::sql::TableName;

/// What an uninstall needs.
const RIGHTS: &str = "only the table's owner can remove a trigger, and only the function's owner its function";

/// What to remove.
#[derive(Debug, Clone)]
pub enum Scope {
    /// Everything of pgfeed's in the database, functions of tables that are gone included.
    All,
    /// What is on these tables; with a destination, and the schema of the queue that it may be, only what goes there.
    Tables(Vec<TableName>, Option<(Destination, String)>),
    /// Every trigger that feeds a queue, then the queue.
    Queue(Queue, Events),
}

/// What to do about the events that a queue holds when it is to be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Events {
    /// Refuse.
    Keep,
    /// Delete them with it.
    Purge,
}

/// One installation that was removed, or would be.
#[derive(Debug)]
pub struct Removal {
    /// The table, for people; none when it is gone.
    pub table: Option<String>,
    /// Where it told changes, where known.
    pub to: Option<Destination>,
    /// Whether this is the queue itself, and not what feeds it.
    pub is_queue: bool,
    table_oid: Option<u32>,
    statements: Vec<String>,
}

impl Removal {
    fn doing(&self) -> String {
        match (&self.table, self.is_queue) {
            (Some(table), _) => format!("uninstalling from {table}"),
            (None, true) => "dropping the queue".to_owned(),
            (None, false) => "uninstalling from a table that is gone".to_owned(),
        }
    }

    fn locks(&self, transaction: &mut Transaction, scope: &Scope) -> Result<Vec<Lock>> {
        match (self.table_oid, scope) {
            (Some(oid), _) => Lock::of_table(transaction, oid, NOTHING_ELSE),
            (None, Scope::Queue(queue, _)) if self.is_queue => Lock::of_queue(transaction, queue),
            (None, _) => Ok(Vec::new()),
        }
    }
}

/// Removes, or only says what would be removed. Nothing to remove is no error.
///
/// # Errors
/// What the server says, and then nothing has changed.
pub fn uninstall(
    connection: &mut Connection,
    scope: &Scope,
    lock_timeout: Duration,
    mode: Mode,
) -> Result<Vec<Removal>> {
    let mut transaction = begin(connection, mode)?;
    let removals = removals(&mut transaction, scope)?;
    if mode == Mode::DryRun {
        if let (Scope::Queue(queue, Events::Keep), true) = (scope, removals.iter().any(|one| one.is_queue)) {
            refuse_full(&mut transaction, queue)?;
        }
        return Ok(removals);
    }
    let mut steps = Vec::new();
    for removal in &removals {
        let locks = removal.locks(&mut transaction, scope)?;
        let run = Box::new(|transaction: &mut Transaction| execute(transaction, &removal.statements));
        steps.push(Step { doing: removal.doing(), rights: RIGHTS, locks, run });
    }
    all_or_nothing(&mut transaction, steps, lock_timeout)?;
    transaction.commit().map_err(|error| Error::from(error).doing("committing the removal"))?;
    Ok(removals)
}

/// What is to be removed, in the order in which that is done.
fn removals(transaction: &mut Transaction, scope: &Scope) -> Result<Vec<Removal>> {
    let mut installed = Installed::read(transaction)?;
    if let Scope::Tables(names, to) = scope {
        let mut oids = Vec::new();
        for name in names {
            oids.push(Table::find(transaction, name)?.oid);
        }
        installed.retain(|one| oids.iter().any(|oid| one.is_on(*oid)));
        if let Some((to, schema)) = to {
            installed.retain(|one| one.tells(to, schema));
        }
    }
    if let Scope::Queue(queue, _) = scope {
        let to = Destination::Queue { name: queue.name.clone(), doorbell: Doorbell::Adaptive };
        installed.retain(|one| one.tells(&to, &queue.schema));
    }
    // Always in one order.
    installed.sort_by_key(|one| one.table.as_ref().map(|table| table.oid));
    let mut removals: Vec<Removal> = installed.iter().map(removal).collect();
    if let Scope::Queue(queue, events) = scope
        && queue::find(transaction, &queue.schema, &queue.name)?.is_some()
    {
        let statements = match (events, queue::missing(transaction, queue)?.first()) {
            (Events::Keep, Some(gone)) => {
                return Err(Error::failed(format!("{gone} is gone, and what is left of the queue may hold events"))
                    .doing("dropping the queue")
                    .hint("the same install-trigger again makes what is missing; --purge drops the rest, with what it holds"));
            }
            (Events::Keep, None) => queue::drop_empty_statements(queue),
            (Events::Purge, _) => queue::drop_statements(queue),
        };
        let to = Some(Destination::Queue { name: queue.name.clone(), doorbell: Doorbell::Adaptive });
        removals.push(Removal { table: None, to, is_queue: true, table_oid: None, statements });
    }
    Ok(removals)
}

/// Says that a queue could not be dropped because it holds events, as sql/drop_empty_queue.sql does.
fn refuse_full(transaction: &mut Transaction, queue: &Queue) -> Result<()> {
    let count = |kind: &str, table: String| format!("(SELECT pg_catalog.count(*) FROM {table}) AS {kind}");
    let query = format!(
        "SELECT {}, {}, {}",
        count("waiting", queue.table()),
        count("retrying", queue.retry_table()),
        count("dead", queue.dead_table())
    );
    let row = ask::row(transaction, &query, &[])?;
    let [waiting, retrying, dead] = ["waiting", "retrying", "dead"].map(|kind| row.get::<_, i64>(kind));
    if waiting + retrying + dead == 0 {
        return Ok(());
    }
    let message = format!("queue \"{}\" holds events: {waiting} waiting, {retrying} retrying, {dead} dead", queue.name);
    Err(Error::failed(message)
        .hint("deliver them first (tail-queue -e --consume, or with a command), or delete them with --purge"))
}

fn removal(one: &Installed) -> Removal {
    Removal {
        table: one.table.as_ref().map(|table| format!("{}.{}", table.schema, table.name)),
        to: one.destination().cloned(),
        is_queue: false,
        table_oid: one.table.as_ref().map(|table| table.oid),
        statements: one.drop_statements(),
    }
}

/// SQL that removes what is installed and what an install with these names would have created: the down of a migration, which
/// is written before the up has run.
///
/// # Errors
/// A usage error when there is no such table; what the server says.
pub fn down(connection: &mut Connection, scope: &Scope, schema: &str, lock_timeout: Duration) -> Result<Vec<String>> {
    let mut transaction = begin(connection, Mode::DryRun)?;
    let removals = removals(&mut transaction, scope)?;
    let installed = Installed::read(&mut transaction)?;
    let (mut statements, mut waits) = (Vec::new(), Waits::new(lock_timeout));
    for removal in removals {
        if removal.table_oid.is_some() || removal.is_queue {
            let locks = removal.locks(&mut transaction, scope)?;
            waits.before(removal.table_oid, !removal.is_queue && locks.len() > 1, &mut statements);
        }
        statements.extend(removal.statements);
    }
    if let Scope::Tables(names, to) = scope {
        for name in names {
            let table = Table::find(&mut transaction, name)?;
            let locks = Lock::of_table(&mut transaction, table.oid, NOTHING_ELSE)?;
            waits.before(Some(table.oid), locks.len() > 1, &mut statements);
            let default = Destination::Channel(table.told_name.clone());
            let to = to.as_ref().map_or(&default, |(to, _)| to);
            let base = base_name(&table, to, schema, &installed);
            statements.extend(trigger_names(&base).map(|name| drop_trigger(&name, &table.quoted())));
            statements.push(drop_function(schema, &base));
        }
    }
    let mut seen = std::collections::HashSet::new();
    statements.retain(|statement| seen.insert(statement.clone()));
    // A function goes when no trigger calls it any more.
    statements.sort_by_key(|statement| statement.starts_with("DROP FUNCTION"));
    Ok(waits.around(statements))
}
